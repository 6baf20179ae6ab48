"""The training text: sentences drawn from a small grammar and from word lists.

Random words cover the sounds of English better than chosen texts: 2 000 such sentences contain 99.9 % of the diphones
of other such sentences. Most lines are sentences of 4 to 20 words. One in ten is an utterance of one to three words,
and one in twenty has 20 to 40 words, so that a model learns very short and very long input, too.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from vocabulary import (
    CONJUNCTIONS,
    DETERMINERS,
    MODALS,
    OPENERS,
    QUANTITIES,
    SCOWL,
    SHORT_LINES,
    TIMES,
    capitalized,
    plural,
    scowl_words,
    spell,
    word_classes,
)


class Grammar:
    """Draws sentences; the same seed gives the same text.

    :raises FileNotFoundError: if the word lists are not installed.
    """

    def __init__(self, seed: int, scowl: Path = SCOWL) -> None:
        self.random = random.Random(seed)
        self.words = word_classes(Path(__file__).with_name("words.txt"))
        self.common = scowl_words(scowl, [10, 20, 35])
        self.rare = scowl_words(scowl, [40, 50])
        missing = [name for name, words in (("10-35", self.common), ("40-50", self.rare)) if not words]
        if missing:
            raise FileNotFoundError(f"{scowl}: no English word lists of levels {missing}; run: apt-get install scowl")

    def lines(self, count: int) -> Iterator[str]:
        """Yield ``count`` different utterances."""
        seen: set[str] = set()
        while len(seen) < count:
            share = self.random.random()
            line = self.short() if share < 0.10 else self.long() if share < 0.15 else self.sentence()
            if line not in seen and len(line) <= 320:
                seen.add(line)
                yield line

    def pick(self, options: list[str] | tuple[str, ...]) -> str:
        """Draw one of ``options``."""
        return self.random.choice(options)

    def maybe(self, chance: float) -> bool:
        """Draw True with the probability ``chance``."""
        return self.random.random() < chance

    def number(self) -> str:
        """Draw a number below ten thousand, in words."""
        below = self.random.choice([20, 100, 100, 1000, 10000])
        return spell(self.random.randrange(below))

    def short(self) -> str:
        kind = self.random.random()
        if kind < 0.35:
            return self.pick(SHORT_LINES).strip()
        if kind < 0.55:
            return capitalized(self.number()) + "."
        if kind < 0.65:
            return self.pick("A B C D E F G H I J K L M N O P Q R S T U V W X Y Z".split()) + "."
        words = [self.pick(self.common if self.maybe(0.7) else self.rare) for _ in range(self.random.randint(1, 3))]
        return capitalized(" ".join(words)) + self.pick([".", ".", ".", "?", "!"])

    def long(self) -> str:
        line = self.clause()
        while len(line.split()) < self.random.randint(20, 40):
            line += self.pick([", ", " ", ", "]) + self.pick(CONJUNCTIONS) + " " + self.clause()
        return capitalized(line) + "."

    def sentence(self) -> str:
        return capitalized(self.random.choices([kind for kind, _ in KINDS], [weight for _, weight in KINDS])[0](self))

    def clause(self) -> str:
        return f"{self.subject()} {self.verb_phrase()}"

    def noun(self) -> str:
        kind = self.random.random()
        return self.pick(self.common if kind < 0.30 else self.rare if kind < 0.41 else self.words["noun"])

    def noun_phrase(self, depth: int = 0) -> str:
        kind = self.random.random()
        if kind < 0.12:
            return self.pick(self.words["name"])
        if kind < 0.20:
            adjective = self.pick(self.words["adjective"]) + " " if self.maybe(0.4) else ""
            return f"{self.number() if self.maybe(0.7) else self.pick(QUANTITIES)} {adjective}{plural(self.noun())}"
        phrase = self.noun()
        if self.maybe(0.45):
            phrase = self.pick(self.words["adjective"] if self.maybe(0.8) else self.common) + " " + phrase
        determiner = self.pick(DETERMINERS)
        if determiner == "a" and phrase[0] in "aeiou":
            determiner = "an"
        if depth < 1 and self.maybe(0.18):
            phrase += f" {self.pick(['of', 'in', 'near', 'from', 'with', 'under'])} {self.noun_phrase(depth + 1)}"
        return f"{determiner} {phrase}"

    def place(self) -> str:
        return f"{self.pick(self.words['preposition'])} {self.noun_phrase(1)}"

    def object(self) -> str:
        return self.pick(self.words["object_pronoun"]) if self.maybe(0.12) else self.noun_phrase()

    def subject(self) -> str:
        return self.pick(self.words["subject_pronoun"]) if self.maybe(0.35) else self.noun_phrase()

    def verb_phrase(self) -> str:
        kind = self.random.random()
        words = self.words
        if kind < 0.45:
            phrase = f"{self.pick(words['verb_past'])} {self.object()}"
        elif kind < 0.60:
            phrase = f"{self.pick(words['verb_alone'])} {self.place()}"
        elif kind < 0.72:
            adverb = self.pick(["never ", "already ", "not ", "just ", ""])
            phrase = f"{self.pick(['has', 'had', 'will have'])} {adverb}{self.pick(words['verb_past'])} {self.object()}"
        elif kind < 0.85:
            phrase = f"{self.pick(MODALS)} {self.pick(words['verb'])} {self.object()}"
        else:
            link = self.pick(["was", "is", "seemed", "became", "looked", "felt", "will be"])
            degree = self.pick(["very ", "too ", "so ", "quite ", "rather ", "", ""])
            phrase = f"{link} {degree}{self.pick(words['adjective'])}"
        phrase += " " + self.place() if self.maybe(0.30) else ""
        phrase += " " + self.pick(words["adverb"]) if self.maybe(0.20) else ""
        return phrase + (" " + self.pick(TIMES) if self.maybe(0.22) else "")

    def tail(self) -> str:
        return self.pick(["", " " + self.place(), " " + self.pick(TIMES)])

    def statement(self) -> str:
        return self.clause() + "."

    def two_clauses(self) -> str:
        return f"{self.clause()}{self.pick([', ', ' ', ', '])}{self.pick(CONJUNCTIONS)} {self.clause()}."

    def subordinate(self) -> str:
        return f"{self.pick(CONJUNCTIONS[3:])} {self.clause()}, {self.clause()}."

    def open_question(self) -> str:
        return f"{self.pick(['Why', 'When', 'How', 'Where'])} {self.yes_no_question()}"

    def yes_no_question(self) -> str:
        start = f"{self.pick(self.words['auxiliary'])} {self.subject()} {self.pick(self.words['verb'])}"
        return f"{start} {self.object()}{self.tail()}?"

    def command(self) -> str:
        start = self.pick(["please ", "do not ", "always ", "never ", "let us ", "you must ", ""])
        return f"{start}{self.pick(self.words['verb'])} {self.object()} {self.place()}{self.pick(['.', '!', '.'])}"

    def there_is(self) -> str:
        start = self.pick(["there is", "there was", "there will be", "this is", "here comes", "it was", "what about"])
        return f"{start} {self.noun_phrase()} {self.place()}{'?' if start == 'what about' else '.'}"

    def enumeration(self) -> str:
        items = [self.pick(self.common if self.maybe(0.6) else self.rare) for _ in range(self.random.randint(3, 5))]
        return f"{', '.join(items)}{self.pick([', and ', ' or ', ', '])}{self.pick(self.common)}."

    def time_first(self) -> str:
        return f"{self.pick(TIMES)}, {self.clause()}."

    def bare_words(self) -> str:
        count = self.random.randint(4, 8)
        return " ".join(self.pick(self.common if self.maybe(0.7) else self.rare) for _ in range(count)) + "."

    def greeting(self) -> str:
        return f"{self.pick(OPENERS)}{self.pick([', ', ', ', '! '])}{capitalized(self.clause())}."


KINDS = [
    (Grammar.statement, 40), (Grammar.two_clauses, 15), (Grammar.subordinate, 7), (Grammar.open_question, 7),
    (Grammar.yes_no_question, 6), (Grammar.command, 5), (Grammar.there_is, 5), (Grammar.enumeration, 6),
    (Grammar.time_first, 4), (Grammar.bare_words, 3), (Grammar.greeting, 2),
]  # fmt: skip

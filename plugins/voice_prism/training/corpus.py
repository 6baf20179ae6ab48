"""The training text: sentences drawn from a small grammar and from word lists.

Random words cover the sounds of English better than chosen texts: 2 000 such sentences hold 99.9 % of the diphones of
others like them. Nine in ten lines are sentences of 4 to 20 words; one in ten is an utterance of one to three words, and
one in twenty runs on for 20 to 40 words, so that a model hears both ends.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

SCOWL = Path("/usr/share/dict/scowl")  # Debian package "scowl"
RUDE = tuple(
    "fuck shit cunt nigg fag bitch whore slut rape rapist bastard piss crap cock dick porn nazi sex penis vagina".split()
)
SHORT = (
    "Yes. No. Hello. Hi there. Hello world. Good morning. Good afternoon. Good evening. Good night. Thank you. Thanks. "
    "Thank you very much. Goodbye. See you soon. Of course. All right. Okay. Sorry. Excuse me. Not at all. Really? Why? "
    "Why not? Who? Who is it? What? What now? Where? When? How? How much? How many? Stop! Go! Help! Look out! Come in. "
    "Come here. Go away. Wait. Wait here. Turn left. Turn right. Straight on. Never mind. Well done. Good luck. Happy birthday. "
    "Welcome. Welcome back. Please wait. One moment. Try again. Maybe. Perhaps. Certainly. Absolutely not. I see. I know. "
    "I do not. So do I. Me too. You too. After you. Be careful. Take care. Any questions? Are you ready? Is it?"
)
SHORT_LINES = tuple(re.findall(r"[^.?!]+[.?!]", SHORT))
TIMES = (
    "yesterday|this morning|last night|last week|two days ago|in the evening|at noon|before dawn|on Monday|on Thursday|in January|"
    "in the summer|every day|for three hours|at half past nine|a long time ago|next year|tomorrow|after lunch|on the fourth of July|"
    "in nineteen eighty five|during the winter|all afternoon|as usual|on Tuesday the third of March|at a quarter to six"
).split("|")
CONJUNCTIONS = [
    "and",
    "but",
    "because",
    "so",
    "although",
    "while",
    "when",
    "before",
    "after",
    "until",
    "if",
    "unless",
    "since",
]
DETERMINERS = [
    "the",
    "the",
    "the",
    "a",
    "this",
    "that",
    "my",
    "your",
    "his",
    "her",
    "our",
    "their",
    "every",
    "each",
    "another",
    "some",
    "no",
]
OPENERS = (
    "yes|no|well|oh|hello|thank you|of course|good morning|I am sorry|excuse me|not at all|all right|really|goodbye|maybe"
).split("|")
QUANTITIES = ["several", "many", "a few", "most of the", "both", "hundreds of"]
UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
).split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
MODALS = (
    "will|could|should|would|might|must|can|did not|does not|could not|would like to|wanted to|is going to|has to|used to|tried to"
).split("|")


class Grammar:
    """Draws sentences; the same seed gives the same text."""

    def __init__(self, seed: int, scowl: Path = SCOWL) -> None:
        self.random = random.Random(seed)
        self.words = word_classes(Path(__file__).with_name("words.txt"))
        self.common = scowl_words(scowl, [10, 20, 35])
        self.rare = scowl_words(scowl, [40, 50])
        missing = [name for name, words in (("10-35", self.common), ("40-50", self.rare)) if not words]
        if missing:
            raise FileNotFoundError(f"{scowl}: no English word lists of levels {missing}; apt-get install scowl")

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
        return self.random.choice(options)

    def maybe(self, chance: float) -> bool:
        return self.random.random() < chance

    def number(self) -> str:
        """A number below ten thousand in words."""
        below = self.random.choice([20, 100, 100, 1000, 10000])
        return spell(self.random.randrange(below))

    def short(self) -> str:
        kind = self.random.random()
        if kind < 0.35:
            return self.pick(SHORT_LINES).strip()
        if kind < 0.55:
            return capital(self.number()) + "."
        if kind < 0.65:
            return self.pick("A B C D E F G H I J K L M N O P Q R S T U V W X Y Z".split()) + "."
        words = [self.pick(self.common if self.maybe(0.7) else self.rare) for _ in range(self.random.randint(1, 3))]
        return capital(" ".join(words)) + self.pick([".", ".", ".", "?", "!"])

    def long(self) -> str:
        line = self.clause()
        while len(line.split()) < self.random.randint(20, 40):
            line += self.pick([", ", " ", ", "]) + self.pick(CONJUNCTIONS) + " " + self.clause()
        return capital(line) + "."

    def sentence(self) -> str:
        return capital(self.random.choices([kind for kind, _ in KINDS], [weight for _, weight in KINDS])[0](self))

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
            phrase = f"{link} {self.pick(['very ', 'too ', 'so ', 'quite ', 'rather ', '', ''])}{self.pick(words['adjective'])}"
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
        return f"{self.pick(self.words['auxiliary'])} {self.subject()} {self.pick(self.words['verb'])} {self.object()}{self.tail()}?"

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
        return (
            " ".join(self.pick(self.common if self.maybe(0.7) else self.rare) for _ in range(self.random.randint(4, 8)))
            + "."
        )

    def greeting(self) -> str:
        return f"{self.pick(OPENERS)}{self.pick([', ', ', ', '! '])}{capital(self.clause())}."


KINDS = [
    (Grammar.statement, 40), (Grammar.two_clauses, 15), (Grammar.subordinate, 7), (Grammar.open_question, 7),
    (Grammar.yes_no_question, 6), (Grammar.command, 5), (Grammar.there_is, 5), (Grammar.enumeration, 6),
    (Grammar.time_first, 4), (Grammar.bare_words, 3), (Grammar.greeting, 2),
]  # fmt: skip


def word_classes(path: Path) -> dict[str, list[str]]:
    """Read ``words.txt``: paragraphs that begin with ``name:``."""
    paragraphs = [p for p in path.read_text().split("\n\n") if not p.startswith("#")]
    return {name.strip(): words.split() for name, _, words in (p.partition(":") for p in paragraphs)}


def scowl_words(
    folder: Path, levels: list[int], kinds: tuple[str, ...] = ("english-words", "american-words")
) -> list[str]:
    """Return the lower-case words of these commonness levels (10 = commonest), rude ones left out."""
    words: set[str] = set()
    for level in levels:
        for kind in kinds:
            path = folder / f"{kind}.{level}"
            if path.exists():
                words.update(path.read_text(encoding="latin-1").split())
    return sorted(w for w in words if re.fullmatch(r"[a-z]{2,13}", w) and not w.startswith(RUDE))


def plural(noun: str) -> str:
    """The plural of a regular noun and of the irregular ones in ``words.txt``."""
    irregular = {"man": "men", "woman": "women", "child": "children", "sheep": "sheep", "fish": "fish"}
    if noun in irregular:
        return irregular[noun]
    if re.search(r"(s|x|ch|sh)$", noun):
        return noun + "es"
    if re.search(r"[^aeiou]y$", noun):
        return noun[:-1] + "ies"
    return noun[:-2] + "ves" if noun.endswith("fe") else noun + "s"


def spell(number: int) -> str:
    """An integer from 0 to 9999 in words."""
    if number < 20:
        return UNITS[number]
    if number < 100:
        return TENS[number // 10 - 2] + (" " + UNITS[number % 10] if number % 10 else "")
    size, name = (100, "hundred") if number < 1000 else (1000, "thousand")
    rest = number % size
    return f"{spell(number // size)} {name}" + (f" {'and ' if rest < 100 else ''}{spell(rest)}" if rest else "")


def capital(line: str) -> str:
    return line[0].upper() + line[1:]

"""The words of the grammar: word lists, their inflection, and numbers in words."""

from __future__ import annotations

import re
from pathlib import Path

SCOWL = Path("/usr/share/dict/scowl")  # Debian package "scowl"
RUDE = tuple(
    (
        "fuck shit cunt nigg fag bitch whore slut rape rapist bastard piss crap cock dick porn nazi sex penis vagina"
    ).split()
)
SHORT = (
    "Yes. No. Hello. Hi there. Hello world. Good morning. Good afternoon. Good evening. Good night. Thank you. "
    "Thanks. Thank you very much. Goodbye. See you soon. Of course. All right. Okay. Sorry. Excuse me. Not at all. "
    "Really? Why? Why not? Who? Who is it? What? What now? Where? When? How? How much? How many? Stop! Go! Help! "
    "Look out! Come in. Come here. Go away. Wait. Wait here. Turn left. Turn right. Straight on. Never mind. Well "
    "done. Good luck. Happy birthday. Welcome. Welcome back. Please wait. One moment. Try again. Maybe. Perhaps. "
    "Certainly. Absolutely not. I see. I know. I do not. So do I. Me too. You too. After you. Be careful. Take care. "
    "Any questions? Are you ready? Is it?"
)
SHORT_LINES = tuple(re.findall(r"[^.?!]+[.?!]", SHORT))
TIMES = (
    "yesterday|this morning|last night|last week|two days ago|in the evening|at noon|before dawn|on Monday|"
    "on Thursday|in January|in the summer|every day|for three hours|at half past nine|a long time ago|next year|"
    "tomorrow|after lunch|on the fourth of July|in nineteen eighty five|during the winter|all afternoon|as usual|"
    "on Tuesday the third of March|at a quarter to six"
).split("|")
CONJUNCTIONS = "and but because so although while when before after until if unless since".split()
DETERMINERS = "the the the a this that my your his her our their every each another some no".split()
OPENERS = (
    "yes|no|well|oh|hello|thank you|of course|good morning|I am sorry|excuse me|not at all|all right|really|goodbye|"
    "maybe"
).split("|")
QUANTITIES = ["several", "many", "a few", "most of the", "both", "hundreds of"]
UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
MODALS = (
    "will|could|should|would|might|must|can|did not|does not|could not|would like to|wanted to|is going to|has to|"
    "used to|tried to"
).split("|")


def word_classes(path: Path) -> dict[str, list[str]]:
    """Read the word classes of ``words.txt``: paragraphs that start with ``name:``."""
    paragraphs = [p for p in path.read_text().split("\n\n") if not p.startswith("#")]
    return {name.strip(): words.split() for name, _, words in (p.partition(":") for p in paragraphs)}


def scowl_words(
    folder: Path, levels: list[int], kinds: tuple[str, ...] = ("english-words", "american-words")
) -> list[str]:
    """Return the lower-case words of these levels of commonness (10 = commonest), without rude ones."""
    words: set[str] = set()
    for level in levels:
        for kind in kinds:
            path = folder / f"{kind}.{level}"
            if path.exists():
                words.update(path.read_text(encoding="latin-1").split())
    return sorted(w for w in words if re.fullmatch(r"[a-z]{2,13}", w) and not w.startswith(RUDE))


def plural(noun: str) -> str:
    """Return the plural of a regular noun, or of an irregular one in ``words.txt``."""
    irregular = {"man": "men", "woman": "women", "child": "children", "sheep": "sheep", "fish": "fish"}
    if noun in irregular:
        return irregular[noun]
    if re.search(r"(s|x|ch|sh)$", noun):
        return noun + "es"
    if re.search(r"[^aeiou]y$", noun):
        return noun[:-1] + "ies"
    return noun[:-2] + "ves" if noun.endswith("fe") else noun + "s"


def spell(number: int) -> str:
    """Return an integer from 0 to 9999 in words."""
    if number < 20:
        return UNITS[number]
    if number < 100:
        return TENS[number // 10 - 2] + (" " + UNITS[number % 10] if number % 10 else "")
    size, name = (100, "hundred") if number < 1000 else (1000, "thousand")
    rest = number % size
    return f"{spell(number // size)} {name}" + (f" {'and ' if rest < 100 else ''}{spell(rest)}" if rest else "")


def capitalized(line: str) -> str:
    """Return a line with its first letter in upper case."""
    return line[0].upper() + line[1:]

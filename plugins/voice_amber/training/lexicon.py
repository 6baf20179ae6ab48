"""Make the pronouncing lexicon of the text plugin from word lists and the teacher's own pronunciations.

The teacher's labels and the lexicon then agree phone by phone, which matters more to an acoustic model than either being right.
Words come from Debian's "scowl" (levels 10 to 70, so no rarities); possessives and the like are left to rules.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from voxstack_text.pronunciation.lexicon import Lexicon, pack
from voxstack_text.pronunciation.symbols import STEPS_PER_LETTER, SYMBOLS, VOWELS, Pronunciation, checked

SCOWL = Path("/usr/share/dict/scowl")
LEVELS = (10, 20, 35, 40, 50, 55, 60, 70)
LISTS = ("words", "proper-names", "upper", "abbreviations", "contractions")
BY_RULE = ("'s", "'ll", "'ve", "'d", "s'")  # endings that the text plugin pronounces itself, as the teacher does
MORE = (
    "app apps blog blogs blogger email emails emoji emojis google hashtag internet iphone javascript laptop linux login "
    "online podcast podcasts selfie smartphone smartphones spam startup startups streaming tweet tweets webpage website "
    "websites wifi wikipedia youtube covid bitcoin crypto vlog meme memes kilohertz megahertz gigahertz megabyte megabytes "
    "gigabyte gigabytes terabyte terabytes kilobyte kilobytes milliliter milliliters celsius fahrenheit com org"
).split()
CORRECTIONS = {
    "celsius": "s eh1 l s iy0 ax0 s",
    "covid": "k ow1 v ih0 d",
    "email": "iy1 m ey1 l",
    "emails": "iy1 m ey1 l z",
    "emoji": "ih0 m ow1 jh iy0",
    "emojis": "ih0 m ow1 jh iy0 z",
    "gigabyte": "g ih1 g ax0 b ay1 t",
    "gigabytes": "g ih1 g ax0 b ay1 t s",
    "gigahertz": "g ih1 g ax0 hh er0 t s",
    "hasn't": "hh ae1 z n t",
    "iphone": "ay1 f ow0 n",
    "isn't": "ih1 z n t",
    "linux": "l ih1 n ax0 k s",
    "login": "l aa1 g ih0 n",
    "meme": "m iy1 m",
    "memes": "m iy1 m z",
    "o'higgins": "ow0 hh ih1 g ih0 n z",
    "o'keeffe": "ow0 k iy1 f",
    "o'rourke": "ow0 r ao1 r k",
    "o'toole": "ow0 t uw1 l",
    "selfie": "s eh1 l f iy0",
    "selfies": "s eh1 l f iy0 z",
    "we're": "w iy1 r",
    "webpage": "w eh1 b p ey1 jh",
    "who're": "hh uw1 er0",
    "wifi": "w ay1 f ay0",
    "wikipedia": "w ih0 k ax0 p iy1 d iy0 ax0",
    "youtube": "y uw1 t uw0 b",
}
"""Words younger than the teacher, whose rules for letters get them wrong, and those that its loss of the apostrophe spoils."""


def listed(scowl: Path) -> Iterator[str]:
    """Yield the words of the lists as they are written there."""
    for name in LISTS:
        for level in LEVELS:
            for variety in ("english", "american", "british"):
                path = scowl / f"{variety}-{name}.{level}"
                words = path.read_text(encoding="utf-8").split() if path.exists() else []
                yield from (word for word in words if word.isupper() or name != "abbreviations")


def plain(word: str) -> str:
    """The word in lower case, without accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c)).lower()


def word_list(scowl: Path) -> tuple[list[str], set[str]]:
    """Return all words in plain form, and those of them that are only ever written in capitals.

    :raises FileNotFoundError: if the lists are not there.
    """
    written = set(listed(scowl))
    if not written:
        raise FileNotFoundError(f"{scowl}: no word lists; apt-get install scowl")
    words = {plain(word) for word in written} | set(MORE) | set("abcdefghijklmnopqrstuvwxyz")
    acronyms = {plain(word) for word in written if word.isupper() and len(word) > 1}
    acronyms -= {plain(word) for word in written if not word.isupper()}
    return sorted(word for word in words if re.fullmatch("[a-z']+", word) and not word.endswith(BY_RULE)), acronyms


def ask(teacher: Path, words: Iterable[str]) -> Iterator[tuple[str, bool, Pronunciation]]:
    """Yield (word, whether the teacher's lexicon has it, pronunciation).

    :raises ValueError: naming a word with a phone that is no symbol of ours.
    """
    command = [str(teacher), "slt", "lexicon"]
    words = list(words)
    asked = "".join(word.replace("'", "") + "\n" for word in words)  # the teacher reads "isn't" as "isnt"
    told = subprocess.run(command, input=asked, capture_output=True, text=True, check=True).stdout
    for word, line in zip(words, told.splitlines(), strict=True):
        _, known, phones = line.split("\t")
        marked = (
            f"{phone}0" if phone in VOWELS else phone for phone in phones.split()
        )  # "in" and "to" come without a mark
        yield word, known == "1", checked(marked, word)


def pronunciations(teacher: Path, scowl: Path) -> dict[str, Pronunciation]:
    """Pronunciations by word; acronyms only where the teacher knows them, as its rules would read them like words."""
    words, acronyms = word_list(scowl)
    made = {}
    for word, known, phones in ask(teacher, words):
        says_something = any(phone[:-1] in VOWELS for phone in phones)
        if known or (says_something and word not in acronyms and len(phones) <= STEPS_PER_LETTER * len(word)):
            made[word] = phones
    return made | {word: checked(phones.split(), word) for word, phones in CORRECTIONS.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teacher", type=Path, required=True, help="the compiled teacher.c")
    parser.add_argument("--scowl", type=Path, default=SCOWL)
    parser.add_argument("output", type=Path, help="lexicon.bin of the text plugin")
    options = parser.parse_args()
    made = pronunciations(options.teacher, options.scowl)
    packed = pack(made, SYMBOLS)
    options.output.write_bytes(packed)
    lexicon = Lexicon(packed)
    assert all(lexicon.get(word) == phones for word, phones in made.items()), "what was written reads differently"
    print(f"{len(made)} words, {len(packed)} bytes")

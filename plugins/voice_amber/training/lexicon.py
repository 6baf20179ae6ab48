"""The pronouncing lexicon of the text plugin, made from word lists and the teacher's own pronunciations.

So the teacher's labels and the lexicon agree phone by phone, which matters more to an acoustic model than the
correctness of either. Words come from Debian's "scowl" (levels 10 to 70, without rare words); rules pronounce
possessives and the like.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from voxstack_text.pronunciation.g2p_network import STEPS_PER_LETTER
from voxstack_text.pronunciation.lexicon import Lexicon, pack
from voxstack_text.pronunciation.symbols import SYMBOLS, VOWELS, Pronunciation, checked

SCOWL = Path("/usr/share/dict/scowl")
LEVELS = (10, 20, 35, 40, 50, 55, 60, 70)
LISTS = ("words", "proper-names", "upper", "abbreviations", "contractions")
BY_RULE = ("'s", "'ll", "'ve", "'d", "s'")  # endings that the text plugin pronounces by rule, as the teacher does
MORE = (
    "app apps blog blogs blogger email emails emoji emojis google hashtag internet iphone javascript laptop linux "
    "login online podcast podcasts selfie smartphone smartphones spam startup startups streaming tweet tweets "
    "webpage website websites wifi wikipedia youtube covid bitcoin crypto vlog meme memes kilohertz megahertz "
    "gigahertz megabyte megabytes gigabyte gigabytes terabyte terabytes kilobyte kilobytes milliliter milliliters "
    "celsius fahrenheit com org"
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
"""Words newer than the teacher, whose rules mispronounce them, and words that its loss of the apostrophe spoils."""


def listed(scowl: Path) -> Iterator[str]:
    """Yield the words of the lists as they are spelled there."""
    for name in LISTS:
        for level in LEVELS:
            for variety in ("english", "american", "british"):
                path = scowl / f"{variety}-{name}.{level}"
                words = path.read_text(encoding="utf-8").split() if path.exists() else []
                yield from (word for word in words if word.isupper() or name != "abbreviations")


def plain(word: str) -> str:
    """Return the word in lower case, without accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c)).lower()


def word_list(scowl: Path) -> tuple[list[str], set[str]]:
    """Return all words in plain form, and those of them that are spelled only in capitals.

    :raises FileNotFoundError: if the lists are not installed.
    """
    spellings = set(listed(scowl))
    if not spellings:
        raise FileNotFoundError(f"{scowl}: no word lists; run: apt-get install scowl")
    words = {plain(word) for word in spellings} | set(MORE) | set("abcdefghijklmnopqrstuvwxyz")
    acronyms = {plain(word) for word in spellings if word.isupper() and len(word) > 1}
    acronyms -= {plain(word) for word in spellings if not word.isupper()}
    return sorted(word for word in words if re.fullmatch("[a-z']+", word) and not word.endswith(BY_RULE)), acronyms


def teacher_pronunciations(teacher: Path, words: Iterable[str]) -> Iterator[tuple[str, bool, Pronunciation]]:
    """Yield (word, whether the teacher's lexicon has it, pronunciation).

    :raises ValueError: naming a word with a phone that is not a symbol of the text plugin.
    """
    command = [str(teacher), "slt", "lexicon"]
    words = list(words)
    lines = "".join(word.replace("'", "") + "\n" for word in words)  # the teacher reads "isn't" as "isnt"
    output = subprocess.run(command, input=lines, capture_output=True, text=True, check=True).stdout
    for word, line in zip(words, output.splitlines(), strict=True):
        _, known, phones = line.split("\t")
        # the teacher does not mark the stress of "in" and "to"
        marked = (f"{phone}0" if phone in VOWELS else phone for phone in phones.split())
        yield word, known == "1", checked(marked, word)


def pronunciations(teacher: Path, scowl: Path) -> dict[str, Pronunciation]:
    """Return pronunciations by word.

    Acronyms are included only if the teacher's lexicon has them, because its rules would read them as words.
    """
    words, acronyms = word_list(scowl)
    found = {}
    for word, known, phones in teacher_pronunciations(teacher, words):
        has_vowel = any(phone[:-1] in VOWELS for phone in phones)
        if known or (has_vowel and word not in acronyms and len(phones) <= STEPS_PER_LETTER * len(word)):
            found[word] = phones
    return found | {word: checked(phones.split(), word) for word, phones in CORRECTIONS.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teacher", type=Path, required=True, help="the program compiled from teacher.c")
    parser.add_argument("--scowl", type=Path, default=SCOWL, help="folder of the word lists")
    parser.add_argument("output", type=Path, help="file to write: lexicon.bin of the text plugin")
    options = parser.parse_args()
    found = pronunciations(options.teacher, options.scowl)
    packed = pack(found, SYMBOLS)
    options.output.write_bytes(packed)
    lexicon = Lexicon(packed)
    assert all(lexicon.get(word) == phones for word, phones in found.items()), "the written lexicon differs"
    print(f"{len(found)} words, {len(packed)} bytes")

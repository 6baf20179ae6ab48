"""Pronunciations of users' lexicons as phones of US English."""

from __future__ import annotations

from voxstack import RequestError
from voxstack_text.ipa import from_ipa
from voxstack_text.pronunciation.pronouncer import ending_after
from voxstack_text.pronunciation.symbols import Pronunciation, parse_phones
from voxstack_text.user_lexicon.entry import Entry
from voxstack_text.user_lexicon.matching import Found, UserLexicon

_AS_POSSESSIVE = frozenset({"s", "es", "s'", "es'"})


def check_phones(lexicon: UserLexicon) -> None:
    """Check that all pronunciations of a lexicon are phones of US English.

    :raises RequestError: with the place of the first that is not.
    """
    for entry in lexicon.entries:
        if entry.kind != "alias":
            phones_of(entry)


def phones_of(entry: Entry | Found) -> Pronunciation:
    """Return the phones of an entry, without any ending.

    :raises RequestError: with its place, if it is not phones of US English.
    """
    if entry.kind == "phones":
        try:
            return parse_phones(entry.value, entry.where)
        except RequestError as error:
            hint = 'IPA stands between slashes, and words to read instead are of the kind "alias"'
            raise RequestError(f"{error}. {hint}") from error
    try:
        phones = from_ipa(entry.value)
    except ValueError as error:
        raise RequestError(f"{entry.where}: {error}") from error
    if not phones:
        raise RequestError(f"{entry.where}: /{entry.value}/ has no sound; write the word's transcription")
    return phones


def with_ending(found: Found) -> Pronunciation:
    """Return the phones of a word that was found, with its ending.

    :raises RequestError: as :func:`phones_of` does.
    """
    phones = phones_of(found)
    ending = "'s" if found.ending in _AS_POSSESSIVE else found.ending
    return (*phones, *ending_after(phones[-1], ending)) if ending else phones

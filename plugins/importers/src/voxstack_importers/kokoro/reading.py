"""The blocks from text to phonemes, by language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from voxstack import Registry
from voxstack_importers.description import Spec, phoneme_blocks
from voxstack_packager import PackagingError

READINGS = ("espeak", "japanese", "text")
"""The choices of ``--phonemes``."""

_LANGUAGES = {
    "a": "en-us",
    "b": "en-gb",
    "e": "es",
    "f": "fr-fr",
    "h": "hi",
    "i": "it",
    "j": "ja",
    "p": "pt-br",
    "z": "zh",
}
"""The language of a voice of Kokoro, by the first letter of its name: the second is f or m."""

_JAPANESE_READER = "JapanesePhonemes"


def language_of(speakers: Sequence[str]) -> str:
    """Return the language of voices by their names; American English if they do not agree."""
    letters = {name[0] for name in speakers if name[1:3] in ("f_", "m_")}
    return _LANGUAGES.get(letters.pop(), "en-us") if len(letters) == 1 else "en-us"


def choose_reading(phonemes: str, language: str) -> str:
    """Return which reader a voice gets: that of the option, else that of its language.

    :raises PackagingError: for a language whose phonemes no reader computes as the model was trained on them.
    """
    if phonemes and phonemes not in READINGS:
        raise PackagingError("phonemes", f"{phonemes!r} is unknown; choose one of {', '.join(READINGS)}")
    main = language.lower().partition("-")[0]
    if phonemes == "text" or (phonemes == "espeak" and main not in ("ja", "zh", "cmn")):
        return phonemes
    if main in ("zh", "cmn"):
        problem = (
            "no reader computes the phonemes of Chinese that Kokoro was trained on; write texts in its phonemes with "
            "--phonemes text, or choose another --language"
        )
        raise PackagingError("language", problem)
    if main == "ja" and phonemes == "espeak":
        problem = (
            "espeak-ng spells out Japanese characters by their names; leave --phonemes out, and JapanesePhonemes reads "
            "them (pip install voxstack-japanese)"
        )
        raise PackagingError("phonemes", problem)
    return phonemes or ("japanese" if main == "ja" else "espeak")


def reader_blocks(reading: str, language: str) -> list[Spec]:
    """Return the block that reads text; none for texts that are phonemes already.

    :raises PackagingError: if the plugin that has it is not installed.
    """
    if reading == "text":
        return []
    if reading == "japanese":
        if _JAPANESE_READER not in Registry.installed():
            problem = "the voice reads Japanese, and no installed plugin does: pip install voxstack-japanese"
            raise PackagingError("phonemes", problem)
        return [{"type": _JAPANESE_READER}]
    return phoneme_blocks(language.lower(), {})[:1]


def token_block(symbols: Mapping[str, Sequence[int]], reading: str) -> Spec:
    """Return the block from phonemes, or from texts that are phonemes, to tokens."""
    table = {"symbols": symbols, "start": [0], "end": [0], "spaces_lead": True}
    return {"type": "Characters", **table, "source": "text" if reading == "text" else "phonemes"}

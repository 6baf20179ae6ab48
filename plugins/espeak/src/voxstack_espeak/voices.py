"""Names of espeak-ng's voices."""

from __future__ import annotations

from collections.abc import Iterable

from voxstack import StackError, did_you_mean
from voxstack_espeak.pool import Pool


def check_voice(pool: Pool, voice: str, path: str) -> int:
    """The sample rate of what a voice makes, Hz.

    :raises StackError: with ``path``, if there is no such voice.
    """
    with pool.process() as process:
        *_, reply = process.ask({"do": "check", "voice": voice})
    result = reply.read()
    if "voices" in result:
        raise StackError(path, unknown(voice, result["voices"]))
    rate: int = result["sample_rate"]
    return rate


def unknown(voice: str, known: Iterable[str]) -> str:
    """Say that there is no such voice, and what there is."""
    names = set(known)
    plain, _, variant = voice.partition("+")
    variants = {name for name in names if name.startswith("+")}
    if plain in names and variant:
        return f"espeak-ng has no variant '+{variant}'{did_you_mean('+' + variant, variants)}\n  variants: {', '.join(sorted(variants))}"
    languages = sorted(name for name in names - variants if name.islower() and "/" not in name)
    return (
        f"espeak-ng has no voice {plain!r}{did_you_mean(plain, names - variants)}\n  languages: {', '.join(languages)}"
    )

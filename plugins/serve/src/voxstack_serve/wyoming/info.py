"""The voices of a service as a Wyoming client sees them."""

from __future__ import annotations

from importlib.metadata import version

from wyoming.info import Attribution, Info, TtsProgram, TtsVoice, TtsVoiceSpeaker

from voxstack import RequestError
from voxstack_addon_spec.wording import short_repr
from voxstack_serve.service import Service

PROGRAM = "voxstack"
_MAKER = Attribution(PROGRAM, "")


def info_of(service: Service) -> Info:
    """Return the answer to ``describe``: one program, with the voices on offer now.

    Home Assistant counts the first program that is installed, and the installed voices in it; it shows the description
    of a voice as its name.
    """
    voices = [
        TtsVoice(
            name=voice.id,
            attribution=Attribution(voice.license, ""),
            installed=True,
            description=voice.name,
            version=None,
            languages=list(voice.languages),
            speakers=[TtsVoiceSpeaker(speaker) for speaker in speakers_of(service, voice.id)] or None,
        )
        for voice in service.voices()
    ]
    program = TtsProgram(
        name=PROGRAM,
        attribution=_MAKER,
        installed=True,
        description="Streaming text to speech",
        version=version("voxstack-core"),
        voices=voices,
        supports_synthesize_streaming=True,
    )
    return Info(tts=[program])


def speakers_of(service: Service, voice: str) -> list[str]:
    """Return the names of a voice's speakers; none where it has one speaker, or lists none."""
    return [str(name) for name in service.controls(voice).get("speaker", {}).get("enum", ())]


def choose_voice(service: Service, name: str | None, language: str | None) -> str:
    """Return the id of the voice that a client names, or else of the first voice for a language, or else of the first.

    :raises RequestError: if there is no such voice.
    """
    if name is not None:
        return service.resolve(name)
    voices = service.voices()
    if not voices:
        raise RequestError("no voice is on offer; install one, such as voxstack-voice-amber")
    if language is None:
        return voices[0].id
    matches = [max((_likeness(language, tag) for tag in voice.languages), default=0) for voice in voices]
    best = max(matches)
    if not best:
        languages = ", ".join(sorted({tag for voice in voices for tag in voice.languages}))
        raise RequestError(f"no voice speaks {short_repr(language)}; there are voices for {languages or 'no language'}")
    return voices[matches.index(best)].id


def _likeness(one: str, other: str) -> int:
    """Return 2 for equal tags, 1 for two of one language, 0 for others. Some clients write ``en_US``."""
    first, second = (tag.lower().replace("_", "-") for tag in (one, other))
    return 2 if first == second else int(first.partition("-")[0] == second.partition("-")[0])

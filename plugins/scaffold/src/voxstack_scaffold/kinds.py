"""The kinds of plugins that can be written, and what to do with each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Template


@dataclass(frozen=True)
class Kind:
    """One kind of plugin.

    :param name: as the command line calls it, and its folder in ``templates/``.
    :param summary: what it is, in a few words.
    :param example: a name that one may have.
    :param distribution: its distribution, with ``$dashed`` for the name.
    :param uses: commands that use it once it is installed, as templates; by variant.
    :param variants: its variants, each with a description; their files lie in ``templates/NAME.VARIANT/``.
    """

    name: str
    summary: str
    example: str
    distribution: str
    uses: Mapping[str | None, str]
    variants: Mapping[str, str] = field(default_factory=dict)

    def next_steps(self, variant: str | None, folder: Path, values: Mapping[str, str]) -> Iterator[str]:
        """Yield the commands that install, test and use the plugin."""
        place = folder.as_posix() if folder.is_absolute() else f"./{folder.as_posix()}"
        yield f'pip install -e "{place}[test]" && pytest {place}'
        yield Template(self.uses[variant]).substitute(values, place=place)


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "block",
            "a block: one step of a stack",
            "robot",
            "voxstack-$dashed",
            {
                "samples": """voxstack say --insert $title "Hello there." --out hello.wav""",
                "frames": """voxstack say --insert $title@after=decoder "Hello there." --out hello.wav""",
                "sequence": """voxstack say --insert $title@before=Pace "Hello there." --out hello.wav""",
                "head": """voxstack say --voice $name "Hello there." --out hello.wav""",
            },
            {
                "samples": "changes the samples of a voice",
                "frames": "changes mel frames, between an acoustic model and a vocoder",
                "sequence": "changes an utterance before it becomes a stream, such as its durations",
                "head": "makes a stream of the text by itself, a whole synthesizer",
            },
        ),
        Kind(
            "runtime",
            "a runtime: runs the networks of addons on some hardware",
            "acme",
            "voxstack-$dashed-runtime",
            {None: """voxstack say --context $name:cpu "Hello there." --out hello.wav"""},
        ),
        Kind(
            "importer",
            "an importer: makes addons of voices in a format of other software",
            "acme",
            "voxstack-$dashed-importer",
            {
                None: "voxstack import $place/example.$name --out example-$dashed"
                """ && voxstack say --voice ./example-$dashed "Hello there." --out hello.wav"""
            },
        ),
        Kind(
            "voice",
            "a voice: an addon that installs with pip",
            "ruby",
            "voxstack-voice-$dashed",
            {None: """voxstack say --voice $name "Hello there." --out hello.wav"""},
        ),
    )
}
"""Every kind, by name."""

"""The block ``SpeakerPrompts``, which adds the arrays of a speaker to the utterance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from voxstack import AddonError, RequestError, Resources, SequenceBlock, StackError, Utterance, did_you_mean


@dataclass
class SpeakerPrompts(SequenceBlock):
    """Adds the arrays of the speaker that the control ``speaker`` names: a prompt, in any form that a network reads.

    Each speaker has a file in the addon, an ``.npz`` of arrays by name. All files have the same names, which become
    entries of the utterance: the latents of a recording, say, or the keys and values that a decoder begins with. The
    arrays may differ in length. They are read when the voice is loaded, and shared by all utterances.

    :param files: name of the file of each speaker, by the name of the speaker.
    :param default: name of the speaker if the request names none; by default the first.
    """

    files: dict[str, str] = field(metadata={"minProperties": 1})
    default: str | None = None
    _prompts: dict[str, Mapping[str, np.ndarray]] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def gives(self) -> frozenset[str]:
        return frozenset(next(iter(self._prompts.values()), {}))

    def load(self, addon: Resources) -> None:
        if not self.files:
            raise StackError("files", "has no speaker; name the file of at least one")
        if self.default is not None and self.default not in self.files:
            raise StackError("default", f"{self.default!r} is not a speaker{did_you_mean(self.default, self.files)}")
        self._prompts = {name: _read(addon.file(file)) for name, file in self.files.items()}
        first, *others = self._prompts
        for name in others:
            if self._prompts[name].keys() != self._prompts[first].keys():
                names = sorted(self._prompts[name].keys() ^ self._prompts[first].keys())
                problem = f"only one of {self.files[first]} and {self.files[name]} has {names[0]!r}"
                raise AddonError(addon.name, f"{problem}; give the prompts of all speakers the same arrays")

    def __call__(self, utterance: Utterance) -> Utterance:
        speaker = utterance.get("speaker", self.default)
        prompt = next(iter(self._prompts.values())) if speaker is None else self._prompts.get(str(speaker))
        if prompt is None:
            available = ", ".join(list(self.files)[:12]) + (", ..." if len(self.files) > 12 else "")
            suggestion = did_you_mean(str(speaker), self.files)
            raise RequestError(f"SpeakerPrompts: there is no speaker {speaker!r}{suggestion}; use one of {available}")
        return prompt


def _read(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays of a prompt, read-only.

    :raises AddonError: if the file is not an ``.npz`` of plain arrays.
    """
    try:
        with np.load(path, allow_pickle=False) as content:
            arrays = {name: np.asarray(content[name]) for name in content.files}
    except Exception as error:  # a damaged zip raises errors of many classes
        raise AddonError(str(path), f"is not an .npz of plain arrays ({error}); write it with numpy.savez") from error
    for array in arrays.values():
        array.flags.writeable = False
    return arrays

"""Validators of responses: equal ones stand for equal bytes, whichever process sends them."""

from __future__ import annotations

import functools
import hashlib
import json
import platform
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from voxstack_serve.errors import ApiError, invalid

if TYPE_CHECKING:
    from voxstack import Voice
    from voxstack.networks import Network
    from voxstack_serve.service import Service
    from voxstack_serve.speech_request import SpeechRequest

ENCODERS = ("lameenc", "soundfile", "soxr", "av")
"""Distributions that turn samples into responses."""

EXACT = 1e-9
"""The largest error, relative to a network's output, that no sample of 16 bits shows; steps of float32 have 6e-8."""

_PLUGINS = "voxstack"  # group of entry points
_NAME = re.compile(r"[\w.-]+")
_PROCESSOR = re.compile(r"^(model name|CPU part|CPU implementer)\s*:.*|\b(sse|avx|fma|f16c|amx|asimd|sve)\w*", re.M)


class Validators:
    """Validators of the responses of a service: strong entity tags (RFC 9110, section 8.8.3) for the audio of requests.

    A tag covers the content of the voice, what is requested, the versions of all plugins and of what they require,
    where each network runs, and the kind of processor.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._digests: WeakKeyDictionary[Voice, str | None] = WeakKeyDictionary()
        software()  # now, and not while a client waits

    async def tagged(self, request: SpeechRequest) -> Tagged:
        """Return the voice of a request as it is now, and the tag of the audio.

        :raises VoxstackError: if it cannot be opened; the stream counts as refused or failed.
        """
        with self._service.preparing(request.voice):
            voice = await self._service.loaded(request.voice, request.context)
        if voice is None:
            return Tagged(None, None, await self._service.sample_rate(request.voice))
        digest = self._digest(voice)
        return Tagged(voice, None if digest is None else _entity_tag(digest, request), voice.sample_rate)

    async def check_unchanged(self, tagged: Tagged, request: SpeechRequest) -> None:
        """Check, once there is some audio, that its voice is equal to the one of the tag.

        :raises ApiError: if it was replaced while the request began.
        """
        voice = await self._service.loaded(request.voice, request.context)
        if voice is None or tagged.voice is None or voice is tagged.voice:
            return
        # equal ones are of a voice that was unloaded meanwhile
        if self._digest(voice) != self._digest(tagged.voice) or voice.sample_rate != tagged.voice.sample_rate:
            headers = {"retry-after": "0", "retry-after-ms": "0"}
            raise ApiError(
                503, "the voice was replaced by another version; try again", code="replaced", headers=headers
            )

    def _digest(self, voice: Voice) -> str | None:
        if voice not in self._digests:
            self._digests[voice] = _voice_digest(voice)
        return self._digests[voice]


class Tagged(NamedTuple):
    """A voice, the entity tag of what it synthesizes for a request, and its sample rate in Hz.

    The voice is None where it is on other machines, and the tag where the audio may vary.
    """

    voice: Voice | None
    tag: str | None
    sample_rate: int

    @property
    def number(self) -> int | None:
        """A number of 32 bits for a file with this content; None if there is no tag."""
        return None if self.tag is None else int(self.tag[1:9], 16)


def _voice_digest(voice: Voice) -> str | None:
    """Return the hash of a voice and of where it runs; None if equal ones may differ in their samples.

    A lexicon of the service is not among the files of the voice.
    """
    contexts = [{**vars(row), "requested": "", "refused": ()} for row in voice.contexts()]
    if voice.lexicon is not None or not all(map(_repeats, voice.addon.opened)):
        return None
    return _digest([voice.addon.config, sorted(contexts, key=str)])


def _repeats(network: Network) -> bool:
    """Return whether a network computes the same, however its streams are cut into chunks and put into batches.

    That was measured when it was packaged, by ONNX Runtime on a processor. Other devices may add numbers in any order.
    """
    where, spec = network.effective, network.spec
    if (where.runtime, str(where.device).lower()) != ("onnx", "cpu"):
        return False
    error = 0.0 if spec.streaming is None else spec.chunk_error
    if spec.autoregressive is not None:
        error = spec.batch_error
    return error is not None and error <= EXACT


def _entity_tag(voice: str, request: SpeechRequest) -> str:
    rest = [request.text, request.format, request.complete, request.sample_rate, request.markup]
    return f'"{_digest([voice, rest, request.lexicon, dict(request.controls), software()])[:32]}"'


def _digest(content: list[Any]) -> str:
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def check_match(tag: str | None, condition: str | None, start: int) -> None:
    """Check that a response is the one that a client has received a part of.

    :param condition: the header If-Match of the request.
    :param start: the first byte that is requested.
    :raises ApiError: if it is another one, or may be.
    """
    if condition is None:
        if start:
            message = "start_byte: send the header If-Match with the ETag of the response that was broken off"
            raise ApiError(428, message, "start_byte", "precondition_required")
        return
    if tag is None and start:
        raise invalid("start_byte: this voice may not repeat its audio here; request all of it", "start_byte")
    if condition.strip() != "*" and tag not in [item.strip() for item in condition.split(",")]:
        message = (
            "the audio would not join: the text or its controls, the voice, the software or the kind of processor "
            "differ from those of the response with this ETag; request all of it, or another server"
        )
        raise ApiError(412, message, code="precondition_failed")


@functools.cache
def software() -> str:
    """Return the hash of what samples depend on besides a voice: versions, and the kind of processor."""
    return _digest([platform.python_version(), platform.machine(), *_processor(), *sorted(set(_versions()))])


def _versions() -> Iterator[str]:
    """Yield the name and version of each distribution with plugins, of those that they require, and of encoders."""
    from importlib.metadata import distributions

    installed = {_normal(found.name): found for found in distributions() if found.name}
    for name, found in installed.items():
        if name in ENCODERS:
            yield f"{name} {found.version}"
        elif any(point.group == _PLUGINS for point in found.entry_points):
            yield f"{name} {found.version}"
            required = (_normal(_NAME.match(line)[0]) for line in found.requires or ())  # type: ignore[index]
            yield from (f"{other} {installed[other].version}" for other in required if other in installed)


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _processor() -> list[str]:
    """Return the model and the vector instructions of the processors, which decide how numbers are rounded."""
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        return [platform.processor()]
    return sorted({found[0] for found in _PROCESSOR.finditer(text)})

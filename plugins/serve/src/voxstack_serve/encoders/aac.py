"""AAC, by FFmpeg, if its package is installed: the wheels of PyAV contain libraries under the GPL."""

from __future__ import annotations

import numpy as np

from voxstack import RequestError
from voxstack_serve.encoders.sound_files import GrowingFile


class Aac:
    """AAC with a low complexity, mono, 64 kbit/s, in ADTS.

    :raises RequestError: if PyAV is not installed.
    """

    def __init__(self, rate: int, count: int | None) -> None:
        try:
            import av
        except ImportError as error:
            raise RequestError(
                "response_format: this service has no encoder of aac; request mp3, opus, flac, wav or pcm, or "
                "install it there: pip install 'voxstack-serve[aac]'"
            ) from error
        self._frame, self._rate, self._position = av.AudioFrame, rate, 0
        self._file = GrowingFile()
        self._container = av.open(self._file, "w", format="adts")
        self._stream = self._container.add_stream("aac", rate=rate, layout="mono")
        self._stream.bit_rate = 64_000

    def encode(self, samples: np.ndarray) -> bytes:
        frame = self._frame.from_ndarray(np.ascontiguousarray(samples[None], np.float32), "fltp", "mono")
        frame.sample_rate, frame.pts = self._rate, self._position
        self._position += len(samples)
        self._container.mux(self._stream.encode(frame))
        return self._file.take()

    def finish(self) -> bytes:
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._file.take()

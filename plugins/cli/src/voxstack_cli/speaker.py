"""Plays sound while it is made, through ``sounddevice``."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from voxstack import RequestError

AHEAD = 2  # chunks made while one is played
BLOCK = 0.05  # seconds given to the device at a time: how fast playing stops
STUCK = 1.0  # seconds after which a device that takes nothing more is left alone


def find_sounddevice() -> Any:
    """Return the module ``sounddevice``.

    :raises RequestError: if it, or the library that it needs, is not installed.
    """
    try:
        import sounddevice
    except ImportError as error:
        raise RequestError(
            'playing needs sounddevice, which is not installed; try: pip install "voxstack-cli[play]", or write a file: --out hello.wav'
        ) from error
    except OSError as error:
        raise RequestError(
            f"playing needs the PortAudio library ({error}); install it (on Debian: apt install libportaudio2), "
            "or write a file: --out hello.wav"
        ) from error
    return sounddevice


@contextmanager
def playing(sounddevice: Any, sample_rate: int) -> Iterator[Callable[[np.ndarray], None]]:
    """Open the speaker, and give a function that plays samples; it waits while more than ``AHEAD`` chunks are to be played.

    Leaving waits for the end of the sound, and an error or an interruption stops it.

    :raises RequestError: if there is no speaker, or it fails.
    """
    player = _Player(_open(sounddevice, sample_rate), int(BLOCK * sample_rate))
    try:
        yield player.write
        player.finish()
    except BaseException:  # also when interrupted
        player.stop()
        raise


def _open(sounddevice: Any, sample_rate: int) -> Any:
    try:
        device = sounddevice.OutputStream(samplerate=sample_rate, channels=1, dtype="float32")
        device.start()
    except Exception as error:  # sounddevice.PortAudioError, or ValueError where there is no device
        raise RequestError(
            f"cannot open the speaker at {sample_rate} Hz: {error}; write a file: --out hello.wav"
        ) from error
    return device


class _Player:
    """A thread that plays, so that the device does not run dry while the next chunk is made."""

    def __init__(self, device: Any, block: int) -> None:
        self._device = device
        self._block = block
        self._chunks: queue.Queue[np.ndarray | None] = queue.Queue(AHEAD)
        self._stopped = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._play, name="voxstack-speaker", daemon=True)
        self._thread.start()

    def write(self, samples: np.ndarray) -> None:
        """Have samples played."""
        self._check()
        self._chunks.put(np.clip(samples, -1.0, 1.0))

    def finish(self) -> None:
        """Wait until all has been played, and close the device."""
        self._chunks.put(None)
        self._thread.join()
        self._check()
        self._device.stop()  # plays what it has
        self._device.close()

    def stop(self) -> None:
        """Be silent at once."""
        self._stopped.set()
        with suppress(queue.Full):
            self._chunks.put_nowait(None)
        self._thread.join(STUCK)
        with suppress(Exception):  # what stopped it is to be told, not this
            self._device.abort()
            self._device.close()

    def _check(self) -> None:
        if self._error is not None:
            raise RequestError(f"the speaker failed: {self._error}; write a file: --out hello.wav") from self._error

    def _play(self) -> None:
        while not self._stopped.is_set() and (samples := self._chunks.get()) is not None:
            for start in range(0, len(samples), self._block):
                if self._stopped.is_set() or self._error is not None:
                    break  # after an error go on taking, so that nobody waits for room in the queue
                try:
                    self._device.write(samples[start : start + self._block, None])
                except Exception as error:  # told by the next write() or by finish()
                    self._error = error

"""Flite's shared libraries, by way of ctypes."""

from __future__ import annotations

import ctypes
import functools
import threading
from typing import Any

from voxstack import VoxstackError

VOICES = {"slt": 16000, "rms": 16000, "awb": 16000, "kal16": 16000, "kal": 8000}
"""Voices, and the sample rates that they speak at, Hz. slt: female, US; rms: male, US; awb: male, Scottish; kal: male, US, diphones."""

RUNNING = threading.Lock()
"""Held while Flite's code runs: the noise of its voices comes from ``rand()``, which all threads share."""

_LIBRARIES = "flite", "flite_cmulex", "flite_usenglish"
_ITEM, _TEXT = ctypes.c_void_p, ctypes.c_char_p


class Wave(ctypes.Structure):
    """``cst_wave``: samples as they have been made so far."""

    _fields_ = [
        ("type", ctypes.c_char_p),
        ("sample_rate", ctypes.c_int),
        ("num_samples", ctypes.c_int),
        ("num_channels", ctypes.c_int),
        ("samples", ctypes.POINTER(ctypes.c_short)),
    ]


class Utterance(ctypes.Structure):
    """``cst_utterance``."""

    _fields_ = [(name, ctypes.c_void_p) for name in ("features", "ffunctions", "relations", "context")]


Heard = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Wave), ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_void_p)
"""Called with the wave, the first sample that is new, how many are, whether they are the last, and the streaming info."""


class StreamingInfo(ctypes.Structure):
    """``cst_audio_streaming_info``."""

    _fields_ = [
        ("min_buffsize", ctypes.c_int),
        ("heard", Heard),
        ("utterance", ctypes.c_void_p),
        ("item", ctypes.c_void_p),
        ("userdata", ctypes.c_void_p),
    ]


class Library:
    """The functions of Flite that are used here, with their types. Names of features must stay alive: Flite keeps their addresses.

    :raises VoxstackError: if Flite is not installed.
    """

    def __init__(self) -> None:
        loaded = [_load(name) for name in _LIBRARIES]
        self._flite = loaded[0]
        self._flite.flite_init()
        self.new_utterance = self._function("new_utterance", ctypes.POINTER(Utterance))
        self.delete_utterance = self._function("delete_utterance", None, ctypes.POINTER(Utterance))
        self.init = self._function("utt_init", ctypes.c_void_p, ctypes.POINTER(Utterance), ctypes.c_void_p)
        self.synthesize_tokens = self._function("utt_synth_tokens", ctypes.c_void_p, ctypes.POINTER(Utterance))
        self.wave = self._function("utt_wave", ctypes.POINTER(Wave), ctypes.POINTER(Utterance))
        self.create_relation = self._function("utt_relation_create", _ITEM, ctypes.POINTER(Utterance), _TEXT)
        self.relation = self._function("utt_relation", _ITEM, ctypes.POINTER(Utterance), _TEXT)
        self.append = self._function("relation_append", _ITEM, _ITEM, _ITEM)
        self.head = self._function("relation_head", _ITEM, _ITEM)
        self.next = self._function("item_next", _ITEM, _ITEM)
        self.item_at = self._function("path_to_item", _ITEM, _ITEM, _TEXT)
        self.set_text = self._function("item_set_string", None, _ITEM, _TEXT, _TEXT)
        self.set_number = self._function("item_set_int", None, _ITEM, _TEXT, ctypes.c_int)
        self.text = self._function("item_feat_string", _TEXT, _ITEM, _TEXT)
        self.number = self._function("item_feat_int", ctypes.c_int, _ITEM, _TEXT)
        self.seconds = self._function("item_feat_float", ctypes.c_float, _ITEM, _TEXT)
        self.set_feature = self._function("feat_set", None, ctypes.c_void_p, _TEXT, ctypes.c_void_p)
        self.set_factor = self._function("feat_set_float", None, ctypes.c_void_p, _TEXT, ctypes.c_float)
        self.factor = self._function("get_param_float", ctypes.c_float, ctypes.c_void_p, _TEXT, ctypes.c_float)
        self.new_streaming_info = self._function("new_audio_streaming_info", ctypes.POINTER(StreamingInfo))
        self.streaming_info_value = self._function("audio_streaming_info_val", ctypes.c_void_p, ctypes.POINTER(StreamingInfo))
        self.seed_noise = ctypes.CDLL(None).srand

    @classmethod
    @functools.cache
    def shared(cls) -> Library:
        """The one of this process."""
        return cls()

    @functools.cache  # noqa: B019 -- there is one library, and it stays
    def voice(self, name: str) -> int:
        """The address of a voice. Voices are registered one at a time.

        :raises VoxstackError: if it is not installed.
        """
        with RUNNING:
            register = getattr(_load(f"flite_cmu_us_{name}"), f"register_cmu_us_{name}")
            register.restype, register.argtypes = ctypes.c_void_p, [_TEXT]
            address: int = register(None)
            return address

    def _function(self, name: str, result: Any, *arguments: Any) -> Any:
        function = getattr(self._flite, name)
        function.restype, function.argtypes = result, arguments
        return function


def _load(name: str) -> ctypes.CDLL:
    """One of Flite's libraries, its symbols seen by those that are loaded after it."""
    from ctypes.util import find_library  # may call a compiler

    for file in (f"lib{name}.so.1", None):
        try:
            return ctypes.CDLL(file or find_library(name) or f"lib{name}", mode=ctypes.RTLD_GLOBAL)
        except OSError as error:
            problem = error
    raise VoxstackError(f"Flite's library lib{name} is not there; try: apt install libflite1") from problem

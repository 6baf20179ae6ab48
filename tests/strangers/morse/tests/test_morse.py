from __future__ import annotations

import numpy as np
import pytest
from morse_voices.keying import CODES, Morse

import voxstack
from voxstack.testing import Case, parametrize_with_checks
from voxstack_importers import import_voice
from voxstack_packager import PackagingError


@parametrize_with_checks([Case(Morse(), {"text": "Paris"}), Case(Morse(60.0), {"text": "SOS sos"})])
def test_contract(case, check):
    check(case)


def test_a_minute_has_as_many_words_as_stated():
    samples = np.concatenate(list(Morse(words_per_minute=20.0).stream(iter(()), {"text": "paris   " * 20})))
    assert len(samples) == pytest.approx(60 * 8000, rel=0.05)
    assert CODES["p"] == ".--."


def test_a_file_becomes_a_voice(tmp_path):
    (tmp_path / "marine.morse").write_text("[key]\nwpm = 40\ntone = 700\n")
    voice = voxstack.load(import_voice("morse", tmp_path / "marine.morse", tmp_path / "marine"))
    samples = voice.synthesize("SOS").samples
    spectrum = np.abs(np.fft.rfft(samples))
    assert spectrum.argmax() * 8000 / len(samples) == pytest.approx(700, abs=20)
    (tmp_path / "empty.morse").write_text("[key]\nwpm = fast\n")
    with pytest.raises(PackagingError, match="is no Morse voice"):
        import_voice("morse", tmp_path / "empty.morse", tmp_path / "empty")

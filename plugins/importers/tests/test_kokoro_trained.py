"""The trained Kokoro-82M: equal to kokoro-onnx, with times of words, and refused where it would be wrong."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent / "support"))
from comparing import error
from trained_kokoro import ENGLISH, JAPANESE, MISSING, REASON, run_peer, write_model

if MISSING:
    pytest.skip(REASON, allow_module_level=True)

import voxstack
from voxstack import ContextError, NetworkError, Registry
from voxstack.networks.addon import Addon
from voxstack_importers import import_voice
from voxstack_packager.context_measurement import measure_contexts

TOLERANCE = 1e-5
"""Of the peak."""
SPEAKERS = ["jf_alpha", "jf_gongitsune", "jf_nezumi", "jf_tebukuro", "jm_kumo"]


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("kokoro"))


@pytest.fixture(scope="module")
def folder(paths):
    """Import it with its own reader; other contexts are measured."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("voxstack_packager.packaging.measure_contexts", measure_contexts)
        return import_voice("kokoro", paths["model"], paths["model"].parent / "ja", str, voices=str(paths["voices"]))


@pytest.fixture(scope="module")
def voice(folder):
    return voxstack.load(folder)


@pytest.fixture(scope="module")
def network_inputs(voice):
    """Return the inputs of the network for phonemes, as the voice's own blocks compute them."""
    (characters, speakers, encoders) = _sequence_blocks(voice.addon.config)
    tokens, weights = (voxstack.build(spec, voice.addon, available=["phonemes"]) for spec in (characters, speakers))
    assert encoders == {"type": "Encoders"}

    def inputs(phonemes, speaker, rate):
        utterance = {"phonemes": list(phonemes), "speaker": speaker}
        utterance |= tokens(utterance)
        utterance |= weights(utterance)
        styles = voice.addon.network("styles")
        style = styles(tokens=utterance["tokens"], speaker_weights=utterance["speaker_weights"])["style"]
        return {"tokens": utterance["tokens"], "style": style, "rate": np.float32(rate)}

    return inputs


def _sequence_blocks(config):
    pipeline = config["stack"][0]["block"]
    assert pipeline["sequence_block"] == {"type": "JapanesePhonemes"}
    return pipeline["streamable_block"]["block"]["sequence_block"]["blocks"]


def test_its_speech_is_that_of_kokoro_onnx(voice, paths, network_inputs):
    """English and Japanese sentences, from the same phonemes on, before anything is trimmed.

    ``tests/benchmarks/kokoro.py`` compares five times as many.
    """
    reader = voxstack.build({"type": "JapanesePhonemes"}, voice.addon)
    japanese = ["".join(reader({"text": text})["phonemes"]) for text in JAPANESE[::4]]
    requests = [
        {"phonemes": phonemes, "voice": SPEAKERS[number % 5], "speed": (1.0, 0.8, 1.3)[number % 3]}
        for number, phonemes in enumerate([*ENGLISH[::7], *japanese])
    ]
    expected = run_peer(paths, requests)
    network = voice.addon.network("voice")
    errors = []
    for number, request in enumerate(requests):
        found = network(**network_inputs(request["phonemes"], request["voice"], request["speed"]))
        samples, durations = found["samples"], found["durations"]
        errors.append(error(samples, expected[f"samples_{number}"]))
        assert durations.sum() * voice.addon.config["hop_length"] == len(samples)
        assert durations.min() >= 1
    assert max(errors) < TOLERANCE, errors


def test_the_whole_voice_is_that_trimmed_and_joined(voice, paths):
    reader = voxstack.build({"type": "JapanesePhonemes"}, voice.addon)
    texts = JAPANESE[1:3]
    phonemes = ["".join(reader({"text": text})["phonemes"]) for text in texts]
    expected = run_peer(paths, [{"phonemes": p, "voice": "jm_kumo", "speed": 1.0} for p in phonemes])
    speech = voice.synthesize("".join(texts), speaker="jm_kumo").samples
    position = 0
    for number in range(2):
        whole = expected[f"samples_{number}"]
        loud = np.flatnonzero(np.abs(whole) > 10**-3)
        sound = whole[loud[0] - 720 : loud[-1] + 721]
        assert error(speech[position : position + len(sound)], sound) < TOLERANCE
        position += len(sound)
        assert not speech[position : position + 6000].any()
        position += 6000
    assert position == len(speech)


def test_words_have_times_in_the_sound(voice):
    text = "「はい」と、お母さんが言いました。学校へ行きますか?"
    speech = voice.synthesize(text)
    words = [event for event in speech.events if event.kind == "word"]
    assert [event.text for event in words] == [text[slice(*event.span)] for event in words]
    assert {"はい", "お母さん", "学校", "行きます"} <= {event.text for event in words}
    ends = [event.start + event.duration for event in words]
    assert all(end <= later.start + 1e-6 for end, later in zip(ends, words[1:], strict=False))
    sentences = [event for event in speech.events if event.kind == "sentence"]
    assert [event.text for event in sentences] == ["「はい」と、お母さんが言いました。", "学校へ行きますか?"]
    pause = sentences[1].start - sentences[0].start - sentences[0].duration
    assert pause == pytest.approx(0.25)
    assert sentences[1].start + sentences[1].duration + 0.25 == pytest.approx(len(speech.samples) / 24000)


def test_the_limit_of_phonemes_is_that_of_the_model(voice, network_inputs):
    phrases = voice.addon.config["stack"][0]["block"]["streamable_block"]
    assert (phrases["type"], phrases["longest"]) == ("Phrases", 510)
    network = voice.addon.network("voice")
    found = network(**network_inputs("a" * 510, "jm_kumo", 2.0))
    assert len(found["durations"]) == 512
    with pytest.raises(NetworkError, match="network 'voice': ONNX Runtime failed"):
        network(**network_inputs("a" * 511, "jm_kumo", 2.0))


def test_where_openvino_says_something_else_it_is_refused(folder):
    pytest.importorskip("openvino", reason="pip install openvino")
    if "openvino:CPU" not in voxstack.networks.opening.available_devices(Registry.installed()):
        pytest.skip("OpenVINO runs on no processor here")
    measured = voxstack.load(folder).addon.config["networks"]["voice"]["measured"]["contexts"]["openvino:cpu"]
    if measured["passed"]:
        pytest.skip(f"OpenVINO {measured['version']} computes the same")
    with pytest.raises(ContextError, match=r"^network 'voice' is refused in openvino:cpu: when the addon was made"):
        voxstack.load(folder, context="openvino:CPU")
    styles = Addon.open(folder, Registry.installed(), "openvino:cpu").network("styles")
    assert styles.effective.refused == ()

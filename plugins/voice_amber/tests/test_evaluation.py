"""The parts of training and evaluation that need neither a teacher nor checkpoints."""

from __future__ import annotations

import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from voxstack_text.normalise.normaliser import normalise
from voxstack_text.pronunciation.lexicon import Lexicon
from voxstack_text.pronunciation.pronouncer import Pronouncer
from voxstack_text.spoken_words import PAUSE

TRAINING = Path(__file__).parents[1] / "training"
RATE = 16000
RNG = np.random.default_rng(5)


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that imports a training module by name."""
    for folder in (TRAINING, TRAINING.parents[1] / "voice_prism" / "training"):
        monkeypatch.syspath_prepend(str(folder))
    return __import__


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch", reason="the training uses torch")


def pulses(f0: float, seconds: float = 0.6) -> np.ndarray:
    """Return the sum of all harmonics of ``f0`` below 7.5 kHz."""
    time = np.arange(int(seconds * RATE)) / RATE
    return (0.05 * sum(np.cos(2 * np.pi * f0 * k * time) for k in range(1, int(7500 / f0)))).astype(np.float32)


def test_both_sets_have_words_that_a_recogniser_can_write(module: Any) -> None:
    recognition = module("recognition")
    held_out, further = (recognition.read_sentences(path) for path in (recognition.HELD_OUT, recognition.FURTHER))
    assert (len(held_out), len(further)) == (40, 100)
    for sentence in (*held_out, *further):
        assert sentence.spoken == recognition.words(sentence.spoken)
        assert not any(letter.isdigit() or letter in "$%." for letter in sentence.spoken)
    assert sum(sentence.text.endswith("?") for sentence in further) >= 25
    assert sum(any(letter.isdigit() for letter in sentence.text) for sentence in further) >= 30


def test_the_voice_says_the_words_of_the_set(module: Any) -> None:
    """All but a few, which can be spoken in two ways, such as the "and" in a number."""
    recognition, pronouncer = module("recognition"), Pronouncer(Lexicon.built_in())
    differ = {}
    for sentence in recognition.read_sentences(recognition.FURTHER):
        words = (item.word.lower() for item in normalise(sentence.text, pronouncer.is_known) if item.word != PAUSE)
        spoken = " ".join(words)
        if recognition.words(spoken) != sentence.spoken:
            differ[sentence.text] = spoken
    assert len(differ) <= 5, differ


def test_error_rates_count_words_and_letters(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    recognition = module("recognition")
    heard = iter(["the cat sat", "a hat"])
    monkeypatch.setattr(
        recognition, "Recogniser", lambda: SimpleNamespace(transcribe=lambda samples, rate: next(heard))
    )
    sentences = [recognition.Sentence("The cat sat.", "the cat sat"), recognition.Sentence("A bat.", "a bat")]
    result = recognition.measure(lambda text: (np.zeros(RATE), RATE), sentences, "test")
    assert result["wer"] == pytest.approx(1 / 5)
    assert result["cer"] == pytest.approx(1 / 16, abs=1e-4)
    assert result["seconds"] == 2.0
    assert result["wer_error"] > 0


def test_deliveries_are_what_sentences_ask_for(module: Any) -> None:
    delivery = module("delivery")
    assert delivery.usual_delivery("He came.") == delivery.PLAIN
    assert str(delivery.PLAIN) == "0 1 0 1", "the teacher unchanged"
    assert delivery.usual_delivery("Did he come?").rise > delivery.usual_delivery("Why did he come?").rise > 0
    assert delivery.usual_delivery("He came!").span > 1
    deliveries = {delivery.random_delivery(random.Random(seed)) for seed in range(50)}
    assert len(deliveries) == 50
    assert not any(drawn.usual for drawn in deliveries)


def test_the_published_weights_are_found_under_their_own_names(module: Any, torch: Any) -> None:
    published, vocoder, acoustic, pronunciation = map(
        module, ("published_weights", "vocoder", "acoustic_networks", "pronunciation")
    )
    models = {
        "vocoder": vocoder.Vocoder(),
        "acoustic": acoustic.Acoustic(),
        "pronunciation": pronunciation.PronunciationNetwork(),
    }
    assert models.keys() == published.NETWORKS.keys()
    for name, model in models.items():
        assert published.load_matching(model, published.published_weights(name)) == []


def test_the_published_vocoder_is_the_one_that_runs(module: Any, torch: Any) -> None:
    ort = pytest.importorskip("onnxruntime")
    published, vocoder = module("published_weights"), module("vocoder")
    path, model = published.ADDONS["prism"] / "vocoder.onnx", vocoder.Vocoder()
    published.load_matching(model, published.onnx_weights(path))
    mel, mask = RNG.uniform(-9, 0, (1, 50, 80)).astype(np.float32), np.ones((1, 50), np.float32)
    with torch.no_grad():
        expected = model(torch.from_numpy(mel), torch.from_numpy(mask)).numpy()
    (output,) = ort.InferenceSession(path).run(None, {"mel": mel, "mask": mask})
    np.testing.assert_allclose(output, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_a_matrix_that_grew_keeps_its_old_columns(module: Any, torch: Any) -> None:
    published = module("published_weights")
    old, new = torch.nn.Linear(3, 2), torch.nn.Linear(5, 2)
    assert published.load_matching(new, old.state_dict()) == []
    assert torch.equal(new.weight[:, :3], old.weight)
    assert not new.weight[:, 3:].any()
    assert published.load_matching(torch.nn.Linear(5, 4), old.state_dict()) == ["weight", "bias"]


def test_the_periodicity_loss_distinguishes_pulses_from_noise(module: Any, torch: Any) -> None:
    loss = module("adversarial").periodicity_loss
    target = torch.from_numpy(np.stack([pulses(120.0), pulses(200.0)]))
    noise = torch.from_numpy(RNG.standard_normal(target.shape).astype(np.float32) * 0.1)
    predicted = (target + noise).requires_grad_()
    distances = [loss(x, target).item() for x in (target, target + 0.1 * noise, predicted, noise)]
    assert distances[0] == 0
    assert distances == sorted(distances)
    assert distances[3] > 0.5
    loss(predicted, target).backward()
    assert torch.isfinite(predicted.grad).all()
    assert predicted.grad.abs().max() > 0
    assert loss(predicted, noise).item() == 0, "without voiced frames there is no loss"


def test_periodicity_of_pulses_is_one_and_of_noise_little(module: Any, torch: Any) -> None:
    periodicity = module("periodicity").periodicity
    f0 = np.full(40, 125.0)
    assert periodicity(pulses(125.0), f0).min() > 0.98
    assert periodicity(RNG.standard_normal(8000), f0).max() < 0.6
    high = pulses(125.0)[:8000] + RNG.standard_normal(8000).astype(np.float32) * 0.02
    assert periodicity(high, f0).max() < 1


def test_cepstral_distance_depends_on_shape_and_not_on_level(module: Any, torch: Any) -> None:
    distance = module("frame_comparison")._cepstral_distance
    mel = RNG.uniform(-9, 0, (30, 80))
    assert distance(mel, mel) == 0
    assert distance(mel + 1.0, mel) == pytest.approx(0, abs=1e-9)
    assert distance(mel + 0.1 * RNG.standard_normal(mel.shape), mel) > 0.1


def test_griffin_lim_and_the_tracker_agree_on_a_pitch(module: Any, torch: Any) -> None:
    pytest.importorskip("librosa", reason="the evaluation's extra, pip install '.[evaluate]'")
    frame_comparison, features = module("frame_comparison"), module("features")
    wave = pulses(150.0, 1.0)
    mel = features.log_mel(torch.from_numpy(wave)[None])[0].T.numpy()
    synthesized = frame_comparison.griffin_lim(mel)
    assert synthesized.shape == wave.shape
    found = frame_comparison.track_pitch(synthesized, len(mel))
    assert np.median(found[found > 0]) == pytest.approx(150, rel=0.02)

from __future__ import annotations

import ast
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import voxstack
import voxstack_voice_amber
import voxstack_voice_prism
from voxstack import Registry
from voxstack.networks import Context
from voxstack.networks.addon import Addon
from voxstack_addon_spec import open_addon, write_zip
from voxstack_packager import upgrade

RATE = 16000  # Hz
MAX_WEIGHTS = 15_000_000  # bytes of the weights of all networks in the repository
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def voice() -> voxstack.Voice:
    return voxstack.load("amber")


def test_the_addon_is_whole(voice: voxstack.Voice) -> None:
    (folder,) = voxstack_voice_amber.voxstack_addons()
    with open_addon(folder) as files:
        files.verify()
    assert folder.name == voice.name == "amber"


def test_all_weights_together_are_small() -> None:
    sizes = {path: path.stat().st_size for path in ROOT.glob("plugins/*/src/**/*.data")}
    assert len(sizes) >= 9, "the weights are not where this test searches"
    assert sum(sizes.values()) <= MAX_WEIGHTS


@pytest.mark.parametrize("name", ["encoder", "durations", "prosody", "decoder", "pronunciation"])
def test_networks_give_their_golden_vectors(voice: voxstack.Voice, name: str) -> None:
    spec = voice.addon.networks[name]
    with np.load(voice.addon.files.path(f"golden/{name}.npz"), allow_pickle=False) as golden:
        arrays = dict(golden)
    outputs = voice.addon.network(name)(**{key: arrays[f"inputs.{key}"] for key in spec.inputs})
    for key in spec.outputs:
        expected = arrays[f"outputs.{key}"]
        np.testing.assert_allclose(outputs[key], expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["decoder", "vocoder"])
def test_both_forms_of_what_streams_share_their_weights_and_were_measured_alike(
    voice: voxstack.Voice, name: str
) -> None:
    spec = voice.addon.networks[name]
    assert spec.stateful is not None
    assert spec.exports["onnx"][1] == spec.stateful.exports["onnx"][1] == f"{name}.onnx.data"
    assert (spec.stateful.streaming.right, spec.stateful.streaming.hop) == (spec.streaming.right, spec.streaming.hop)
    assert spec.stateful.needs == {spec.streaming.input}
    assert spec.stateful.path(spec.stateful.exports["onnx"][0]).stat().st_size < 100_000


@pytest.fixture(scope="module")
def windowed() -> voxstack.Voice:
    return voxstack.load("amber", context={"runtime": "onnx", "streaming": "windowed"})


@pytest.mark.parametrize(("name", "of"), [("decoder", "inputs.frames"), ("vocoder", "outputs.mel")])
def test_streams_carry_state_and_networks_give_what_they_give_in_windows(
    voice: voxstack.Voice, windowed: voxstack.Voice, name: str, of: str
) -> None:
    """Other kernels round differently: the packager accepts a difference of 1e-5 of the scale."""
    with np.load(voice.addon.files.path("golden/decoder.npz"), allow_pickle=False) as golden:
        source = golden[of][0]
    config = {"type": "Decoder", "network": name}
    blocks = [voxstack.build(config, opened.addon, available=[]) for opened in (voice, windowed)]
    assert [block.mode for block in blocks] == ["stateful", "windowed"]
    outputs, expected = (np.concatenate(list(block.stream(iter(np.split(source, [7, 40])), {}))) for block in blocks)
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_streams_that_carry_state_say_what_windows_say(voice: voxstack.Voice, windowed: voxstack.Voice) -> None:
    """To 1e-3 of the peak: one bit of one frame, from another kernel, may turn an ill-defined phase by 0.003."""
    text = "She bought three pounds of apples. Yes."
    expected = windowed.synthesize(text).samples
    for schedule in (voxstack.Schedule(first=7), voxstack.Schedule(first=32)):
        samples = np.concatenate([chunk.samples for chunk in voice.stream(text, schedule=schedule)])
        np.testing.assert_allclose(samples, expected, rtol=0, atol=1e-3 * np.abs(expected).max())


def test_torch_streams_in_windows_as_it_has_no_other_form(voice: voxstack.Voice) -> None:
    pytest.importorskip("torch", reason="the torch runtime is an extra")
    in_torch = Addon.open("amber", Registry.installed(), {"runtime": "torch"})
    assert voxstack.build({"type": "Decoder"}, in_torch, available=[]).mode == "windowed"
    strict = Addon.open("amber", Registry.installed(), {"runtime": "torch", "streaming": "stateful"})
    with pytest.raises(voxstack.ContextError, match="needs an export of format 'pt2', and it has only onnx"):
        voxstack.build({"type": "Decoder"}, strict, available=[])


def test_it_speaks_and_says_the_same_again(voice: voxstack.Voice) -> None:
    first, second = (voice.synthesize("Good morning. How are you today?").samples for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert 1.5 * 16000 < len(first) < 5 * 16000
    assert 0.1 < np.abs(first).max() <= 1.0
    assert np.sqrt((first**2).mean()) > 0.02


def test_controls_change_what_they_say(voice: voxstack.Voice) -> None:
    plain = voice.synthesize("One, two, three.").samples
    fast = voice.synthesize("One, two, three.", rate=2.0).samples
    soft = voice.synthesize("One, two, three.", volume=-20.0).samples
    assert len(fast) == pytest.approx(len(plain) / 2, rel=0.15)
    np.testing.assert_allclose(soft, plain / 10, rtol=1e-5, atol=1e-7)


def pitches(samples: np.ndarray) -> np.ndarray:
    """Return the pitch in Hz of each clearly periodic frame of 50 ms, (frames,), by the peak of its autocorrelation."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, 800)[::200] * np.hanning(800)
    correlation = np.fft.irfft(np.abs(np.fft.rfft(frames, 2048)) ** 2)[:, :300]
    lags = 40 + correlation[:, 40:].argmax(1)
    strong = correlation[np.arange(len(lags)), lags] > 0.5 * np.maximum(correlation[:, 0], 1.0)
    return RATE / lags[strong]


def semitones(a: float, b: float) -> float:
    return float(12 * np.log2(a / b))


LINE = "The old bridge across the river was closed for repairs last winter."


@pytest.mark.parametrize("requested", [-4.0, 4.0])
def test_its_pitch_is_the_requested_one(voice: voxstack.Voice, requested: float) -> None:
    plain, moved = (np.median(pitches(voice.synthesize(LINE, pitch=value).samples)) for value in (0.0, requested))
    assert semitones(moved, plain) == pytest.approx(requested, abs=0.75)


def test_its_pitch_moves_as_far_as_requested(voice: voxstack.Voice) -> None:
    spread = [
        np.log2(pitches(voice.synthesize(LINE, pitch_range=value).samples)).std() * 12 for value in (0.0, 1.0, 2.0)
    ]
    assert spread[0] < 0.7 * spread[1]
    assert spread[2] > 1.5 * spread[1]


def test_energy_makes_it_stronger(voice: voxstack.Voice) -> None:
    soft, strong = (np.sqrt((voice.synthesize(LINE, energy=value).samples ** 2).mean()) for value in (-6.0, 6.0))
    assert 20 * np.log10(strong / soft) > 6


@pytest.mark.parametrize("words", ["You are leaving tomorrow", "She has seen the letter"])
def test_questions_rise_and_statements_do_not(voice: voxstack.Voice, words: str) -> None:
    statement, question = (pitches(voice.synthesize(words + mark).samples) for mark in ".?")
    assert semitones(question[-12:].max(), statement[-12:].max()) > 3
    assert semitones(np.median(question[:15]), np.median(statement[:15])) < 1.5


def test_exclamations_are_higher(voice: voxstack.Voice) -> None:
    statement, exclamation = (
        np.quantile(pitches(voice.synthesize("What a wonderful surprise" + mark).samples), 0.8) for mark in ".!"
    )
    assert semitones(exclamation, statement) > 1


@pytest.mark.parametrize(
    "text", ["Yes.", "a", "Dr. Smith paid $3.50 at 5:30 p.m.", "Zxqv wuggle!", "東京 and naïve café 😀.", "x" * 300]
)
def test_any_text_makes_sound(voice: voxstack.Voice, text: str) -> None:
    samples = voice.synthesize(text).samples
    assert len(samples) > 1000
    assert np.isfinite(samples).all()


@pytest.mark.parametrize("text", ["...!", "日本"])
def test_a_text_with_nothing_to_pronounce_is_an_error(voice: voxstack.Voice, text: str) -> None:
    with pytest.raises(voxstack.RequestError, match="it reads en-US: give it words or numbers"):
        voice.synthesize(text)


def golden_speech(voice: voxstack.Voice) -> tuple[str, dict[str, Any], np.ndarray]:
    with np.load(voice.addon.files.path("golden/speech.npz"), allow_pickle=False) as golden:
        return str(golden["request.text"]), json.loads(str(golden["request.controls"])), golden["outputs.samples"]


SHAPES = json.loads((next(iter(voxstack_voice_amber.voxstack_addons())) / "addon.json").read_text())["contexts"][
    "fixed"
]["shapes"]


@pytest.mark.parametrize("context", ["onnx:cpu", "fixed", "torch", {"runtime": "torch", "shapes": SHAPES}], ids=str)
def test_it_says_its_golden_speech(context: Any) -> None:
    if "torch" in str(context):
        pytest.importorskip("torch", reason="the torch runtime is an extra")
    voice = voxstack.load("amber", context=context)
    text, controls, expected = golden_speech(voice)
    assert 4 < len(expected) / voice.sample_rate < 8
    samples = voice.synthesize(text, **controls).samples
    assert samples.shape == expected.shape
    np.testing.assert_allclose(samples, expected, rtol=0, atol=1e-3 * np.abs(expected).max())
    requested = Context.of(context, voice.addon.config["contexts"], "amber")
    assert {(used.runtime, used.device) for used in voice.contexts()} == {(requested.runtime, requested.device)}
    assert len(voice.contexts()) == len(voice.addon.networks)


def test_contexts_are_those_of_the_script_that_exports_it(voice: voxstack.Voice) -> None:
    assert list(voice.addon.config["contexts"]) == ["default", "fixed", "openvino", "npu", "torch"]
    script = (ROOT / "plugins" / "voice_amber" / "training" / "export.py").read_text()
    assigned = {node.targets[0].id: node.value for node in ast.parse(script).body if isinstance(node, ast.Assign)}
    shapes = ast.literal_eval(assigned["SHAPES"])
    exported = eval(compile(ast.Expression(assigned["CONTEXTS"]), "export.py", "eval"), {"SHAPES": shapes})
    assert voice.addon.config["contexts"] == exported
    assert golden_speech(voice)[0] == ast.literal_eval(assigned["GOLDEN_TEXT"])
    assert f'VERSION = "{voice.addon.config["version"]}"' in script


@pytest.mark.parametrize("name", ["encoder", "durations", "decoder", "pronunciation", "vocoder"])
def test_torch_gives_what_onnx_gives_of_the_same_weights(voice: voxstack.Voice, name: str) -> None:
    pytest.importorskip("torch", reason="the torch runtime is an extra")
    spec = voice.addon.networks[name]
    assert spec.exports["pt2"][1] == spec.exports["onnx"][1] == f"{name}.onnx.data"
    assert spec.path(spec.exports["pt2"][0]).stat().st_size < 10_000
    folder = spec.path(spec.exports["onnx"][0]).parent
    with np.load(folder / "golden" / f"{name}.npz", allow_pickle=False) as golden:
        inputs = {key: golden[f"inputs.{key}"] for key in spec.inputs}
    onnx, torch = (voice.addon.network(name, {"runtime": runtime})(**inputs) for runtime in ("onnx", "torch"))
    for key, expected in onnx.items():
        np.testing.assert_allclose(torch[key], expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_the_pronunciation_network_states_the_length_of_its_output(voice: voxstack.Voice) -> None:
    assert voice.addon.networks["pronunciation"].length("steps") == ("letters", 3)


def test_packaged_as_it_would_be_now(tmp_path: Path) -> None:
    for module in ("onnx", "onnxruntime"):
        pytest.importorskip(module, reason="the packager needs it")
    (folder,) = voxstack_voice_amber.voxstack_addons()
    (prism,) = voxstack_voice_prism.voxstack_addons()
    again = shutil.copytree(folder, tmp_path / "amber")
    upgrade(again, lenders=[prism], progress=str)
    new, old = (json.loads((path / "addon.json").read_text()) for path in (again, folder))
    assert _without_speech(new) == _without_speech(old)


def _without_speech(config: dict[str, Any]) -> dict[str, Any]:
    """Return the config without the entry of the golden speech, which other processors round differently."""
    return {**config, "files": {name: entry for name, entry in config["files"].items() if name != "golden/speech.npz"}}


def test_a_zip_of_it_says_the_same_and_runs_no_code(voice: voxstack.Voice, tmp_path: Path) -> None:
    (folder,) = voxstack_voice_amber.voxstack_addons()
    zipped = voxstack.load(write_zip(folder, tmp_path / "amber.zip"))
    np.testing.assert_array_equal(zipped.synthesize("Hello.").samples, voice.synthesize("Hello.").samples)
    pytest.importorskip("torch", reason="the torch runtime is an extra")
    with pytest.raises(voxstack.ContextError, match="trust=True"):
        zipped.addon.network("decoder", {"runtime": "torch"})


def test_pauses_get_longer_and_words_do_not(voice: voxstack.Voice) -> None:
    plain, slow = voice.synthesize("One. Two, three."), voice.synthesize("One. Two, three.", pause=2.0)
    silences = [sum(event.duration for event in speech.events if event.text == "pau") for speech in (plain, slow)]
    assert silences[1] == pytest.approx(2 * silences[0], rel=0.05)
    assert [word.duration for word in slow.words] == pytest.approx([word.duration for word in plain.words], abs=0.0126)

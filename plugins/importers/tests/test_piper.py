# ruff: noqa: RUF001 -- some letters are phonetic
"""Piper voices: the speech of the addon is that of the original, however it is streamed."""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path

import numpy as np
import pytest

REASON = "importing needs onnx and onnxruntime: pip install voxstack-importers"
onnx = pytest.importorskip("onnx", reason=REASON)
pytest.importorskip("onnxruntime", reason=REASON)

sys.path.insert(0, str(Path(__file__).parent / "support"))
from comparing import SCHEDULES, error  # noqa: E402
from originals import SYMBOLS, piper_voice, run_piper  # noqa: E402

import voxstack  # noqa: E402
from voxstack import Schedule  # noqa: E402
from voxstack_cli.main import main  # noqa: E402
from voxstack_importers import import_voice  # noqa: E402
from voxstack_importers.model_card import spdx_identifier  # noqa: E402
from voxstack_packager import PackagingError  # noqa: E402

TEXT = "this is what they say, is it?"


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """Import each voice: its ``.onnx`` and its addon, by name."""
    folder = tmp_path_factory.mktemp("piper")
    paths = {name: piper_voice(folder, name) for name in ("one", "three", "plain")}
    return {name: (path, import_voice("piper", path, folder / name, progress=str)) for name, path in paths.items()}


@pytest.fixture(scope="module")
def voices(imported):
    return {name: voxstack.load(addon) for name, (_, addon) in imported.items()}


def expected(path, voice, **controls):
    """Return the speech of the original, with the noise that the voice's own blocks draw."""
    utterance = voice.request(TEXT, **controls)
    pipeline = voice.addon.config["stack"][0]["block"]
    inputs = {**utterance, **voxstack.build(pipeline["sequence_block"], voice.addon)(utterance)}
    sample = {"type": "GaussianSample"}
    channels, frames = inputs["encoded"].shape[1] // 2, int(inputs["durations"].sum())
    drawn = voxstack.build(sample).stream(
        iter([np.zeros((frames, 2 * channels), np.float32)]), {"seed": utterance["seed"]}
    )
    noise = {"noise": next(drawn).T[None], "duration_noise": inputs.get("duration_noise", np.zeros((1, 2))).T[None]}
    scales = [utterance["noise_scale"], 1.2 / utterance["rate"], utterance.get("noise_w", 0.0)]
    return run_piper(path, tokens_of(TEXT), scales, int(inputs.get("speaker_id", 0)), **noise)


def tokens_of(text):
    """Return tokens as Piper interleaves them."""
    ids = [*SYMBOLS["^"], *SYMBOLS["_"]]
    for letter in text:
        ids += [*SYMBOLS[letter], *SYMBOLS["_"]]
    return np.array([*ids, *SYMBOLS["$"]])


@pytest.mark.parametrize(
    ("name", "controls"),
    [
        ("one", {}),
        ("one", {"rate": 2.0, "seed": 5}),
        ("one", {"rate": 0.6, "noise_scale": 1.0, "noise_w": 0.2}),
        ("three", {}),
        ("three", {"speaker": "bryn", "seed": 1}),
        ("three", {"speaker": "carys", "rate": 1.5}),
        ("plain", {"seed": 9}),
    ],
)
def test_it_says_what_the_original_says(imported, voices, name, controls):
    voice = voices[name]
    assert error(voice.synthesize(TEXT, **controls).samples, expected(imported[name][0], voice, **controls)) < 1e-5


@pytest.mark.parametrize("name", ["one", "three"])
def test_without_noise_it_says_what_the_untouched_graph_says(imported, voices, name):
    reference = run_piper(imported[name][0], tokens_of(TEXT), [0.0, 1.2, 0.0])
    assert error(voices[name].synthesize(TEXT, noise_scale=0.0, noise_w=0.0).samples, reference) < 1e-5


def test_seeds_speakers_and_noise_change_what_is_said(voices):
    speech = {
        str(controls): voices["three"].synthesize(TEXT, **controls).samples
        for controls in ({}, {"seed": 1}, {"speaker": "bryn"}, {"noise_scale": 0.3}, {"noise_w": 0.1})
    }
    first = speech.pop("{}")
    assert all(other.shape != first.shape or error(other, first) > 0.01 for other in speech.values())
    np.testing.assert_array_equal(voices["three"].synthesize(TEXT, speaker="alba", seed=0).samples, first)


@pytest.mark.parametrize("name", ["one", "three"])
@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_it_says_the_same_for_every_schedule(voices, name, schedule):
    voice = voices[name]
    chunks = [chunk.samples for chunk in voice.stream(TEXT, schedule=schedule, seed=3)]
    whole = voice.synthesize(TEXT, seed=3).samples
    assert len(chunks) > 3 or schedule.first > 60
    assert error(np.concatenate(chunks), whole) < 1e-6


def test_what_streams_is_measured(voices):
    networks = voices["three"].addon.config["networks"]
    fields = {name: networks[name].get("streaming") for name in networks}
    assert fields["text"] is fields["speakers"] is None
    assert fields["flow"] == {"axis": "frames", "left": 32, "right": 32, "hop": 1}
    assert fields["decoder"] == {"axis": "frames", "left": 11, "right": 11, "hop": 256}
    assert all(networks[name]["measured"]["original_error"] < 1e-6 for name in networks)
    assert networks["decoder"]["stateful"]["streaming"]["hop"] == 256
    assert voices["three"].schedule.largest == 64
    stateful = networks["flow"]["stateful"]["streaming"]
    assert stateful["right"] == 32


def test_the_first_audio_waits_for_no_more_than_flow_and_decoder_look_ahead(voices):
    first = next(voices["one"].stream(TEXT, schedule=Schedule(first=10)))
    assert len(first.samples) == 10 * 256


def test_golden_vectors_are_the_originals(imported):
    path, addon = imported["three"]
    with np.load(addon / "golden" / "speech.npz") as golden:
        assert json.loads(str(golden["request.controls"])) == {}
        samples = golden["outputs.samples"]
    assert (
        error(voxstack.load(addon).synthesize("This is what the voice says, as the original says it.").samples, samples)
        < 1e-5
    )
    assert not np.array_equal(
        samples, voxstack.load(addon).synthesize("This is what the voice says, as the original says it.").samples
    )
    with np.load(addon / "golden" / "text.npz") as golden:
        tokens, noise, durations = (
            golden[key] for key in ("inputs.tokens", "inputs.duration_noise", "outputs.durations")
        )
    frames = int(durations.sum())
    turned = {"duration_noise": noise.transpose(0, 2, 1), "noise": np.zeros((1, 8, frames), np.float32)}
    assert len(run_piper(path, tokens[0], [0.667, 1.2, 0.8], 2, **turned)) == 256 * frames


def test_check_passes(imported):
    from voxstack_bench import check

    report = check(imported["three"][1], contexts=["onnx:cpu"], progress=lambda line: None)
    assert report.passed
    rows = {row.subject: row for found in report.contexts for row in found.rows}
    assert {"text", "flow", "flow, stateful", "decoder", "speakers", "speech", "speech, streamed"} <= rows.keys()
    assert all(row.error < 1e-5 for row in rows.values())


def test_the_shell_imports(tmp_path, capsys):
    path = piper_voice(tmp_path, "plain")
    options = ["--name", "lyra", "--license", "MIT", "--text", "hello, you."]
    status = main(["import", "piper", str(path), "--out", str(tmp_path / "lyra"), "--quiet", *options])
    assert (status, capsys.readouterr().out.strip()) == (0, str(tmp_path / "lyra"))
    config = json.loads((tmp_path / "lyra" / "addon.json").read_text())
    assert (config["name"], config["license"], config["languages"], config["hop_length"]) == (
        "lyra",
        "MIT",
        ["en-GB"],
        256,
    )
    assert main(["validate", str(tmp_path / "lyra")]) == 0


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"phoneme_type": "pinyin"}, "phoneme_type 'pinyin' needs a reader of its own"),
        ({"num_speakers": 2}, r"one\.onnx: takes \['input', 'input_lengths', 'scales'\]; with num_speakers 2"),
        ({"phoneme_id_map": {"a": [1]}}, r"phoneme_id_map lacks \['\^', '\$', '_'\]"),
        ({"audio": {}}, r"is not the configuration of a Piper voice \(KeyError\('sample_rate'\)\)"),
    ],
)
def test_what_is_no_piper_voice_is_refused(tmp_path, config, problem):
    path = piper_voice(tmp_path, "one", **config)
    with pytest.raises(PackagingError, match=problem):
        import_voice("piper", path, tmp_path / "out", progress=str)
    assert not (tmp_path / "out").exists()


def test_phonemes_are_those_of_the_plugin_that_knows_them(tmp_path):
    """Without it the error names what to install; with it the speech is that of the untouched graph."""
    letters = "^$_ ,.?abdefhijklmnoprstuvwzæðŋɐɑɔəɚɛɜɡɪɹʃʊʌʒˈˌːθᵻɾgcxy"
    path = piper_voice(
        tmp_path, "plain", phoneme_type="espeak", phoneme_id_map={letter: [i] for i, letter in enumerate(letters)}
    )
    if "EspeakPhonemes" not in voxstack.Registry.installed():
        with pytest.raises(
            PackagingError, match=r"phonemes: the voice reads phonemes of espeak-ng, .*: pip install voxstack-espeak"
        ):
            import_voice("piper", path, tmp_path / "out", progress=str)
        return
    voice = voxstack.load(import_voice("piper", path, tmp_path / "out", progress=str))
    block = voxstack.build({"type": "EspeakPhonemes", "voice": "en-us"}, voice.addon)
    phonemes = block({"text": "Hello there, it is me."})["phonemes"]
    assert "".join(phonemes).startswith("həlˈoʊ ðˈɛɹ")
    assert '"written_pauses": true' in json.dumps(voice.addon.config["stack"])
    ids = [letters.index("^"), letters.index("_")]
    for phoneme in phonemes:
        ids += [letters.index(phoneme), letters.index("_")]
    reference = run_piper(path, np.array([*ids, letters.index("$")]), [0.0, 1.2, 0.0])
    assert error(voice.synthesize("Hello there, it is me.", noise_scale=0.0).samples, reference) < 1e-5


def changed(path, change):
    model = onnx.load(path)
    change(model.graph.node)
    onnx.save(model, path)


@pytest.mark.parametrize(
    ("operator", "other", "problem"),
    [
        ("Ceil", "Floor", "looked for one Ceil, .* and found 0; this is not a VITS"),
        (
            "RandomNormalLike",
            "Identity",
            "looked for one random tensor .* there are 0 before the durations and 0 after them",
        ),
        ("ConvTranspose", "Conv", "looked for a ConvTranspose"),
    ],
)
def test_another_graph_is_refused_with_what_was_looked_for(tmp_path, operator, other, problem):
    path = piper_voice(tmp_path, "one")

    def change(nodes):
        for node in nodes:
            if node.op_type == operator:
                node.op_type = other

    changed(path, change)
    with pytest.raises(PackagingError, match=rf"one\.onnx: {problem}"):
        import_voice("piper", path, tmp_path / "out", progress=str)


def test_names_of_operators_do_not_matter(tmp_path):
    path = piper_voice(tmp_path, "one")

    def rename(nodes):
        names = {
            name: f"t{i}" for i, name in enumerate(name for node in nodes for name in node.output if name != "output")
        }
        for i, node in enumerate(nodes):
            node.name = f"n{i}"
            node.input[:] = [names.get(name, name) for name in node.input]
            node.output[:] = [names.get(name, name) for name in node.output]

    changed(path, rename)
    addon = import_voice("piper", path, tmp_path / "out", progress=str)
    assert voxstack.load(addon).synthesize(TEXT).samples.any()


def test_another_script_is_read_sentence_by_sentence(tmp_path):
    letters = "приветмкдла .,?"
    symbols = {"_": [0], "^": [1], "$": [2], **{letter: [3 + i] for i, letter in enumerate(letters)}}
    path = piper_voice(tmp_path, "plain", phoneme_id_map=symbols, language={"code": "ru_RU"}, espeak={"voice": "ru"})
    voice = voxstack.load(import_voice("piper", path, tmp_path / "out", progress=str))
    speech = voice.synthesize("привет, мир. как дела?")
    found = {kind: [event.text for event in speech.events if event.kind == kind] for kind in ("sentence", "word")}
    assert found == {"sentence": ["привет, мир.", "как дела?"], "word": ["привет", "мир", "как", "дела"]}
    assert speech.samples.any()


def test_without_its_configuration_a_voice_is_refused(tmp_path):
    path = piper_voice(tmp_path, "one")
    path.with_name("one.onnx.json").unlink()
    with pytest.raises(PackagingError, match=r"has no one\.onnx\.json beside it"):
        import_voice("piper", path, tmp_path / "out", progress=str)


@pytest.fixture(scope="module")
def like_piper(tmp_path_factory):
    """Import a voice that reads phonemes as Piper's software reads them, and as loud as that makes it."""
    pytest.importorskip("espeakng_loader", reason="espeak-ng is not installed: pip install voxstack-espeak")
    folder = tmp_path_factory.mktemp("like")
    symbols = {symbol: [number % 60 + 3] for number, symbol in enumerate("abdefhijklmnopstuvwzæðŋɐɑɔəɚɛɪʊʌˈˌː ʲ.,?!")}
    path = piper_voice(folder, "one", phoneme_id_map={"_": [0], "^": [1], "$": [2], **symbols}, phoneme_type="espeak")
    path.with_name("MODEL_CARD").write_text("# Model card\n\n* License: CC BY-SA 4.0 (see the URL)\n")
    options = {"none": {"loudness": "none"}, "sentence": {}, "steady": {"loudness": "steady"}}
    return {
        name: voxstack.load(import_voice("piper", path, folder / name, progress=str, like="piper", **chosen))
        for name, chosen in options.items()
    }


def test_sentences_end_where_pipers_software_ends_them(like_piper):
    text = "Dr. Hall is on Mt. Hood. It is late"
    for voice in like_piper.values():
        events = voice.synthesize(text, noise_scale=0.0).events
        found = [text[slice(*event.span)].strip() for event in events if event.kind == "sentence"]
        assert found == ["Dr.", "Hall is on Mt.", "Hood.", "It is late"]
        spoken = [event.text for event in events if event.kind == "word"]
        assert spoken == ["Dr", "Hall", "is", "on", "Mt", "Hood", "It", "is", "late"]
        assert "written_pauses" not in json.dumps(voice.addon.config["stack"])


def test_each_sentence_has_the_full_range_or_all_the_same_gain(like_piper):
    text = "This is it. Is it so? No."
    speech = {name: voice.synthesize(text, noise_scale=0.0) for name, voice in like_piper.items()}
    plain, scaled, steady = (speech[name].samples for name in ("none", "sentence", "steady"))
    rate = speech["none"].sample_rate
    starts = [round(event.start * rate) for event in speech["none"].events if event.kind == "sentence"]
    for first, end in itertools.pairwise([*starts, len(plain)]):
        peak = np.abs(plain[first:end]).max()
        np.testing.assert_allclose(scaled[first:end], plain[first:end] / peak, atol=1e-5)
    stack = like_piper["steady"].addon.config["stack"]
    assert [block["type"] for block in stack] == ["Sentences", "Gain", "Limiter"]
    assert np.abs(steady).max() <= 10 ** (-0.1 / 20)
    quiet = np.abs(plain) < 0.05 * np.abs(plain).max()
    assert np.median(np.abs(steady[quiet])) > np.median(np.abs(plain[quiet]))


def test_the_licence_is_that_of_the_model_card(like_piper):
    assert like_piper["none"].addon.config["license"] == "CC-BY-SA-4.0"


@pytest.mark.parametrize(("option", "value"), [("like", "festival"), ("loudness", "loud")])
def test_a_likeness_that_does_not_exist_is_refused(tmp_path, option, value):
    with pytest.raises(PackagingError, match=f"--{option}: '{value}' is unknown; choose from"):
        import_voice("piper", piper_voice(tmp_path, "one"), tmp_path / "out", progress=str, **{option: value})


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("CC0", "CC0-1.0"),
        ("Creative Commons Zero", "CC0-1.0"),
        ("CC BY 4.0", "CC-BY-4.0"),
        ("cc-by-nc-sa-4.0", "CC-BY-NC-SA-4.0"),
        ("MIT License", "MIT"),
        ("Blizzard", "LicenseRef-Unknown"),
    ],
)
def test_licences_are_known_as_people_write_them(stated, expected):
    assert spdx_identifier(stated) == expected


@pytest.mark.parametrize(
    ("voice", "text"),
    [
        ("es", "¿Cómo estás? El niño comió tres mil peras, y la luz era azul."),
        ("hi", "नमस्ते, आप कैसे हैं? आज मौसम अच्छा है।"),
    ],
)
def test_voices_of_other_languages_have_the_tokens_of_pipers_software(voice, text, tmp_path):
    pytest.importorskip("espeakng_loader", reason="espeak-ng is not installed: pip install voxstack-espeak")
    software = pytest.importorskip("piper", reason="piper-tts is not installed: pip install piper-tts")
    symbols = json.loads((Path(__file__).parent / "data/piper_symbols.json").read_text("utf-8"))
    path = piper_voice(tmp_path, "one", phoneme_type="espeak", phoneme_id_map=symbols, espeak={"voice": voice})
    loaded = voxstack.load(import_voice("piper", path, tmp_path / "out", progress=str, like="piper"))
    blocks = loaded.addon.config["stack"][0]["block"]["block"]["sequence_block"]["blocks"][:2]
    reader = voxstack.build({"type": "SequenceBlockContainer", "blocks": blocks}, loaded.addon)
    config = software.config.PiperConfig.from_dict(json.loads(path.with_name("one.onnx.json").read_text()))
    original = software.PiperVoice(session=None, config=config)
    expected = [original.phonemes_to_ids(phonemes) for phonemes in original.phonemize(text)]
    ends = voxstack.build({"type": "EspeakSentenceEnds", "voice": voice}, loaded.addon)({"text": text})["sentence_ends"]
    parts = [text[start:end] for start, end in itertools.pairwise([0, *ends])]
    assert [reader({"text": part})["tokens"].tolist() for part in parts] == expected
    events = loaded.synthesize(text).events
    assert len([event for event in events if event.kind == "word"]) == len(text.split())


def test_the_golden_text_is_one_sentence(tmp_path):
    with pytest.raises(PackagingError, match="is spoken as 2 sentences, and the original is compared in one"):
        import_voice("piper", piper_voice(tmp_path, "one"), tmp_path / "out", progress=str, text="one. and two.")

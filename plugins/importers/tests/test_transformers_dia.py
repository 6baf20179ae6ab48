"""Dia of transformers: the speech of the addon is that of its processor and ``generate``, however it is streamed."""

from __future__ import annotations

import json
import shutil
import sys
import threading
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

REASON = "importing from transformers needs pip install 'voxstack-importers[transformers]'"
torch = pytest.importorskip("torch", reason=REASON)
transformers = pytest.importorskip("transformers", minversion="5.24", reason=REASON)
pytest.importorskip("onnxscript", reason=REASON)

sys.path.insert(0, str(Path(__file__).parent / "support"))
from comparing import SCHEDULES, error  # noqa: E402
from pretrained import dac_codec, dia_voice  # noqa: E402
from shared_exports import shared_exports  # noqa: E402

import voxstack  # noqa: E402
from voxstack.streaming.seeds import generator  # noqa: E402
from voxstack_autoregressive.step_batch import StepBatch  # noqa: E402
from voxstack_importers import import_voice  # noqa: E402
from voxstack_packager import PackagingError  # noqa: E402

TEXTS = ["[S1] Who said so? [S2] I did.", "Zürich, 7 °C.", "[S2] No."]
DELAYS, HOP, LONGEST = [0, 3, 4, 5], 8, 60


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """Import a voice: the folders of the model and its codec, and the addon of both."""
    folder = tmp_path_factory.mktemp("dia")
    model, codec = dia_voice(folder / "model")
    with shared_exports():
        addon = import_voice("transformers", model, folder / "dia", progress=str, codec=str(codec), name="dia")
    return model, codec, addon


@pytest.fixture(scope="module")
def voice(imported):
    return voxstack.load(imported[2])


@pytest.fixture(scope="module")
def original(imported):
    """Read the model and the processor of transformers."""
    model = transformers.DiaForConditionalGeneration.from_pretrained(imported[0]).eval()
    codec = transformers.DacModel.from_pretrained(imported[1]).eval()
    tokenizer = transformers.DiaTokenizer.from_pretrained(imported[0])
    return model, transformers.DiaProcessor(transformers.DiaFeatureExtractor(), tokenizer, codec)


def expected(original, voice, text, **controls):
    """Return the speech of transformers for a text, with the noise of the voice."""
    model, processor = original
    utterance = voice.request(text, **controls)
    codes = {"delay_pattern": DELAYS, "bos_token_id": 34, "eos_token_id": 32, "pad_token_id": 33}
    inputs = processor(text, return_tensors="pt", **codes)
    random = generator(utterance, "noise")

    def multinomial(chances, *_, **__):
        drawn = torch.from_numpy(random.random((len(chances), 1), np.float32))
        return (chances.cumsum(-1) > drawn).int().argmax(-1, keepdim=True)

    heat = {} if utterance["temperature"] else {"do_sample": False}
    with mock.patch("torch.multinomial", multinomial):
        special = {"eos_token_id": 32, "pad_token_id": 33, "decoder_start_token_id": 34}
        rows = model.generate(**inputs, guidance_scale=utterance["guidance_scale"], **heat, **special)
    return processor.decode(rows, **codes).numpy()


@pytest.mark.parametrize(
    ("text", "controls"),
    [
        (TEXTS[0], {"temperature": 0.0}),
        (TEXTS[0], {"temperature": 0.0, "guidance_scale": 1.0}),
        (TEXTS[0], {"seed": 4}),
        (TEXTS[1], {"seed": 1, "guidance_scale": 1.0}),
        (TEXTS[2], {"seed": 2, "guidance_scale": 1.7}),
    ],
)
def test_it_says_what_transformers_says(original, voice, text, controls):
    assert error(voice.synthesize(text, **controls).samples, expected(original, voice, text, **controls)) < 1e-4


def test_guidance_and_noise_change_the_speech(voice):
    requests = [{"seed": 1}, {"seed": 2}, {"guidance_scale": 1.0}, {"temperature": 0.0}]
    spoken = {voice.synthesize(TEXTS[0], **controls).samples.tobytes() for controls in requests}
    assert len(spoken) == len(requests)


def test_what_is_drawn_decides_when_it_ends(voice):
    frames = {len(voice.synthesize(TEXTS[0], seed=seed).samples) // HOP for seed in range(12)}
    assert max(frames) <= LONGEST - 1, "the end is not spoken"
    assert len(frames) > 1, "the end of this model depends on its noise"


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_it_says_the_same_for_every_schedule(voice, schedule):
    chunks = [chunk.samples for chunk in voice.stream(TEXTS[0], schedule=schedule, seed=4)]
    assert error(np.concatenate(chunks), voice.synthesize(TEXTS[0], seed=4).samples) < 1e-5


def test_the_first_audio_needs_the_delay_and_what_the_codec_sees(voice):
    steps = []
    taken = StepBatch.run

    def count(self, limit):
        steps.append(limit)
        taken(self, limit)

    right = voice.addon.config["networks"]["codec"]["stateful"]["streaming"]["right"]
    with mock.patch.object(StepBatch, "run", count):
        first = next(iter(voice.stream(TEXTS[0], seed=4, schedule=voxstack.Schedule(first=1, growth=1.0))))
    assert len(first.samples) == HOP
    assert sum(steps) == 1 + max(DELAYS) + right


def test_streams_of_any_length_step_together(imported, voice):
    together = voxstack.load(imported[2], context={"runtime": "onnx", "batch": 6})
    requests = [(TEXTS[number % 3], {"seed": number, "guidance_scale": 1.0 + number % 2}) for number in range(6)]
    rows, results = [], [None] * len(requests)

    def speak(number):
        text, controls = requests[number]
        results[number] = together.synthesize(text, **controls).samples

    created = StepBatch.__init__

    def record(self, network, members, bounds):
        rows.append(len(members))
        created(self, network, members, bounds)

    with mock.patch.object(StepBatch, "__init__", record):
        threads = [threading.Thread(target=speak, args=(number,)) for number in range(len(requests))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert max(rows) > 1, "several streams were in one batch"
    for samples, (text, controls) in zip(results, requests, strict=True):
        assert error(samples, voice.synthesize(text, **controls).samples) < 1e-5


def test_what_streams_is_measured(voice):
    networks = voice.addon.config["networks"]
    states = networks["step"]["autoregressive"]["states"]
    assert states["keys_0"] == {"next": "keys_0_new", "steps": 0, "append": True}
    assert networks["codec"]["stateful"]["streaming"]["hop"] == HOP
    assert max(networks["codec"]["stateful"]["measured"]["chunk_error"].values()) < 1e-5
    assert all(network["measured"]["source_error"] < 1e-5 for network in networks.values())


def test_words_are_events_without_the_marks_of_speakers(voice):
    events = [event for event in voice.synthesize(TEXTS[0], seed=4).events if event.kind == "word"]
    assert [event.text for event in events] == ["Who", "said", "so", "I", "did"]


@pytest.mark.parametrize("text", [*TEXTS, "  two   spaces [S1][S2]", "<pad> [s1] \n日"])
def test_it_reads_as_the_tokenizer_does(original, voice, text):
    block = voxstack.build(voice.addon.config["stack"][0]["sequence_block"]["blocks"][0], voice.addon)
    np.testing.assert_array_equal(block({"text": text})["tokens"], original[1].tokenizer(text)["input_ids"])


def test_a_text_that_is_too_long_is_refused(voice):
    with pytest.raises(voxstack.RequestError, match="has 201 bytes, and the voice reads up to 200 at once"):
        voice.synthesize("a" * 201)


def refused(problem, model, out, **options):
    with pytest.raises(PackagingError, match=problem):
        import_voice("transformers", model, out, progress=str, **options)


def _changed(folder, target, file, **fields):
    """Return a copy of a model with other fields in one of its files."""
    shutil.copytree(folder, target)
    content = json.loads((target / file).read_text())
    (target / file).write_text(json.dumps({**content, **fields}))
    return target


def test_refusals_of_codecs(imported, tmp_path):
    model, out = imported[0], tmp_path / "out"
    refused("predicts the codes of a DAC codec.*give its folder with --codec", model, out)
    refused("names DiaForConditionalGeneration; supported here: DacModel", model, out, codec=str(model))
    other = dac_codec(tmp_path / "other", n_codebooks=3)
    refused("reads 3 codebooks of 32 codes, and the model predicts 4 of 32", model, out, codec=str(other))
    other = dac_codec(tmp_path / "odd", downsampling_ratios=[3, 2])
    refused("upsamples by 3, an odd number", model, out, codec=str(other))
    assert not out.exists()


@pytest.mark.parametrize(
    ("file", "fields", "problem"),
    [
        ("generation_config.json", {"guidance_scale": 0.5}, "guidance_scale: is 0.5, and must be from 1 to 100"),
        ("generation_config.json", {"max_new_tokens": 9}, "max_new_tokens: is not read; remove it, and set"),
        ("generation_config.json", {"eos_token_id": 5}, "eos_token_id: is 5, and config.json has 32"),
        ("config.json", {"delay_pattern": [1, 3, 4, 5]}, r"delay_pattern: \[1, 3, 4, 5\] must begin with 0"),
        ("tokenizer_config.json", {"tokenizer_class": "ByT5Tokenizer"}, "is 'ByT5Tokenizer'; copy the DiaTokenizer"),
        ("tokenizer_config.json", {"offset": 3}, "has tokens up to 258, and the model 256"),
    ],
)
def test_refusals_of_files(imported, tmp_path, file, fields, problem):
    model = _changed(imported[0], tmp_path / "model", file, **fields)
    refused(problem, model, tmp_path / "out", codec=str(imported[1]))
    assert not (tmp_path / "out").exists()

"""Pocket TTS of transformers: the speech of the addon is that of ``generate`` and the codec, however it is streamed."""

from __future__ import annotations

import json
import math
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
pytest.importorskip("sentencepiece", reason=REASON)
pytest.importorskip("onnxscript", reason=REASON)

sys.path.insert(0, str(Path(__file__).parent / "support"))
from comparing import SCHEDULES, error  # noqa: E402
from pretrained import pocket_codec, pocket_voice  # noqa: E402
from shared_exports import shared_exports  # noqa: E402

import voxstack  # noqa: E402
from voxstack.streaming.seeds import generator  # noqa: E402
from voxstack_importers import import_voice  # noqa: E402
from voxstack_importers.transformers.chat_template import prepared_fields  # noqa: E402
from voxstack_importers.transformers.importer import ARCHITECTURES  # noqa: E402
from voxstack_importers.transformers.pretrained import Pretrained  # noqa: E402
from voxstack_importers.transformers.streamed_codec import StreamedCodec  # noqa: E402
from voxstack_importers.transformers.voice_prompts import read_prompts  # noqa: E402
from voxstack_packager import PackagingError  # noqa: E402

TEXT = "This is what the voice says, as the original says it."
TEXTS = [TEXT, "Nobody knows which of the boats came home.", "Why would anyone walk?"]


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """Import a voice: the folders of the model and its codec, and the addon of both."""
    folder = tmp_path_factory.mktemp("pocket")
    model, codec = pocket_voice(folder / "model", threshold=4.0)
    with shared_exports():
        addon = import_voice("transformers", model, folder / "pocket", progress=str, codec=str(codec), name="pocket")
    return model, codec, addon


@pytest.fixture(scope="module")
def voice(imported):
    return voxstack.load(imported[2])


def expected(imported, voice, text, **controls):
    """Return the speech of transformers for a text, by the tokenizer and the latents of the voice, with its noise."""
    model = transformers.PocketTTSForConditionalGeneration.from_pretrained(imported[0]).eval()
    codec = transformers.PocketTTSAudioTokenizerModel.from_pretrained(imported[1]).eval()
    utterance = voice.request(text, **controls)
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_file=str(imported[0] / "tokenizer.json"))
    if controls.get("speaker") == "ben":
        from safetensors.numpy import load_file

        latents = load_file(imported[0] / "voices" / "ben.safetensors")["audio_prompt_latents"]
    else:
        latents = np.load(imported[0] / "voices" / "anna.npy")[None]
    prompt = f"<audio_prompt_bos>{'<audio_prompt>' * latents.shape[1]}{text}<audio_bos>"
    ids = torch.tensor([tokenizer(prompt)["input_ids"]])
    random = generator(utterance, "noise")
    with (
        torch.no_grad(),
        mock.patch("torch.randn", lambda *size, **_: torch.from_numpy(random.standard_normal(size, np.float32))),
    ):
        generated = model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            audio_prompt_latents=torch.from_numpy(latents),
            frames_after_eos=torch.tensor([4 if len(text.split()) <= 4 else 2]),
            return_dict_in_generate=True,
        )
        samples = codec.decode(generated.audio_latents).audio_values[0, 0].numpy()
    faded = int(0.005 * codec.config.sampling_rate)
    samples[:faded] *= np.linspace(0, 1, faded, dtype=np.float32)
    return samples


@pytest.mark.parametrize(
    ("text", "controls"),
    [(TEXTS[0], {}), (TEXTS[0], {"seed": 4}), (TEXTS[1], {"speaker": "ben", "seed": 1}), (TEXTS[2], {"seed": 2})],
)
def test_it_says_what_transformers_says(imported, voice, text, controls):
    assert error(voice.synthesize(text, **controls).samples, expected(imported, voice, text, **controls)) < 1e-4


def test_what_is_drawn_decides_when_it_ends(voice):
    frames = {len(voice.synthesize(TEXT, seed=seed).samples) // 24 for seed in range(8)}
    assert len(frames) > 1, "the end of this model depends on its noise"
    assert min(frames) >= 6 + 1 + 2


def test_it_ends_at_its_limit(voice):
    stack = voice.addon.config["stack"][0]["block"]
    decoder = stack["streamable_block"]["stack"][0]
    for tokens in range(1, 300):
        limit = math.ceil(decoder["steps_per_token"] * tokens) + decoder["spare_steps"]
        assert limit == math.ceil((tokens / 3 + 2) * 12.5), "as generate has it"
    short = {**decoder, "steps_per_token": 0.1, "spare_steps": 1}
    parts = [short, *stack["streamable_block"]["stack"][1:]]
    block = voxstack.build({**stack, "streamable_block": {"type": "StreamableStack", "stack": parts}}, voice.addon)
    tokens = len(_read(voice, TEXT)["tokens"])
    samples = np.concatenate(list(block.stream(iter(()), voice.request(TEXT))))
    assert len(samples) == 24 * (math.ceil(0.1 * tokens) + 1)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_it_says_the_same_for_every_schedule(voice, schedule):
    text = " ".join(TEXTS)
    chunks = [chunk.samples for chunk in voice.stream(text, schedule=schedule, seed=3)]
    assert len(chunks) > 2
    assert error(np.concatenate(chunks), voice.synthesize(text, seed=3).samples) < 1e-5


def test_the_first_audio_needs_one_step(voice):
    first = next(iter(voice.stream(TEXT)))
    assert len(first.samples) == 24, "one frame of the codec"


def test_every_sentence_is_an_event(voice):
    speech = voice.synthesize(" ".join(TEXTS), seed=1)
    sentences = [event for event in speech.events if event.kind == "sentence"]
    assert [event.text for event in sentences] == TEXTS
    ends = [event.start + event.duration for event in sentences]
    assert [event.start for event in sentences] == pytest.approx([0.0, *ends[:-1]])
    assert ends[-1] == pytest.approx(len(speech.samples) / voice.sample_rate)


def test_streams_of_any_length_step_together(imported):
    alone = voxstack.load(imported[2])
    together = voxstack.load(imported[2], context={"runtime": "onnx", "batch": 6})
    requests = [(TEXTS[number % 3], {"seed": number, "speaker": ["anna", "ben"][number % 2]}) for number in range(6)]
    rows, results = [], [None] * len(requests)
    from voxstack_autoregressive.step_batch import StepBatch

    def speak(number):
        text, controls = requests[number]
        results[number] = together.synthesize(text, **controls).samples

    created = StepBatch.__init__

    def record(self, network, members, bounds):
        rows.append(len({tuple(member.cache.lengths) for member in members}))
        created(self, network, members, bounds)

    with mock.patch.object(StepBatch, "__init__", record):
        threads = [threading.Thread(target=speak, args=(number,)) for number in range(len(requests))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert max(rows) > 1, "caches of several lengths were in one batch"
    for samples, (text, controls) in zip(results, requests, strict=True):
        assert error(samples, alone.synthesize(text, **controls).samples) < 1e-5


def test_what_streams_is_measured(voice):
    networks = voice.addon.config["networks"]
    states = networks["step"]["autoregressive"]["states"]
    assert states["keys_0"] == {"next": "keys_0_new", "provided": True, "append": True}
    assert states["previous"] == {"next": "latent", "provided": True}
    streaming = networks["codec"]["streaming"]
    assert (streaming["hop"], streaming["right"], len(streaming["states"])) == (24, 0, 9)
    assert max(networks["codec"]["measured"]["chunk_error"].values()) < 1e-5
    assert all(network["measured"]["source_error"] < 1e-5 for network in networks.values())


def _read(voice, text):
    block = voxstack.build(voice.addon.config["stack"][0]["block"]["sequence_block"]["blocks"][0], voice.addon)
    return block({"text": text})


@pytest.mark.parametrize("text", [TEXT, "  two   spaces ", "No - it's not!", "Zürich 7"])
def test_it_reads_as_the_tokenizer_does(imported, voice, text):
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_file=str(imported[0] / "tokenizer.json"))
    tokens = tokenizer(f"<audio_prompt>{text}<audio_bos>")["input_ids"][1:-1]
    np.testing.assert_array_equal(_read(voice, text)["tokens"], tokens)


def _copied(folder, target, remove=()):
    shutil.copytree(folder, target)
    for name in remove:
        (target / name).unlink()
    return target


@pytest.mark.parametrize(
    ("remove", "problem"),
    [
        (
            ["tokenizer.json"],
            r"has no tokenizer \(tokenizer.json, tokenizer.model, .*\), which defines what its tokens",
        ),
        (["model.safetensors"], "has no model.safetensors"),
        (["config.json"], "has no config.json"),
    ],
)
def test_it_names_the_file_that_is_missing(imported, tmp_path, remove, problem):
    model = _copied(imported[0], tmp_path / "model", remove)
    with pytest.raises(PackagingError, match=problem):
        import_voice("transformers", model, tmp_path / "out", progress=str, codec=str(imported[1]))


def refused(problem, model, out, **options):
    with pytest.raises(PackagingError, match=problem):
        import_voice("transformers", model, out, progress=str, **options)


@pytest.mark.parametrize("frames", [1, 16, 17, 37])
def test_blocks_of_the_codec_do_not_change_the_samples(tmp_path, frames):
    """Chunks of up to 16 frames are one block, 17 frames two, and 37 frames three that are longer than the chunk."""
    codec = transformers.PocketTTSAudioTokenizerModel.from_pretrained(pocket_codec(tmp_path / "codec", 5)).eval()
    streamed = StreamedCodec(codec)
    latents = torch.randn(2, frames, codec.config.latent_dim, generator=torch.Generator().manual_seed(0))
    states = [torch.zeros(2, *shape, dtype=getattr(torch, dtype)) for dtype, shape in streamed.states.values()]
    with torch.no_grad():
        samples, *_ = streamed(latents, *states)
        expected = codec.decode(latents).audio_values[:, 0]
    torch.testing.assert_close(samples, expected, rtol=0, atol=1e-5 * float(expected.abs().max()))


def test_refusals_of_codecs(imported, tmp_path):
    model, out = imported[0], tmp_path / "out"
    refused("give the folder of its audio tokenizer with --codec", model, out)
    refused("names PocketTTSForConditionalGeneration; supported here: PocketTTSAudio", model, out, codec=str(model))
    other = pocket_codec(tmp_path / "other", 5)
    problem = "decodes latents of 5 features, .* and the model predicts 6 features"
    refused(problem, model, out, codec=str(other))
    other = pocket_codec(tmp_path / "replicate", 6, pad_mode="replicate")
    problem = "decoder_seanet.*streams if it is causal, of stride 1 and padded with zeros"
    refused(problem, model, out, codec=str(other))
    assert not out.exists()


def test_refusals_of_tokenizers_and_voices(imported, tmp_path):
    (model, codec, _), out = imported, tmp_path / "out"
    broken = _copied(model, tmp_path / "broken")
    (broken / "tokenizer.json").write_text("{}")
    problem = r"tokenizer.json: is no tokenizer.json \(.*\); copy the one of this model"
    refused(problem, broken, out, codec=str(codec))
    large = _copied(model, tmp_path / "large")
    content = json.loads((large / "tokenizer.json").read_text())
    content["model"]["vocab"] = [["<unk>", 0.0], *[["x", -1.0]] * 900, *content["model"]["vocab"][1:]]
    (large / "tokenizer.json").write_text(json.dumps(content))
    problem = r"as token \d+, and the model has \d+ tokens; copy the tokenizer of this"
    refused(problem, large, out, codec=str(codec))
    np.save(tmp_path / "anna.npy", np.zeros((3, 5), np.float32))
    problem = r"has the shape \(3, 5\); a voice prompt of this model has .*\(frames, 6\)"
    refused(problem, model, out, codec=str(codec), voices=str(tmp_path / "anna.npy"))
    refused("has no voice prompt", model, out, codec=str(codec), voices=str(codec.parent))
    refused("does not exist; give a folder of voice prompts", model, out, codec=str(codec), voices=str(out))
    assert not out.exists()


TEMPLATE = """{%- for message in messages %}{%- for part in message.content %}{%- if part.type == "text" %}
{%- set text = part.text.replace("—", ",").split() | join(" ") %}
{%- set text = text[:1] | upper + text[1:] %}
{{- text + ("" if text[-1:] in ".!?" else ".") }}{%- endif %}{%- endfor %}{%- endfor %}<audio_bos>"""


def test_a_chat_template_becomes_fields(imported, tmp_path):
    folder = _copied(imported[0], tmp_path / "templated")
    (folder / "chat_template.jinja").write_text(TEMPLATE, "utf-8")
    fields, note = prepared_fields(Pretrained.open(folder, ARCHITECTURES), ["<audio_bos>"])
    assert fields == {"squeeze": True, "capitalize": True, "final": ".", "replace": {"—": ","}}
    assert "prepares 'and then, ' as 'And then,.', which Subwords does not" in note
    (folder / "chat_template.jinja").write_text("{{ messages[0].content[0].text }}<audio_bos>", "utf-8")
    assert prepared_fields(Pretrained.open(folder, ARCHITECTURES), ["<audio_bos>"]) == ({}, "")
    (folder / "chat_template.jinja").write_text("{{ raise_exception('no') }}", "utf-8")
    with pytest.raises(PackagingError, match=r"its chat template cannot be rendered \(no\); copy the template of this"):
        prepared_fields(Pretrained.open(folder, ARCHITECTURES), [])


def test_states_of_pocket_tts_are_voices(imported, tmp_path):
    """Rotations of neighbouring channels, as pocket-tts stores keys, become those of halves."""
    from safetensors.numpy import save_file

    model = transformers.PocketTTSForConditionalGeneration.from_pretrained(imported[0]).eval()
    expected = read_prompts(imported[0] / "voices" / "anna.npy", model)["anna"]
    arrays = {}
    for layer, (keys, values) in enumerate(zip(expected[::2], expected[1::2], strict=True)):
        halves = keys.transpose(-2, -1).numpy()
        pairs = np.stack(np.split(halves, 2, -1), -1).reshape(halves.shape)
        room = [np.pad(part.swapaxes(1, 2), ((0, 0), (0, 5), (0, 0), (0, 0))) for part in (pairs, values.numpy())]
        arrays[f"transformer.layers.{layer}.self_attn/cache"] = np.stack(room)
        arrays[f"transformer.layers.{layer}.self_attn/offset"] = np.array([keys.shape[-1]])
    save_file(arrays, tmp_path / "anna.safetensors")
    found = read_prompts(tmp_path, model)["anna"]
    for array, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(array.numpy(), other.numpy())
    del arrays["transformer.layers.1.self_attn/cache"]
    save_file(arrays, tmp_path / "anna.safetensors")
    with pytest.raises(PackagingError, match=r"has nothing for layer 1; this model takes \(2, 1, steps, 2, 12\)"):
        read_prompts(tmp_path, model)

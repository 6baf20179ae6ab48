"""Word times of Pocket TTS of transformers: from the attention of its layers to the tokens of the text."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import numpy as np
import pytest

REASON = "importing from transformers needs pip install 'voxstack-importers[transformers]'"
torch = pytest.importorskip("torch", reason=REASON)
transformers = pytest.importorskip("transformers", minversion="5.24", reason=REASON)
pytest.importorskip("sentencepiece", reason=REASON)
pytest.importorskip("onnxscript", reason=REASON)

sys.path.insert(0, str(Path(__file__).parent / "support"))
from comparing import SCHEDULES  # noqa: E402
from pretrained import pocket_voice  # noqa: E402
from shared_exports import shared_exports  # noqa: E402

import voxstack  # noqa: E402
from voxstack_importers import import_voice  # noqa: E402
from voxstack_importers.transformers.alignment_heads import read_heads  # noqa: E402
from voxstack_importers.transformers.causal import CausalLayers  # noqa: E402
from voxstack_importers.transformers.importer import ARCHITECTURES  # noqa: E402
from voxstack_importers.transformers.pocket_tts import convert  # noqa: E402
from voxstack_importers.transformers.pretrained import Pretrained  # noqa: E402
from voxstack_packager import PackagingError  # noqa: E402

SENTENCES = [
    "This is what the voice says, as the original says it.",
    "Why not?",
    '"Nobody knows," she said - it\'s 7 boats!',
]
TEXT = " ".join(SENTENCES)


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """Import a voice: the folder of its model, and its addon."""
    folder = tmp_path_factory.mktemp("pocket-words")
    model, codec = pocket_voice(folder / "model", threshold=4.0)
    with shared_exports():
        addon = import_voice("transformers", model, folder / "pocket", progress=str, codec=str(codec), name="pocket")
    return model, addon


@pytest.fixture(scope="module")
def voice(imported):
    return voxstack.load(imported[1])


def model_of(imported):
    attend = {"attn_implementation": "eager"}  # others do not return their weights
    return transformers.PocketTTSForConditionalGeneration.from_pretrained(imported[0], **attend).eval()


def words_of(events):
    return [event for event in events if event.kind == "word"]


@pytest.mark.parametrize(("speaker", "seed"), [("anna", 0), ("ben", 3)])
def test_its_attention_is_that_of_transformers(imported, voice, speaker, seed):
    stack = voice.addon.config["stack"][0]["block"]
    utterance = voice.request(SENTENCES[0], speaker=speaker, seed=seed)
    tokens = voxstack.build(stack["sequence_block"], voice.addon)(utterance)["tokens"]
    rows = []
    watch = {"attention_watch": lambda rows_, *_, **__: rows.append(rows_) if rows_ is not None else None}
    decoder = voxstack.build({**stack, "streamable_block": stack["streamable_block"]["stack"][0]}, voice.addon)
    frames = np.concatenate(list(decoder.stream(iter(()), {**utterance, **watch})))
    found = np.concatenate(rows)
    model = model_of(imported)
    latents = (torch.from_numpy(frames) - model.latent_mean) / model.latent_std
    if speaker == "anna":
        prompt = np.load(imported[0] / "voices" / "anna.npy")[None]
    else:
        from safetensors.numpy import load_file

        prompt = load_file(imported[0] / "voices" / "ben.safetensors")["audio_prompt_latents"]
    config, before = model.config, prompt.shape[1] + 1
    ids = [config.audio_prompt_bos_token_id, *[config.audio_prompt_token_id] * prompt.shape[1], *tokens.tolist()]
    ids += [config.audio_bos_token_id, *[config.audio_latent_token_id] * (len(frames) - 1)]
    with torch.no_grad():
        attentions = model.model(
            input_ids=torch.tensor([ids]),
            audio_prompt_latents=torch.from_numpy(prompt),
            audio_latents=latents[None, :-1],
            output_attentions=True,
        ).attentions
    mean = torch.cat(attentions, 1)[0].mean(0)[before + len(tokens) :, before : before + len(tokens)].numpy()
    assert found.shape == mean.shape == (len(frames), len(tokens))
    np.testing.assert_allclose(found, mean / mean.sum(1, keepdims=True), atol=1e-5)


@pytest.mark.parametrize("heads", [None, [(1, 2)], [(0, 0), (0, 3), (1, 1)]], ids=str)
def test_alignment_heads_are_those_of_transformers(imported, heads):
    model, random = model_of(imported), torch.manual_seed(0)
    steps = torch.randn(2, 9, model.config.hidden_size, generator=random)
    layers = CausalLayers(model.model, heads)
    empty = torch.zeros(2, 2, 12, 0), torch.zeros(2, 2, 0, 12)
    with torch.no_grad():
        cache = layers.extend(steps[:, :-1], [*empty] * 2)
        attention = layers.step(steps[:, -1], torch.ones(2, 8), cache)[1]
        expected = model.model(inputs_embeds=steps, output_attentions=True).attentions
    chosen = heads or [(layer, head) for layer in range(2) for head in range(4)]
    mean = torch.stack([expected[layer][:, head, -1, :-1] for layer, head in chosen]).mean(0)
    np.testing.assert_allclose(attention.numpy(), (mean / mean.sum(1, keepdim=True)).numpy(), atol=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_every_word_has_a_time_within_its_sentence(voice, seed):
    speech = voice.synthesize(TEXT, seed=seed)
    words = words_of(speech.events)
    assert [TEXT[slice(*event.span)] for event in words] == [event.text for event in words]
    assert [event.text for event in words] == [word for word in TEXT.split() if word != "-"]
    starts, ends = (np.array([e.start + length * e.duration for e in words]) for length in (0, 1))
    assert (ends > starts).all()
    assert (starts[1:] >= ends[:-1] - 1e-9).all(), "one after the other"
    for sentence in (event for event in speech.events if event.kind == "sentence"):
        inside = [(event.start, event.start + event.duration) for event in words if event.span[0] < sentence.span[1]]
        inside = inside[-len([word for word in sentence.text.split() if word != "-"]) :]
        assert inside[0][0] >= sentence.start - 1e-9
        assert inside[-1][1] <= sentence.start + sentence.duration + 1e-9


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_words_have_the_same_times_for_every_schedule(voice, schedule):
    events = [event for chunk in voice.stream(TEXT, schedule=schedule, seed=3) for event in words_of(chunk.events)]
    assert events == words_of(voice.synthesize(TEXT, seed=3).events)


def test_words_come_while_the_sentence_is_spoken(voice):
    chunks = voice.stream(SENTENCES[0], schedule=SCHEDULES[0], seed=3)
    spoken = [[event.text for event in words_of(chunk.events)] for chunk in chunks]
    first = next(number for number, words in enumerate(spoken) if words)
    assert first < len(spoken) - 1
    assert first <= 5 * 13, "lag and the longest first word of this voice"


def test_words_of_streams_that_step_together_have_the_same_times(imported, voice):
    together = voxstack.load(imported[1], context={"runtime": "onnx", "batch": 6})
    requests = [
        (SENTENCES[number % 3], {"seed": number, "speaker": ["anna", "ben"][number % 2]}) for number in range(6)
    ]
    results = [None] * len(requests)

    def speak(number):
        text, controls = requests[number]
        results[number] = words_of(together.synthesize(text, **controls).events)

    threads = [threading.Thread(target=speak, args=(number,)) for number in range(len(requests))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for events, (text, controls) in zip(results, requests, strict=True):
        assert events == words_of(voice.synthesize(text, **controls).events)


def test_alignment_heads_are_an_option(imported, tmp_path):
    codec = str(imported[0].parent / "model-codec")
    pretrained = Pretrained.open(imported[0], ARCHITECTURES)
    networks = {network.name: network for network in convert(pretrained, codec=codec, alignment_heads="1.2").networks}
    assert networks["step"].module.layers.heads == [(1, 2)]
    with pytest.raises(PackagingError, match=r"'9.0' does not name heads of this model.*from 0.0 to 1.3"):
        import_voice("transformers", imported[0], tmp_path / "out", progress=str, codec=codec, alignment_heads="9.0")


def test_the_names_of_alignment_heads():
    assert read_heads(None, 2, 4) is None
    assert read_heads("1.3, 0.0,1.3", 2, 4) == [(0, 0), (1, 3)]
    for text in ("", "1", "1.4", "2.0", "1.0;0.1", "1.-1", "a.b"):
        with pytest.raises(PackagingError, match=r"does not name heads of this model, which has 2 layers of 4 heads"):
            read_heads(text, 2, 4)

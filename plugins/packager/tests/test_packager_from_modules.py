"""Inputs, outputs, axes and stacks of voices, found out by running modules of many kinds on two texts."""

from __future__ import annotations

from collections import namedtuple

import pytest

REASON = "packaging needs torch, onnx, onnxscript and onnxruntime: pip install 'voxstack-packager[export]'"
torch = pytest.importorskip("torch", reason=REASON)
pytest.importorskip("onnxscript", reason=REASON)
pytest.importorskip("onnxruntime", reason=REASON)

from torch import nn  # noqa: E402

from voxstack_cli.main import main  # noqa: E402
from voxstack_packager import Borrowed, ModuleSource, PackagingError, VoiceSource  # noqa: E402
from voxstack_packager.from_modules import packing  # noqa: E402
from voxstack_packager.from_modules.packing import plan_voice  # noqa: E402

C = 16
LETTERS = "_ abcdefghijklmnopqrstuvwxyz',.?!"
VOCODER = Borrowed.of("prism", "vocoder")
SPECTRA = {"type": "InverseSTFT", "n_fft": 800, "hop_length": 200}
Fields = namedtuple("Fields", "encoded durations")


class Embedding(nn.Module):
    """A module with an embedding of tokens, to be given a ``forward``."""

    def __init__(self):
        super().__init__()
        self.embed, self.linear = nn.Embedding(64, C), nn.Linear(C, 1)
        self.conv = nn.Conv1d(C, C, 3, padding=1)

    def rows(self, tokens):
        return self.embed(tokens[..., 0] if tokens.ndim == 3 else tokens)

    def frames(self, encoded):
        return torch.exp(self.linear(encoded)[..., 0] + 1.5)


class Mapped(Embedding):
    def forward(self, tokens, mask):
        encoded = self.rows(tokens) * mask[..., None]
        return {"encoded": encoded, "durations": self.frames(encoded) * mask}


class ChannelsFirst(Embedding):
    """As in VITS: lengths, features before time, masks with an axis of size 1."""

    def forward(self, x, x_lengths):
        mask = (torch.arange(x.shape[1])[None] < x_lengths[:, None])[:, None].float()
        encoded = self.conv(self.rows(x).transpose(1, 2) * mask) * mask
        durations = torch.exp(encoded.mean(1, keepdim=True) + 1.5) * mask
        return encoded, durations, None


class WideMask(Embedding):
    def forward(self, tokens, x_mask):
        assert x_mask.ndim == 3
        encoded = self.rows(tokens) * x_mask.transpose(1, 2)
        return Fields(encoded, self.frames(encoded))


class Padding(Embedding):
    def forward(self, tokens, src_key_padding_mask, speaker=None, max_len: int = 9):
        encoded = self.rows(tokens).masked_fill(src_key_padding_mask[..., None], 0)
        return Fields(encoded, self.frames(encoded))


class WithPitch(Embedding):
    def forward(self, tokens):
        encoded = self.rows(tokens)
        return {"encoded": encoded, "durations": self.frames(encoded), "lf0": encoded[..., 0]}


class TooSmall(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(3, C)

    def forward(self, tokens):
        encoded = self.embed(tokens[..., 0])
        return {"encoded": encoded, "durations": torch.exp(encoded[..., 0] + 1.5)}


class OneAtATime(Embedding):
    """Reads a single utterance and expands it by itself."""

    def forward(self, text, **options):
        x = self.rows(text)
        counts = self.frames(x)[0].round().long().clamp(min=1)
        log_counts = torch.log(counts.float())[None]
        return torch.repeat_interleave(x[0], counts, dim=0)[None] @ torch.ones(C, 80), log_counts


class Mel(nn.Module):
    def __init__(self, inputs=C, outputs=80):
        super().__init__()
        self.out = nn.Linear(inputs, outputs)

    def forward(self, x):
        return self.out(x) - 5


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.up = nn.ConvTranspose1d(C, 1, 8, 4, padding=2)

    def forward(self, z, g=None):
        return torch.tanh(self.up(z))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.out = nn.GRU(C, C, batch_first=True), nn.Linear(C, 80)

    def forward(self, hidden):
        hidden, last = self.rnn(hidden)
        return self.out(hidden), last


def plan(*networks, **options):
    torch.manual_seed(0)
    lines = []
    options = {"sample_rate": 16000} | options
    return plan_voice(VoiceSource("mine", networks=networks, **options), lines.append), lines


def shapes(network):
    signature = network.signature
    return [
        {name: list(tensor.shape) for name, tensor in side.items()} for side in (signature.inputs, signature.outputs)
    ]


def stack_types(planned, measured=None):
    (sentences,) = planned.stack.stack(measured or {n.name: {"streaming": {}} for n in planned.networks})
    pipeline = sentences["block"]
    reading = [block["type"] for block in pipeline["sequence_block"]["blocks"]]
    return reading, [block["type"] for block in pipeline["streamable_block"]["stack"]]


@pytest.mark.parametrize("module", [Mapped, WideMask, Padding, ChannelsFirst], ids=lambda m: m.__name__)
def test_encoders_of_many_kinds_are_the_same_network(module):
    planned, _ = plan(module(), Mel(), VOCODER)
    encoder, decoder, _ = planned.networks
    tokens = ["batch", "tokens"]
    assert shapes(encoder) == [
        {"tokens": [*tokens, 6], "mask": tokens},
        {"encoded": [*tokens, C], "durations": tokens},
    ]
    assert (encoder.role, encoder.streaming, decoder.role, decoder.streaming) == ("encoder", None, "decoder", "frames")
    assert shapes(decoder) == [{"frames": ["batch", "frames", C]}, {"mel": ["batch", "frames", 80]}]
    assert stack_types(planned) == (["Text", "Encoders", "Pace"], ["Upsampler", "Decoder", "Decoder", "InverseSTFT"])
    assert planned.stack.end == [SPECTRA]


def test_a_generator_makes_samples_of_frames_with_features_first():
    planned, _ = plan(ChannelsFirst(), Generator(), text=LETTERS)
    encoder, generator = planned.networks
    assert shapes(encoder)[0] == {"tokens": ["batch", "tokens"], "mask": ["batch", "tokens"]}
    assert shapes(generator) == [{"frames": ["batch", "frames", C]}, {"samples": ["batch", "samples"]}]
    assert generator.role == "vocoder"
    assert planned.stack.reading[0]["symbols"]["a"] == [2]


def test_a_module_that_computes_all_frames_is_streamed_from_there_on():
    planned, lines = plan(OneAtATime(), VOCODER)
    assert shapes(planned.networks[0]) == [
        {"tokens": ["tokens", 6]},
        {"mel": ["mel_steps", 80], "log_counts": ["tokens"]},
    ]
    assert stack_types(planned) == (["Text", "Encoders"], ["WholeFrames", "Decoder", "InverseSTFT"])
    assert any("gives all of 'mel' at once" in line for line in lines)


def test_outputs_can_be_left_out_and_named():
    planned, _ = plan(Mapped(), ModuleSource(Recurrent(), outputs=["mel", None], name="rnn"), VOCODER)
    assert planned.networks[1].name == "rnn"
    assert shapes(planned.networks[1]) == [{"frames": ["batch", "frames", C]}, {"mel": ["batch", "frames", 80]}]


def test_contours_are_read_by_a_decoder_that_has_room_for_them():
    planned, _ = plan(WithPitch(), Mel(C + 5), VOCODER)
    assert planned.stack.upsampler == {"positions": True, "contours": ["lf0"]}
    planned, _ = plan(WithPitch(), Mel(C + 1), VOCODER)
    assert planned.stack.upsampler == {"positions": False, "contours": ["lf0"]}
    planned, _ = plan(WithPitch(), Mel(C + 4), VOCODER, upsampler={"contours": []})
    assert planned.stack.upsampler == {"contours": []}


def test_what_does_not_stream_runs_on_the_whole_with_all_before_it():
    planned, _ = plan(Mapped(), Mel(), VOCODER)
    measured = {"mapped": {}, "mel": {"measured": {}}, "vocoder": {"addon": "prism"}}
    reading, stream = stack_types(planned, measured)
    assert (reading, stream) == (
        ["Text", "Encoders", "Pace", "Expand", "Encoders"],
        ["WholeFrames", "Decoder", "InverseSTFT"],
    )


MISTAKES = {
    "no durations": (
        (ModuleSource(Mapped(), outputs=["encoded", None]), VOCODER),
        "reads 'mel', and no stream gives it",
    ),
    "an unknown input": (
        (Mapped(), ModuleSource(Generator(), inputs={"g": "style"})),
        r"nothing gives 'style', which 'forward' needs; .*ModuleSource\(module, inputs=\{'g': \.\.\.\}\)",
    ),
    "other features": (
        (Mapped(), Mel(C, 100), VOCODER),
        r"reads \[80\] features, and the network before it gives \[100\]",
    ),
    "features that do not fit": ((Mapped(), Mel(99), VOCODER), r"mel: it does not run with x=frames .*RuntimeError"),
    "names missing": (
        (ModuleSource(Recurrent(), inputs={"hidden": "tokens"}), VOCODER),
        "recurrent: it does not run with hidden=tokens",
    ),
    "an embedding that is too small": (
        (TooSmall(), Mel(), VOCODER),
        r"does not run with tokens=tokens \(1, \d+, 6\) of 0 to \d+: IndexError: index out of range in self",
    ),
    "an encoding of another name": (
        (ModuleSource(Mapped(), outputs=["hidden", "durations"]), Mel(), VOCODER),
        "'x' would be frames, which need 'encoded' and 'durations', and the utterance has .*'hidden'",
    ),
    "too few names": (
        (ModuleSource(Mapped(), outputs=["encoded"]), VOCODER),
        "returns 2 tensors, .* 'outputs' has 1 name",
    ),
    "no vocoder": ((Mapped(), Mel()), r"the last network gives 'mel', no samples; add a vocoder"),
    "no sound": ((Mapped(),), "nothing makes sound of the tokens; the networks give .*'encoded'"),
    "no module": ((print,), "builtin_function_or_method is no network of a voice"),
}


@pytest.mark.parametrize(("networks", "problem"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_reported_with_what_to_state(networks, problem):
    with pytest.raises(PackagingError, match=problem):
        plan(*networks)


class Logarithms(Embedding):
    def forward(self, tokens):
        encoded = self.rows(tokens)
        return {"encoded": encoded, "durations": -1 - self.linear(encoded)[..., 0] ** 2}


def test_rates_texts_and_durations_are_checked():
    with pytest.raises(PackagingError, match="is 24000 Hz, and 'prism', which lends a network, has 16000 Hz"):
        plan(Mapped(), Mel(), VOCODER, sample_rate=24000)
    assert plan(Mapped(), Mel(), VOCODER, sample_rate=None)[0].sample_rate == 16000
    with pytest.raises(PackagingError, match="sample_rate: is not stated"):
        plan(Mapped(), Generator(), sample_rate=None)
    with pytest.raises(PackagingError, match="use texts of different lengths"):
        plan(Mapped(), Mel(), VOCODER, texts=["One.", "One."])
    with pytest.raises(PackagingError, match="return one number of frames for each token, not its logarithm"):
        plan(Logarithms(), Mel(), VOCODER)
    with pytest.raises(PackagingError, match="the symbol 'a' stands there twice"):
        plan(Mapped(), Mel(), VOCODER, text="abca")


MODEL = """
from torch import nn
from voxstack_packager import VoiceSource

class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(99, 4)

    def forward(self, tokens):
        encoded = self.embed(tokens[..., 0])
        return encoded, 3 + 0 * encoded[..., 0]

class Generator(nn.Module):
    def forward(self, frames):
        return frames.flatten(1)

def voice():
    return VoiceSource("mine", networks=[Encoder(), Generator()], sample_rate=8000)
"""


def test_the_command_reads_a_file(tmp_path, capsys):
    (tmp_path / "my-model.py").write_text(MODEL)
    assert main(["pack", str(tmp_path / "my-model.py"), "--check"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "encoder: tokens int64 [batch, tokens, 6] -> encoded float32 [batch, tokens, 4]" in lines[0]
    assert "durations float32 [batch, tokens]" in lines[0]
    assert lines[1] == "generator: frames float32 [batch, frames, 4] -> samples float32 [batch, samples]"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "does not exist; correct the path"),
        ("x = 1", "has no variable 'voice'; declare one: voice = VoiceSource("),
        ("voice = 'amber'", "its 'voice' is a str; declare one"),
    ],
)
def test_the_command_needs_a_voice(tmp_path, capsys, content, problem):
    if content is not None:
        (tmp_path / "m.py").write_text(content)
    assert main(["pack", str(tmp_path / "m.py"), "--check"]) == 1
    assert problem in capsys.readouterr().err


def test_what_is_missing_is_named_with_the_command_that_installs_it(monkeypatch):
    real = packing.find_spec
    monkeypatch.setattr(packing, "find_spec", lambda name: None if name == "onnxscript" else real(name))
    with pytest.raises(PackagingError, match=r'needs onnxscript, which is not installed: pip install "\.\[export\]"'):
        packing.check_installed()

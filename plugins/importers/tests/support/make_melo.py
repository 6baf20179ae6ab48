"""Writes ``tests/data/melo_*.onnx.xz`` and ``tiny_*.onnx.xz``: voices of the MeloTTS architecture with random weights.

The architecture is that of tiny-tts (``pip install --no-deps tiny-tts``, Apache-2.0, with numba and torch), which is
MeloTTS with fewer channels; nothing but these is changed. ``melo`` is one graph with sampling inside, with the inputs
and metadata that sherpa-onnx expects; ``tiny`` are the four graphs that tiny-tts runs.
"""

from __future__ import annotations

import io
import lzma
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import onnx
import torch
from torch import nn

DATA = Path(__file__).parents[1] / "data"
SMALL = {"spec_channels": 9, "segment_size": 4, "inter_channels": 8, "hidden_channels": 8, "filter_channels": 16}
SMALL |= {"n_heads": 2, "n_layers": 3, "n_layers_trans_flow": 3, "kernel_size": 3, "p_dropout": 0.1, "gin_channels": 6}
SMALL |= {"n_flow_layer": 2, "use_spk_conditioned_encoder": True, "num_languages": 10, "num_tones": 16, "use_sdp": True}
SMALL |= {"resblock": "1", "resblock_kernel_sizes": [3, 7], "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5]]}
SMALL |= {"upsample_rates": [8, 8, 2, 2, 2], "upsample_initial_channel": 32, "upsample_kernel_sizes": [16, 16, 8, 2, 2]}
"""As published, but for the channels, the layers of the flow, and the kernels of the HiFi-GAN."""

VOCABULARY = 219
ENGLISH = 2


def without(name: str, **members: Any) -> ModuleType:
    """Replace a module that imports what only texts need; a folder of the package has its own modules."""
    module = sys.modules[name] = ModuleType(name)
    vars(module).update(members)
    return module


package = Path(next(iter(find_spec("tiny_tts").submodule_search_locations)))
without("tiny_tts", __path__=[str(package)])
from tiny_tts.models.synthesizer import DurationEstimator, VoiceSynthesizer  # noqa: E402


def voice(seed: int, speakers: int, **settings: Any) -> VoiceSynthesizer:
    """Return a voice that is not silent, and in which weights that training starts at zero are random, too."""
    torch.manual_seed(seed)
    model = VoiceSynthesizer(VOCABULARY, n_speakers=speakers, **{**SMALL, **settings})
    model.dp = DurationEstimator(SMALL["hidden_channels"], 16, 3, 0.5, SMALL["gin_channels"])  # as narrow as the rest
    model.eval()
    model.dec.remove_weight_norm()
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if not weights.any():
                weights.normal_(0, 0.1)
            elif name.startswith("dec.") and weights.dim() > 1:
                weights.mul_(12 if "ups" in name else 2)
            weights.copy_((weights * 256).round() / 256)  # few values, which compress well
        model.dp.proj.bias.fill_(1.0)
        g = torch.randn(1, SMALL["gin_channels"], 1)
        while model.dec(torch.randn(1, SMALL["inter_channels"], 50), g=g).abs().max() > 0.8:
            model.dec.conv_post.weight.mul_(0.5)
    return model


class Whole(nn.Module):
    """The voice as sherpa-onnx exports it: no language and no BERT among its inputs."""

    def __init__(self, model: VoiceSynthesizer) -> None:
        super().__init__()
        self.model = model

    def forward(self, x, x_lengths, tones, sid, noise_scale, length_scale, noise_scale_w):
        berts = [torch.zeros(x.shape[0], features, x.shape[1]) for features in (1024, 768)]
        language = torch.zeros_like(x)
        language[:, 1::2] = ENGLISH
        scales = {"noise_scale": noise_scale, "length_scale": length_scale, "noise_scale_w": noise_scale_w}
        return self.model.infer(x, x_lengths, sid, tones, language, *berts, **scales)[0]


class TextEncoder(nn.Module):
    """The first of the graphs of tiny-tts."""

    def __init__(self, model: VoiceSynthesizer) -> None:
        super().__init__()
        self.enc_p, self.emb_g = model.enc_p, model.emb_g

    def forward(self, phone_ids, phone_lengths, tone_ids, language_ids, bert, ja_bert, speaker_id):
        g = self.emb_g(speaker_id).unsqueeze(-1)
        return *self.enc_p(phone_ids, phone_lengths, tone_ids, language_ids, bert, ja_bert, g=g), g


class Durations(nn.Module):
    """The second."""

    def __init__(self, model: VoiceSynthesizer) -> None:
        super().__init__()
        self.dp = model.dp

    def forward(self, x, x_mask, g):
        return self.dp(x, x_mask, g=g)


class Flow(nn.Module):
    """The third."""

    def __init__(self, model: VoiceSynthesizer) -> None:
        super().__init__()
        self.flow = model.flow

    def forward(self, z_p, y_mask, g):
        return self.flow(z_p, y_mask, g=g, reverse=True)


class Decoder(nn.Module):
    """The last."""

    def __init__(self, model: VoiceSynthesizer) -> None:
        super().__init__()
        self.dec = model.dec

    def forward(self, z, g):
        return self.dec(z, g=g)


def export(
    module: nn.Module, inputs: dict[str, Any], outputs: list[str], name: str, opset: int, free: Any = None, **more: Any
) -> None:
    """Export, and add metadata; unless ``free`` says otherwise only the numbers of tokens and frames are free."""
    file = io.BytesIO()
    free = free or {key: {value.dim() - 1: "T"} for key, value in inputs.items() if value.shape[-1] > 1}
    names = {"input_names": list(inputs), "output_names": outputs, "dynamic_axes": free}
    with torch.no_grad():
        torch.onnx.export(module, tuple(inputs.values()), file, opset_version=opset, dynamo=False, **names)
    model = onnx.load_from_string(file.getvalue())
    onnx.helper.set_model_props(model, {key: str(value) for key, value in more.items()})
    path = DATA / f"{name}.onnx.xz"
    path.write_bytes(lzma.compress(model.SerializeToString(), preset=9))
    print(path, path.stat().st_size)


def export_melo(model: VoiceSynthesizer, name: str, opset: int, **metadata: Any) -> None:
    tokens, one = torch.randint(0, VOCABULARY, (1, 60)), torch.ones(1)
    inputs = {"x": tokens, "x_lengths": torch.tensor([60]), "tones": torch.zeros_like(tokens), "sid": torch.tensor([0])}
    inputs |= {"noise_scale": one, "length_scale": one.clone(), "noise_scale_w": one.clone()}
    common = {"model_type": "melo-vits", "comment": "melo", "version": 2, "add_blank": 1, "sample_rate": 44100}
    common |= {"bert_dim": 1024, "ja_bert_dim": 768, "license": "MIT license"}
    free = {"x": {0: "N", 1: "L"}, "x_lengths": {0: "N"}, "tones": {0: "N", 1: "L"}, "y": {0: "N", 1: "S", 2: "T"}}
    export(Whole(model), inputs, ["y"], name, opset, free, **common, **metadata)


def export_tiny(model: VoiceSynthesizer) -> None:
    tokens, frames = torch.randint(0, VOCABULARY, (1, 40)), 50
    text = {"phone_ids": tokens, "phone_lengths": torch.tensor([40]), "tone_ids": torch.zeros_like(tokens)}
    text |= {"language_ids": torch.zeros_like(tokens), "bert": torch.zeros(1, 1024, 40)}
    text |= {"ja_bert": torch.zeros(1, 768, 40), "speaker_id": torch.tensor([0])}
    g, mask = torch.randn(1, SMALL["gin_channels"], 1), torch.ones(1, 1, frames)
    hidden = {"x": torch.randn(1, SMALL["hidden_channels"], 40), "x_mask": torch.ones(1, 1, 40), "g": g}
    latents = torch.randn(1, SMALL["inter_channels"], frames)
    export(TextEncoder(model), text, ["x", "m_p", "logs_p", "x_mask", "g"], "tiny_text_encoder", 17)
    export(Durations(model), hidden, ["logw"], "tiny_duration_predictor", 17)
    export(Flow(model), {"z_p": latents, "y_mask": mask, "g": g}, ["z"], "tiny_flow", 17)
    export(Decoder(model), {"z": latents, "g": g}, ["audio"], "tiny_decoder", 17)


if __name__ == "__main__":
    chinese = {"language": "Chinese + English", "n_speakers": 1, "jieba": 1, "speaker_id": 1, "lang_id": 3}
    export_melo(voice(11, 2), "melo_one", 18, **chinese, tone_start=0)
    english = {"language": "English", "n_speakers": 5, "jieba": 0, "speaker_id": 0, "lang_id": 2, "tone_start": 7}
    export_melo(voice(12, 5, use_transformer_flow=False), "melo_five", 13, **english)
    export_tiny(voice(13, 1))

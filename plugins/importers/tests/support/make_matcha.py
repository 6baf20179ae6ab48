"""Writes ``tests/data/matcha_*.onnx.xz``: an acoustic model and vocoders of the original software with random weights.

Run it with the sources of Matcha-TTS (``pip download --no-deps --no-binary :all: matcha-tts``, MIT) as ``MATCHA`` and
with vocos (MIT), diffusers, conformer and einops importable, and with torch. Modules that these import for training
alone are left out. The graphs have the inputs, outputs and metadata that sherpa-onnx expects.
"""

from __future__ import annotations

import io
import logging
import lzma
import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import diffusers.models.attention  # noqa: F401 -- it imports some of the modules left out below
import onnx
import torch
from torch import nn

DATA = Path(__file__).parents[1] / "data"
SOURCES = Path(os.environ["MATCHA"])
FEATURES = 20


class Training(nn.Module):
    """The part of the class that trains a model that it also needs without training."""

    def save_hyperparameters(self, **settings: object) -> None:
        pass

    def update_data_statistics(self, statistics: dict[str, float]) -> None:
        for name, value in statistics.items():
            self.register_buffer(name, torch.tensor(value))


def without(name: str, folder: str = "", **members: Any) -> ModuleType:
    """Replace a module that imports others for training alone; ``folder`` has its own modules."""
    module = ModuleType(name)
    if folder:
        module.__path__ = [str(SOURCES / folder)]
    vars(module).update(members)
    sys.modules[name] = module
    return module


matcha = without("matcha", ".")
matcha.utils = without("matcha.utils", "utils", get_pylogger=logging.getLogger)
matcha.utils.monotonic_align = without("matcha.utils.monotonic_align")
without("matcha.utils.pylogger", get_pylogger=logging.getLogger)
without("matcha.models", "models")
without("matcha.models.baselightningmodule", BaseLightningClass=Training)
without("matcha.hifigan", "hifigan")
without("diffusers.models.lora", LoRACompatibleLinear=type("Linear", (nn.Linear,), {}))
without("torchaudio")
without("torchaudio.functional")
without("torchaudio.functional.functional", _hz_to_mel=None, _mel_to_hz=None)
for plots in ("matplotlib", "matplotlib.pylab"):
    without(plots, use=lambda name: None)
without("vocos")
sys.modules["vocos"].__path__ = [
    str(next(Path(p, "vocos") for p in sys.path if Path(p, "vocos", "heads.py").is_file()))
]

from matcha.hifigan.models import Generator  # noqa: E402
from matcha.models.matcha_tts import MatchaTTS  # noqa: E402
from vocos.models import VocosBackbone  # noqa: E402


def space(**members: Any) -> SimpleNamespace:
    return SimpleNamespace(**members)


def acoustic(speakers: int = 1) -> nn.Module:
    durations = space(filter_channels_dp=8, kernel_size=3, p_dropout=0.1)
    encoder = space(
        n_feats=FEATURES, n_channels=16, filter_channels=16, filter_channels_dp=8, n_heads=2, n_layers=2, kernel_size=3
    )
    vars(encoder).update(p_dropout=0.1, spk_emb_dim=8, n_spks=speakers, prenet=True)
    decoder = {
        "channels": [16, 16],
        "dropout": 0.05,
        "attention_head_dim": 8,
        "n_blocks": 1,
        "num_mid_blocks": 1,
        "num_heads": 2,
    }
    decoder["act_fn"] = "snakebeta"
    kinds = space(encoder_type="RoPE Encoder", encoder_params=encoder, duration_predictor_params=durations)
    flow = space(name="CFM", solver="euler", sigma_min=1e-4)
    model = MatchaTTS(64, speakers, 8, FEATURES, kinds, decoder, flow, {"mel_mean": -5.5, "mel_std": 2.1}, None)

    class Speaking(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, x, x_length, noise_scale, length_scale, sid=None):
            result = self.model.synthesise(
                x, x_length, n_timesteps=3, temperature=noise_scale, spks=sid, length_scale=length_scale
            )
            return result["mel"]

    with torch.no_grad():
        model.encoder.proj_w.proj.bias.fill_(1.2)
    return Speaking().eval()


def hifigan() -> nn.Module:
    kernels = {"resblock": "1", "resblock_kernel_sizes": [3, 7], "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5]]}
    ups = {"upsample_rates": [8, 8, 4], "upsample_kernel_sizes": [16, 16, 8], "upsample_initial_channel": 16}
    import matcha.hifigan.models as models

    conv, models.Conv1d = (
        models.Conv1d,
        lambda inputs, *more, **named: conv(FEATURES if inputs == 80 else inputs, *more, **named),
    )
    generator = Generator(space(**kernels, **ups)).eval()
    generator.remove_weight_norm()
    with torch.no_grad():
        for weights in generator.parameters():
            weights.mul_(2.5 if weights.dim() > 1 else 1)
    return generator


def vocos() -> nn.Module:
    backbone, out = VocosBackbone(FEATURES, 16, 32, 3), nn.Linear(16, 66)

    class Spectra(nn.Module):
        """The outputs that sherpa-onnx expects: magnitudes, cosines and sines of phases."""

        def __init__(self) -> None:
            super().__init__()
            self.backbone, self.out = backbone, out

        def forward(self, mels):
            magnitudes, phases = self.out(self.backbone(mels)).transpose(1, 2).chunk(2, dim=1)
            return torch.clip(torch.exp(magnitudes), max=1e2), torch.cos(phases), torch.sin(phases)

    return Spectra().eval()


def export(
    module: nn.Module,
    inputs: dict[str, torch.Tensor],
    outputs: list[str],
    free: dict[str, Any],
    name: str,
    **metadata: Any,
) -> None:
    file = io.BytesIO()
    arguments = tuple(inputs.values())
    names = {"input_names": list(inputs), "output_names": outputs, "dynamic_axes": free}
    with torch.no_grad():
        torch.onnx.export(module, arguments, file, opset_version=14, dynamo=False, **names)
    model = onnx.load_from_string(file.getvalue())
    onnx.helper.set_model_props(model, {key: str(value) for key, value in metadata.items()})
    path = DATA / f"matcha_{name}.onnx.xz"
    path.write_bytes(lzma.compress(model.SerializeToString(), preset=9))
    print(path, path.stat().st_size)


if __name__ == "__main__":
    torch.manual_seed(4)
    text = {"x": torch.randint(0, 64, (1, 100)), "x_length": torch.tensor([100])}
    text |= {"noise_scale": torch.ones(1), "length_scale": torch.ones(1)}
    axes = {"x": {0: "N", 1: "L"}, "x_length": {0: "N"}, "mel": {0: "N", 2: "L"}}
    metadata = {
        "model_type": "matcha-tts",
        "language": "English",
        "voice": "en-us",
        "has_espeak": 1,
        "jieba": 0,
        "n_speakers": 1,
    }
    metadata |= {"sample_rate": 22050, "version": 1, "pad_id": 0, "use_eos_bos": 1, "num_ode_steps": 3}
    if "speakers" in sys.argv:  # the others are as they were made
        chinese = {**metadata, "language": "Chinese", "has_espeak": 0, "jieba": 1, "n_speakers": 3, "use_eos_bos": 0}
        voices = acoustic(3)
        with torch.no_grad():
            for weights in voices.parameters():
                weights.copy_((weights * 64).round() / 64)  # few values, which compress well
        export(voices, {**text, "sid": torch.tensor([1])}, ["mel"], axes, "speakers", **chinese)
        sys.exit()
    export(acoustic(), text, ["mel"], axes, "acoustic", **metadata)
    mel = torch.randn(1, FEATURES, 50)
    export(
        hifigan(),
        {"mel": mel},
        ["audio"],
        {"mel": {0: "N", 2: "L"}, "audio": {0: "N", 2: "L"}},
        "hifigan",
        model_type="hifigan",
    )
    axes = {"mels": {0: "N", 2: "T"}, **{name: {0: "N", 2: "T"} for name in ("mag", "x", "y")}}
    metadata = {
        "model_type": "vocos",
        "n_fft": 64,
        "hop_length": 16,
        "win_length": 64,
        "center": 1,
        "normalized": 0,
        "pad_mode": "reflect",
    }
    export(vocos(), {"mels": mel}, ["mag", "x", "y"], axes, "vocos", window_type="hann", sample_rate=22050, **metadata)

"""Models of transformers with random weights, as ``save_pretrained`` writes them, with their tokenizers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

LETTERS = "abcdefghijklmnopqrstuvwxyz '-"


def vits_voice(folder: Path, speakers: int = 1, stochastic: bool = True, **tokenizer: Any) -> Path:
    """Write a small ``VitsModel``, and return its folder."""
    import torch
    from transformers import VitsConfig, VitsModel

    torch.manual_seed(0)
    config = VitsConfig(
        vocab_size=len(LETTERS) + 1,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        ffn_dim=24,
        flow_size=8,
        spectrogram_bins=17,
        upsample_initial_channel=16,
        upsample_rates=[4, 2],
        upsample_kernel_sizes=[8, 4],
        resblock_kernel_sizes=[3, 5],
        resblock_dilation_sizes=[[1, 3], [1, 3]],
        duration_predictor_filter_channels=16,
        prior_encoder_num_flows=2,
        prior_encoder_num_wavenet_layers=2,
        posterior_encoder_num_wavenet_layers=2,
        num_speakers=speakers,
        speaker_embedding_size=6 if speakers > 1 else 0,
        use_stochastic_duration_prediction=stochastic,
        sampling_rate=8000,
    )
    VitsModel(config).eval().save_pretrained(folder)
    vocabulary = {"_": 0, **{letter: 1 + place for place, letter in enumerate(LETTERS)}}
    told = {"unk_token": "<unk>", "tokenizer_class": "VitsTokenizer"}
    told |= {"language": "eng", "add_blank": True, "normalize": True, "phonemize": False, "is_uroman": False, "pad_token": "_"}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "tokenizer_config.json").write_text(json.dumps({**told, **tokenizer}))
    return folder

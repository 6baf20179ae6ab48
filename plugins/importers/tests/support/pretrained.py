"""Models of transformers with random weights, as ``save_pretrained`` writes them, with their tokenizers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

LETTERS = "abcdefghijklmnopqrstuvwxyz '-"


GAN = {
    "upsample_initial_channel": 16,
    "upsample_rates": [4, 2],
    "upsample_kernel_sizes": [8, 4],
    "resblock_kernel_sizes": [3, 5],
    "resblock_dilation_sizes": [[1, 3], [1, 3]],
}
"""A small HiFi-GAN: 8 samples a frame."""


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
        **GAN,
        duration_predictor_filter_channels=16,
        prior_encoder_num_flows=2,
        prior_encoder_num_wavenet_layers=2,
        posterior_encoder_num_wavenet_layers=2,
        num_speakers=speakers,
        speaker_embedding_size=6 if speakers > 1 else 0,
        use_stochastic_duration_prediction=stochastic,
        sampling_rate=8000,
    )
    model = VitsModel(config).eval()
    with torch.no_grad():
        model.decoder.conv_post.weight.mul_(0.1)  # samples that reach full scale would all be equal
    model.save_pretrained(folder)
    vocabulary = {"_": 0, **{letter: 1 + place for place, letter in enumerate(LETTERS)}}
    told = {"unk_token": "<unk>", "tokenizer_class": "VitsTokenizer"}
    told |= {
        "language": "eng",
        "add_blank": True,
        "normalize": True,
        "phonemize": False,
        "is_uroman": False,
        "pad_token": "_",
    }
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "tokenizer_config.json").write_text(json.dumps({**told, **tokenizer}))
    return folder


def speecht5_voice(folder: Path, end: float = -2.2) -> tuple[Path, Path]:
    """Write a small ``SpeechT5ForTextToSpeech`` and its ``SpeechT5HifiGan``, and return their folders.

    :param end: how likely it ends: the bias of the logits.

    Weights are larger than at the start of a training, so that attention and end depend on what is said.
    """
    import torch
    from transformers import (
        SpeechT5Config,
        SpeechT5ForTextToSpeech,
        SpeechT5HifiGan,
        SpeechT5HifiGanConfig,
        SpeechT5Tokenizer,
    )

    torch.manual_seed(2)
    model, vocoder = folder / "model", folder / "vocoder"
    model.mkdir(parents=True)
    tokenizer = SpeechT5Tokenizer(str(_characters(model / "spm_char.model")))
    config = SpeechT5Config(
        vocab_size=len(tokenizer),
        hidden_size=24,
        encoder_layers=2,
        encoder_attention_heads=2,
        encoder_ffn_dim=32,
        encoder_max_relative_position=6,
        decoder_layers=2,
        decoder_attention_heads=3,
        decoder_ffn_dim=32,
        num_mel_bins=10,
        speech_decoder_prenet_units=16,
        speech_decoder_postnet_units=12,
        speech_decoder_postnet_layers=3,
        speaker_embedding_dim=7,
        max_text_positions=120,
        max_speech_positions=1000,
    )
    made = SpeechT5ForTextToSpeech(config).eval()
    with torch.no_grad():
        for name, weight in made.named_parameters():
            if weight.dim() > 1:
                weight.mul_(6.0)
            if name == "speech_decoder_postnet.prob_out.bias":
                weight.fill_(end)
    made.save_pretrained(model)
    tokenizer.save_pretrained(model)
    gan = SpeechT5HifiGanConfig(
        model_in_dim=10,
        **GAN,
        sampling_rate=8000,
    )
    loud = SpeechT5HifiGan(gan).eval()
    with torch.no_grad():
        for weight in loud.parameters():
            weight.mul_(8.0)
    loud.save_pretrained(vocoder)
    return model, vocoder


PHONES = ["AH0", "AH1", "B", "EH1", "HH", "IY0", "IY1", "L", "N", "OW1", "S", "T", "Z", ",", "."]


def fastspeech2_voice(folder: Path, speakers: int | None = None, **config: Any) -> Path:
    """Write a small ``FastSpeech2ConformerWithHifiGan``, and return its folder."""
    import torch
    from transformers import (
        FastSpeech2ConformerConfig,
        FastSpeech2ConformerHifiGanConfig,
        FastSpeech2ConformerWithHifiGan,
        FastSpeech2ConformerWithHifiGanConfig,
    )

    torch.manual_seed(1)
    layers = {
        "num_attention_heads": 2,
        "layers": 2,
        "kernel_size": 7,
        "attention_dropout_rate": 0.0,
        "positional_dropout_rate": 0.0,
    }
    layers |= {"dropout_rate": 0.0, "normalize_before": True, "concat_after": False, "linear_units": 24}
    model = FastSpeech2ConformerConfig(
        hidden_size=16,
        vocab_size=len(PHONES) + 3,
        num_mel_bins=10,
        encoder_config=layers,
        decoder_config=layers,
        duration_predictor_channels=12,
        pitch_predictor_channels=12,
        energy_predictor_channels=12,
        speech_decoder_postnet_units=12,
        speech_decoder_postnet_layers=3,
        num_speakers=speakers,
        **config,
    )
    vocoder = FastSpeech2ConformerHifiGanConfig(
        model_in_dim=10,
        **GAN,
    )
    config = FastSpeech2ConformerWithHifiGanConfig(model_config=model.to_dict(), vocoder_config=vocoder.to_dict())
    made = FastSpeech2ConformerWithHifiGan(config).eval()
    with torch.no_grad():
        made.model.duration_predictor.linear.bias.fill_(1.5)  # about four frames a token
        for weight in made.vocoder.parameters():
            weight.mul_(8.0)
    made.save_pretrained(folder)
    vocabulary = {
        "<blank>": 0,
        "<unk>": 1,
        **{phone: 2 + place for place, phone in enumerate(PHONES)},
        "<sos/eos>": 2 + len(PHONES),
    }
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "FastSpeech2ConformerTokenizer"}))
    return folder


def _characters(path: Path) -> Path:
    """Write a SentencePiece model of single characters."""
    import io

    from sentencepiece import SentencePieceTrainer

    said = [
        "the quick brown fox jumps over the lazy dog",
        "This is what they say, is it? No - it's not!",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    ]
    made = io.BytesIO()
    ids = {"bos_id": 0, "pad_id": 1, "eos_id": 2, "unk_id": 3}
    SentencePieceTrainer.train(
        sentence_iterator=iter(said),
        model_writer=made,
        model_type="char",
        vocab_size=70,
        hard_vocab_limit=False,
        minloglevel=2,
        **ids,
    )
    path.write_bytes(made.getvalue())
    return path

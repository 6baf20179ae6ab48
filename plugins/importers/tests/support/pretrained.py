"""Models of transformers with random weights, as ``save_pretrained`` writes them, with their tokenizers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import nn

LETTERS = "abcdefghijklmnopqrstuvwxyz '-"

GAN = {
    "upsample_initial_channel": 16,
    "upsample_rates": [4, 2],
    "upsample_kernel_sizes": [8, 4],
    "resblock_kernel_sizes": [3, 5],
    "resblock_dilation_sizes": [[3], [1]],
}
"""A small HiFi-GAN: 8 samples a frame."""


def vits_voice(folder: Path, speakers: int = 1, stochastic: bool = True, **tokenizer: Any) -> Path:
    """Write a small ``VitsModel``, and return its folder."""
    import torch

    model = _vits(speakers, stochastic)
    if speakers > 1:
        _share_weights(model, _vits(1, True))
    with torch.no_grad():
        model.decoder.conv_post.weight.mul_(0.1)  # samples that reach full scale would all be equal
        if speakers > 1:
            model.embed_speaker.weight.mul_(4.0)  # so that one hears who speaks
    model.save_pretrained(folder)
    vocabulary = {"_": 0, **{letter: 1 + place for place, letter in enumerate(LETTERS)}}
    settings = {
        "unk_token": "<unk>",
        "tokenizer_class": "VitsTokenizer",
        "language": "eng",
        "add_blank": True,
        "normalize": True,
        "phonemize": False,
        "is_uroman": False,
        "pad_token": "_",
    }
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "tokenizer_config.json").write_text(json.dumps({**settings, **tokenizer}))
    return folder


def _vits(speakers: int, stochastic: bool) -> Any:
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
        duration_predictor_num_flows=3,
        depth_separable_num_layers=1,
        prior_encoder_num_flows=2,
        prior_encoder_num_wavenet_layers=2,
        posterior_encoder_num_wavenet_layers=2,
        num_speakers=speakers,
        speaker_embedding_size=6 if speakers > 1 else 0,
        use_stochastic_duration_prediction=stochastic,
        sampling_rate=8000,
    )
    return VitsModel(config).eval()


def speecht5_voice(folder: Path, end: float = -2.2) -> tuple[Path, Path]:
    """Write a small ``SpeechT5ForTextToSpeech`` and its ``SpeechT5HifiGan``, and return their folders.

    Weights are larger than at the start of a training, so that attention and end depend on the text.

    :param end: how likely it ends: the bias of the logits.
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
    model_folder, vocoder_folder = folder / "model", folder / "vocoder"
    model_folder.mkdir(parents=True)
    tokenizer = SpeechT5Tokenizer(str(_characters(model_folder / "spm_char.model")))
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
    model = SpeechT5ForTextToSpeech(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() > 1:
                weight.mul_(6.0)
            if name == "speech_decoder_postnet.prob_out.bias":
                weight.fill_(end)
    model.save_pretrained(model_folder)
    tokenizer.save_pretrained(model_folder)
    vocoder = SpeechT5HifiGan(SpeechT5HifiGanConfig(model_in_dim=10, **GAN, sampling_rate=8000)).eval()
    _make_louder(vocoder)
    vocoder.save_pretrained(vocoder_folder)
    return model_folder, vocoder_folder


PHONES = ["AH0", "AH1", "B", "EH1", "HH", "IY0", "IY1", "L", "N", "OW1", "S", "T", "Z", ",", "."]


def fastspeech2_voice(folder: Path, speakers: int | None = None, **config: Any) -> Path:
    """Write a small ``FastSpeech2ConformerWithHifiGan``, and return its folder."""
    import torch

    model = _fastspeech2(speakers, config)
    if speakers:
        _share_weights(model, _fastspeech2(None, {}))
    with torch.no_grad():
        model.model.duration_predictor.linear.bias.fill_(1.8)  # about four frames a token
    _make_louder(model.vocoder)
    model.save_pretrained(folder)
    phones = {phone: 2 + place for place, phone in enumerate(PHONES)}
    vocabulary = {"<blank>": 0, "<unk>": 1, **phones, "<sos/eos>": 2 + len(PHONES)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "FastSpeech2ConformerTokenizer"}))
    return folder


def _fastspeech2(speakers: int | None, more: dict[str, Any]) -> Any:
    import torch
    from transformers import (
        FastSpeech2ConformerConfig,
        FastSpeech2ConformerHifiGanConfig,
        FastSpeech2ConformerWithHifiGan,
        FastSpeech2ConformerWithHifiGanConfig,
    )

    torch.manual_seed(1)
    conformer = {
        "num_attention_heads": 2,
        "kernel_size": 7,
        "attention_dropout_rate": 0.0,
        "positional_dropout_rate": 0.0,
        "dropout_rate": 0.0,
        "normalize_before": True,
        "concat_after": False,
        "linear_units": 24,
    }
    model = FastSpeech2ConformerConfig(
        hidden_size=16,
        vocab_size=len(PHONES) + 3,
        num_mel_bins=10,
        encoder_config={**conformer, "layers": 1},
        decoder_config={**conformer, "layers": 2},
        duration_predictor_channels=12,
        duration_predictor_layers=1,
        pitch_predictor_channels=12,
        pitch_predictor_layers=1,
        energy_predictor_channels=12,
        energy_predictor_layers=1,
        speech_decoder_postnet_units=12,
        speech_decoder_postnet_layers=2,
        num_speakers=speakers,
        **more,
    )
    vocoder = FastSpeech2ConformerHifiGanConfig(model_in_dim=10, **GAN)
    config = FastSpeech2ConformerWithHifiGanConfig(model_config=model.to_dict(), vocoder_config=vocoder.to_dict())
    return FastSpeech2ConformerWithHifiGan(config).eval()


def _share_weights(model: nn.Module, other: nn.Module) -> None:
    """Give a model the weights that another one has, too, so that parts that are equal in both are exported once."""
    own, weights = model.state_dict(), other.state_dict()
    shared = {name: weight for name, weight in weights.items() if name in own and own[name].shape == weight.shape}
    model.load_state_dict(shared, strict=False)


def _make_louder(vocoder: nn.Module) -> None:
    import torch

    with torch.no_grad():
        for weight in vocoder.parameters():
            weight.mul_(8.0)


def _characters(path: Path) -> Path:
    """Write a SentencePiece model of single characters."""
    import io

    from sentencepiece import SentencePieceTrainer

    sentences = [
        "the quick brown fox jumps over the lazy dog",
        "This is what they say, is it? No - it's not!",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    ]
    model = io.BytesIO()
    ids = {"bos_id": 0, "pad_id": 1, "eos_id": 2, "unk_id": 3}
    SentencePieceTrainer.train(
        sentence_iterator=iter(sentences),
        model_writer=model,
        model_type="char",
        vocab_size=70,
        hard_vocab_limit=False,
        minloglevel=2,
        **ids,
    )
    path.write_bytes(model.getvalue())
    return path


POCKET_TEXTS = (
    "This is what the voice says, as the original says it.",
    "Nobody knows which of the seven boats came home before the storm.",
    "She asked whether the lamp was lit, and he said that it never goes out!",
    "Why would anyone walk that far; is there no other way?",
)
"""Texts from which the subwords of a small tokenizer are learnt."""

POCKET_PLACEHOLDERS = ("<audio_prompt>", "<audio_latent>", "<audio_prompt_bos>", "<audio_bos>")


def subword_model() -> bytes:
    """Return a small SentencePiece model."""
    import io

    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(POCKET_TEXTS * 5),
        model_writer=model,
        vocab_size=100,
        hard_vocab_limit=False,
        pad_id=3,
        minloglevel=2,
    )
    return model.getvalue()


def write_subwords(folder: Path) -> int:
    """Write ``tokenizer.json`` with the same subwords and the placeholders of audio, and return their number."""
    import sentencepiece
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    pieces = sentencepiece.SentencePieceProcessor(model_proto=subword_model())
    table = [(pieces.id_to_piece(i), pieces.get_score(i)) for i in range(pieces.get_piece_size())]
    tokenizer = Tokenizer(models.Unigram(table, unk_id=0))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in POCKET_PLACEHOLDERS])
    tokenizer.save(str(folder / "tokenizer.json"))
    return len(table)


def pocket_voice(
    folder: Path,
    flow: str = "lsd",
    voices: bool = True,
    model: Mapping[str, Any] | None = None,
    head: Mapping[str, Any] | None = None,
    threshold: float = 3.0,
    **codec: Any,
) -> tuple[Path, Path]:
    """Write a small ``PocketTTSForConditionalGeneration`` with its codec, and return the folders of both.

    :param model: fields of its configuration; ``head``: of that of its flow head; ``codec``: of that of the codec.
    :param threshold: logit of the end of speech.
    """
    import torch
    from safetensors.numpy import save_file
    from transformers import GenerationConfig, PocketTTSConfig, PocketTTSForConditionalGeneration

    folder.mkdir(parents=True, exist_ok=True)
    pieces = write_subwords(folder)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
    sizes |= {"head_dim": 12, "intermediate_size": 48, "latent_dim": 6, **(model or {})}
    flow_head = {"hidden_size": 24, "num_hidden_layers": 2, "frequency_embedding_size": 8, "flow_type": flow}
    flow_head |= {**(head or {}), "latent_dim": sizes["latent_dim"], "condition_dim": sizes["hidden_size"]}
    names = ("audio_prompt_token_id", "audio_latent_token_id", "audio_prompt_bos_token_id", "audio_bos_token_id")
    ids = {name: pieces + place for place, name in enumerate(names)}
    vocabulary = max(pieces + len(names), sizes.pop("vocab_size", 0))
    config = PocketTTSConfig(vocab_size=vocabulary, flow_head_config=flow_head, **sizes, **ids)
    torch.manual_seed(0)
    network = PocketTTSForConditionalGeneration(config).eval()
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if weight.dim() > 1 and "embed_tokens" not in name:
                weight.normal_(0.0, weight.shape[1] ** -0.5)
        network.model.embed_tokens.weight.normal_()
        network.model.bos_latent.normal_()
        network.model.audio_latent_proj.weight.mul_(0.3)  # with more of their own past, such weights are chaotic
        network.latent_std.uniform_(0.5, 1.5)
        network.eos_head.weight.mul_(3.0)
    settings = {"do_sample": True, "temperature": 0.49, "num_flow_steps": 2, "eos_threshold": threshold}
    network.generation_config = GenerationConfig(**settings, pad_token_id=3)
    network.save_pretrained(folder)
    if voices:
        random = np.random.default_rng(1)
        (folder / "voices").mkdir(exist_ok=True)
        np.save(folder / "voices" / "anna.npy", random.standard_normal((9, sizes["latent_dim"])).astype(np.float32))
        ben = {"audio_prompt_latents": random.standard_normal((1, 4, sizes["latent_dim"])).astype(np.float32)}
        save_file(ben, folder / "voices" / "ben.safetensors")
    return folder, pocket_codec(folder.parent / f"{folder.name}-codec", sizes["latent_dim"], **codec)


def pocket_codec(folder: Path, latent_dim: int, **fields: Any) -> Path:
    """Write a small ``PocketTTSAudioTokenizerModel`` without an encoder, and return its folder."""
    import torch
    from transformers import PocketTTSAudioTokenizerConfig, PocketTTSAudioTokenizerModel

    small = {"hidden_size": 16, "num_filters": 4, "kernel_size": 3, "num_hidden_layers": 2, "intermediate_size": 24}
    small |= {"num_attention_heads": 2, "num_key_value_heads": 2, "sliding_window": 7, "upsample_groups": 16}
    small |= {"upsampling_ratios": [3, 2], "latent_stride": 4, "sampling_rate": 300, "layer_scale_initial_scale": 0.5}
    torch.manual_seed(0)
    config = PocketTTSAudioTokenizerConfig(encoder_config=None, latent_dim=latent_dim, **{**small, **fields})
    PocketTTSAudioTokenizerModel(config).eval().save_pretrained(folder)
    return folder


def dia_voice(folder: Path, model: Mapping[str, Any] | None = None, **generation: Any) -> tuple[Path, Path]:
    """Write a small ``DiaForConditionalGeneration`` with its ``DacModel``, and return the folders of both.

    :param model: fields of the configuration of its decoder; ``generation``: of that of its generation.
    """
    import torch
    from transformers import DiaConfig, DiaForConditionalGeneration, DiaTokenizer, GenerationConfig

    folder.mkdir(parents=True, exist_ok=True)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "head_dim": 8}
    sizes |= {"intermediate_size": 48}
    across = {"cross_num_attention_heads": 4, "cross_num_key_value_heads": 2, "cross_head_dim": 8}
    across |= {"cross_hidden_size": 24, "num_key_value_heads": 2, "num_channels": 4, "max_position_embeddings": 300}
    special = {"eos_token_id": 32, "pad_token_id": 33, "bos_token_id": 34, "vocab_size": 36}
    decoder = {**sizes, **across, **special, **(model or {})}
    encoder = {**sizes, "hidden_size": 24, "num_key_value_heads": 4, "max_position_embeddings": 200}
    delays = [0, 3, 4, 5]
    torch.manual_seed(0)
    network = DiaForConditionalGeneration(
        DiaConfig(encoder_config=encoder, decoder_config=decoder, delay_pattern=delays)
    ).eval()
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if weight.dim() > 1:
                weight.normal_(0.0, 1.0 if "embed" in name else weight.shape[1] ** -0.5)
        network.logits_dense.weight.mul_(2.0)
    settings = {"guidance_scale": 3.0, "top_k": 9, "top_p": 0.95, "do_sample": True, "temperature": 1.3}
    settings |= {"max_length": 60, **generation}
    network.generation_config = GenerationConfig(**settings)
    network.save_pretrained(folder)
    DiaTokenizer().save_pretrained(folder)
    return folder, dac_codec(folder.parent / f"{folder.name}-codec")


def dac_codec(folder: Path, **fields: Any) -> Path:
    """Write a small ``DacModel``, and return its folder."""
    import torch
    from transformers import DacConfig, DacModel

    small = {"encoder_hidden_size": 4, "downsampling_ratios": [2, 4], "decoder_hidden_size": 16, "n_codebooks": 4}
    small |= {"codebook_size": 32, "codebook_dim": 3, "sampling_rate": 800}
    torch.manual_seed(0)
    codec = DacModel(DacConfig(**{**small, **fields})).eval()
    with torch.no_grad():
        for name, weight in codec.named_parameters():
            if weight.dim() > 1 and "alpha" not in name:
                weight.normal_(0.0, 1.0 if "codebook" in name else 0.7 * weight[0].numel() ** -0.5)
    codec.save_pretrained(folder)
    return folder

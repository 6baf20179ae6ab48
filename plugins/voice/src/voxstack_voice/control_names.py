"""Names that requests use for what a voice calls otherwise, and what to do instead."""

from __future__ import annotations

from collections.abc import Collection

from voxstack_addon_spec.wording import did_you_mean

SAME = {
    "rate": ("speed", "tempo", "speaking_rate", "speech_rate", "length_scale", "duration"),
    "volume": ("gain", "loudness", "db", "amplitude"),
    "pitch": ("semitones", "f0", "tone"),
    "pause": ("pauses", "silence", "sentence_silence"),
    "speaker": ("speaker_id", "sid", "spk", "voice", "voice_name"),
    "voice": ("speaker", "speaker_id", "sid", "variant"),
    "noise_scale": ("noise", "temperature"),
    "steps": ("num_steps", "n_timesteps", "inference_steps"),
    "seed": ("random_seed",),
}
"""Controls by their usual names, with names that other software has for them."""

_FILE = "save the speech: voice.synthesize(...).save('hello.wav')"
_CONTEXT = "a voice is loaded in a context: voxstack.load(..., context='onnx:cuda')"
ELSEWHERE = {
    **dict.fromkeys(("out", "output", "file", "filename", "path", "wav", "format"), _FILE),
    **dict.fromkeys(("context", "device", "runtime", "provider", "gpu", "cuda", "threads"), _CONTEXT),
    **dict.fromkeys(("sample_rate", "samplerate"), "the rate is voice.sample_rate; the block Resample changes it"),
    **dict.fromkeys(
        ("stack", "block", "blocks"), "voice.with_stack(...) and voice.with_block(...) return such a voice"
    ),
    **dict.fromkeys(("language", "lang", "model"), "load a voice of that language or model: voxstack.load(...)"),
    **dict.fromkeys(("ssml", "markdown", "html"), "give the text with markup='ssml', 'markdown' or 'html'"),
    **dict.fromkeys(
        ("stream", "streaming"), "voice.stream(...) yields chunks, and voice.synthesize(...) the whole speech"
    ),
}
"""What is set in another place than in a request."""


def unknown_control(control: str, known: Collection[str]) -> str:
    """Return what is wrong with a control that a voice does not have, and what to do."""
    problem = f"has no control {control!r}"
    meant = next((name for name in known if control in SAME.get(name, ())), None)
    if meant is not None:
        problem += f"; did you mean {meant!r}?"
    elif control in ELSEWHERE:
        return f"{problem}; {ELSEWHERE[control]}"
    else:
        problem += did_you_mean(control, known)
    return f"{problem}; it has {', '.join(known) or 'none'}"

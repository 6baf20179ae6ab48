"""The names of the kinds of pictures; this module imports nothing, for the help of the command."""

KINDS = {
    "spectrogram": "level over time and frequency, with words and phonemes",
    "alignment": "attention, or durations of phonemes, over time",
    "pitch": "fundamental frequency over time, with words",
    "stack": "blocks, what flows between them, and networks",
    "trace": "what ran when, on which thread",
}
"""Kinds of pictures; each is drawn by the function ``draw`` of the module of its name."""

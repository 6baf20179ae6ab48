"""The utterance: one request by name, and the table of the names it may carry.

``REQUEST`` names are set by ``Voice.request``. Controls are set by the request if the addon declares them. All other
names are added by sequence blocks, or by blocks that split a request into parts. Networks read and add entries under
their own input and output names; those below are the conventions that blocks share.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

Utterance = Mapping[str, Any]
"""One utterance by name: ``text`` and the request's controls, then what sequence blocks add."""

REQUEST = ("text", "markup", "lexicon", "schedule", "timeline", "trace")
"""Names that every request sets; no control may have them."""


class Name(NamedTuple):
    """A documented name: shape, dtype and unit of its value, who sets it, and who reads it."""

    value: str
    set_by: str
    read_by: str


NAMES: Mapping[str, Name] = {
    "text": Name("str, or an iterator of str as it arrives", "request; Sentences", "Text, Characters, Espeak, Flite"),
    "markup": Name(
        "'text', 'markdown', 'html', 'ssml', 'auto'", "request; Sentences", "Sentences, Text, Espeak, Flite"
    ),
    "lexicon": Name(
        "None, or words with their pronunciations (hook voxstack_lexicon)", "request", "Text, EspeakPhonemes, Lexicon"
    ),
    "schedule": Name("Schedule: frames of each chunk", "request; composites", "heads of streams"),
    "timeline": Name("Timeline: collects events", "request; composites", "blocks that report events"),
    "skip": Name(
        "int, steps at the beginning of a block's output that no one reads",
        "request; composites",
        "Decoder, InverseSTFT",
    ),
    "trace": Name("None, or Trace: records the time of each block", "request", "composites, wrappers"),
    "rate": Name("float, factor; 2 takes half the time", "control; Speakers", "Pace, Espeak, Flite, networks"),
    "pause": Name("float, factor on silences", "control", "Pace, TrimSilence"),
    "pitch": Name("float, semitones", "control; Sentences", "Prosody, Flite"),
    "pitch_range": Name("float, factor on the distance from the mean pitch", "control", "Prosody"),
    "energy": Name("float, dB", "control", "Prosody"),
    "volume": Name("float, dB", "control", "Gain, Flite"),
    "speaker": Name("str or int", "control", "Speakers, SpeakerBlend, SpeakerPrompts"),
    "steps": Name("int, steps of a flow or a diffusion", "control", "Iterate"),
    "seed": Name("int of at least 0", "control", "everything that draws random numbers"),
    "noise_scale": Name("float, factor on noise", "control", "GaussianSample, imported networks"),
    "noise_scale_duration": Name("float, factor on the noise of durations", "control", "imported networks"),
    "guidance_scale": Name("float of at least 1, how much the text decides", "control", "imported Dia voices"),
    "temperature": Name("float, of the sampling of codes", "control", "imported Dia voices"),
    "noise_w": Name("float, factor on the noise of durations", "control", "imported Piper voices"),
    "voice": Name("str, name of a speaker", "control", "Espeak, Flite"),
    "text_start": Name("int, index of the part's first character in the request's text", "Sentences", "timings"),
    "passage": Name("Passage: a sentence with its markup", "Sentences", "Text, TrimSilence"),
    "unit": Name("Unit: kind, text and span of the part, for its event", "Sentences", "timings"),
    "written": Name("str, the text in the form that a model reads", "Rewrite", "Characters, MarkedPhonemes, Length"),
    "spoken_words": Name(
        "list of (word, start, end), and perhaps phones and the seconds of a pause, ','", "normalisers", "Text"
    ),
    "language": Name("str, BCP 47 tag of the text", "Espeak", "SentenceEnds"),
    "sentence_ends": Name(
        "(sentences,) int64, characters of text", "EspeakSentenceEnds, SentenceEnds", "Sentences, Espeak, Flite"
    ),
    "phonemes": Name(
        "list of str, or str, IPA", "EspeakPhonemes, JapanesePhonemes, MarkedPhonemes", "Phrases, Characters"
    ),
    "phoneme_words": Name(
        "list of PhonemeWord: text, span, first phoneme, phonemes",
        "EspeakPhonemes, JapanesePhonemes, MarkedPhonemes",
        "Phrases, Characters",
    ),
    "tokens": Name("(tokens, features) or (tokens,) int64", "Text, Arpabet, Characters, Lexicon, Subwords", "networks"),
    "tones": Name("(tokens,) int64", "Lexicon", "networks"),
    "words": Name(
        "list of Word: text, first token, tokens, span", "Text, Arpabet, Characters, Lexicon, Subwords", "timings"
    ),
    "phones": Name(
        "list of str, one per token; '': counts to the one before",
        "Text, Arpabet, Characters, Lexicon",
        "timings, AttentionAlarms",
    ),
    "spoken": Name(
        "list of Phone, one per token: symbol with stress, spoken word that begins there", "Text, Arpabet", "readings"
    ),
    "word_count": Name("() int64", "Subwords", "networks"),
    "marks": Name("list of Mark: text, token, span", "Text, Arpabet", "timings"),
    "silences": Name("(tokens,) bool", "Text", "Pace, Prosody"),
    "pauses": Name("(tokens,) float64, seconds; NaN: the voice decides", "Text", "Pace"),
    "rates": Name("(tokens,) float64, factor", "Text", "Pace"),
    "volumes": Name("(tokens,) float64, dB", "Text", "Gain"),
    "speaker_id": Name("() int64", "Speakers", "networks"),
    "speaker_weights": Name("(speakers,) float32 of sum 1", "SpeakerBlend", "networks that mix speakers"),
    "encoded": Name("(tokens, features) float32", "networks of role encoder", "Upsampler, Expand, networks"),
    "durations": Name("(tokens,) float32, frames", "networks; Pace", "Upsampler, Expand, Gain, WholeFrames"),
    "lf0": Name("(tokens,) float32, ln Hz", "networks; Prosody", "Upsampler, networks"),
    "level": Name("(tokens,) float32, dB", "networks; Prosody", "Upsampler, networks"),
    "noise": Name("(steps, features) float32", "Noise", "networks"),
    "duration_noise": Name("(tokens, features) float32", "Noise", "networks"),
    "frames": Name("(frames, features) float32", "Expand", "networks"),
    "attention_watch": Name(
        "callable that receives (steps, tokens) attention", "AttentionAlarms", "AutoregressiveDecoder"
    ),
}
"""The names that blocks share. A block of your own may add others; document them in its docstring."""

"""First audio and total work of one stream, against one whole call of the same networks for each sentence."""

from __future__ import annotations

import by_hand
from measure import Row, Stopwatch, interleaved
from texts import NINE, ONE, PARAGRAPH, SIXTY, sentences_for

import voxstack

CASES = {
    "1 s": ONE,
    "9 s sentence": NINE,
    "60 s sentence": SIXTY,
    "12 sentences": PARAGRAPH,
    "10 min": sentences_for(600),
    "1 h": sentences_for(3600),
}


def streamed(voice: voxstack.Voice, text: str) -> dict[str, float]:
    """Take everything as fast as it comes."""
    watch, first = Stopwatch(), 0.0
    samples = 0
    for chunk in voice.stream(text):
        first = first or watch.wall
        samples += len(chunk.samples)
    return {"first": first, "cpu": watch.cpu, "wall": watch.wall, "audio": samples / voice.sample_rate}


def whole(networks: by_hand.Networks, text: str) -> dict[str, float]:
    """One call of each network for each sentence, in a plain loop."""
    watch, first = Stopwatch(), 0.0
    for _ in by_hand.whole_sentences(networks, text):
        first = first or watch.wall
    return {"first": first, "cpu": watch.cpu, "wall": watch.wall}


def run(rounds: int) -> tuple[list[Row], dict[str, dict[str, float]]]:
    """Measure all cases; returns rows, and the figures by case for plots."""
    voice, networks = voxstack.load("amber"), by_hand.Networks()
    rows, figures = [], {}
    wanted = {"9 s sentence": (4.0, None), "60 s sentence": (12.0, 0.8), "12 sentences": (None, 1.0)}
    for name, text in CASES.items():
        few = {"10 min": max(3, rounds // 2), "1 h": 1}.get(name, rounds)
        made = interleaved(
            {"streamed": lambda t=text: streamed(voice, t), "whole": lambda t=text: whole(networks, t)}, few
        )
        sooner = made["whole"]["first"] / made["streamed"]["first"]
        total = made["streamed"]["cpu"] / made["whole"]["cpu"]
        least, most = wanted.get(name, (None, None))
        note = f"{1000 * made['streamed']['first']:.1f} ms against {1000 * made['whole']['first']:.1f} ms"
        rows.append(Row(f"{name}: first audio, sooner than whole calls", sooner, limit=least, least=True, note=note))
        rows.append(
            Row(f"{name}: CPU, of whole calls", total, limit=most, note=f"{made['streamed']['audio']:.1f} s of audio")
        )
        figures[name] = {
            "sooner": sooner,
            "cpu": total,
            "first_ms": 1000 * made["streamed"]["first"],
            "audio": made["streamed"]["audio"],
        }
    hour = sentences_for(3600)
    sentence = hour[: hour.index(".") + 1]

    def first_of(text: str) -> dict[str, float]:
        watch, stream = Stopwatch(), voice.stream(text)
        next(stream)
        first = watch.wall
        stream.close()
        return {"first": first}

    made = interleaved({"hour": lambda: first_of(hour), "sentence": lambda: first_of(sentence)}, 4 * rounds)
    ratio = made["hour"]["first"] / made["sentence"]["first"]
    rows.append(
        Row(
            "an hour of text: first audio, of its first sentence's alone",
            ratio,
            limit=1.1,
            note=f"{len(hour)} characters",
        )
    )
    return rows, figures

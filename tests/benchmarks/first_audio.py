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

GOALS = {"9 s sentence": (4.0, None), "60 s sentence": (12.0, 0.8), "12 sentences": (None, 1.0)}
"""By case: how many times sooner the first audio should come, and the limit of CPU time, relative to whole calls."""


def streamed(voice: voxstack.Voice, text: str) -> dict[str, float]:
    """Read a stream as fast as possible."""
    watch, first = Stopwatch(), 0.0
    samples = 0
    for chunk in voice.stream(text):
        first = first or watch.wall
        samples += len(chunk.samples)
    return {"first": first, "cpu": watch.cpu, "wall": watch.wall, "audio": samples / voice.sample_rate}


def whole(networks: by_hand.Networks, text: str) -> dict[str, float]:
    """Call each network once for each sentence, in a plain loop."""
    watch, first = Stopwatch(), 0.0
    for _ in by_hand.whole_sentences(networks, text):
        first = first or watch.wall
    return {"first": first, "cpu": watch.cpu, "wall": watch.wall}


def run(rounds: int) -> tuple[list[Row], dict[str, dict[str, float]]]:
    """Measure all cases; return the rows, and the figures by case for plots."""
    voice, networks = voxstack.load("amber"), by_hand.Networks()
    rows, cases = [], {}
    for name, text in CASES.items():
        count = {"10 min": max(3, rounds // 2), "1 h": 1}.get(name, rounds)
        runs = {"streamed": lambda t=text: streamed(voice, t), "whole": lambda t=text: whole(networks, t)}
        figures = interleaved(runs, count)
        ours, theirs = figures["streamed"], figures["whole"]
        sooner, cpu = theirs["first"] / ours["first"], ours["cpu"] / theirs["cpu"]
        minimum, limit = GOALS.get(name, (None, None))
        note = f"{1000 * ours['first']:.1f} ms against {1000 * theirs['first']:.1f} ms"
        quantity = f"{name}: first audio, sooner than whole calls"
        rows.append(Row(quantity, sooner, limit=minimum, minimum=True, note=note))
        rows.append(Row(f"{name}: CPU, of whole calls", cpu, limit=limit, note=f"{ours['audio']:.1f} s of audio"))
        cases[name] = {"sooner": sooner, "cpu": cpu, "first_ms": 1000 * ours["first"], "audio": ours["audio"]}
    return [*rows, hour_row(voice, rounds)], cases


def hour_row(voice: voxstack.Voice, rounds: int) -> Row:
    """Compare the first audio of an hour of text with that of its first sentence alone."""
    hour = sentences_for(3600)
    sentence = hour[: hour.index(".") + 1]

    def first_of(text: str) -> dict[str, float]:
        watch, stream = Stopwatch(), voice.stream(text)
        next(stream)
        first = watch.wall
        stream.close()
        return {"first": first}

    figures = interleaved({"hour": lambda: first_of(hour), "sentence": lambda: first_of(sentence)}, 4 * rounds)
    ratio = figures["hour"]["first"] / figures["sentence"]["first"]
    note = f"{len(hour)} characters"
    return Row("an hour of text: first audio, of its first sentence's alone", ratio, limit=1.1, note=note)

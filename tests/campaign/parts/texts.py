"""Random texts and SSML documents, whole and in parts: no hang, no raw error, time and memory in proportion.

Most run through ``Sentences`` and ``Text`` alone, one in a hundred through the voice amber to the audio.

The time of a text is compared with that of ordinary prose in the same process, in CPU time of the thread. Its size is
the number of its characters, or of the tokens that are spoken for them if those are more ("%" is spoken as a word), and
what is spoken at once counts as 40 characters at least, as the silences around it alone last that long.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np

import voxstack
from tests.campaign.parts._documents import document
from tests.campaign.parts._texts import parts, text
from tests.campaign.report import Report, resident_megabytes
from voxstack import StreamableBlock, StreamablePipeline, VoxstackError
from voxstack.errors import BlockError
from voxstack_text.sentences_block import Sentences
from voxstack_text.text import Text

FULL, SHORT, LIMIT = 50_000, 60, 30.0
SLOWEST = 3.0  # times ordinary text
ALLOWANCE = 0.002  # seconds that any request may take
LEAST = 40  # characters that what is spoken at once counts as
MOST_TOKENS = 2000  # spoken at once, as README.md of voxstack-text says
LENGTHS, WEIGHTS = (20, 100, 300, 1000, 3000, 30_000), (30, 30, 60, 60, 20, 1)  # characters
READ_AHEAD = 2000  # characters
LONGEST_ERROR = 2000
PROSE = (
    "The committee had been informed that the minister, who lives near the river, would record the old story. It "
    "rained all afternoon and the two men waited there. “Nobody knows what the children found,” she said, and put the "
    "kettle on the stove. In 1985, Dr. Smith paid $3.50 for a house in St. Louis; it had 12 rooms and a garden. Why? "
)
RESOURCES = SimpleNamespace(networks={}, config={"controls": {"pitch": {"minimum": -6, "maximum": 6}}})
Seen = list[dict[str, Any]]


@dataclass
class Recorder(StreamableBlock):
    """Records what it receives.

    :param most: tokens that it accepts, as networks of fixed sizes do; 0: any number.
    """

    most: int = 0

    needs, head, makes = frozenset({"text"}), True, "frames"

    @property
    def limits(self) -> Mapping[str, int]:
        return {"tokens": self.most} if self.most else {}

    def stream(self, source: Iterator[np.ndarray], utterance: Any) -> Iterator[np.ndarray]:
        tokens = len(utterance.get("tokens", utterance["text"]))
        utterance["seen"].append({"text": utterance["text"], "start": utterance["text_start"], "tokens": tokens})
        yield np.zeros(1, np.float32)


def run(report: Report, cases: Iterable[int]) -> None:
    """Run the cases."""
    logging.getLogger("voxstack.text").setLevel(logging.ERROR)
    text_block = loaded(Text())
    english = Bench(Sentences(StreamablePipeline(text_block, Recorder()), reads_markup=False), MOST_TOKENS)
    marked = Bench(Sentences(StreamablePipeline(text_block, Recorder())), MOST_TOKENS, english)
    limited = Bench(Sentences(StreamablePipeline(text_block, Recorder(64))), 64, english)
    russian = Bench(Sentences(Recorder(), language="ru", reads_markup=False), 1000, english)  # SSML may stand for more
    voices: list[Any] = []
    for number, draw in report.each(cases):
        longest = draw.choices(LENGTHS, WEIGHTS)[0]
        markup = "ssml" if draw.random() < 0.4 else "text"
        made = document(draw, min(longest, 3000)) if markup == "ssml" else text(draw, longest)
        if number % 100 == 7:
            voices = voices or [voxstack.load("amber")]
            _speak(report, voices[0], draw, made[:300] if markup == "text" else made, markup)
            continue
        bench = draw.choices([english, marked, limited, russian], [4, 4, 1, 1])[0]
        if bench is marked and markup == "text":
            markup = draw.choice(["text", "markdown", "html", "auto"])
        for source in ([made], list(parts(draw, made))):
            bench.check(report, made, source, markup)
        report.maximum("memory (MB)", resident_megabytes())


def loaded(block: Any) -> Any:
    """Return a block that is loaded without networks."""
    block.load(RESOURCES)
    return block


class Bench:
    """A Sentences block without networks, and how long it takes.

    :param most: tokens, or characters, that it may give at once.
    :param ordinary: reads the ordinary text with which times are compared.
    """

    def __init__(self, block: Sentences, most: int, ordinary: Bench | None = None) -> None:
        self._block, self._most, self._reference = loaded(block), most, ordinary or self
        self._ordinary: dict[int, float] = {}
        self.read(["Some tables are built first. 5 km"], "text")

    def read(self, source: list[str], markup: str) -> tuple[float, Seen, Exception | None, int]:
        """Return the seconds that it takes, what is spoken, the error, and the characters that were read ahead."""
        seen: Seen = []
        ahead = read = 0

        def arriving() -> Iterator[str]:
            nonlocal read
            for part in source:
                read += len(part)
                yield part

        error: Exception | None = None
        request = {"text": source[0] if len(source) == 1 else arriving(), "markup": markup, "seen": seen}
        began = time.thread_time()
        try:
            for _ in self._block.stream(iter(()), request):
                if len(source) > 1:
                    ahead = max(ahead, read - seen[-1]["start"] - len(seen[-1]["text"]))
        except Exception as caught:
            error = caught
        return time.thread_time() - began, seen, error, ahead

    def check(self, report: Report, whole: str, source: list[str], markup: str) -> None:
        """Read a text whose parts are ``source``, and report what does not hold."""
        seconds, seen, error, ahead = self.read(source, markup)
        _check_error(report, error)
        most = max((item["tokens"] for item in seen), default=0)
        report.maximum("tokens at once", most)
        if most > self._most:
            report.finding(f"{most} tokens at once")
        if markup == "text" and error is None and not self._block.reads_markup:  # marks are not spoken
            _check_progress(report, whole, source, seen, ahead)
        self._check_time(report, whole, source, markup, seconds, seen)

    def _check_time(
        self, report: Report, whole: str, source: list[str], markup: str, seconds: float, seen: Seen
    ) -> None:
        size = max(len(whole), sum(max(item["tokens"], LEAST) for item in seen))
        longest = max(map(len, source))
        ratio = (seconds - ALLOWANCE) / (size * self._reference.seconds_per_character(longest, len(source) > 1))
        if ratio > SLOWEST:  # again, as anything may have come between
            seconds = min(self.read(source, markup)[0] for _ in range(3))
            ratio = (seconds - ALLOWANCE) / (
                size * self._reference.seconds_per_character(longest, len(source) > 1, again=True)
            )
            if ratio > SLOWEST:
                report.finding(f"{markup} of {len(whole)} characters: {ratio:.1f} times the time of ordinary text")
        report.maximum("times ordinary text", ratio)
        report.maximum("times ordinary text, as written", ratio * size / len(whole))
        report.maximum("slowest text (s)", seconds)
        report.count("characters", len(whole))

    def seconds_per_character(self, longest: int, in_parts: bool, again: bool = False) -> float:
        """Return what ordinary text takes, whole or in parts of about the same size."""
        size = next((limit for limit in (1, 3, 8, 40, 200) if longest <= limit), 5000) if in_parts else 0
        if again or size not in self._ordinary:
            prose = PROSE * 8
            source = _cut(prose, size) if size else [prose]
            measured = min(self.read(source, "text")[0] for _ in range(3)) / len(prose)
            self._ordinary[size] = measured if again else min(measured, self._ordinary.get(size, measured))
        return self._ordinary[size]


def _cut(prose: str, size: int) -> list[str]:
    draw, found, start = Random(0), [], 0
    while start < len(prose):
        found.append(prose[start : start + draw.randint(1, size)])
        start += len(found[-1])
    return found


def _check_error(report: Report, error: Exception | None) -> None:
    """Count an outcome; an error that is not of voxstack, or that wraps such a one, is a finding."""
    if error is None:
        report.count("spoken")
        return
    cause = error.__cause__ if isinstance(error, BlockError) else error
    if not isinstance(cause, VoxstackError):
        report.finding(f"a raw error: {error!r:.200}", error)
    elif len(str(error)) > LONGEST_ERROR:
        report.finding(f"an error of {len(str(error))} characters: {error!r:.200}")
    else:
        report.count("typed errors")


def _check_progress(report: Report, whole: str, source: list[str], seen: Seen, ahead: int) -> None:
    """Check that each letter is spoken once and in order, and that no more text is awaited than needed."""
    letters = [re.sub(r"[^A-Za-z0-9]", "", written) for written in ("".join(item["text"] for item in seen), whole)]
    if letters[0] != letters[1]:
        report.finding(f"letters were lost or repeated: {len(letters[0])} of {len(letters[1])}")
    for item in seen:
        written = re.sub("[\ud800-\udfff]", "\ufffd", whole[item["start"] : item["start"] + len(item["text"])])
        if item["text"] != written:
            report.finding(f"{item['text']!r:.80} is not at {item['start']}")
    blanks = max((len(blank) for blank in re.findall(r"[\W_]+", whole)), default=0)
    if len(source) > 1 and ahead > READ_AHEAD + 2 * max(map(len, source)) + blanks:
        report.finding(f"{ahead} characters were read ahead")


def _speak(report: Report, voice: Any, draw: Random, made: str, markup: str) -> None:
    """Synthesize a text with a voice, to the audio."""
    seconds = 0.0
    error: Exception | None = None
    try:
        for chunk in voice.stream(made if draw.random() < 0.5 else parts(draw, made), markup=markup):
            seconds += len(chunk.samples) / voice.sample_rate
            if not np.isfinite(chunk.samples).all():
                report.finding("samples that are no numbers")
            if seconds > 20:
                break
    except Exception as caught:
        error = caught
    _check_error(report, error)
    report.count("seconds of audio", round(seconds))

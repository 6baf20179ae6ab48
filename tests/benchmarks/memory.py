"""Memory of one stream, of an hour of text, of 16 streams, and after ten thousand; each in a fresh process."""

from __future__ import annotations

from measure import Row, fresh

SPEAK = """
import json, sys
import voxstack
from measure import peak_memory
from texts import sentences_for
voice = voxstack.load("amber")
seconds = sum(len(chunk.samples) for chunk in voice.stream(sentences_for(float(sys.argv[1])))) / voice.sample_rate
print(json.dumps({"seconds": seconds, "peak": peak_memory()}))
"""

TOGETHER = """
import asyncio, json, sys
import voxstack
from measure import peak_memory
from texts import sentences_for
voice = voxstack.load("amber")
text = sentences_for(30)

async def one():
    return sum([len(chunk.samples) async for chunk in voice.astream(text)])

async def main():
    await asyncio.gather(*(one() for _ in range(int(sys.argv[1]))))

asyncio.run(main())
print(json.dumps({"peak": peak_memory()}))
"""

MANY = """
import asyncio, gc, json, os, sys, threading
from contextlib import aclosing
import voxstack

voice = voxstack.load("amber", scheduler=voxstack.Scheduler(load=None, patience=None))
text = "Yes, of course. I will be there."

async def one(number):
    async with aclosing(voice.astream(text)) as chunks:
        async for chunk in chunks:
            if number % 3 == 0:
                break

async def lot(first, count):
    for start in range(first, first + count, 20):
        await asyncio.gather(*(one(number) for number in range(start, start + 20)))

def state():
    gc.collect()
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
    memory, handles = pages * os.sysconf("SC_PAGE_SIZE") / 2**20, len(os.listdir("/proc/self/fd"))
    return {"memory": memory, "threads": threading.active_count(), "handles": handles}

total = int(sys.argv[1])
asyncio.run(lot(0, total // 10))
before = state()
asyncio.run(lot(total // 10, total - total // 10))
print(json.dumps({"before": before, "after": state(), "running": voice.scheduler.streams}))
"""


def run(total: int) -> list[Row]:
    """Measure; ``total`` streams are run one after the other, twenty at a time, a third of them left after the first chunk."""
    minute, hour = fresh(SPEAK, "60"), fresh(SPEAK, "3600")
    rows = [
        Row("one stream of a minute: peak memory", minute["peak"], "MB", limit=150),
        Row(
            "an hour of text: peak memory, of a minute's",
            hour["peak"] / minute["peak"],
            limit=1.1,
            note=f"{hour['seconds']:.0f} s of audio, {hour['peak']:.0f} MB",
        ),
        Row("16 streams at once: peak memory", fresh(TOGETHER, "16")["peak"], "MB", limit=250),
    ]
    many = fresh(MANY, str(total))
    before, after = many["before"], many["after"]
    note = f"{before['memory']:.1f} MB after a tenth of them, {after['memory']:.1f} MB at the end"
    rows.append(
        Row(
            f"{total} streams, a third left half way: growth of memory",
            after["memory"] - before["memory"],
            "MB",
            limit=2,
            note=note,
        )
    )
    for what in ("threads", "handles"):
        rows.append(
            Row(
                f"{total} streams: growth of {what}",
                after[what] - before[what],
                "",
                limit=0,
                note=f"{after[what]} at the end",
            )
        )
    assert many["running"] == 0, "streams still run after all have ended"
    return rows

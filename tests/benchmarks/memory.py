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

async def listen():
    return sum([len(chunk.samples) async for chunk in voice.astream(text)])

async def main():
    await asyncio.gather(*(listen() for _ in range(int(sys.argv[1]))))

asyncio.run(main())
print(json.dumps({"peak": peak_memory()}))
"""

MANY = """
import asyncio, gc, json, os, sys, threading
from contextlib import aclosing
import voxstack

voice = voxstack.load("amber", scheduler=voxstack.Scheduler(load=None, patience=None))
text = "Yes, of course. I will be there."

async def listen(number):
    async with aclosing(voice.astream(text)) as chunks:
        async for chunk in chunks:
            if number % 3 == 0:
                break

async def listen_to_many(first, count):
    for start in range(first, first + count, 20):
        await asyncio.gather(*(listen(number) for number in range(start, start + 20)))

def state():
    gc.collect()
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
    memory, handles = pages * os.sysconf("SC_PAGE_SIZE") / 2**20, len(os.listdir("/proc/self/fd"))
    return {"memory": memory, "threads": threading.active_count(), "handles": handles}

total = int(sys.argv[1])
asyncio.run(listen_to_many(0, total // 10))
before = state()
asyncio.run(listen_to_many(total // 10, total - total // 10))
print(json.dumps({"before": before, "after": state(), "running": voice.scheduler.streams}))
"""


def run(total: int) -> list[Row]:
    """Measure memory, threads and file handles.

    :param total: streams that run twenty at a time; a third of them are closed after the first chunk.
    """
    minute, hour = fresh(SPEAK, "60"), fresh(SPEAK, "3600")
    note = f"{hour['seconds']:.0f} s of audio, {hour['peak']:.0f} MB"
    rows = [
        Row("one stream of a minute: peak memory", minute["peak"], "MB", limit=150),
        Row("an hour of text: peak memory, of a minute's", hour["peak"] / minute["peak"], limit=1.1, note=note),
        Row("16 streams at once: peak memory", fresh(TOGETHER, "16")["peak"], "MB", limit=250),
    ]
    many = fresh(MANY, str(total))
    before, after = many["before"], many["after"]
    note = f"{before['memory']:.1f} MB after a tenth of them, {after['memory']:.1f} MB at the end"
    growth = after["memory"] - before["memory"]
    rows.append(Row(f"{total} streams, a third closed half way: growth of memory", growth, "MB", limit=2, note=note))
    for kind in ("threads", "handles"):
        growth, note = after[kind] - before[kind], f"{after[kind]} at the end"
        rows.append(Row(f"{total} streams: growth of {kind}", growth, "", limit=0, note=note))
    assert many["running"] == 0, "streams are still registered after all have ended"
    return rows

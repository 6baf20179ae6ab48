"""The speech service on a Ray cluster of several nodes, beside one process; and with replicas and nodes killed.

``python tests/benchmarks/ray_cluster.py [--replicas 4] [--streams 100] [--every 10]`` starts a head and two nodes on
this machine, replicas of amber, and ``voxstack serve`` with and without ``--ray``:

* **first audio** of a sentence of 9 s, and of 16 clients at once with their audio a second; the rows run in turn.
* **kills**: clients who listen in real time, while a replica is killed (SIGKILL) every few seconds; then a node. Each
  stream is compared with its unbroken run, byte by byte. A pause is how long a client waited for bytes that it wanted.
* **a client that reads nothing**: seconds of audio that were computed for it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
from measure import machine
from texts import NINE

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from local_cluster import local_cluster

from voxstack_serve_ray.connection import handle_of
from voxstack_serve_ray.pools import parse_pools
from voxstack_serve_ray.remote_voices import RemoteVoices

RATE = 48_000  # bytes a second of pcm
CLIENTS = 16


class Heard(NamedTuple):
    """What came of a request: seconds to the first audio, the longest wait for bytes after that, and the audio."""

    first: float
    pause: float
    audio: bytes
    problem: str = ""


class Server(NamedTuple):
    """A server: its address, and its processes."""

    address: str
    pids: Sequence[int]

    def cpu(self) -> float:
        """Return the seconds of processor time that its processes have had."""
        fields = (Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split() for pid in self.pids)
        return sum(int(row[11]) + int(row[12]) for row in fields) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def served(*arguments: str) -> Iterator[Server]:
    """Serve amber by another process."""
    program = [sys.executable, "-m", "voxstack_cli", "serve", "--voice", "amber", "--port", "0", *arguments]
    with subprocess.Popen(program, stderr=subprocess.PIPE, text=True) as process, log_of(process) as lines:
        try:
            yield Server(next(line.split()[0] for line in lines if " serves " in line), [process.pid])
        finally:
            process.terminate()


@contextlib.contextmanager
def log_of(process: subprocess.Popen[str]) -> Iterator[Iterator[str]]:
    """Provide the lines of a process, and read on after that."""
    import threading

    assert process.stderr is not None
    yield process.stderr
    threading.Thread(target=process.stderr.read, daemon=True).start()


async def heard(session: aiohttp.ClientSession, address: str, text: str, speed: float = 0.0) -> Heard:
    """Listen to a response.

    :param speed: of the listener, 1: real time, after a second that is buffered; 0: as fast as it comes.
    """
    body = {"model": "m", "voice": "amber", "input": text, "response_format": "pcm"}
    began, first, pause, found = time.perf_counter(), 0.0, 0.0, bytearray()
    try:
        async with session.post(f"{address}/v1/audio/speech", json=body) as response:
            if response.status != 200:
                return Heard(0.0, 0.0, b"", f"status {response.status}")
            wanted = time.perf_counter()
            async for data in response.content.iter_any():
                now = time.perf_counter()
                first, pause = first or now - began, max(pause, now - wanted if first else 0.0)
                found += data
                if speed and (ahead := len(found) / RATE / speed - (now - began - first)) > 1.0:
                    await asyncio.sleep(ahead - 1.0)
                wanted = time.perf_counter()
    except aiohttp.ClientError as error:
        return Heard(first, pause, bytes(found), type(error).__name__)
    return Heard(first, pause, bytes(found))


async def first_audio(servers: Mapping[str, Server], rounds: int) -> None:
    """Print the first audio and the whole of one request."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in servers}
    async with aiohttp.ClientSession() as session:
        for number in range(rounds + 3):
            for name, server in servers.items():
                began = time.perf_counter()
                row = await heard(session, server.address, NINE)
                if number >= 3:
                    found[name].append((row.first, time.perf_counter() - began))
    print("\n| one client, 9 s | first audio, median | least | whole, median | least |\n|---|---|---|---|---|")
    for name, rows in found.items():
        first, whole = ([1000 * row[key] for row in rows] for key in (0, 1))
        cells = (statistics.median(first), min(first), statistics.median(whole), min(whole))
        print(f"| {name} | " + " | ".join(f"{cell:.1f} ms" for cell in cells) + " |")


async def at_once(servers: Mapping[str, Server], rounds: int) -> None:
    """Print first audio and throughput of clients at once, and the processor time that they take."""
    rows: dict[str, list[tuple[float, float, float, int]]] = {name: [] for name in servers}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        for _ in range(rounds):
            for name, server in servers.items():
                began, cpu = time.perf_counter(), server.cpu()
                found = await asyncio.gather(*(heard(session, server.address, NINE) for _ in range(CLIENTS)))
                complete = [row for row in found if not row.problem]
                audio, taken = sum(len(row.audio) for row in complete) / RATE, time.perf_counter() - began
                first = statistics.median(row.first for row in complete)
                work = 1000 * (server.cpu() - cpu) / audio
                rows[name].append((1000 * first, audio / taken, work, CLIENTS - len(complete)))
    print(f"\n| {CLIENTS} clients at once | first audio | audio a second | CPU time a second of audio | refused |")
    print("|---|---|---|---|---|")
    for name, cells in rows.items():
        first, audio, work, refused = (statistics.median(row[key] for row in cells) for key in range(4))
        print(f"| {name} | {first:.0f} ms | {audio:.0f} s | {work:.1f} ms | {refused:.0f} |")


async def killed(address: str, count: int, listeners: int, every: float, kill: Callable[[], Awaitable[bool]]) -> None:
    """Print what became of streams, while something is killed every few seconds beside them."""
    texts = [" ".join([NINE] * (3 + number % 3)) for number in range(count)]
    places, heard_all, kills = asyncio.Semaphore(listeners), asyncio.Event(), 0
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        whole = {text: (await heard(session, address, text)).audio for text in set(texts)}

        async def one(text: str) -> tuple[Heard, bool]:
            async with places:
                row = await heard(session, address, text, speed=1.0)
                while row.problem == "status 503":
                    await asyncio.sleep(1.0)
                    row = await heard(session, address, text, speed=1.0)
                return row, row.audio == whole[text]

        async def killer() -> None:
            nonlocal kills
            while not heard_all.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(heard_all.wait(), every)
                    return
                kills += await kill()

        killing = asyncio.create_task(killer())
        rows = await asyncio.gather(*(one(text) for text in texts))
        heard_all.set()
        await killing
    pauses = sorted(row.pause for row, _ in rows)
    problems = sorted({row.problem for row, _ in rows if row.problem})
    print(
        f"| {kills} | {count} | {sum(same for _, same in rows)} | {1000 * pauses[-1]:.0f} ms | "
        f"{sum(pause > 1 for pause in pauses)} | {', '.join(problems) or '-'} |"
    )


async def silent_reader(address: str) -> None:
    """Print how much audio is computed for a client that reads nothing."""
    async with aiohttp.ClientSession() as session:
        await asyncio.sleep(12.0)  # until the front has looked at its replicas again
        before = await worked(session, address)
        host, port = address.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=1)
        body = json.dumps({"model": "m", "voice": "amber", "input": " ".join([NINE] * 100), "response_format": "pcm"})
        head = "POST /v1/audio/speech HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        head += f"content-length: {len(body)}"
        writer.write(f"{head}\r\n\r\n{body}".encode())
        await asyncio.sleep(5.0)
        writer.close()
        await asyncio.sleep(12.0)
        print(f"\na client that reads nothing: {await worked(session, address) - before:.2f} s of audio computed")
        del reader


async def worked(session: aiohttp.ClientSession, address: str) -> float:
    """Return the seconds of audio that replicas have computed for streams that have ended."""
    async with session.get(f"{address}/metrics") as response:
        found = re.search(r"voxstack_work_audio_seconds_total\{\S* (\S+)", await response.text())
    return float(found[1]) if found else 0.0


def started(cluster: Any, count: int) -> list[Any]:
    """Return new nodes of a cluster."""
    return [cluster.add_node(num_cpus=1, object_store_memory=100_000_000) for _ in range(count)]


def pools_of(replicas: int) -> dict[str, Any]:
    """Return pools with some replicas on two nodes, each with one core."""
    return {"pools": {"default": {"voices": ["amber"], "replicas": replicas, "cpus": 2 / replicas, "drain": 30}}}


async def measure(options: argparse.Namespace, cluster: Any, nodes: list[Any], own: Server, front: Server) -> None:
    """Print all figures."""
    voices, remote = RemoteVoices(parse_pools(pools_of(options.replicas), "pools"), handle_of), front.address
    replicas = [state.pid for state in await voices._all("state", voices._pools[0])]
    servers = {"one process": own, "Ray": Server(remote, [*front.pids, *replicas])}
    await first_audio(servers, options.rounds)
    await at_once(servers, max(2, options.rounds // 4))
    await silent_reader(remote)
    if not options.streams:
        return

    async def kill_replica() -> bool:
        with contextlib.suppress(Exception):  # one has just been killed, and the cluster does not know yet
            states = await voices._all("state", voices._pools[0])
            if len(states) > 1:  # with none left, streams would wait until one has started
                os.kill(random.choice(states).pid, signal.SIGKILL)
                return True
        return False

    async def kill_node() -> bool:
        if len(nodes) < 3:
            return False
        await asyncio.to_thread(cluster.remove_node, nodes.pop(0), False)
        return True

    print("\n| kills | streams | equal to the byte | longest pause | pauses over 1 s | problems |")
    print("|---|---|---|---|---|---|")
    await killed(remote, options.streams, options.listeners, options.every, kill_replica)
    nodes.extend(started(cluster, 2))
    await killed(remote, options.streams // 2, options.listeners, 3 * options.every, kill_node)


def main() -> None:
    """Run all, and print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--replicas", type=int, default=4)
    parser.add_argument("--streams", type=int, default=100, help="while replicas are killed; 0: kill none")
    parser.add_argument("--listeners", type=int, default=25)
    parser.add_argument("--every", type=float, default=10.0)
    options = parser.parse_args()
    print(machine())
    with local_cluster(nodes=1, cpus=0) as cluster, tempfile.TemporaryDirectory() as folder:
        nodes = started(cluster, 2)
        config = Path(folder) / "pools.json"
        config.write_text(json.dumps(pools_of(options.replicas)))
        with served("--ray", str(config), "--ray-address", cluster.address) as front, served() as own:
            asyncio.run(measure(options, cluster, nodes, own, front))


if __name__ == "__main__":
    main()

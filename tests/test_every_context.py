"""The same sentence in every context, one of them with the runtime of core/RUNTIMES.md, installed from that page."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "core" / "RUNTIMES.md"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder into which the runtime of the page is installed."""
    text = PAGE.read_text()
    folder, target = tmp_path_factory.mktemp("guard"), tmp_path_factory.mktemp("site")
    for name in ("pyproject.toml", "voxstack_guard_runtime.py"):
        source = re.search(rf"`{re.escape(name)}`\n\n```\w+\n(.*?)```", text, re.DOTALL).group(1)
        (folder / name).write_text(source)
    options = ["-q", "--no-deps", "--no-build-isolation", "--target", target]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, folder], check=True)
    return target


@pytest.fixture(scope="module", autouse=True)
def comparison(site: Path) -> Iterator[subprocess.Popen[str]]:
    """Start the comparison of all contexts, which takes longest, beside the other tests."""
    command = [sys.executable, str(ROOT / "tests" / "every_context.py")]
    with subprocess.Popen(
        command, env=environment(site), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def environment(site: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])}


def run(site: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *command], env=environment(site), capture_output=True, text=True)


def test_the_page_itself_speaks(site: Path, tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(import voxstack\n\nvoice = .*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "example.py").write_text(f"import os\nos.chdir({str(tmp_path)!r})\n{example}")
    done = run(site, str(tmp_path / "example.py"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "hello.wav").stat().st_size > 10_000


GUARDED = """
import numpy as np, voxstack
shapes = voxstack.load("amber").addon.config["contexts"]["fixed"]["shapes"]
def load(**more):
    return voxstack.load("amber", context={"runtime": "guard", "device": "0", "shapes": shapes, **more})
"""


def guarded(site: Path, code: str) -> str:
    done = run(site, "-c", GUARDED + code)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_guard_takes_what_was_compiled_and_nothing_else(site: Path) -> None:
    out = guarded(
        site,
        """
from voxstack.networks import Context
voice = load()
spec = voice.addon.networks["decoder"]
hook = voxstack.Registry.installed().hook
run = hook.voxstack_open_network(spec=spec, context=Context("guard", "0", shapes={"frames": (64,)}))
print(run(frames=np.zeros((1, 64, 198), np.float32), mask=np.ones((1, 64), np.float32))["mel"].shape)
try:
    run(frames=np.zeros((1, 65, 198), np.float32), mask=np.ones((1, 65), np.float32))
except voxstack.NetworkError as error:
    print(error)
""",
    )
    assert "(1, 64, 80)" in out
    assert "compiled for the sizes {'batch': [1], 'frames': [64]}, and asked for {'batch': 1, 'frames': 65}" in out


def test_a_context_with_a_free_axis_is_refused_with_what_to_add(site: Path) -> None:
    out = guarded(
        site,
        """
for context in ("guard:0", {"runtime": "guard", "device": "0", "shapes": {"tokens": [64], "frames": [256]}}):
    try:
        voxstack.load("amber", context=context)
    except voxstack.VoxstackError as error:
        print(error)
""",
    )
    assert re.search(
        r"the guard takes tensors of fixed size only, and the context leaves \['letters'\] free; .*\"letters\": \[", out
    ), out
    assert len(out.strip().splitlines()) == 2


def test_two_hundred_lengths_compile_nothing(site: Path) -> None:
    out = guarded(
        site,
        """
import random
from concurrent.futures import ThreadPoolExecutor
voice = load()
words = "one small step for a voice is a giant leap for every machine that wants its tensors fixed".split()
pick = random.Random(0)
count = lambda: sum(stats.get("compilations", 0) for net in voice.addon.opened for stats in net.stats.values())
before = count()
texts = [" ".join(pick.choices(words, k=pick.randint(1, 60))) + "." for _ in range(200)]
with ThreadPoolExecutor(2) as pool:
    assert all(len(speech.samples) for speech in pool.map(voice.synthesize, texts))
print(before > 0, count() - before)
""",
    )
    assert out.split() == ["True", "0"]


def test_without_splitting_what_is_too_long_is_refused(site: Path) -> None:
    out = guarded(
        site,
        """
few = {**shapes, "tokens": [16, 48]}
voice = load(shapes=few, split=False)
print(len(voice.synthesize("Short enough.").samples) > 8000)
try:
    voice.synthesize("word " * 300)
    print("it spoke")
except voxstack.VoxstackError as error:
    print(error)
print(len(load(shapes=few).synthesize("word " * 300).samples) > 16000 * 60)
""",
    )
    lines = out.strip().splitlines()
    assert lines[0] == lines[-1] == "True"
    assert re.search(r"\d+ tokens, the largest size is 48, and the context says not to split", " ".join(lines[1:-1])), (
        out
    )


def test_it_is_listed(site: Path) -> None:
    assert "guard:0" in guarded(
        site,
        """
from voxstack.networks.opening import available_devices
print(available_devices(voxstack.Registry.installed()))
""",
    )


def test_every_context_says_the_same(comparison: subprocess.Popen[str]) -> None:
    """It is the last test, as the comparison runs beside the others."""
    out, errors = comparison.communicate()
    print(out)
    assert comparison.returncode == 0, out + errors
    assert out.strip().endswith("all agree")
    assert "unavailable" not in out
    for name in ("onnx", "openvino", "torch"):
        assert f"{name} dynamic" in out
        assert f"{name} fixed" in out
    assert re.search(r"^guard .* guard:0$", out, re.MULTILINE)
    assert re.search(r" guard:0, onnx:cpu, openvino:CPU$", out, re.MULTILINE)

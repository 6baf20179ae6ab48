"""Saved files: the older one or the whole new one, whatever happens."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from voxstack import RequestError, Speech

SPEECH = Speech(np.zeros(8000, np.float32), 16000)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE")
def test_a_full_disk_leaves_the_older_file(tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys\n"
        "import numpy as np\n"
        "from voxstack import RequestError, Speech\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: Speech(np.zeros(8000, np.float32), 16000).save(sys.argv[1])\n"
        "except RequestError as error: print(error)"
    )
    target = tmp_path / "hello.wav"
    target.write_bytes(b"older")
    done = subprocess.run([sys.executable, "-c", code, str(target)], capture_output=True, text=True, timeout=60)
    assert "cannot write" in done.stdout, done.stderr
    assert "hello.wav" in done.stdout
    assert target.read_bytes() == b"older"
    assert files(tmp_path) == ["hello.wav"]


def test_an_interrupt_leaves_the_older_file_and_nothing_else(tmp_path: Path, monkeypatch: Any) -> None:
    def interrupted(number: int) -> None:
        raise KeyboardInterrupt

    target = tmp_path / "hello.wav"
    target.write_bytes(b"older")
    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        SPEECH.save(target)
    assert target.read_bytes() == b"older"
    assert files(tmp_path) == ["hello.wav"]


def test_a_folder_that_is_missing_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"cannot write .*nowhere.*there is no folder .*; create it first"):
        SPEECH.save(tmp_path / "nowhere" / "hello.wav")
    with pytest.raises(RequestError, match="cannot write"):
        SPEECH.save(tmp_path / ("a" * 300 + ".wav"))


def test_a_link_and_the_permissions_stay(tmp_path: Path) -> None:
    (tmp_path / "real.wav").write_bytes(b"older")
    (tmp_path / "real.wav").chmod(0o600)
    (tmp_path / "link.wav").symlink_to("real.wav")
    SPEECH.save(tmp_path / "link.wav")
    assert (tmp_path / "link.wav").is_symlink()
    assert (tmp_path / "real.wav").read_bytes() == SPEECH.wav()
    assert stat.S_IMODE((tmp_path / "real.wav").stat().st_mode) == 0o600
    SPEECH.save(tmp_path / "hello.wav")
    assert SPEECH.wav() == (tmp_path / "hello.wav").read_bytes()
    (tmp_path / "long").mkdir()
    SPEECH.save(tmp_path / "long" / ("a" * 251 + ".wav"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_written_and_not_replaced(tmp_path: Path) -> None:
    pipe, read = tmp_path / "pipe.wav", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    SPEECH.save(pipe)
    reader.join(30)
    assert read == [SPEECH.wav()]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_threads_that_save_to_one_file_leave_one_of_theirs(tmp_path: Path) -> None:
    speeches = [Speech(np.full(1000 * count, 0.1 * count, np.float32), 16000) for count in range(1, 5)]
    threads = [threading.Thread(target=speech.save, args=(tmp_path / "same.wav",)) for speech in speeches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (tmp_path / "same.wav").read_bytes() in [speech.wav() for speech in speeches]
    assert files(tmp_path) == ["same.wav"]
    with wave.open(str(tmp_path / "same.wav")) as file:
        assert file.getframerate() == 16000

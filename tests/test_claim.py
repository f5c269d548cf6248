"""One run for one output, also where the system is Windows: its locks, and that nothing open is removed."""

import fcntl
import os
import resource
import sys
import types
from pathlib import Path

import pytest

from impasto.errors import OutputError
from impasto.machine import claim
from impasto.machine.claim import claimed


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """No fcntl; msvcrt's locking and `Path.unlink` as Windows has them. Gives the places that were locked."""
    places: list[int] = []

    def locking(file: int, mode: int, count: int) -> None:
        assert (mode, count) == (2, 1)
        places.append(os.lseek(file, 0, os.SEEK_CUR))
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PermissionError(13, "Permission denied") from None

    unlink = Path.unlink

    def removed(path: Path, missing_ok: bool = False) -> None:
        for each in Path("/proc/self/fd").iterdir():
            if os.path.lexists(each) and str(each.readlink()) == str(path):
                raise PermissionError(13, "It is open")
        unlink(path, missing_ok)

    monkeypatch.setattr(claim, "fcntl", None)
    monkeypatch.setitem(sys.modules, "msvcrt", types.SimpleNamespace(LK_NBLCK=2, locking=locking))
    monkeypatch.setattr(Path, "unlink", removed)
    return places


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="asks the system which files are open")
def test_on_windows_an_output_is_made_by_one_run(windows: list[int], tmp_path: Path) -> None:
    output = tmp_path / "out.png"
    with claimed(output):
        (lock,) = tmp_path.iterdir()
        assert lock.read_text() == str(os.getpid())  # what is locked lies beyond it
        with (
            pytest.raises(OutputError, match=f"being made by process {os.getpid()}: wait for it or end it"),
            claimed(output),
        ):
            pass
        with claimed(tmp_path / "other.png"):
            assert len([*tmp_path.iterdir()]) == 2
    assert not [*tmp_path.iterdir()] and min(windows) >= 2**30
    lock.write_text("1234567890")  # what a process that was ended by force has left
    with claimed(output):
        assert lock.read_text() == str(os.getpid())
    with pytest.raises(RuntimeError), claimed(output):
        raise RuntimeError
    assert not [*tmp_path.iterdir()]


def test_where_nothing_can_be_locked_there_is_no_claim(
    windows: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(sys.modules["msvcrt"], "locking", broken)
    with claimed(tmp_path / "out.png"), claimed(tmp_path / "out.png"):
        pass


def test_on_a_full_disk_an_output_is_made_by_one_run_all_the_same(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with (
            claimed(tmp_path / "out.png"),
            pytest.raises(OutputError, match="being made by another process"),
            claimed(tmp_path / "out.png"),
        ):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not [*tmp_path.iterdir()]

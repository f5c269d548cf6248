"""Writing files: whole or not at all, over nothing that was not to be touched, and nothing left behind."""

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from impasto.errors import OutputError
from impasto.machine import files

FAULTS = [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.ENOENT, errno.EIO, errno.EDQUOT, errno.ESTALE]


def write(path: Path, force: bool = False) -> None:
    files.write_atomic(path, b"new", force)


def refused(path: Path, told: str, force: bool = False) -> None:
    """By the check beforehand, and by the writing itself."""
    for attempt in (files.check_writable, write):
        with pytest.raises(OutputError, match=told):
            attempt(path, force)


@pytest.fixture(autouse=True)
def _unswept() -> None:
    files._sweep.cache_clear()


@pytest.mark.parametrize("code", FAULTS)
@pytest.mark.parametrize("step", ["fsync", "rename"])
def test_what_fails_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, step: str
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(*((os, "fsync", fail) if step == "fsync" else (Path, "replace", fail)))
    with pytest.raises(OutputError, match=os.strerror(code)):
        write(path, force=True)
    assert path.read_bytes() == b"old" and [each.name for each in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("links", [True, False])
def test_a_name_that_is_taken_meanwhile_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    path = tmp_path / "a.png"
    if not links:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(errno.EPERM, "no links")))
    write(tmp_path / "free.png")
    (tmp_path / "free.png").unlink()
    with pytest.raises(OutputError, match="exists already"):
        files.write_atomic(path, lambda file: path.write_bytes(b"theirs"), False)  # type: ignore[arg-type]
    assert path.read_bytes() == b"theirs" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o755])
def test_what_is_written_over_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    path.chmod(mode)
    write(path, force=True)
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", mode)


def test_a_new_file_has_the_mode_that_the_user_wants(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write(tmp_path / "a.png")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.png").stat().st_mode) == 0o640


def test_links_are_written_through_and_stay(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    end, link, chain = tmp_path / "there" / "end.png", tmp_path / "link.png", tmp_path / "chain.png"
    link.symlink_to("there/end.png")
    chain.symlink_to("link.png")
    refused(chain, "exists already")  # though it leads nowhere yet
    for content in (None, b"old"):
        if content:
            end.write_bytes(content)
            refused(chain, "exists already")
        files.check_writable(chain, True)
        write(chain, force=True)
        assert end.read_bytes() == b"new" and link.is_symlink() and chain.is_symlink()
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["chain.png", "end.png", "link.png", "there"]
    link.unlink()
    link.symlink_to("nowhere/end.png")
    refused(chain, "No such file", force=True)
    link.unlink()
    link.symlink_to("chain.png")
    refused(chain, "symbolic links", force=True)


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


@pytest.mark.parametrize("make", [_pipe, _socket, lambda path: path.symlink_to("/dev/null")])
@pytest.mark.parametrize("force", [False, True])
def test_pipes_and_devices_stay_what_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None], force: bool
) -> None:
    monkeypatch.chdir(tmp_path)  # for a socket's name must be short
    path = Path("a.png")
    make(path)
    kind = stat.S_IFMT(path.stat().st_mode)
    refused(path, "is a device or a pipe: name a file", force)
    assert stat.S_IFMT(path.stat().st_mode) == kind


@pytest.mark.parametrize("path", ["/dev/null", "/dev/full", "/dev/zero"])
def test_devices_by_name(path: str) -> None:
    refused(Path(path), "is a device or a pipe", force=True)


def test_folders_and_what_is_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused(tmp_path, "is a folder", force=True)
    refused(tmp_path / "file" / "a.png", "Not a directory")
    files.check_writable(tmp_path / "new" / "newer" / "a.png", False)
    assert [each.name for each in tmp_path.iterdir()] == ["file"]  # a check makes nothing


@pytest.mark.parametrize("name", ["x" * 256, "照" * 86, "😀" * 64, "é" * 128])
def test_names_that_are_too_long_are_refused_in_time(tmp_path: Path, name: str) -> None:
    refused(tmp_path / name, "more than 255 bytes|File name too long")
    with pytest.raises(OutputError, match="more than 255 bytes"):
        files.check_writable(tmp_path / name / "a.png", False)


@pytest.mark.parametrize("letter", ["x", "é", "照", "😀", "\udcff"])
@pytest.mark.parametrize("ending", [".json", ".checkpoint", "-00200.png", ".log.jsonl", ".sheet.png"])
def test_what_stands_beside_a_long_name_has_a_name_of_its_own(tmp_path: Path, letter: str, ending: str) -> None:
    width = len(os.fsencode(letter))
    names = [letter * ((length - 5) // width) + end for length in (240, 250, 255) for end in ("a.png", "b.png")]
    beside = [files.beside(tmp_path / name, ending) for name in names]
    assert len(set(beside)) == len({*names}) and not {*beside} & {tmp_path / name for name in names}
    for path in beside:
        write(path)
        assert len(os.fsencode(path.name)) <= 255 and path.name.endswith(ending)
    assert files.beside(tmp_path / "short.png", ending).name == "short.png" + ending


def test_names_are_cut_between_characters() -> None:
    name = files.named("照" * 100, ".png", 100)
    assert name.encode().decode().startswith("照" * 29 + "~") and len(name.encode()) <= 100
    assert files.named("照" * 101, ".png", 100) != name


KILLED = """
import os, signal, sys
from pathlib import Path
from impasto.machine import files

def die(file):
    file.write(b"half")
    os.kill(os.getpid(), signal.SIGKILL)

files.write_atomic(Path(sys.argv[1]), die, True)
"""


def test_what_a_killed_process_left_is_swept_away_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".impasto-of-another-machine.partial").touch()
    (tmp_path / "mine.partial").touch()
    for _ in range(2):
        subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "a.png")], check=False)
    assert len(list(tmp_path.iterdir())) == 3  # the second has swept away what the first left

    def meanwhile(file: object) -> None:
        files._sweep.cache_clear()
        write(tmp_path / "b.png")  # sweeps, while this one is being written

    files.write_atomic(tmp_path / "c.png", meanwhile, False)
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        ".impasto-of-another-machine.partial", "b.png", "c.png", "mine.partial",
    ]  # fmt: skip


def test_a_sweep_is_not_held_up_or_led_astray(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / f"{files._OWN}1.partial")
    (tmp_path / "precious").write_bytes(b"theirs")
    (tmp_path / f"{files._OWN}2.partial").symlink_to("precious")
    write(tmp_path / "a.png")
    assert (tmp_path / "precious").read_bytes() == b"theirs" and (tmp_path / "a.png").exists()


def test_an_output_that_is_an_input_is_known_by_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    source, hard, soft = Path("source.png"), Path("hard.png"), Path("soft.png")
    source.touch()
    os.link(source, hard)
    soft.symlink_to(source)
    around, through = Path("../") / tmp_path.name / "source.png", Path("new/../source.png")
    for path in (source, hard, soft, tmp_path / "source.png", around, through):
        with pytest.raises(OutputError, match="is the input"):
            files.refuse_inputs([Path("other.png"), path], ["missing.png", source])
        with pytest.raises(OutputError, match=r"is the input ~/source\.png itself"):
            files.refuse_inputs([path], ["~nobody\0/a.png", "~/source.png"])
    files.refuse_inputs([Path("other.png"), Path("no\0name"), Path("\ud800")], [source])


def test_a_probe_that_others_have_swept_away_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = files._begun

    def swept(folder: Path) -> tuple[Path, BinaryIO]:
        partial, file = begun(folder)
        partial.unlink()
        return partial, file

    monkeypatch.setattr(files, "_begun", swept)
    files.check_writable(tmp_path / "a.png", False)
    assert not [*tmp_path.iterdir()]

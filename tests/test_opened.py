"""What is named to be read and is no file that can be: told by one sentence, whatever it should be."""

import errno
import io
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from impasto.batch import stores
from impasto.batch.inputs import sources_of
from impasto.cli import app
from impasto.errors import ImpastoError
from impasto.machine import checkpoint, files
from impasto.machine.addresses import NOT_FETCHED
from impasto.networks import zoo
from impasto.networks.codes import StyleCode
from impasto.pictures import codecs
from impasto.tasks import record
from impasto.video.clip import Clip


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


KINDS: dict[str, tuple[Callable[[Path], object], str]] = {
    "pipe": (os.mkfifo, "it is a pipe"),
    "socket": (_socket, "it is a socket"),
    "folder": (Path.mkdir, "it is a folder"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "it is a device"),
    "nothing": (lambda path: path.symlink_to("/dev/null"), "it is a device"),
    "broken link": (lambda path: path.symlink_to("nowhere"), "it is a link that leads nowhere"),
    "loop": (lambda path: path.symlink_to(path.name), "Too many levels of symbolic links"),
}
READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "picture": ("a.png", codecs.load),
    "size": ("a.png", codecs.size_of),
    "style code": ("a.safetensors", StyleCode.load),
    "network": ("a.safetensors", lambda path: zoo.network(str(path))),
    "checkpoint": ("a.checkpoint", lambda path: checkpoint.load(path, torch.device("cpu"))),
    "record": ("a.json", record.read),
    "result": ("a.png", record.read),
    "clip": ("a.mp4", lambda path: Clip(path).opened()),
    "list": ("a.txt", lambda path: sources_of([str(path)], Path("out"))),
    "manifest": ("a.csv", lambda path: sources_of([str(path)], Path("out"))),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_file_is_named(kind: str, reader: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # for a socket's name must be short
    (name, read), (make, said) = READERS[reader], KINDS[kind]
    make(Path(name))
    if reader in ("list", "manifest") and kind == "folder":
        said = "There is no picture or clip in"  # of folders a batch takes what is in them, however they are called
    if reader == "checkpoint" and kind == "broken link":
        said = "There is no checkpoint"
    with pytest.raises(ImpastoError, match=said) as told:
        read(Path(name))
    assert "Errno" not in str(told.value) and name in str(told.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_may_come_through_a_pipe_but_from_nothing_else(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make, said = KINDS[kind]
    make(Path("job.json"))
    told = CliRunner().invoke(app, ["run", "job.json"])
    if kind in ("pipe", "nothing"):
        said = "This is no job of Impasto (it is empty)"
    elif kind == "device":
        said = "is longer than"
    assert told.exit_code == 1 and said in told.stderr and "Errno" not in told.stderr


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("reader", READERS)
def test_what_may_not_be_read_is_told(reader: str, tmp_path: Path) -> None:
    name, read = READERS[reader]
    path = tmp_path / name
    path.touch(0o000)
    with pytest.raises(ImpastoError, match=r"cannot be read \(Permission denied\)"):
        read(path)


@pytest.mark.parametrize("scheme", ["https:", "HTTP:", "file:", "s3:", "git+ssh:"])
@pytest.mark.parametrize("reader", sorted({*READERS} - {"list", "manifest", "checkpoint"}))
def test_addresses_are_not_fetched(reader: str, scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name, read = READERS[reader]
    address = Path(f"{scheme}//e.org/{name}")
    with pytest.raises(ImpastoError, match=NOT_FETCHED):
        read(address)
    address.parent.mkdir(parents=True)  # a file that is there always wins
    address.write_bytes(b"none")
    with pytest.raises(ImpastoError) as told:
        read(address)
    assert NOT_FETCHED not in str(told.value)


def test_addresses_among_others_and_for_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.linear_gradient("L").save("a.png")
    for arguments in (
        ["stylize", "a.png", "--region", "a.png:https://e.org/b.png", "-o", "o.png"],
        ["stylize", "a.png", "--region", "https://e.org/b.png:a.png", "-o", "o.png"],
        ["stylize", "a.png", "a.png", "--protect", "ftp://e.org/b.png:0.5", "-o", "o.png"],
        ["stylize", "a.png", "https://e.org/b.png:0.5", "-o", "o.png"],
        ["batch", "https://e.org/*.png", "--style", "a.png", "-o", "out"],
        ["batch", "a.png", "--style", "https://e.org/b.png", "--method", "fast", "-o", "out"],
        ["train", "--style", "a.png", "--photos", "https://e.org/photos", "-o", "n.safetensors"],
    ):
        told = CliRunner().invoke(app, [*arguments, "-q"])
        assert told.exit_code != 0 and NOT_FETCHED in told.stderr, (arguments, told.stderr)
    for arguments in (
        ["stylize", "a.png", "a.png", "-o", "https://e.org/o.png"],
        ["edges", "a.png", "-o", "sftp://e.org/o.png"],
        ["batch", "a.png", "--style", "a.png", "--method", "fast", "-o", "https://e.org/out"],
    ):
        told = CliRunner().invoke(app, [*arguments, "-q"])
        assert told.exit_code != 0 and "to which nothing is sent" in told.stderr, (arguments, told.stderr)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_list_in_a_batch_tells_of_its_addresses(tmp_path: Path) -> None:
    Path(tmp_path, "l.txt").write_text("https://e.org/a.jpg\n")
    (source,) = sources_of([str(tmp_path / "l.txt")], tmp_path / "out").found
    with pytest.raises(OSError, match=NOT_FETCHED):
        stores.found(source.path)


class Failing(io.BytesIO):
    """A file on a disk that fails after so many reads."""

    left = 0

    def read(self, size: int | None = -1) -> bytes:
        self.left -= 1
        if self.left < 0:
            raise OSError(errno.EIO, "Input/output error")
        return super().read(size)


@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "GIF", "WEBP"])
def test_a_disk_that_fails_is_told(form: str, after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a picture is read, as where a share has gone: whatever a decoder makes of it."""
    file = Failing()
    Image.linear_gradient("L").save(file, form)
    file.left = after
    monkeypatch.setattr(files, "opened", lambda _: file)
    with pytest.raises(ImpastoError, match=r"The picture a.png cannot be read \(Input/output error\)"):
        codecs.load("a.png")


@pytest.mark.skipif(os.name != "posix", reason="a folder that is in use cannot be removed")
def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    script = (
        "import os, sys; os.mkdir('d'); os.chdir('d'); os.rmdir('../d'); "
        "os.execv(sys.executable, [sys.executable, '-m', 'impasto', 'doctor'])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("impasto: The folder that this is run in cannot be found"), done.stderr

"""The outputs of every command: none is one of its inputs, none is lost at the last moment."""

import errno
import json
import logging
import os
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from impasto.cli import app
from impasto.errors import OutputError
from impasto.jobs import train
from impasto.machine import checkpoint, files
from impasto.networks import export, zoo
from impasto.networks.contract import Network, load_network
from impasto.progress import Progress
from impasto.study.study import Study
from impasto.training.trainer import Reached
from tests.helpers import painting, photo

SWEEP = ["--sweep", "tv_weight=0,1"]

pytestmark = pytest.mark.usefixtures("small_looks", "narrow")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with pictures, and a temporary one beside it."""
    for name in ("here", "temp", "here/photos", "here/paintings"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temp"))
    for name, draw in (("photo.png", photo), ("photos/a.png", photo), ("painting.png", painting)):
        Image.fromarray(draw(80, 96)).save(name)
    return tmp_path / "here"


def run(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, [*arguments], catch_exceptions=False)
    return done.exit_code, done.stdout, " ".join(done.stderr.split())


@pytest.mark.parametrize("link", [os.link, os.symlink])
@pytest.mark.parametrize(
    ("name", "source", "command"),
    [
        ("link.png", "photo.png", ["styles", "photo.png", "-o", "link.png"]),
        ("link.png", "painting.png", ["edges", "photo.png", "painting.png", "-o", "link.png"]),
        ("link.safetensors", "code.safetensors", ["style-code", "code.safetensors", "-o", "link.safetensors"]),
        ("link.onnx", "net.safetensors", ["export", "net.safetensors", "-o", "link.onnx"]),
        (
            "net.safetensors.sheet.png",
            "painting.png",
            ["train", "--photos", "photos", "--crop", "64", "--style", "painting.png", "-o", "net.safetensors"],
        ),
        ("study/runs/default/result.png", "photo.png", ["study", "photo.png", "painting.png", "-o", "study", *SWEEP]),
        ("study/figures/losses.png", "painting.png", ["study", "photo.png", "painting.png", "-o", "study", *SWEEP]),
        ("out.png.json", "painting.png", ["stylize", "photo.png", "painting.png", "-o", "out.png"]),
        ("out.png.checkpoint", "photo.png", ["stylize", "photo.png", "painting.png", "-o", "out.png"]),
        ("out-00002.png", "photo.png", ["stylize", "photo.png", "painting.png", "-o", "out.png", "--snapshots", "2"]),
        ("out.png", "painting.png", ["texture", "painting.png", "-o", "out.png"]),
        ("out.png", "photo.png", ["reconstruct", "photo.png", "-o", "out.png"]),
    ],
)
def test_no_command_writes_over_its_inputs(here: Path, link: Any, name: str, source: str, command: list[str]) -> None:
    if source.endswith(".safetensors"):
        Path(source).write_bytes(b"precious")
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    link(here / source, here / name)
    before = Path(source).read_bytes()
    code, printed, said = run(*command, "--force")
    assert (code, printed) == (1, "") and "is the input" in said, said
    assert Path(source).read_bytes() == before


@pytest.fixture
def full(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing can be written into the folder any more once a check has passed."""
    begun, checked = files._begun, files.check_writable

    def no_room(where: Path) -> tuple[Path, BinaryIO]:
        if where in (Path(), here):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return begun(where)

    def check(path: Path, force: bool) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(files, "_begun", begun)
            checked(path, force)

    monkeypatch.setattr(files, "_begun", no_room)
    for module in (files, export):
        monkeypatch.setattr(module, "check_writable", check)
    return here.parent / "temp"


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["edges", "photo.png", "--size", "32"], "photo-edges.png"),
        (["style-code", "painting.png"], "painting.safetensors"),
    ],
)
def test_what_every_command_makes_is_kept(full: Path, command: list[str], name: str) -> None:
    code, printed, said = run(*command)
    there = Path(printed.strip())
    assert code == 1 and there.is_relative_to(full) and there.name == name and there.stat().st_size
    assert "No space left on device" in said and str(there) in said


class Learning:
    """A training of three steps, as far as what is kept of it needs one."""

    kind, fitting = "any", False

    def __init__(self, then: Any = lambda: None) -> None:
        self.then, self.last = then, Reached(0, 0.0)

    def steps(self) -> Generator[Progress, None, None]:
        for step in range(1, 4):
            self.last = Reached(step, 0.1 * step)
            if step == 3:
                self.then()
            yield Progress(step / 3, iteration=step)

    def check_sound(self) -> None:
        pass

    def result(self) -> Network:
        return zoo.network("any")

    def checkpoint(self, path: Path) -> None:
        checkpoint.save(path, {"step": self.last.steps, "weights": torch.zeros(100)})

    def sheet(self) -> Image.Image:
        return Image.new("RGB", (40, 40))


@pytest.mark.parametrize("taken", ["folder", "pipe", "full", "gone"])
@pytest.mark.parametrize("cut_short", [False, True])
def test_a_network_is_kept_whatever_happens_to_its_place(
    here: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, taken: str, cut_short: bool
) -> None:
    caplog.set_level(logging.WARNING, "impasto")
    begun, output = files._begun, here / "out" / "net.safetensors"

    def no_room(where: Path) -> tuple[Path, BinaryIO]:
        if where == output.parent:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return begun(where)

    def happen() -> None:
        if taken == "folder":
            output.mkdir()
        elif taken == "pipe":
            os.mkfifo(output)
        elif taken == "full":
            monkeypatch.setattr(files, "_begun", no_room)
        else:
            output.parent.rename(here / "elsewhere")
        if cut_short:
            raise KeyboardInterrupt

    with pytest.raises(OutputError, match="The network is not in"):
        list(train.train(Learning(happen), train.Outputs.checked(output, [])))  # type: ignore[arg-type]
    kept = [path for path in here.parent.rglob("net*.safetensors") if path.is_file()]
    assert len(kept) == 1 and load_network(kept[0]).design == zoo.network("any").design
    assert str(kept[0]) in caplog.text
    if taken in ("folder", "pipe"):
        assert kept[0] == output.with_name("net-2.safetensors")
        assert (output.parent / "net.safetensors.checkpoint").exists()
        assert len((output.parent / "net.safetensors.log.jsonl").read_text().splitlines()) == 3 - cut_short
    else:
        assert kept[0].is_relative_to(here.parent / "temp")


def test_a_training_checks_its_outputs_before_anything_is_looked_at(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("impasto.training.trainer.Training.__init__", lambda *_, **__: 1 / 0)
    Path("taken.safetensors").touch()
    asked = ["train", "--photos", "photos", "--style", "painting.png", "--steps", "1", "--crop", "64"]
    for name, told in (("taken.safetensors", "exists already"), ("photo.png/a.safetensors", "Not a directory")):
        code, _, said = run(*asked, "-o", name)
        assert code == 1 and told in said


def test_names_of_two_hundred_and_fifty_bytes(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command that names its output after its inputs."""
    monkeypatch.setattr(Study, "estimate", lambda _: {})
    long = "照" * 82 + ".png"
    Path("photo.png").rename(long)
    for command in (["edges", long, "--size", "32"], ["style-code", long]):
        code, printed, said = run(*command)
        assert code == 0 and Path(printed.strip()).exists(), said
    quick = ["--recipe", "statistics", "--scales", "single", "--size", "32", "--iterations", "2"]
    code, printed, said = run("stylize", long, long, *quick, "--snapshots", "1", "--json")
    record = json.loads(printed)
    assert code == 0 and all(Path(each).exists() for each in [record["output"], *record["snapshots"]]), said
    assert run("info", record["output"])[0] == 0
    code, printed, said = run("study", long, long, *SWEEP, "--dry-run", "--json")
    assert code == 0 and len(Path(json.loads(printed)["report"]).parent.name.encode()) <= 255, said

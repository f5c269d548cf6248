"""Pictures that are cut off: refused by every command with the option that takes them, which it has."""

import contextlib
from pathlib import Path

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from impasto.cli import app
from impasto.jobs.job import Job
from impasto.machine import strict_json
from impasto.training import beginnings
from tests.helpers import painting, photo

QUICK = ["--size", "64", "--iterations", "1", "-q"]
NO_PICTURES = {
    "info",
    "export",
    "doctor",
    "demo",
    "web",
    "completion",
    "man",
    "models list",
    "models verify",
    "models path",
}
"""Commands that decode none, or none but their own."""

COMMANDS = {
    "stylize": [["cut.jpg", "whole.jpg"], ["whole.jpg", "whole.jpg", "--protect", "cut.jpg"]],
    "texture": [["cut.jpg"]],
    "reconstruct": [["cut.jpg"]],
    "run": [["job.json"]],
    "styles": [["cut.jpg", "--size", "32"]],
    "score": [["whole.jpg", "whole.jpg", "cut.jpg"]],
    "edges": [["whole.jpg", "cut.jpg"]],
    "study": [["whole.jpg", "cut.jpg", "--sweep", "tv_weight=0,1", "--dry-run"]],
    "video": [[*way, "--size", "64", "-o", "film", "-q"] for way in (["whole", "cut.jpg"], ["cut", "whole.jpg"])],
    "score-video": [["whole", "whole", "--style", "cut.jpg"], ["whole", "cut"]],
    "batch": [["whole", "cut.jpg", "--size", "64", "-o", "out", "-q"]],
    "style-code": [["cut.jpg", "--network", "arbitrary"]],
    "train": [
        ["--photos", photos, "--style", style, "--steps", "1", "--batch", "1", "--crop", "64", "--workers", "0", "-q"]
        for photos, style in (("whole", "cut.jpg"), ("cut", "whole.jpg"))
    ],
}
CASES = [(name, each) for name, ways in COMMANDS.items() for each in ways]
SHORT = {"stylize": QUICK, "texture": QUICK, "reconstruct": QUICK, "study": QUICK, "run": ["-q"]}


def options(command: typer.Typer) -> dict[str, set[str]]:
    """The options of every command, by its name."""
    found: dict[str, set[str]] = {}
    group = typer.main.get_command(command)
    for name, each in group.commands.items():  # type: ignore[attr-defined]
        if hasattr(each, "commands"):
            found |= {f"{name} {inner}": _names(known) for inner, known in each.commands.items()}
        else:
            found[name] = _names(each)
    return found


def _names(command: object) -> set[str]:
    return {name for parameter in command.params for name in parameter.opts}  # type: ignore[attr-defined]


def test_every_command_that_reads_pictures_has_the_option() -> None:
    found = options(app)
    assert {name for name, own in found.items() if "--allow-truncated" not in own} == NO_PICTURES
    assert found.keys() - NO_PICTURES == COMMANDS.keys()


@pytest.mark.usefixtures("narrow", "small_looks")
@pytest.mark.parametrize(("command", "arguments"), CASES, ids=[f"{name} {' '.join(each)}"[:40] for name, each in CASES])
def test_it_is_named_where_it_is_and_it_works(
    command: str, arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, size in {"_CONTRACT": (4, 4, 4), "_BLOCKS": 1, "_EXPAND": (4, 4)}.items():
        monkeypatch.setattr(beginnings, name, size)
    for folder in ("whole", "cut"):
        (tmp_path / folder).mkdir()
    Image.fromarray(painting(96, 96)).save(tmp_path / "whole.jpg", quality=95)
    Image.fromarray(photo(96, 96)).save(tmp_path / "whole" / "1.jpg")
    data = (tmp_path / "whole.jpg").read_bytes()
    for cut in ("cut.jpg", "cut/1.jpg"):
        (tmp_path / cut).write_bytes(data[: len(data) * 2 // 3])
    job = Job("stylize", "cut.jpg", (("whole.jpg", 1.0),), settings={"size": 64, "iterations": 1})
    (tmp_path / "job.json").write_text(strict_json.dumps(job.dictionary()))
    words = [command, *arguments, *SHORT.get(command, [])]
    with contextlib.chdir(tmp_path):
        before = sorted(tmp_path.rglob("*"))
        refused = CliRunner().invoke(app, words, catch_exceptions=False)
        assert refused.exit_code == 1, refused.output
        assert "cut off" in refused.stderr and "with --allow-truncated" in refused.stderr
        assert sorted(tmp_path.rglob("*")) == before
        taken = CliRunner().invoke(app, [*words, "--allow-truncated"], catch_exceptions=False)
        assert taken.exit_code == 0, taken.output

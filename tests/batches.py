"""Small batches, for the tests of them."""

import json
from pathlib import Path
from typing import Any

from PIL import Image
from typer.testing import CliRunner

from impasto.cli import app
from impasto.pictures import codecs
from tests.helpers import painting, photo

SMALL = ["--size", "32", "--precision", "float32", "--workers", "1"]


def make_inputs() -> None:
    """Two paintings, and three photographs in a folder ``p``, here."""
    for name in ("wave.jpg", "kiss.png"):
        Image.fromarray(painting(48, 48, len(name))).save(name)
    Path("p/x").mkdir(parents=True)
    for number, name in enumerate(("a.jpg", "b.png", "x/c.jpg")):
        Image.fromarray(photo(40, 48, number)).save(Path("p") / name)


def run(*arguments: str, input: str | None = None) -> tuple[int, dict[str, Any], str]:
    """The exit code, the report, and what was said."""
    done = CliRunner().invoke(app, ["batch", *arguments, *SMALL, "--json"], input=input, catch_exceptions=False)
    return done.exit_code, json.loads(done.stdout or "{}"), " ".join(done.stderr.split())


def results(folder: str = "out") -> dict[str, bytes]:
    paths = sorted(path for path in Path(folder).rglob("*") if path.suffix in codecs.FORMATS)
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def failures(folder: str = "out") -> list[dict[str, Any]]:
    path = Path(folder, "errors.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

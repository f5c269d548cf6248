"""What is printed reaches whoever still listens, in any encoding, and steers no terminal; nothing else
depends on it.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import ExifTags, Image
from typer.testing import CliRunner

from impasto.cli import app, process
from impasto.cli.printing import lines, plain
from impasto.pictures import codecs
from tests.helpers import photo

pytestmark = pytest.mark.usefixtures("narrow")

IMPASTO = str(Path(sys.executable).with_name("impasto"))


def test_a_stream_that_cannot_be_written_to_ends_nothing() -> None:
    reading, writing = os.pipe()
    stream = process._lasting(os.fdopen(writing, "w", encoding="ascii"), 2)
    stream.write("照片 \udcff\n")
    assert os.read(reading, 99) == b"\\u7167\\u7247 \\udcff\n"
    os.close(reading)
    for _ in range(3):
        assert stream.write("x\n") == 2
        stream.flush()
    assert isinstance(stream.failure, BrokenPipeError)  # type: ignore[attr-defined]
    stream.close()
    full = process._lasting(open("/dev/full", "w"), 1)  # noqa: PTH123, SIM115
    full.write("x" * 100_000)
    full.flush()
    assert full.failure.errno == 28 and full.write("x") == 1  # type: ignore[attr-defined]
    full.close()


@pytest.mark.parametrize(
    ("shell", "code", "said"),
    [
        ('"$@" 2>/dev/full', 0, "models"),
        ('"$@" 2>&1 >/dev/full', 1, "Standard output cannot be written (No space left on device)"),
        ('{ "$@"; echo $? >&2; } 2>code | true; cat code', 0, "0"),
        ('"$@" <&- >&- 2>&-', 0, ""),
    ],
)
def test_a_program_whose_streams_are_closed_or_full(shell: str, code: int, said: str, tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", shell, "sh", IMPASTO, "--help"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == code and said in done.stdout and "Traceback" not in done.stderr


def test_a_picture_is_made_whoever_listens(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """With a name that standard output cannot encode, and a full disk for what is said."""
    arguments = ["stylize", *map(str, pair), "-o", "照片.png", "--size", "48", "--iterations", "3"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [IMPASTO, *arguments],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=full,
            env=os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
            check=False,
        )
    assert (done.returncode, done.stdout) == (0, b"\\u7167\\u7247.png\n")
    assert codecs.load(tmp_path / "照片.png").size == (36, 48)


def test_control_characters_are_shown_and_not_obeyed(tmp_path: Path) -> None:
    evil = "\x1b]0;owned\x07\x9b2J\r\u202emoc\nseed: 3"
    record = {
        "impasto": "stylize",
        "in\x1bputs": [evil],
        "recipe": evil,
        "settings": {"init": evil},
        "name": "照片 👩‍🎨",
    }
    for name, text in (("out.png.json", json.dumps(record)), ("job.json", evil)):
        (tmp_path / name).write_text(text)
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = json.dumps(record)
    Image.fromarray(photo(20, 20)).save(tmp_path / "in\x1b[2J.png", exif=exif)
    for arguments in (
        ["info", "out.png.json"],
        ["info", "in\x1b[2J.png"],
        ["run", "job.json"],
        ["info", "\x1b[1m.png"],
    ):
        done = CliRunner().invoke(app, [arguments[0], str(tmp_path / arguments[1])])
        assert not set(done.output) & {"\x1b", "\x07", "\x9b", "\r", "\u202e"}, arguments
        assert "\nseed: 3" not in done.output
    told = CliRunner().invoke(app, ["info", str(tmp_path / "out.png.json")]).stdout
    assert "recipe: \\x1b]0;owned\\x07\\x9b2J\\r\\u202emoc\\nseed: 3" in told and "name: 照片 👩‍🎨" in told
    assert plain("a\tb\n") == "a\tb\n" and lines({"a\nb": 1}) == "a\\nb: 1"

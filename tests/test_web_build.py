"""The studio as it is built, installed and started."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from impasto.cli import app
from impasto.web import server
from impasto.web.config import Config
from impasto.web.folder import Folder
from impasto.web.studio import Studio

ROOT = Path(__file__).parent.parent


def test_no_wheel_is_built_without_the_page(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE", "scripts/page_hook.py", "src/impasto/_version.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())

    def built() -> "subprocess.CompletedProcess[str]":
        words = [sys.executable, "-W", "ignore", "-m", "hatchling", "build", "-t", "wheel"]
        return subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)

    refused = built()
    assert refused.returncode != 0 and "page is missing" in refused.stderr and not [*tmp_path.glob("dist/*")]
    page = tmp_path / "src" / "impasto" / "web" / "page"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text("<!doctype html>")
    assert "page is missing" in built().stderr  # with a half of it, too
    (page / "assets" / "index-1.js").write_text("0")
    assert (done := built()).returncode == 0, done.stderr
    assert [*(tmp_path / "dist").glob("*.whl")]


def test_no_part_of_an_answer_waits_for_the_one_before(tmp_path: Path) -> None:
    with (
        server._listening(Config(tmp_path, port=0)) as listening,
        socket.create_connection(listening.getsockname()),
        listening.accept()[0] as line,
    ):
        assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_the_server_itself_never_loads_torch() -> None:
    script = "import sys, impasto.web.server\nassert not {'torch', 'numpy', 'PIL', 'cv2'} & {*sys.modules}"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_without_its_libraries_the_studio_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in sys.modules if each.startswith("impasto.web")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "fastapi", None)
    told = CliRunner().invoke(app, ["web", "--no-open"])
    assert told.exit_code == 1 and "the package fastapi" in told.output and "pip install 'impasto[web]'" in told.output


def test_a_folder_is_one_studios(tmp_path: Path) -> None:
    studio = Studio.of(Config(tmp_path))
    told = CliRunner().invoke(app, ["web", "--no-open", "--port", "0", "--folder", str(tmp_path)])
    assert told.exit_code == 1 and "Another studio works in" in told.output
    studio._held.close()
    studio.store.close()
    (tmp_path / "pictures").rmdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "pictures").symlink_to(tmp_path / "elsewhere")
    told = CliRunner().invoke(app, ["web", "--no-open", "--port", "0", "--folder", str(tmp_path)])
    assert told.exit_code == 1 and "is a link" in told.output


def test_what_a_studio_is_started_with_is_looked_at(tmp_path: Path) -> None:
    for wrong in (
        ["--root-path", "impasto/"],
        ["--root-path", "/a b"],
        ["--memory", "lots"],
        ["--port", "70000"],
        ["--queue", "0"],
    ):
        told = CliRunner().invoke(app, ["web", "--no-open", "--port", "0", "--folder", str(tmp_path), *wrong])
        assert told.exit_code == 2 and wrong[0] in told.output, told.output


def test_a_file_that_is_no_store_is_left_alone(tmp_path: Path) -> None:
    Folder(tmp_path)
    (tmp_path / "studio.sqlite").write_text("a diary" * 200)
    told = CliRunner().invoke(app, ["web", "--no-open", "--port", "0", "--folder", str(tmp_path)])
    assert told.exit_code == 1 and "choose another folder" in told.output
    assert (tmp_path / "studio.sqlite").read_text().startswith("a diary")

"""The studio as it is built, installed and started."""

import asyncio
import socket
import subprocess
import sys
import threading
import time
import webbrowser
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from impasto.batch import studio
from impasto.cli import app
from impasto.errors import OutputError, SettingsError, WeightsError
from impasto.web import server
from impasto.web.config import Config
from impasto.web.desk import client
from impasto.web.desk.client import Desk
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
    other = Studio.of(Config(tmp_path))
    (underway := other.folder.incoming("A" * 16)).write_bytes(b"half of an upload")
    told = CliRunner().invoke(app, ["web", "--no-open", "--port", "0", "--folder", str(tmp_path)])
    assert told.exit_code == 1 and "Another studio works in" in told.output
    assert underway.exists()
    other._held.close()
    other.store.close()
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
        ["--host", "paint.example:8080"],
        ["--host", "https://paint.example"],
        ["--host", "[::1]"],
        ["--host", ""],
    ):
        told = CliRunner().invoke(app, ["web", "--no-open", "--port", "0", "--folder", str(tmp_path), *wrong])
        assert told.exit_code == 2 and wrong[0] in told.output, told.output


def test_a_host_is_known_as_browsers_ask_for_it(tmp_path: Path) -> None:
    config = Config(tmp_path, hosts=("::1", "Malerei-Köln.example", "10.0.0.7"))
    assert config.hosts == ("::1", "xn--malerei-kln-zfb.example", "10.0.0.7")
    assert config.address().startswith("http://[::1]:7860/#token=")


@pytest.mark.skipif(not socket.has_ipv6, reason="There is no IPv6.")
def test_what_listens_on_all_addresses_is_shown_by_one_on_which_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for dual in {socket.has_dualstack_ipv6(), False}:
        monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda dual=dual: dual)
        config = Config(tmp_path, hosts=("::",), port=0)
        try:
            listening = server._listening(config)
        except OutputError as error:
            pytest.skip(str(error))
        with listening:
            shown = replace(config, port=listening.getsockname()[1]).address()
            parts = urlsplit(shown)
            assert parts.hostname == ("127.0.0.1" if dual else "::1")
            socket.create_connection((parts.hostname, parts.port or 0), timeout=10).close()


def test_a_token_of_any_letters_stands_in_the_address_and_one_that_is_too_long_is_refused(tmp_path: Path) -> None:
    for token in ("a+b%20&c=d#é", "plain-letters_1"):
        address = Config(tmp_path, token=token).address()
        assert studio.Studio(address)._token == token
    assert studio.Studio("http://a#token=by+hand%")._token == "by+hand%"
    with pytest.raises(SettingsError, match="`token` has 201 characters"):
        Config(tmp_path, token="x" * 201)


@pytest.mark.parametrize(("name", "opens"), [("/usr/bin/w3m", False), ("firefox", True)])
def test_no_browser_keeps_the_studio_from_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, opens: bool
) -> None:
    opened, closed = threading.Event(), threading.Event()

    class Browser:
        def open(self, _: str) -> bool:
            opened.set()
            return closed.wait(20)

    Browser.name = name  # type: ignore[attr-defined]
    monkeypatch.setattr(webbrowser, "get", Browser)
    monkeypatch.setattr(server, "serve", lambda _, started: started("http://127.0.0.1:7860"))
    began = time.monotonic()
    told = CliRunner().invoke(app, ["web", "--folder", str(tmp_path)])
    assert told.exit_code == 0 and time.monotonic() - began < 10 and "7860" in told.output
    assert opened.wait(5 if opens else 0.2) == opens
    closed.set()


def test_a_network_that_could_not_be_loaded_is_tried_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And told of by its own sentence; in the same process, or a studio would have to be begun anew once the
    file is whole.
    """
    ready = tmp_path / "ready"
    stand_in = (
        "import json, pathlib, sys\n"
        "for line in sys.stdin:\n"
        f"    there = pathlib.Path({str(ready)!r}).exists()\n"
        "    told = {} if there else {'failed': 'The file of multi is damaged.', 'error': 'WeightsError'}\n"
        "    print(json.dumps(told | {'length': 0}), flush=True)\n"
    )
    begin = asyncio.create_subprocess_exec
    begun: list[Any] = []

    async def in_its_place(*_: str, **options: Any) -> Any:
        begun.append(await begin(sys.executable, "-c", stand_in, **options))
        return begun[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", in_its_place)

    async def tried() -> None:
        desk = Desk("easel", 2**30, "ready")
        try:
            for again in (0, 0, 60):
                monkeypatch.setattr(client, "AGAIN", again)
                if again:  # not for everybody who asks, for previews wait
                    ready.touch()
                with pytest.raises(WeightsError, match="multi is damaged"):
                    await desk.readiness()
            monkeypatch.setattr(client, "AGAIN", 0)
            assert await desk.readiness() == {} and len(begun) == 1
        finally:
            await desk.close()

    asyncio.run(tried())


def test_a_file_that_is_no_store_is_left_alone(tmp_path: Path) -> None:
    Folder(tmp_path)
    (tmp_path / "studio.sqlite").write_text("a diary" * 200)
    told = CliRunner().invoke(app, ["web", "--no-open", "--port", "0", "--folder", str(tmp_path)])
    assert told.exit_code == 1 and "choose another folder" in told.output
    assert (tmp_path / "studio.sqlite").read_text().startswith("a diary")

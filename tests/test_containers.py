"""What can be held of the files for containers where none can be run: they name what is there, and their
commands, port, health check and folders are the program's own.
"""

import fnmatch
import json
import re
import shlex
from pathlib import Path
from typing import Any

import typer
import yaml

from impasto.cli import app
from impasto.extras import EXTRAS
from impasto.web.config import Config
from impasto.web.routes import health

ROOT = Path(__file__).parent.parent
LINES = (ROOT / "Dockerfile").read_text().replace("\\\n", "").splitlines()
INSTRUCTIONS = [line.split(maxsplit=1) for line in LINES if line and not line.startswith("#")]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICE = COMPOSE["services"]["impasto"]


def told(instruction: str) -> list[str]:
    """What follows every instruction of a name."""
    return [rest for name, rest in INSTRUCTIONS if name == instruction]


def command() -> list[str]:
    """What the container runs."""
    (entry,), (arguments,) = told("ENTRYPOINT"), told("CMD")
    return [*json.loads(entry), *json.loads(arguments)]


def options() -> dict[str, Any]:
    """The studio's options, by the real command line."""
    program, name, *arguments = command()
    assert program == "impasto"
    return typer.main.get_command(app).commands[name].make_context(name, arguments).params  # type: ignore[attr-defined, no-any-return]


def test_what_is_copied_is_there_and_reaches_the_build() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert ignored[0] == "*"
    wanted = {line[1:] for line in ignored if line.startswith("!")}
    copied = {source for line in told("COPY") for source in shlex.split(line)[:-1]}
    assert copied == wanted and all((ROOT / path).exists() for path in copied)
    project = (ROOT / "pyproject.toml").read_text()
    needed = {"README.md", "LICENSE", "NOTICE", "scripts/page_hook.py", "src"}
    assert all(f'"{path}' in project for path in needed) and needed < copied
    assert any(fnmatch.fnmatch("src/impasto/__pycache__", line) for line in ignored)


def test_the_page_is_where_port_health_check_and_volume_are() -> None:
    given = options()
    assert not given["open_page"] and Config(Path(), tuple(given["host"])).bind == "0.0.0.0"
    assert told("EXPOSE") == [str(given["port"])] and given["folder"].is_relative_to(told("VOLUME")[0])
    (check,) = told("HEALTHCHECK")
    address = re.search(r"http://127\.0\.0\.1:(\d+)(/\w+)'", check)
    assert address is not None and address[1] == str(given["port"])
    assert address[2] in {route.path for route in health.router.routes}  # type: ignore[attr-defined]
    (user,) = told("USER")
    assert f"-o {user} {told('VOLUME')[0]}" in "".join(told("RUN")) and user != "root"


def test_compose_is_of_this_image() -> None:
    assert SERVICE["ports"] == [f"127.0.0.1:{told('EXPOSE')[0]}:{told('EXPOSE')[0]}"]
    (mounted,) = SERVICE["volumes"]
    name, at = mounted.split(":")
    assert name in COMPOSE["volumes"] and at == told("VOLUME")[0]
    arguments = {line.partition("=")[0]: line.partition("=")[2] for line in told("ARG")}
    assert {*SERVICE["build"]["args"]} <= {*arguments}
    assert {*arguments["EXTRAS"].strip('"').split(",")} <= {*EXTRAS} >= {"web"}

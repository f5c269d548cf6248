"""Every command that is told of anywhere, also within sentences and scripts, has the options that it is told
to have. Those of README and docs/ that stand by themselves are carried out, too: test_readme.py.
"""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from impasto.cli import app

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "Dockerfile"])
PROGRAM: Any = typer.main.get_command(app)
_END = {"|", ">", "&&", ";", "<", "#"}
"""Where a shell's command ends."""


def told(text: str) -> tuple[list[str], list[str]]:
    """The commands in a page: those to be typed, in lines of code and scripts, and those that are only named,
    in backticks, and perhaps not whole.
    """
    typed = re.findall(
        r"^(?:    |exec |RUN |.*&& |docker run .*)?(impasto .+)$", text.replace("\\\n", " "), re.MULTILINE
    )
    return typed, re.findall(r"`(impasto [^`]+)`", text)


def words(command: str) -> list[str]:
    """A command's words, up to where the shell goes on with something else."""
    found = shlex.split(command, comments=True)[1:]
    return found[: next((at for at, word in enumerate(found) if word in _END), None)]


def parse(command: str, whole: bool) -> None:
    """Take a command as the program does, and carry nothing out; of one that is not ``whole``, only names.
    Raises what typer raises, and AssertionError.
    """
    own, context, arguments = PROGRAM, None, words(command)
    arguments = arguments[arguments[:1] == ["help"] :]
    while arguments and arguments[0] in getattr(own, "commands", {}):
        context = typer.Context(own, info_name="impasto", parent=context)
        own, *arguments = own.commands[arguments[0]], *arguments[1:]
    assert own is not PROGRAM or not arguments or arguments[0].startswith(("-", "COMMAND")), arguments[0]
    known = {option for param in own.params for option in (*param.opts, *param.secondary_opts)}
    named = {word.partition("=")[0] for word in arguments if re.match("--?[a-z]", word)}
    assert named <= known | {"--help", "-h", "--install-completion"}, named - known
    if whole and not {"--help", "-h", "…"} & {*arguments}:
        own.make_context("impasto", arguments, parent=context)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_can_be_parsed(page: Path) -> None:
    for whole, commands in zip((True, False), told(page.read_text()), strict=True):
        for command in commands:
            try:
                parse(command, whole)
            except Exception as error:
                pytest.fail(f"{command}: {getattr(error, 'message', error)}")


@pytest.mark.parametrize(
    "text",
    [
        "    impasto stylize a.jpg b.jpg --sise 3",
        "say `impasto stilize a.jpg b.jpg`",
        "`impasto stylize a.jpg --sise`",
        "    impasto edges a.jpg --size",
        "exec impasto batch a.jpg -o b/ --workers many",
    ],
)
def test_a_command_that_cannot_be_parsed_is_found(text: str) -> None:
    typed, named = told(text)
    with pytest.raises((Exception, AssertionError)):  # what typer raises is typer's own business
        parse((typed or named)[0], bool(typed))

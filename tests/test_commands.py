"""Laws of all commands: help, shared options, arguments that are wrong, and what the tab key offers."""

import contextlib
import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from impasto.cli import app, complete, execute
from impasto.machine.files import placed
from impasto.progress import Progress
from impasto.settings.fields import Settings
from impasto.settings.recipes import RECIPES
from tests.test_misuse import told


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = dict(commands(typer.main.get_command(app)))
HOW_LONG = 198
"""Lines of help that the longest command may take at 80 columns."""


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_the_same_options_and_plain_help(path: tuple[str, ...]) -> None:
    options = {option: each for each in COMMANDS[path].params for option in each.opts}
    assert {"--quiet", "-q"} <= {*options}
    assert path in {("web",), ("completion",), ("man",)} or "--json" in options, "which print an address and files"
    done = CliRunner().invoke(app, [*path, "-h"])
    assert done.exit_code == 0 and all(option in done.stdout for option in options if option.startswith("--"))
    lines = done.stdout.splitlines()
    assert len(lines) < HOW_LONG and max(map(len, lines)) <= 80 and not {*done.stdout} & {*"│╭─"}
    assert "from the recipe" not in done.stdout and "docs/" not in done.stdout
    wrong = CliRunner().invoke(app, [*path, "--nonsense"])
    assert wrong.exit_code == 2 and wrong.stdout == "" and wrong.stderr.count("\n") == 1
    assert wrong.stderr.startswith("impasto: There is no option --nonsense here")


def test_what_a_command_took_counts_from_its_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not from the first step on: people wait for all of it."""
    monkeypatch.setattr(execute, "IMPORTED_AT", time.perf_counter() - 1000)

    class Done:
        run = SimpleNamespace(task="stylize", size=(8, 8))
        interrupted, misplaced = False, ()
        record: ClassVar[dict[str, Any]] = {"steps": 32, "elapsed_s": 3.5}

        def events(self) -> Iterator[Progress]:
            yield Progress(1.0)

    for more, words in (({}, "32 steps in "), ({"resumed": [5, 20]}, "32 steps, from 20 on, in ")):
        said = io.StringIO()
        monkeypatch.setattr(execute, "stderr", Console(file=said))
        Done.record = Done.record | more
        execute.execute(Done(), quiet=False)  # type: ignore[arg-type]
        last = said.getvalue().splitlines()[-1]
        assert last.startswith(words) and 1000 <= float(last.removeprefix(words).removesuffix(" s")) < 1100


@pytest.mark.parametrize("way", ["stylize", "texture", "reconstruct", "train"])
def test_help_shows_the_values_of_the_commands_own_recipe(way: str) -> None:
    """And what it shows can be typed: it is the same value again."""
    recipe = RECIPES[{"stylize": "default", "train": "statistics"}.get(way, way)]
    shown = {
        each.name: each.help.rpartition("[default: ")[2].rstrip("]") for each in COMMANDS[way,].params if each.help
    }
    for name in {*shown} & {*Settings.__dataclass_fields__} - {"allow_truncated"}:
        typed = "" if shown[name] == "none" and name == "protect" else shown[name]
        assert getattr(Settings().changed(**{name: typed}), name) == getattr(recipe, name), name


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["stylise", "a", "b"], "There is no command 'stylise': did you mean 'stylize'?"),
        (["models", "lst"], "There is no command 'lst': did you mean 'list'?"),
        (["stylize", "a", "b", "--sizes", "3"], "There is no option --sizes here: did you mean '--size'?"),
        (["score", "a", "b"], "RESULT is missing."),
        (["train"], "--photos is missing."),
        (["stylize", "a", "b", "--size"], "--size needs a value."),
        (["web", "--port", "70000"], "--port must be a whole number from 0 to 65535, not '70000'."),
        (["edges", "a", "--size", "x"], "--size must be a whole number from 16 to 4096, not 'x'."),
        (["train", "--style", "a", "--photos", "b", "--minutes", "x"], "--minutes must be a number, not 'x'."),
        (["stylize", "a", "b", "--iterations", "x"], "--iterations must be a whole number, not 'x'."),
        (["stylize", "a", "b", "--strength", "x"], "--strength must be a number, not 'x'."),
    ],
)
def test_what_is_asked_wrongly_is_told_in_a_sentence(arguments: list[str], said: str) -> None:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2 and done.stderr.startswith(f"impasto: {said}"), done.stderr
    assert done.stderr.count("\n") == 1


def test_the_program_alone_shows_its_help_and_version() -> None:
    alone, asked = CliRunner().invoke(app, []), CliRunner().invoke(app, ["--help"])
    assert (alone.exit_code, asked.exit_code) == (2, 0) and alone.stdout == asked.stdout
    assert asked.stdout.index("stylize") < asked.stdout.index("video"), "what most want first"
    for path in (["edges"], ["models", "list"]):
        shown = [CliRunner().invoke(app, asked).stdout for asked in (["help", *path], [*path, "--help"])]
        assert shown[0] == shown[1]
    assert CliRunner().invoke(app, ["-V"]).stdout == CliRunner().invoke(app, ["--version"]).stdout


def offered(words: str) -> list[str]:
    """What a shell offers after these words."""
    env = {"_IMPASTO_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    return CliRunner().invoke(app, [], env=env, prog_name="impasto").stdout.split()


def test_the_tab_key_offers_values() -> None:
    assert offered("impasto sty") == ["stylize", "styles", "style-code"]
    assert offered("impasto stylize a.jpg --keep-colour l") == ["luminance", "linear"]
    assert offered("impasto stylize a.jpg --recipe tutorial-") == [
        "tutorial-strong-style",
        "tutorial-high-tv",
        "tutorial-low-tv",
    ]
    assert offered("impasto batch a --network m") == ["multi", "multistyle26"]
    assert offered("impasto models path vgg") == ["vgg19"]
    assert offered("impasto train --kind ") == ["single", "multi", "any"]
    assert complete.learnt("rhone:0.5,sa") == ["rhone:0.5,sainte-victoire"]
    assert offered("impasto stylize a.jpg --style-index rh") == ["rhone"]


def test_a_folder_is_written_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("there", "there.png"):
        Path(name).mkdir()
    assert [str(placed(output, "a.png")) for output in ("new/", "there", "there/", "b", ".", "")] == [
        "new/a.png",
        "there/a.png",
        "there/a.png",
        "b",
        "a.png",
        "a.png",
    ]
    assert placed("there.png", "a.png") == Path("there.png"), "which is told to be a folder"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_narrow_terminal_shows_how_far_it_is_and_how_long_it_takes(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=width, color_system=None, legacy_windows=False)
    monkeypatch.setattr(execute, "stderr", console)
    losses = "  ".join(f"{name} 0.000123" for name in ("content", "places", "style", "tv", "total"))
    with execute.shown("stylize 1024×768", quiet=False) as show:
        show(Progress(0.5, f"41/80 at 1024×768  {losses}", seconds_left=61.0))
    line = next(each for each in reversed(written.getvalue().splitlines()) if "41/80" in each)
    assert "━" in line and "61 s left" in line and "0:00:0" in line and "…" in line


def test_a_log_is_told_how_far_it_is_every_minute(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    for quiet in (False, True):
        with execute.shown("batch", quiet) as show:
            for number in range(5):
                now[0] += 25
                show(Progress(number / 4, f"{number}/4", seconds_left=100 - 25 * number if number else None))
    # After 75 s, and then as late as 60 s later: never, for it has ended.
    assert capsys.readouterr().err == "impasto: batch: 50%, 2/4, 50 s left\n"


@pytest.mark.usefixtures("narrow", "small_looks")
def test_a_result_of_another_shape_is_no_result(pair: tuple[Path, Path], tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (60, 200)).save(tmp_path / "other.png")
    asked = ["score", *map(str, pair)]
    assert "is 60×200 pixels, and the photograph, 128×96" in told(*asked, str(tmp_path / "other.png"))
    cropped = tmp_path / "square.png"
    made = ["stylize", *map(str, pair), "--method", "fast", "--size", "64x64", "-o", str(cropped), "-q"]
    assert told(*made, code=0) == str(cropped)
    done = CliRunner().invoke(app, [*asked, str(cropped)])
    assert done.exit_code == 0 and "Less is nearer" in done.stderr and "Less" not in done.stdout
    assert CliRunner().invoke(app, [*asked, str(cropped), "-q"]).stderr == ""


def test_a_sheet_tells_where_it_is_as_json(pair: tuple[Path, Path], tmp_path: Path) -> None:
    with contextlib.chdir(tmp_path):
        done = CliRunner().invoke(app, ["edges", str(pair[0]), "--size", "32", "-o", "new/", "--json"])
    assert json.loads(done.stdout) == {"output": "new/content-edges.png"}
    assert (tmp_path / "new" / "content-edges.png").exists()


def test_the_man_page_has_every_command_and_option() -> None:
    done = CliRunner().invoke(app, ["man"])
    lines = done.stdout.splitlines()
    assert done.exit_code == 0 and lines[0].startswith(".TH IMPASTO 1")
    told = done.stdout.replace("\\-", "-")
    for path, command in COMMANDS.items():
        assert f"\n.SS impasto {' '.join(path)} " in told or f"\n.SS impasto {' '.join(path)}\n" in told
        assert all(option in told for param in command.params for option in param.opts)
    orders = {line.split()[0] for line in lines if line.startswith((".", "'"))}
    assert orders == {".TH", ".SH", ".B", ".SS", ".TP"}, "nothing that help says is an order"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_completion_files_complete_by_the_program_itself(shell: str) -> None:
    done = CliRunner().invoke(app, ["completion", shell])
    assert done.exit_code == 0 and "impasto" in done.stdout and "_IMPASTO_COMPLETE" in done.stdout
    refused = CliRunner().invoke(app, ["completion", f"{shell}x"])
    assert refused.exit_code == 2 and shell in refused.stderr

"""Being asked to stop: whatever asks, and whenever, what there is is saved, once, and the code says who
asked.
"""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor
from typer.testing import CliRunner

from impasto.cli import app
from impasto.jobs import deliver
from impasto.losses.objective import TermObjective
from impasto.machine import interrupts
from impasto.pictures import codecs
from impasto.tasks.result import Result
from impasto.tasks.run import Run

pytestmark = pytest.mark.usefixtures("narrow")

QUICK = ["--recipe", "statistics", "--size", "48", "--iterations", "9", "--scales", "24,48", "--precision", "float32"]
TERM, HUP, INT = signal.SIGTERM, signal.SIGHUP, signal.SIGINT


def raised(*numbers: int) -> None:
    for number in numbers:
        signal.raise_signal(number)


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """Those of a program in the foreground, also where the tests run behind nohup or in a shell's background;
    afterwards as they were, whatever a test does.
    """
    before = {number: signal.getsignal(number) for number in (TERM, HUP, INT)}
    for number in before:
        signal.signal(number, signal.default_int_handler if number == INT else signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_the_first_signal_interrupts_and_what_follows_does_not() -> None:
    signal.signal(HUP, signal.SIG_IGN)  # as nohup does
    before = signal.getsignal(TERM)
    with interrupts.listening():
        raised(HUP)
        assert not interrupts.asked()
        with pytest.raises(KeyboardInterrupt) as told:
            raised(TERM)
        assert isinstance(told.value, interrupts.Interrupted) and told.value.number == TERM
        raised(TERM, INT, signal.SIGUSR1, INT)
        with pytest.raises(KeyboardInterrupt):
            raised(INT)  # the third Ctrl-C
        assert interrupts.asked() and interrupts.code() == 143
    assert not interrupts.asked() and interrupts.code() == 143
    assert signal.getsignal(TERM) is before and signal.getsignal(HUP) is signal.SIG_IGN
    with interrupts.listening():
        assert not interrupts.asked() and interrupts.code() == 130


def test_what_is_held_is_interrupted_by_the_third_ctrl_c_only() -> None:
    with interrupts.listening():
        with interrupts.held():
            raised(INT, TERM, INT, HUP)
        assert interrupts.asked() and interrupts.code() == 130
        with pytest.raises(KeyboardInterrupt), interrupts.held():
            raised(INT)


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupts, "PATIENCE", 0.2)
    with interrupts.listening(), interrupts.patient():
        raised(TERM, HUP)
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            while time.monotonic() - began < 20:
                time.sleep(0.01)
        assert 0.1 < time.monotonic() - began < 10


def evaluated(monkeypatch: pytest.MonkeyPatch, at: int, then: Callable[[], None]) -> None:
    """In the midst of the evaluation of that number ``then`` happens."""
    count, evaluate = [0], TermObjective.value_and_grad

    def counted(self: TermObjective, pixels: Tensor) -> tuple[dict[str, float], Tensor]:
        count[0] += 1
        if count[0] == at:
            then()
        return evaluate(self, pixels)

    monkeypatch.setattr(TermObjective, "value_and_grad", counted)


def stylize(pair: tuple[Path, Path], *more: str) -> Any:
    return CliRunner().invoke(app, ["stylize", *map(str, pair), "-o", "out.png", *QUICK, *more])


@pytest.mark.parametrize(("numbers", "code"), [((TERM,), 143), ((HUP,), 129), ((TERM, TERM, HUP, INT, INT), 143)])
def test_a_run_that_is_asked_to_stop_saves_its_picture(
    numbers: tuple[int, ...], code: int, pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    evaluated(monkeypatch, 4, lambda: raised(numbers[0]))
    save = Result.save

    def asked_again(self: Result, *arguments: Any, **options: Any) -> None:
        raised(*numbers[1:])
        save(self, *arguments, **options)

    monkeypatch.setattr(Result, "save", asked_again)
    done = stylize(pair)
    assert done.exit_code == code and "interrupted: the picture so far is saved in out.png" in done.stderr
    assert codecs.load("out.png").size == (36, 48)
    record = json.loads(Path("out.png.json").read_text())
    assert record["steps"] == 2 and not record["complete"]


def test_a_run_that_is_asked_to_stop_goes_on_to_the_same_pixels(
    pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the midst of every evaluation, those at the turn of the scales, too; and between these."""
    monkeypatch.chdir(tmp_path)
    assert stylize(pair).exit_code == 0
    whole = codecs.load("out.png").array().tobytes()
    for at in (3, 6):
        with monkeypatch.context() as patch:
            evaluated(patch, at, lambda: raised(TERM))
            done = stylize(pair, "--checkpoint-every", "1000", "--force")
        assert done.exit_code == 143 and Path("out.png.checkpoint").exists()
        assert json.loads(Path("out.png.json").read_text())["steps"] == at - 1
        assert stylize(pair, "--resume").exit_code == 0 and not Path("out.png.checkpoint").exists()
        assert codecs.load("out.png").array().tobytes() == whole
    prepare, scales = Run._objective_at, []

    def between(self: Run, *arguments: Any) -> Any:
        scales.append(arguments)
        if len(scales) == 2:
            raised(TERM)
        return prepare(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Run, "_objective_at", between)
        assert stylize(pair, "--force").exit_code == 143
    assert codecs.load("out.png").size == (36, 48)


def test_a_picture_that_is_being_saved_is_saved(
    pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save = Result.save

    def asked(self: Result, *arguments: Any, **options: Any) -> None:
        raised(INT, TERM, INT)
        save(self, *arguments, **options)

    monkeypatch.setattr(Result, "save", asked)
    done = stylize(pair)
    assert done.exit_code == 0 and json.loads(Path("out.png.json").read_text())["complete"]


def test_before_there_is_a_picture_nothing_is_left(
    pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    for place, name in ((deliver, "check_format"), (TermObjective, "value_and_grad")):
        with monkeypatch.context() as patch:
            patch.setattr(place, name, lambda *_, **__: raised(TERM))
            done = stylize(pair)
        assert (done.exit_code, done.stderr) == (143, "impasto: Interrupted.\n")
        assert sorted(tmp_path.iterdir()) == before


ASKS = """
import os, signal, sys

class Asked:
    def find_spec(self, name, *rest):
        if name == "impasto.cli.study":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Asked())
"""
"""A program that is asked to stop while the command line is being loaded."""


def test_ctrl_c_while_the_program_is_loaded_ends_it_without_a_word() -> None:
    program = f"{ASKS}from impasto.__main__ import main; main()"
    done = subprocess.run([sys.executable, "-c", program, "--version"], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, b"", b"")


def test_a_program_that_loads_the_command_line_keeps_its_own_handlers() -> None:
    program = "signal.signal(signal.SIGINT, lambda *_: print('heard'))\nimport impasto.cli"
    done = subprocess.run([sys.executable, "-c", ASKS + program], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"heard\n", b"")

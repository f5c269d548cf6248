"""Checkpoints: a run that was cut off goes on as if it had not been."""

import dataclasses
import functools
import itertools
import math
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from typer.testing import CliRunner

import impasto
from impasto.cli import app
from impasto.errors import CheckpointError, SettingsError
from impasto.losses.objective import TOTAL, TermObjective
from impasto.machine import checkpoint
from impasto.solver.optimizers import LBFGS, Adam, Optimizer
from impasto.solver.solve import Stage, Step, _Descent, solve
from impasto.tasks.run import Run
from tests.helpers import painting, photo

pytestmark = pytest.mark.usefixtures("narrow")


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    picture = torch.rand(1, 3, 5, 7)
    state: dict[str, Any] = {
        "tensors": [picture, picture, picture.bfloat16(), picture.double()[..., ::2], torch.tensor(0.1), torch.rand(0)],
        "plain": {"list": [1, 0.1, None, True, "text"], "nan": math.nan, "empty": {}},
    }
    checkpoint.save(tmp_path / "c", state)
    found = checkpoint.load(tmp_path / "c")
    for one, other in zip(state["tensors"], found["tensors"], strict=True):
        assert one.dtype == other.dtype and torch.equal(one, other)
    assert found["tensors"][0] is found["tensors"][1]
    assert math.isnan(found["plain"].pop("nan")) and math.isnan(state["plain"].pop("nan"))
    assert found["plain"] == state["plain"]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_damage_is_told(tmp_path: Path, share: float) -> None:
    path = tmp_path / "c"
    checkpoint.save(path, {"picture": torch.rand(1, 3, 64, 64)})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(CheckpointError, match="is damaged"):
        checkpoint.load(path)
    at = int(len(whole) * share)
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])
    with pytest.raises(CheckpointError, match="is damaged"):
        checkpoint.load(path)


def test_other_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"There is no checkpoint .*leave out `resume`"):
        checkpoint.load(tmp_path / "c")
    np.savez(tmp_path / "c.npz", pixels=np.zeros(3))
    for text in ("", "PK", "{}"):
        (tmp_path / "c").write_text(text)
        with pytest.raises(CheckpointError, match="is damaged"):
            checkpoint.load(tmp_path / "c")
    with pytest.raises(CheckpointError, match="is damaged"):
        checkpoint.load(tmp_path / "c.npz")


class Valley:
    """A curved valley, which now and then says something senseless, and once is interrupted."""

    def __init__(self, senseless: tuple[int, ...] = (), interrupted: int = 0) -> None:
        self.calls, self.senseless, self.interrupted = 0, senseless, interrupted

    def value_and_grad(self, pixels: Tensor) -> tuple[dict[str, float], Tensor]:
        if self.calls + 1 == self.interrupted:
            self.interrupted = 0
            raise KeyboardInterrupt
        self.calls += 1
        x = pixels.detach().requires_grad_()
        value = (100 * (x[..., 1:] - x[..., :-1] ** 2).square() + (0.7 - x[..., :-1]).square()).mean()
        (gradient,) = torch.autograd.grad(value, x)
        return {TOTAL: math.nan if self.calls in self.senseless else value.item()}, gradient


@pytest.mark.parametrize("senseless", [(), (4, 5, 9), (3, *range(12, 24))])
@pytest.mark.parametrize("averaging", [0.0, 0.9])
@pytest.mark.parametrize("make", [lambda: LBFGS(3), lambda: Adam(0.05)])
def test_every_step_can_be_gone_on_from(
    tmp_path: Path, make: Callable[[], Optimizer], averaging: float, senseless: tuple[int, ...]
) -> None:
    """Also in the middle of a recovery, and after Adam has taken over."""
    schedule = [Stage((6, 8), 7), Stage((9, 12), 24)]
    start = torch.rand(1, 3, 6, 8, generator=torch.Generator().manual_seed(1))

    def steps(**more: Any) -> Any:
        return solve(lambda stage, pixels: objective, start, schedule, make, averaging=averaging, **more)

    objective = Valley(senseless)
    whole: list[tuple[Step, int]] = []
    for step in steps():
        checkpoint.save(tmp_path / f"{step.iteration}", step.state())
        whole.append((step, objective.calls))
    assert len(whole) == 32
    for index, (saved, calls) in enumerate(whole):
        objective.calls = calls
        again = list(steps(state=checkpoint.load(tmp_path / f"{saved.iteration}")))
        assert len(again) == len(whole) - index
        for one, (other, _) in zip(again, whole[index:], strict=True):
            assert (one.iteration, one.scale, one.losses) == (other.iteration, other.scale, other.losses)
            assert torch.equal(one.pixels, other.pixels)
            assert one.event == (other.event if other is not saved else "")
            assert one.elapsed >= saved.elapsed


@pytest.mark.parametrize("senseless", [(), (4, 5, 9), (3, *range(12, 24))])
@pytest.mark.parametrize("make", [lambda: LBFGS(3), lambda: Adam(0.05)])
def test_every_evaluation_can_be_interrupted(make: Callable[[], Optimizer], senseless: tuple[int, ...]) -> None:
    """Also in the middle of a recovery: no move is made twice."""
    schedule = [Stage((6, 8), 7), Stage((9, 12), 24)]
    start = torch.rand(1, 3, 6, 8, generator=torch.Generator().manual_seed(1))

    def steps(valley: Valley, **more: Any) -> Any:
        return solve(lambda stage, pixels: valley, start, schedule, make, **more)

    whole = list(steps(Valley(senseless)))
    for number in range(2, 33):
        valley, before = Valley(senseless, interrupted=number), list[Step]()
        with pytest.raises(KeyboardInterrupt):
            before.extend(steps(valley))  # which takes one by one
        _, *later = steps(valley, state=before[-1].state())
        assert [step.event for step in before + later] == [step.event for step in whole]
        assert torch.equal(later[-1].pixels, whole[-1].pixels)


SMALL: dict[str, Any] = {"recipe": "statistics", "size": 48, "iterations": 9, "scales": (32, 48)}
WAYS: list[dict[str, Any]] = [{}, {"optimizer": "adam", "averaging": 0.5}, {"init": "noise"}]


@functools.cache
def uninterrupted(way: int) -> impasto.Result:
    """One for every place to cut the run off at."""
    return impasto.stylize(photo(60, 80), painting(50, 60), **SMALL | WAYS[way])


def cut_off(path: Path, after: int, **settings: Any) -> impasto.Run:
    run: impasto.Run = impasto.plan_stylize(photo(60, 80), painting(50, 60), **SMALL | settings)
    for step in run.steps():
        if step.iteration == after:
            run.checkpoint(path)
            break
    return run


@pytest.mark.parametrize("after", [0, 2, 3, 9])
@pytest.mark.parametrize("way", range(len(WAYS)))
def test_a_run_goes_on_where_it_was_cut_off(tmp_path: Path, after: int, way: int) -> None:
    whole, settings = uninterrupted(way), WAYS[way]
    cut_off(tmp_path / "c", after, **settings)
    run = impasto.plan_stylize(photo(60, 80), painting(50, 60), **SMALL | settings)
    assert run.resume(tmp_path / "c") == after
    result = run.finish()
    assert torch.equal(result.picture.pixels, whole.picture.pixels)
    assert result.record["resumed"] == [after] and result.record["complete"]
    for name in ("losses", "steps", "events"):
        assert result.record[name] == whole.record[name]


@pytest.mark.parametrize("way", range(len(WAYS)))
def test_steps_that_were_left_go_on(way: int) -> None:
    whole = uninterrupted(way)
    run: impasto.Run = impasto.plan_stylize(photo(60, 80), painting(50, 60), **SMALL | WAYS[way])
    told = []
    for after in (2, 6):
        for step in run.steps():
            told.append(step.iteration)
            if step.iteration == after:
                break
    told += [step.iteration for step in run.steps()]
    result = run.finish()
    assert told == [*range(told[-1] + 1)] and torch.equal(result.picture.pixels, whole.picture.pixels)
    for name in ("losses", "steps", "events", "complete"):
        assert result.record[name] == whole.record[name]


def interrupted(run: impasto.Run, place: Any, name: str, at: int) -> None:
    """Take steps until Ctrl-C comes in the midst of that call."""
    count, call = itertools.count(1), getattr(place, name)

    def counted(*arguments: Any) -> Any:
        if next(count) == at:
            raise KeyboardInterrupt
        return call(*arguments)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(place, name, counted)
        list(run.steps())


def test_a_result_is_not_changed_by_what_comes_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    run: impasto.Run = impasto.plan_stylize(photo(60, 80), painting(50, 60), **SMALL)
    steps = run.steps()
    next(steps)
    before = run.result()
    monkeypatch.setattr(_Descent, "step", lambda self: "something happened")
    next(steps)
    assert before.record["events"] == [] and run.result().record["events"] == ["1: something happened"]


@pytest.mark.parametrize(
    ("way", "place", "name", "at"),
    [
        *((way, TermObjective, "value_and_grad", 7) for way in (0, 1)),
        *((way, place, name, at) for way in (0, 1) for place, name, at in ((TermObjective, "value_and_grad", 4), (Run, "_objective_at", 2))),
    ],
)  # fmt: skip
def test_a_run_that_was_interrupted_goes_on_as_if_it_had_not_been(
    way: int, place: Any, name: str, at: int, tmp_path: Path
) -> None:
    """In the midst of an evaluation, at the turn of the scales, and between them; a checkpoint does, too, and
    is not lost where it is interrupted before its first step.
    """
    settings = SMALL | WAYS[way]
    run: impasto.Run = impasto.plan_stylize(photo(60, 80), painting(50, 60), **settings)
    interrupted(run, place, name, at)
    run.checkpoint(tmp_path / "c")
    later: impasto.Run = impasto.plan_stylize(photo(60, 80), painting(50, 60), **settings)
    later.resume(tmp_path / "c")
    interrupted(later, Run, "_objective_at", 1)
    for each in (run, later):
        assert torch.equal(each.finish().picture.pixels, uninterrupted(way).picture.pixels)


@pytest.mark.usefixtures("small_looks")
def test_a_checkpoint_of_another_run_is_told(tmp_path: Path) -> None:
    cut_off(tmp_path / "c", 3)
    others: list[tuple[Any, Any, dict[str, Any], str]] = [
        (photo(60, 80), painting(50, 60), {"style_weight": 2}, r"with `style_weight` 1.0, not 2.0: ask for the same"),
        (photo(60, 80), painting(50, 60), {"size": 40, "scales": "auto"}, "with `size` 48, not 40"),
        (photo(60, 80, seed=5), painting(50, 60), {}, r"of other pictures"),
        (photo(60, 80), painting(50, 60, seed=5), {}, r"of other pictures"),
        (photo(60, 80), [(painting(50, 60), 0.5), (painting(50, 60), 0.5)], {}, r"of other pictures"),
    ]
    for content, style, settings, expected in others:
        run = impasto.plan_stylize(content, style, **SMALL | settings)
        with pytest.raises(CheckpointError, match=expected):
            run.resume(tmp_path / "c")
    with pytest.raises(CheckpointError, match=r"of another task"):
        impasto.plan_texture(painting(50, 60), **SMALL | {"recipe": "texture"}).resume(tmp_path / "c")
    with pytest.raises(SettingsError, match="no meaning with"):
        impasto.plan_stylize(photo(60, 80), painting(50, 60), method="fast").resume(tmp_path / "c")


@pytest.mark.usefixtures("small_looks")
@pytest.mark.parametrize(
    ("part", "wrong"),
    [
        *(("fit", {name: value}) for name in ("bytes", "slower", "kept") for value in ("9", None, -1, math.nan, True)),
        *(("fit", {name: value}) for name in ("tile", "history") for value in (0, -64, 64.0, "64")),
        ("fit", {"bytes": 10, "kept": 11}), ("fit", {"cut": []}),
        ("told", [{"other": 1.0}, [], [], [3]]), ("told", [{"total": "1"}, [], [], [3]]), ("told", [[], [], [], [3]]),
        ("told", [{"total": math.inf}, [], [], [3]]),
        ("told", [{}, [3], [], [3]]), ("told", [{}, [], ["3"], [3]]), ("told", [{}, [], [], ["3", 3]]), ("told", [{}, [], [], [-3]]),
        ("told", [{}, [], [], []]),
    ],
)  # fmt: skip
def test_what_no_run_tells_of_itself_is_not_believed(part: str, wrong: Any, tmp_path: Path) -> None:
    cut_off(tmp_path / "c", 3)
    state = checkpoint.load(tmp_path / "c")
    state[part] = wrong if part == "told" else state[part] | wrong
    checkpoint.save(tmp_path / "c", state)
    with pytest.raises(CheckpointError, match="is no checkpoint of a picture"):
        impasto.plan_stylize(photo(60, 80), painting(50, 60), **SMALL).resume(tmp_path / "c")


def test_less_memory_may_be_asked_of_the_rest(tmp_path: Path) -> None:
    cut_off(tmp_path / "c", 8)
    for memory, history in (("auto", 7), ("900MB", 2)):
        run = impasto.plan_stylize(photo(60, 80), painting(50, 60), **SMALL, memory=memory)
        run.fit = dataclasses.replace(run.fit, history=2)
        run.resume(tmp_path / "c")
        assert run.finish().record["history"] == history


@pytest.mark.slow
def test_a_killed_process_goes_on_to_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGKILL at random moments, a checkpoint after every step. Forked, for to load torch takes longest."""
    Image.fromarray(photo(150, 200)).save(tmp_path / "photo.png")
    Image.fromarray(painting(120, 160)).save(tmp_path / "painting.png")
    monkeypatch.chdir(tmp_path)
    command = ["stylize", "photo.png", "painting.png", "--size", "96", "--iterations", "200"]
    command += ["--optimizer", "lbfgs", "--snapshots", "10,40", "--quiet"]

    def finish(*more: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, [*command, *more])
        return done.exit_code, done.stderr

    assert finish("-o", "whole.png") == (0, "")
    kept = tmp_path / "cut.png.checkpoint"
    chance = random.Random(6)
    kills = 0
    more = ["-o", "cut.png", "--checkpoint-every", "0"]
    for _ in range(3):
        before = kept.stat().st_mtime_ns if kept.exists() else 0
        if (child := os.fork()) == 0:
            finish(*more, *(["--resume"] if before else ["--force"]))
            os._exit(0)
        while not (kept.exists() and kept.stat().st_mtime_ns > before):
            assert os.waitpid(child, os.WNOHANG) == (0, 0), "ended before it was killed: make it longer"
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.3))
        os.kill(child, signal.SIGKILL)
        kills += os.waitpid(child, 0)[1] == signal.SIGKILL
        assert not (tmp_path / "cut.png").exists(), "finished before it was killed: make it longer"
    assert kills == 3
    code, said = finish(*more)
    assert code == 2 and "--resume goes on with it" in said
    assert finish(*more, "--resume") == (0, "")
    assert not kept.exists()
    for name in ("{}.png", "{}-00010.png", "{}-00040.png"):
        whole, cut = (Image.open(tmp_path / name.format(each)) for each in ("whole", "cut"))
        assert np.array_equal(np.asarray(whole), np.asarray(cut))

"""Items that take long go on where they were cut off, to the same bytes; what has changed is seen."""

import contextlib
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from impasto.batch import items, share
from impasto.batch.batch import Batch
from impasto.batch.items import Pattern
from impasto.batch.ledger import Ledger
from impasto.batch.looks import Wish
from impasto.batch.plan import plan_batch
from impasto.jobs.job import Job
from impasto.progress import Progress
from impasto.tasks.run import Run
from tests.batches import failures, make_inputs, results, run
from tests.helpers import painting

pytestmark = pytest.mark.usefixtures("small_looks", "narrow")

LOOK: dict[str, Any] = {"recipe": "statistics", "iterations": 8, "scales": "single", "init": "noise"}
OPTIONS = [part for name, value in LOOK.items() for part in (f"--{name}", str(value))]


class Killed(BaseException):
    """Like a kill: nothing is saved any more."""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_inputs()


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The iterations that are computed; an entry -n in it beforehand kills at the n-th."""
    told: list[int] = []
    real = Run._progress

    def counted(self: Run, step: Any) -> Any:
        kill = told.pop(0) if told and told[0] < 0 else 0
        told.append(step.iteration)
        if kill:
            if step.iteration == -kill:
                raise Killed
            told.insert(0, kill)
        return real(self, step)

    monkeypatch.setattr(Run, "_progress", counted)
    return told


def one(*more: str) -> tuple[int, dict[str, Any], str]:
    return run("p/b.png", "wave.jpg", "-o", "out", *OPTIONS, *more)


def batch(content: str = "p", workers: int = 2, **settings: Any) -> Batch:
    own = {name: value for name, value in LOOK.items() if name != "recipe"} | settings
    ledger = Ledger(Path("out"))
    plan = plan_batch([content], "out", Wish((("wave.jpg", 1.0),), recipe=LOOK["recipe"], settings=own), ledger)
    return Batch(plan, ledger, workers=workers)


def whole() -> dict[str, bytes]:
    assert one()[0] == 0
    found = results()
    shutil.rmtree("out")
    return found


def test_what_was_killed_goes_on_from_its_checkpoint(monkeypatch: pytest.MonkeyPatch, steps: list[int]) -> None:
    first = whole()
    monkeypatch.setattr(items, "CHECKPOINT_EVERY", 0.0)
    steps[:] = [-6]
    with pytest.raises(Killed):
        one()
    assert not results() and [path.name for path in Path("out").glob("*.checkpoint")] == ["b-wave.png.checkpoint"]
    steps.clear()
    assert one()[0] == 0 and steps == [6, 7, 8] and results() == first
    assert not [*Path("out").glob("*.checkpoint")]


@pytest.mark.parametrize("how", ["signal", "closed"])
def test_what_is_asked_to_stop_leaves_a_checkpoint(monkeypatch: pytest.MonkeyPatch, steps: list[int], how: str) -> None:
    first = whole()
    steps.clear()
    if how == "signal":
        real = Run._progress

        def asked(self: Run, step: Any) -> Any:
            if step.iteration == 4:
                signal.raise_signal(signal.SIGTERM)
            return real(self, step)

        before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with monkeypatch.context() as patch:
            patch.setattr(Run, "_progress", asked)
            assert one()[0] == 143
        signal.signal(signal.SIGTERM, before)
    else:
        events = batch("p/b.png", workers=1, size=32, precision="float32").events()
        while not steps or steps[-1] < 4:
            next(events)
        events.close()
    assert steps[-1] == 4
    steps.clear()
    assert one()[0] == 0 and results() == first


@pytest.mark.parametrize("change", ["version", "damage"])
def test_no_other_checkpoint_is_gone_on_from(monkeypatch: pytest.MonkeyPatch, steps: list[int], change: str) -> None:
    monkeypatch.setattr(items, "CHECKPOINT_EVERY", 0.0)
    steps[:] = [-6]
    with monkeypatch.context() as patch:
        if change == "version":
            patch.setattr("impasto.tasks.run.__version__", "0.0")
        with pytest.raises(Killed):
            one()
    if change == "damage":
        path = Path("out/b-wave.png.checkpoint")
        path.write_bytes(path.read_bytes()[:-500])
    steps.clear()
    code, _, said = one()
    assert code == 0 and steps[0] == 0, said


def test_a_painting_that_changes_is_seen_in_the_same_process() -> None:
    job = Job("stylize", items.ANY, (("wave.jpg", 1.0),), settings={"method": "fast"})
    before = Pattern(job).digest
    Image.fromarray(painting(48, 48, 3)).save("wave.jpg")
    after = Pattern(job)
    assert after.digest != before and not after.has_changed()
    Path("wave.jpg").unlink()
    assert after.has_changed()


def test_a_painting_that_changes_meanwhile_is_no_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    real = share.Share._painted

    def meanwhile(self: share.Share, turn: Any) -> Iterator[Any]:
        if "b.png" in turn.item.content:
            Image.fromarray(painting(48, 48, 3)).save("other.jpg")
            Path("other.jpg").replace("wave.jpg")
        yield from real(self, turn)

    with monkeypatch.context() as patch:
        patch.setattr(share.Share, "_painted", meanwhile)
        code, _, _ = run("p", "wave.jpg", "-o", "out")
    assert code == 1 and all("has changed while" in row["reason"] for row in failures())
    assert run("p", "wave.jpg", "-o", "out")[0] == 0
    made = results()
    shutil.rmtree("out")
    assert run("p", "wave.jpg", "-o", "out")[0] == 0 and results() == made


@pytest.mark.slow
def test_workers_that_are_asked_to_stop_leave_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    at_work = set[int]()
    real = Batch._told

    def told(self: Batch, worker: int, progress: Progress) -> Progress:
        at_work.update([worker] * ("/4000" in progress.text))
        return real(self, worker, progress)

    monkeypatch.setattr(Batch, "_told", told)
    with contextlib.closing(batch(iterations=4000, size=64).events()) as events:
        while len(at_work) < 2:
            next(events)
    assert len([*Path("out").rglob("*.checkpoint")]) == 2

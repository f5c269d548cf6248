"""A batch on a Ray cluster: whatever joins, leaves or dies meanwhile, it makes what one process makes."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from impasto.batch.actor import Painter
from impasto.batch.cluster import Cluster, _Call, _Hand, connected
from impasto.batch.ledger import Ledger
from impasto.batch.looks import Wish
from impasto.batch.plan import plan_batch
from impasto.batch.stores import STATE, Place
from impasto.cli import app
from impasto.jobs.claims import MOST_TRIES
from tests.batches import SMALL, failures, filled_store, make_inputs, results, run, store_server, stored
from tests.clips import clip, decoded, drawn
from tests.helpers import photo

pytestmark = [
    pytest.mark.filterwarnings(f"ignore::{name}")  # of Ray's own
    for name in ("ResourceWarning", "pytest.PytestUnraisableExceptionWarning")
]
LOOK = ["--style-index", "rhone"]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("impasto.batch.cluster.LOOK", 0.1)  # a painter that dies is replaced at once
    make_inputs()


def test_without_ray_it_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    code, _, said = run("p", *LOOK, "-o", "out", "--ray", "auto")
    assert code == 1 and "pip install 'impasto[ray]'" in said and not results()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster as Nodes

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        # Half a minute is what Ray gives a node to start, which on a busy machine is not enough.
        slower = SimpleNamespace(sleep=time.sleep, time=time.time, monotonic=lambda: time.monotonic() / 10)
        patch.setattr("ray._private.node.time", slower)
        head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": 2**27}
        made = Nodes(initialize_head=True, head_node_args=head)
        yield made
        ray.shutdown()
        made.shutdown()


def arguments(address: str, *more: str) -> list[str]:
    return ["batch", "p", *LOOK, "-o", "out", "--ray", address, *SMALL[:-2], *more]


@pytest.mark.slow
def test_nodes_may_come_and_go_and_painters_die(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(21):
        Image.fromarray(photo(40, 48, number)).save(f"p/f{number}.jpg")
    happened: list[str] = []
    nodes = [cluster.add_node(num_cpus=1, object_store_memory=2**27)]
    feed = Cluster._feed

    def fed(self: Cluster) -> None:
        """In the middle of it, a node joins, a painter is killed, and the first node is taken away."""
        made, ready = len(results()), [hand for hand in self._hands if hand.ready is None]
        if not happened and made:
            nodes.append(cluster.add_node(num_cpus=1, object_store_memory=2**27))
            happened.append("joined")
        if happened == ["joined"] and len(ready) == 2 and all(hand.calls for hand in ready):
            self._ray.kill(ready[1].actor)
            happened.append("killed")
            return
        if len(happened) == 2 and len(ready) == 2 and all(hand.calls for hand in ready):
            cluster.remove_node(nodes.pop(0))
            happened.append("left")
        if len(happened) in (0, 3) or len(ready) == 2:
            feed(self)

    monkeypatch.setattr(Cluster, "_feed", fed)
    done = CliRunner().invoke(app, arguments(cluster.address, "--json"), catch_exceptions=False)
    report = json.loads(done.stdout)
    cluster.remove_node(nodes[0])
    assert done.exit_code == 0 and happened == ["joined", "killed", "left"], (done.stderr, happened)
    assert (report["failures"], report["left"], report["workers"]) == (0, 0, 2) and len(results()) == 24
    assert run("p", *LOOK, "-o", "whole")[0] == 0 and results("whole") == results()


@pytest.mark.slow
def test_a_killed_driver_is_begun_again_without_a_word(cluster: Any) -> None:
    for number in range(21):
        Image.fromarray(photo(40, 48, number)).save(f"p/f{number}.jpg")
    node = cluster.add_node(num_cpus=1, object_store_memory=2**27)
    command = [sys.executable, "-c", "from impasto.cli import app; app()", *arguments(cluster.address, "-q")]
    driver = subprocess.Popen(command)
    while not results():
        time.sleep(0.05)
    driver.kill()
    driver.wait()
    assert len(results()) < 24
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    cluster.remove_node(node)
    assert (again.returncode, again.stdout, again.stderr) == (0, "out\n", "")
    assert run("p", *LOOK, "-o", "whole")[0] == 0 and results("whole") == results()


def loses_the_first(
    cluster: Any, monkeypatch: pytest.MonkeyPatch, left: str, happened: Callable[[], None] = lambda: None
) -> list[Any]:
    """Two nodes, of which the one that paints is taken away once what it has ``left`` is there."""
    nodes = [cluster.add_node(num_cpus=1, object_store_memory=2**27) for _ in range(2)]
    feed = Cluster._feed

    def fed(self: Cluster) -> None:
        if len(nodes) == 2 and [*Path("out").glob(left)]:
            (gone,) = [node for node in nodes if node.node_id == self._hands[0].node]
            nodes.remove(gone)
            cluster.remove_node(gone)
            happened()
        feed(self)

    monkeypatch.setattr(Cluster, "_feed", fed)
    return nodes


@pytest.mark.slow
def test_an_optimisation_goes_on_on_another_node(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its node is taken away after a checkpoint; what is made elsewhere is what was never cut off."""

    class Hasty(Painter):
        """One that writes checkpoints all the time, and what it computes into a file."""

        def ready(self) -> tuple[str, str]:
            from impasto.batch import items
            from impasto.tasks.run import Run

            known = super().ready()
            real = Run._progress

            def told(run: Run, step: Any) -> Any:
                with Path("steps").open("a") as file:
                    file.write(f"{os.getpid()} {step.iteration}\n")
                return real(run, step)

            items.CHECKPOINT_EVERY = 0.0
            Run._progress = told  # type: ignore[method-assign,assignment]
            return known

    monkeypatch.setattr("impasto.batch.cluster.Painter", Hasty)
    nodes = loses_the_first(cluster, monkeypatch, "*.checkpoint")
    look = ["--recipe", "statistics", "--iterations", "80", "--scales", "single", "--init", "noise"]
    one = ["p/b.png", "wave.jpg", *look]
    command = ["batch", *one, "-o", "out", "--ray", cluster.address, *SMALL[:-2]]
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    cluster.remove_node(nodes[0])
    assert done.exit_code == 0 and len(nodes) == 1, done.stderr
    steps: dict[str, list[int]] = {}
    for line in Path("steps").read_text().splitlines():
        steps.setdefault(line.split()[0], []).append(int(line.split()[1]))
    first, second = steps.values()
    assert first[0] == 0 and 0 < second[0] <= first[-1] + 1 and second[-1] == 80, steps
    assert run(*one, "-o", "whole")[0] == 0 and results("whole") == results()


@pytest.mark.slow
def test_a_film_goes_on_on_another_node(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its node is taken away after a part; what is made elsewhere has the frames of one never cut off."""
    clip(Path("p/c.mkv"), drawn(12), codec="ffv1", form="bgr0", options={})

    class Hasty(Painter):
        """One that makes parts of two frames, notes what it paints, and waits in the film to be lost."""

        def ready(self) -> tuple[str, str]:
            from impasto.video.fast import Fast
            from impasto.video.groups import Group
            from impasto.video.painting import Painting

            known = super().ready()
            real = Painting._progress

            def told(work: Painting, group: Group, *rest: Any) -> Any:
                with Path("frames").open("a") as file:
                    file.write(f"{os.getpid()} {work._count}\n")
                while work._count > 6 and not Path("gone").exists():
                    time.sleep(0.1)
                return real(work, group, *rest)

            Fast.LENGTH = 2
            Painting._progress = told  # type: ignore[method-assign,assignment]
            return known

    monkeypatch.setattr("impasto.batch.cluster.Painter", Hasty)
    nodes = loses_the_first(cluster, monkeypatch, "*.parts/*.state", Path("gone").touch)
    one = ["p/c.mkv", "--style-index", "3", "--network", "multistyle26"]
    command = ["batch", *one, "-o", "out", "--ray", cluster.address, *SMALL[:-2]]
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    cluster.remove_node(nodes[0])
    assert done.exit_code == 0 and len(nodes) == 1, done.stderr
    painted: dict[str, list[int]] = {}
    for line in Path("frames").read_text().splitlines():
        painted.setdefault(line.split()[0], []).append(int(line.split()[1]))
    first, second = painted.values()
    assert first[0] == 1 and 2 < second[0] <= first[-1] + 1 and second[-1] == 12, painted
    monkeypatch.setattr("impasto.video.fast.Fast.LENGTH", 2)  # every part begins with a whole frame
    assert run(*one, "-o", "whole")[0] == 0
    ways = [decoded(Path(folder, "c-3.mkv")) for folder in ("out", "whole")]
    assert ways[0][0] == ways[1][0] and all(map(np.array_equal, ways[0][1], ways[1][1]))
    assert not Path("out/c-3.mkv.parts").exists()


@pytest.mark.slow
def test_in_a_store_nodes_need_no_folder_in_common(cluster: Any) -> None:
    with store_server():
        store = filled_store()
        node = cluster.add_node(num_cpus=1, object_store_memory=2**27)
        store.pipe_file("box/p/bad.jpg", b"no picture")
        whole = ["batch", "s3://box/p", "s3://box/wave.jpg", "-o", "s3://box/out", *SMALL[:-2], "--json"]
        done = CliRunner().invoke(app, [*whole, "--ray", cluster.address], catch_exceptions=False)
        cluster.remove_node(node)
        report = json.loads(done.stdout or "{}")
        assert report, done.stderr
        assert (done.exit_code, report["done_now"], report["failures"]) == (1, 3, 1), done.stderr
        assert len(store.glob("box/out/.impasto/index-ray*")) == 1 and len(store.glob("box/out/errors*")) == 1
        again = CliRunner().invoke(app, [*whole, "--dry-run"], catch_exceptions=False)
        assert [json.loads(again.stdout)[kind] for kind in ("done", "failed", "to_do")] == [3, 1, 0]
        assert run("p", "wave.jpg", "-o", "out")[0] == 0 and stored(store) == results()


class NoRay:
    """A cluster of one node, on which everything that is begun dies."""

    def nodes(self) -> list[dict[str, Any]]:
        return [{"NodeID": "n", "Alive": True}]

    def kill(self, actor: Any) -> None:
        pass


def test_what_kills_its_painters_fails_and_the_rest_is_given_back() -> None:
    ledger = Ledger(Path("out"))
    plan = plan_batch(["p"], "out", Wish(style_indices=("rhone",)), ledger)
    Path("out").mkdir()
    cluster = Cluster("", plan.place, plan.to_do, None, "cpu")
    cluster._ray = NoRay()
    told: list[Any] = []
    taken = [cluster._next(4)]
    assert taken[0] == plan.to_do
    for _ in range(MOST_TRIES):
        hand = _Hand(0, None, None, "n", deque([_Call(taken[-1], None, {"made": 2.0 if len(taken) == 1 else 0})]))
        cluster._hands.append(hand)
        told += cluster._lost(hand, RuntimeError())
        taken.append(cluster._next(4))
    assert [[item.output for item in items] for items in taken[1:]] == [["x/c-rhone.jpg"], ["x/c-rhone.jpg"], []]
    ((number, progress),) = told
    assert number == 0 and progress.counts["failed"] == 1 and progress.counts["made"] == 2
    assert "3 workers have died of it" in progress.event and "3 workers" in Path("out/errors-ray.jsonl").read_text()
    hand = _Hand(1, None, None, "gone", deque([_Call(plan.to_do[:1], None), _Call(plan.to_do[1:2], None)]))
    cluster._hands.append(hand)
    assert not [*cluster._lost(hand, RuntimeError())] and len(cluster._tries) == 1 and not cluster._hands
    assert cluster._next(4) == plan.to_do[:2]


def test_who_tells_nothing_any_more_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """All items hang: each is tried again and again by new painters, and fails at last."""

    class Silent(NoRay):
        def wait(self, refs: list[Any], **_: Any) -> tuple[list[Any], list[Any]]:
            return [], refs

    given: list[list[str]] = []

    def paint(items: dict[str, Any], ahead: int) -> object:
        given.append([each[1] for each in items["items"]])
        return object()

    actor = SimpleNamespace(paint=SimpleNamespace(options=lambda **_: SimpleNamespace(remote=paint)))

    def grown(self: Cluster) -> None:
        if not self._hands:
            self._hands.append(_Hand(0, actor, None, "n"))

    monkeypatch.setattr("impasto.batch.cluster.connected", lambda _: contextlib.nullcontext(Silent()))
    monkeypatch.setattr("impasto.batch.cluster.SILENT", 0.0)
    monkeypatch.setattr(Cluster, "_grow", grown)
    ledger = Ledger(Path("out"))
    plan = plan_batch(["p"], "out", Wish(style_indices=("rhone",)), ledger)
    Path("out", STATE).mkdir(parents=True)
    told = [*Cluster("", plan.place, plan.to_do, None, "cpu").events()]
    assert len(told) == len(plan.to_do) == told[-1][1].counts["failed"] == 3 and not results()
    assert all("told nothing any more" in progress.event for _, progress in told)
    for item in plan.to_do:
        assert sum(item.output in each for each in given) >= MOST_TRIES and [item.output] in given
    ledger.read_failures()
    assert {*ledger.failed} == {item.output for item in plan.to_do}


def test_what_waits_to_be_heard_after_a_standstill_is_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process stood still for longer than painters may be silent; only one of three has told nothing."""

    class Waiting(NoRay):
        def wait(self, refs: list[Any], **_: Any) -> tuple[list[Any], list[Any]]:
            return [ref for ref in refs if ref != "none"][:1], []

    heard: list[int] = []
    hands = [_Hand(number, None, None, "n", deque([_Call([], events)])) for number, events in enumerate("ab")]
    hands.append(_Hand(2, None, None, "n", deque([_Call([], "none")])))
    for hand in hands:
        hand.heard -= 7200

    def told(self: Cluster, hand: _Hand) -> Iterator[Any]:
        heard.append(hand.number)
        hand.heard = time.monotonic()
        hand.calls.clear()
        yield from ()

    def lost(self: Cluster, hand: _Hand, _: Exception) -> Iterator[Any]:
        heard.append(-hand.number)
        self._hands.remove(hand)
        yield from ()

    monkeypatch.setattr("impasto.batch.cluster.connected", lambda _: contextlib.nullcontext(Waiting()))
    for name, instead in {"_grow": lambda _: None, "_let_go": lambda _: None, "_hear": told, "_lost": lost}.items():
        monkeypatch.setattr(Cluster, name, instead)
    cluster = Cluster("", Place("out"), [], None, "cpu")
    cluster._hands = hands
    assert not [*cluster.events()] and sorted(heard) == [-2, 0, 1]


@pytest.mark.parametrize("there", [True, False])
def test_ray_is_silenced_where_that_is_possible(there: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own module may change: what is not there is neither needed nor made."""
    own = SimpleNamespace(**({"print_to_stdstream": print} if there else {}))
    during: list[dict[str, Any]] = []
    ray = SimpleNamespace(
        is_initialized=lambda: False,
        init=lambda *_, **__: None,
        shutdown=lambda: during.append({**vars(own)}),
        exceptions=SimpleNamespace(RayError=OSError),
    )
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setitem(sys.modules, "ray._private", SimpleNamespace(worker=own))
    with connected("auto") as found:
        assert found is ray and [*vars(own).values()] != [print]
    assert [*vars(own).values()] == [print] * there and [*during[0].values()] != [print]
    monkeypatch.setitem(sys.modules, "ray._private", None)
    with connected("auto") as found:
        assert found is ray
    assert len(during) == 2


@pytest.mark.slow
def test_hostile_photographs_cost_nothing_but_themselves(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One kills its painters, one raises what cannot be sent, one has a name that is no UTF-8; standard
    output holds the report alone.
    """

    class Hurt(Painter):
        def ready(self) -> tuple[str, str]:
            from impasto.batch.items import Item

            real = Item.work

            def work(item: Item, *rest: Any) -> Any:
                if item.content.endswith("b.png"):
                    os._exit(9)
                if item.content.endswith("c.jpg"):
                    raise ValueError(threading.Lock())
                return real(item, *rest)

            Item.work = work  # type: ignore[method-assign, assignment]
            return super().ready()

    monkeypatch.setattr("impasto.batch.cluster.Painter", Hurt)
    monkeypatch.setattr("impasto.batch.cluster.MOST_TRIES", 2)
    Path(os.fsdecode(b"p/\xff\xfe.jpg")).write_bytes(Path("p/a.jpg").read_bytes())
    node = cluster.add_node(num_cpus=1, object_store_memory=2**27)
    done = CliRunner().invoke(app, arguments(cluster.address, "--json"), catch_exceptions=False)
    cluster.remove_node(node)
    report = json.loads(done.stdout)
    assert (done.exit_code, report["failures"], report["left"]) == (1, 2, 0), done.stderr
    assert [*results()] == ["a-rhone.jpg", os.fsdecode(b"\xff\xfe-rhone.jpg")]
    reasons = {row["content"]: row["reason"] for row in failures()}
    assert "workers have died of it" in reasons["p/b.png"] and "ValueError" in reasons["p/x/c.jpg"]
    assert not [*Path("out").rglob("*.partial")]

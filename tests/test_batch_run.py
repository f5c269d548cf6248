"""A batch carried out: each photograph once, whatever fails, whenever it is stopped, whoever is at work."""

import json
import os
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from impasto.batch import items, ledger, manifest, share, watching
from impasto.batch.ledger import Ledger
from impasto.batch.looks import Wish
from impasto.batch.plan import plan_batch
from impasto.batch.stores import STATE
from impasto.cli import app
from impasto.errors import OutputError
from impasto.jobs.claims import Claims, _claim
from impasto.jobs.deliver import Work
from impasto.jobs.shared import Folder
from impasto.pictures import codecs, reading
from impasto.progress import Progress
from impasto.tasks import record
from tests.batches import SMALL, failures, make_inputs, results, run
from tests.helpers import photo

pytestmark = pytest.mark.usefixtures("small_looks")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_inputs()


def test_each_is_painted_once() -> None:
    code, report, said = run("p", "wave.jpg", "-o", "out")
    assert code == 0 and report["done_now"] == report["total"] == 3 and "3 new" in said
    first = results()
    assert [*first] == ["a-wave.jpg", "b-wave.png", "x/c-wave.jpg"]
    assert report["seconds"]["paint"] > 0 and report["pictures_per_s"] > 0 and report["errors"] == []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Work, "__init__", None)  # nothing is prepared
        code, report, said = run("p", "wave.jpg", "-o", "out")
    assert code == 0 and (report["done"], report["done_now"]) == (3, 0) and results() == first
    Image.fromarray(photo(40, 48, 9)).save("p/a.jpg")
    Image.fromarray(photo(40, 48, 8)).save("p/x/d.jpg")
    code, report, _ = run("p", "wave.jpg", "-o", "out", "--dry-run")
    assert code == 0 and [report[kind] for kind in ("new", "changed", "done")] == [1, 1, 2]
    code, report, _ = run("p", "wave.jpg", "-o", "out")
    again = results()
    assert code == 0 and report["done_now"] == 2 and again["a-wave.jpg"] != first["a-wave.jpg"]
    assert {name: again[name] for name in ("b-wave.png", "x/c-wave.jpg")}.items() <= first.items()


def test_what_is_finished_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a hundred thousand, each look more is a second, and the folder of results is never gone through."""
    assert run("p", "wave.jpg", "-o", "out")[0] == 0
    looks: Counter[str] = Counter()
    listed: list[str] = []
    stat, scandir = os.stat, os.scandir

    def looked(path: Any, *args: Any, **options: Any) -> os.stat_result:
        looks[str(path)] += 1
        return stat(path, *args, **options)

    def list_of(path: Any = ".") -> Any:
        listed.append(str(path))
        return scandir(path)

    monkeypatch.setattr(os, "stat", looked)
    monkeypatch.setattr(os, "scandir", list_of)
    assert run("p", "wave.jpg", "-o", "out")[1]["done"] == 3
    names = ["p/a.jpg", "p/b.png", "p/x/c.jpg", "out/a-wave.jpg", "out/b-wave.png", "out/x/c-wave.jpg"]
    assert [looks[name] for name in names] == [1] * 6
    assert sorted({path for path in listed if path.startswith(("p", "out"))}) == ["out/.impasto", "p", "p/x"]


def test_a_result_is_what_stylize_makes() -> None:
    run("p/a.jpg", "wave.jpg", "-o", "out", "--name", "{stem}.png")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    done = CliRunner().invoke(app, ["stylize", "p/a.jpg", "wave.jpg", "--method", "fast", "-o", "one.png", *SMALL[:-2]])
    torch.set_num_threads(threads)
    assert done.exit_code == 0
    assert torch.equal(codecs.load("out/a.png").pixels, codecs.load("one.png").pixels)
    told = record.read(Path("out/a.png"))
    assert len(told["key"]) == 32 and told["inputs"] == ["a.jpg", "wave.jpg"] and not Path("out/a.png.json").exists()


def test_what_is_touched_is_looked_at_and_kept() -> None:
    assert run("p", "wave.jpg", "-o", "out")[0] == 0, failures()
    first = results()
    for path in Path("p").rglob("*.*"):
        os.utime(path, (1, 1))
    code, report, _ = run("p", "wave.jpg", "-o", "out")
    assert code == 0 and (report["changed"], report["done_already"], report["done_now"]) == (3, 3, 0)
    shutil.rmtree(Path("out", STATE))
    code, report, _ = run("p", "wave.jpg", "-o", "out")
    assert report["done_already"] == 3 and run("p", "wave.jpg", "-o", "out")[1]["done"] == 3 and results() == first
    code, report, _ = run("p", "wave.jpg", "-o", "out", "--strength", "0.4")
    assert report["done_now"] == 3 and not first.items() & results().items()


def test_what_has_neither_another_size_nor_another_time_is_taken_for_the_same() -> None:
    assert run("p", "wave.jpg", "-o", "out")[0] == 0
    path, before = Path("p/a.jpg"), Path("p/a.jpg").stat()
    path.write_bytes(path.read_bytes()[::-1])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert run("p", "wave.jpg", "-o", "out", "--dry-run")[1]["done"] == 3
    Path("out/b-wave.png").unlink()
    os.utime(path)
    report = run("p", "wave.jpg", "-o", "out", "--dry-run")[1]
    assert [report[kind] for kind in ("new", "changed", "done")] == [1, 1, 1]


def test_without_records_the_index_knows() -> None:
    for made in (3, 0):
        assert run("p", "wave.jpg", "-o", "out", "--no-metadata")[1]["done_now"] == made
    Path("out/a-wave.jpg").write_bytes(b"edited")
    code, _, said = run("p", "wave.jpg", "-o", "out", "--no-metadata")
    assert code == 1 and "are no longer" in said and Path("out/a-wave.jpg").read_bytes() == b"edited"


def test_what_fails_is_named_and_the_rest_goes_on() -> None:
    Path("p/0.jpg").write_bytes(b"")
    Path("p/cut.jpg").write_bytes(Path("p/a.jpg").read_bytes()[:700])
    Path("p/text.png").write_text("no picture")
    Image.fromarray(photo(4, 48)).save("p/thin.png")
    os.mkfifo("pipe")
    Path("list.txt").write_text("p/gone.jpg\npipe\n")
    code, report, said = run("p", "list.txt", "wave.jpg", "-o", "out")
    assert code == 1 and (report["done_now"], report["failures"], report["left"]) == (3, 6, 0)
    found = {row["content"]: row["reason"] for row in failures()}
    assert [*sorted(found)] == ["p/0.jpg", "p/cut.jpg", "p/gone.jpg", "p/text.png", "p/thin.png", "pipe"]
    assert "empty" in found["p/0.jpg"] and "cut off" in found["p/cut.jpg"] and "p/cut.jpg" in said
    code, report, _ = run("p", "list.txt", "wave.jpg", "-o", "out")
    assert code == 1 and (report["failed"], report["done"], report["done_now"]) == (6, 3, 0) and len(failures()) == 6
    shutil.copy("p/a.jpg", "p/cut.jpg")  # what has changed is tried again by itself
    code, report, _ = run("p", "list.txt", "wave.jpg", "-o", "out")
    assert (report["done_now"], report["failed"]) == (1, 5) and "p/cut.jpg" not in {
        row["content"] for row in failures()
    }
    code, report, _ = run("p", "list.txt", "wave.jpg", "-o", "out", "--retry-failed", "--max-failures", "1")
    assert code == 1 and report["stopped"] and 2 <= report["failures"] < 5
    for name in ("p/0.jpg", "p/text.png", "p/thin.png", "list.txt", "pipe"):
        Path(name).unlink()
    code, report, _ = run("p", "wave.jpg", "-o", "out", "--retry-failed")
    assert code == 0 and not Path("out/errors.jsonl").exists()


def test_a_broken_photograph_is_decoded_once_for_all_its_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read with `allow_truncated` is another matter; and it may be mended meanwhile."""
    photograph, decoded, real = Path("p/a.jpg").read_bytes(), list[str](), reading._told
    Path("p/a.jpg").write_bytes(photograph[:-300])

    def counted(source: Any, read: Any) -> Any:
        decoded.append(str(source))
        return real(source, read)

    monkeypatch.setattr(reading, "_told", counted)
    own: dict[str, Any] = {"content": "p/a.jpg", "style": ["wave.jpg", "kiss.png"]}
    rows = [own | {"output": f"{each}.png", "strength": 0.1 * (each + 1)} for each in range(3)]
    rows.append(rows[0] | {"allow_truncated": True, "output": "3.png"})
    Path("all.jsonl").write_text("\n".join(map(json.dumps, rows)))
    code, report, said = run("all.jsonl", "-o", "out")
    assert (code, report["done_now"], report["failures"]) == (1, 1, 3) and said.count("it is cut off") == 3
    assert len({row["reason"] for row in failures()}) == 1 and [*results()] == ["3.png"]
    assert decoded.count("p/a.jpg") == 3, "refused once, read once, and asked what it says of itself"
    Path("p/a.jpg").write_bytes(photograph)
    assert run("all.jsonl", "-o", "out")[0] == 0 and len(results()) == 4


def test_a_painting_that_goes_away_is_the_failure_of_its_items() -> None:
    """In a process that begins when it is gone."""
    wish = Wish((("wave.jpg", 1.0), ("kiss.png", 1.0)), each_style=True, settings={"size": 32, "precision": "float32"})
    plan = plan_batch(["p"], "out", wish, Ledger(Path("out")))
    Path("out", STATE).mkdir(parents=True)
    Path("wave.jpg").unlink()
    told = [*share.Share.of("out", json.loads(json.dumps(items.dictionary(plan.to_do))), 1).events()]
    assert told[-1].counts["failed"] == told[-1].counts["made"] == 3 == len(results())
    assert all("wave.jpg cannot be read" in row["reason"] for row in failures())
    Path("wave.jpg").write_bytes(Path("kiss.png").read_bytes())
    code, report, _ = run("p", "--style", "wave.jpg", "--style", "kiss.png", "--each-style", "-o", "out")
    assert (code, report["done_now"], report["failures"]) == (0, 3, 0)


def test_a_warning_names_its_picture() -> None:
    shades = np.dstack([photo(40, 48), np.full((40, 48), 99, np.uint8)])
    Image.fromarray(shades).save("p/clear.png")
    code, _, said = run("p", "wave.jpg", "-o", "out", "--name", "{stem}.jpg")
    assert code == 0 and "impasto: p/clear.png: JPEG cannot hold transparency" in said


def test_a_full_disk_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, row: dict[str, Any]) -> None:
        raise OutputError("no space")

    monkeypatch.setattr("impasto.batch.ledger._append", full)
    code, _, said = run("p", "wave.jpg", "-o", "out")
    assert code == 1 and "no space" in said


def test_memory_that_ends_is_a_failure_like_others(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Work.__init__

    def hungry(self: Work, job: Any, **options: Any) -> None:
        if "b.png" in job.content:
            raise MemoryError
        real(self, job, **options)

    monkeypatch.setattr(Work, "__init__", hungry)
    code, report, _ = run("p", "wave.jpg", "-o", "out")
    assert code == 1 and report["done_now"] == 2 and "not enough memory" in failures()[0]["reason"]


def test_a_photograph_that_changes_meanwhile_is_painted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Work.__init__

    def slow(self: Work, job: Any, **options: Any) -> None:
        real(self, job, **options)
        if "b.png" in job.content:
            Image.fromarray(photo(40, 48, 7)).save("p/b.png")

    with monkeypatch.context() as patch:
        patch.setattr(Work, "__init__", slow)
        code, report, said = run("p", "wave.jpg", "-o", "out")
    assert code == 1 and report["failures"] == 1 and "has changed while it was painted" in said
    code, report, _ = run("p", "wave.jpg", "-o", "out")
    assert code == 0 and report["done_now"] == 1 and not failures()


def test_the_optimiser_is_one_of_the_ways(narrow: None) -> None:
    look = {"method": "iterative", "size": 32, "iterations": 3, "scales": "single", "protect": "p/b.png:0.2"}
    rows = [{"content": name} | look for name in ("p/a.jpg", "p/b.png")]
    Path("all.jsonl").write_text("\n".join(map(json.dumps, rows)))
    code, report, said = run("all.jsonl", "wave.jpg", "-o", "out")
    assert code == 0 and report["done_now"] == 2, said
    first = results()
    shutil.rmtree("out")
    assert run("all.jsonl", "--style", "wave.jpg", "-o", "out")[0] == 0 and results() == first


def test_being_asked_to_stop_keeps_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    run("p", "wave.jpg", "-o", "whole")
    real, seen = share.Share._painted, list[str]()

    def asked(self: share.Share, turn: Any) -> Iterator[Any]:
        seen.append(turn.item.output)
        if len(seen) == 2:
            signal.raise_signal(signal.SIGTERM)
        yield from real(self, turn)

    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with monkeypatch.context() as patch:
        patch.setattr(share.Share, "_painted", asked)
        code, report, said = run("p", "wave.jpg", "-o", "out")
    signal.signal(signal.SIGTERM, before)
    assert code == 143 and report["stopped"] and report["left"] >= 1 and "the same command goes on" in said
    assert results().items() < results("whole").items() and report["done_now"] == len(results())
    code, report, _ = run("p", "wave.jpg", "-o", "out")
    assert code == 0 and results() == results("whole")
    assert not [*Path("out").rglob("*.partial")] and not [*Path("out").rglob("*.lock")]


def test_half_a_line_of_the_index_is_no_harm() -> None:
    run("p", "wave.jpg", "-o", "out")
    index = Path("out", STATE, "index.jsonl")
    index.write_bytes(index.read_bytes()[:-40])
    Image.fromarray(photo(40, 48, 8)).save("p/x/d.jpg")
    code, report, _ = run("p", "wave.jpg", "-o", "out")
    assert code == 0 and (report["done"], report["done_already"], report["done_now"]) == (2, 1, 1)
    assert run("p", "wave.jpg", "-o", "out")[1]["done"] == 4


def test_paths_come_through_a_pipe_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that are not UTF-8, too, and behind the mark that some systems begin a text with."""
    Path(os.fsdecode(b"p/\xff.jpg")).write_bytes(Path("p/a.jpg").read_bytes())
    code, _, _ = run("-", "wave.jpg", "-o", "out", input=b"\xef\xbb\xbfp/a.jpg\0p/\xff.jpg\0")
    assert code == 0 and [*results()] == ["a-wave.jpg", os.fsdecode(b"\xff-wave.jpg")]
    code, report, _ = run("-", "-o", "none", "--dry-run", input="p/a.jpg\np/b.png\n")
    assert code == 2 and not report  # neither of them is the painting
    monkeypatch.setattr(manifest, "LONGEST", 8)
    code, _, said = run("-", "wave.jpg", "-o", "out", input="p/a.jpg\0p/x/c.jpg\0")
    assert code == 2 and "standard input has more than" in said


def test_shards_share_a_folder() -> None:
    made = 0
    for number in (1, 2, 3):
        code, report, said = run("p", "wave.jpg", "-o", "out", "--shard", f"{number}/3")
        assert code == 0 and f"part {number}-of-3" in said
        made += report["done_now"]
    assert made == 3 and run("p", "wave.jpg", "-o", "out")[1]["done"] == 3
    code, _, said = run("p", "wave.jpg", "-o", "out", "--shard", "1/3", "--claim")
    assert code == 2 and "--shard and --claim are two ways" in said


def test_two_at_once_are_told() -> None:
    os.environ.pop("RANK", None)
    from impasto.machine.claim import claimed

    Path("out", STATE).mkdir(parents=True)
    with claimed(Path("out", STATE, "batch")):
        code, _, said = run("p", "wave.jpg", "-o", "out")
    assert code == 1 and "is being made by process" in said


def test_claims_share_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(share, "WAIT", 0.05)
    with Claims(Folder(Path("out", STATE, "claims"))) as other:
        assert other.take("b-wave.png") == 1
        timer = threading.Timer(1.0, other.give_back, ["b-wave.png"])
        timer.start()
        code, report, _ = run("p", "wave.jpg", "-o", "out", "--claim")
        timer.join()
    assert code == 0 and report["done_now"] == 3 and not [*Path("out", STATE, "claims").iterdir()]
    assert run("p", "wave.jpg", "-o", "out")[1]["done"] == 3


def test_what_another_has_made_meanwhile_is_not_even_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    run("p", "wave.jpg", "-o", "other")
    rows = [json.loads(line) for line in Path("other", STATE, "index.jsonl").read_text().splitlines()]
    real, taken = Claims.take, list[str]()

    def take(self: Claims, output: str) -> int | None:
        if not taken:
            Path("out/x").mkdir()
            shutil.copy("other/x/c-wave.jpg", "out/x/c-wave.jpg")
            (made,) = [json.dumps(row) for row in rows if row["output"] == "x/c-wave.jpg"]
            Path("out", STATE, "index-other.jsonl").write_text(f'{made}\n{{"output": "half')
        taken.append(output)
        return real(self, output)

    monkeypatch.setattr(Claims, "take", take)
    monkeypatch.setattr(ledger, "NEWS", 0.0)
    monkeypatch.setattr("random.sample", lambda items, count: [*items])
    code, report, _ = run("p", "wave.jpg", "-o", "out", "--claim")
    assert code == 0 and (report["done_now"], report["done_already"], report["left"]) == (2, 1, 0)
    assert taken == ["a-wave.jpg", "b-wave.png"] and results() == results("other")


def test_who_claims_names_the_lists_that_name_the_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of another process, and a call that is no part of others gathers them."""
    monkeypatch.setattr("platform.node", lambda: "host")
    lists = []
    for number, name in enumerate(("0.jpg", "1.jpg", "")):
        monkeypatch.setattr("impasto.cli.batch.os", SimpleNamespace(getpid=lambda number=number: number))
        lists.append(f"out/errors-host-{number}.jsonl")
        if name:
            Path("p", name).write_bytes(b"")
        code, report, said = run("p", "wave.jpg", "-o", "out", "--claim")
        assert code == 1 and report["failures"] == min(number + 1, 2)
        assert report["errors"] == lists[:2] and f"named in {', '.join(report['errors'])}" in said
    assert not Path(lists[2]).exists()
    assert run("p", "wave.jpg", "-o", "out")[1]["errors"] == ["out/errors.jsonl"] and len(failures()) == 2


def test_what_another_makes_while_it_is_planned_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where results carry no keys."""
    look = ["p", "wave.jpg", "--no-metadata", "-o"]
    run(*look, "other")
    real, calls = Ledger.read, list[None]()

    def read(self: Ledger) -> None:
        real(self)
        if not calls:
            shutil.copytree("other/x", "out/x")
            shutil.copytree(Path("other", STATE), Path("out", STATE))
        calls.append(None)

    monkeypatch.setattr(Ledger, "read", read)
    code, report, said = run(*look, "out", "--claim")
    assert code == 0 and (report["new"], report["done"], report["done_now"]) == (2, 1, 2), said
    shutil.copy("wave.jpg", "out/x/c-wave.jpg")
    code, report, said = run(*look, "out", "--claim")
    assert code == 1 and not report and "1 files are where results would be" in said


def test_what_another_has_failed_at_is_not_tried_by_all() -> None:
    Path("p/0.jpg").write_bytes(b"")
    ledger = Ledger(Path("out"), "-other")
    real = Claims.take

    def late(self: Claims, output: str) -> int | None:
        if output == "0-wave.jpg":
            row = {
                "output": output,
                "content": "p/0.jpg",
                "pattern": digest(),
                "seen": [0, Path("p/0.jpg").stat().st_mtime_ns],
            }
            Path("out", STATE, "index-other.jsonl").touch()
            Path("out/errors-other.jsonl").write_text(json.dumps(row | {"at": 1e12, "error": "", "reason": ""}) + "\n")
        return real(self, output)

    def digest() -> str:
        run("p/a.jpg", "wave.jpg", "-o", "probe")
        wish = Wish((("wave.jpg", 1.0),), settings={"size": 32, "precision": "float32"})
        return plan_batch(["p/a.jpg"], "probe", wish, Ledger(Path("probe"))).items[0].pattern.digest

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Claims, "take", late)
        _, report, _ = run("p", "wave.jpg", "-o", "out", "--claim")
    assert report["done_now"] == 3 and report["left"] == 0 and not ledger.made
    # A worker that begins only then knows but what the plan knew; what is tried again is tried once.
    patterned = {"output": "0-wave.jpg", "content": "p/0.jpg", "error": "", "reason": ""} | {"pattern": digest()}
    failed = patterned | {"seen": [0, Path("p/0.jpg").stat().st_mtime_ns]}
    wish = Wish((("wave.jpg", 1.0),), settings={"size": 32, "precision": "float32"})
    plan = plan_batch(["p/0.jpg"], "late", wish, Ledger(Path("late")))
    Path("late", STATE).mkdir(parents=True)
    Path("late", STATE, "index-other.jsonl").touch()
    for at, tried, end in (
        (1.0, {}, "passed"),
        (1.0, {"0-wave.jpg": 1.0}, "failed"),
        (2.0, {"0-wave.jpg": 1.0}, "passed"),
    ):
        Path("late/errors-other.jsonl").write_text(json.dumps(failed | {"at": at}) + "\n")
        worker = share.Share(Path("late"), plan.to_do, part="-own", claims=True, tried=tried)
        assert [*worker.events()][-1].counts[end] == 1
        Path("late/errors-own.jsonl").unlink(missing_ok=True)
    run("p", "wave.jpg", "-o", "out")  # who is alone gathers what all have failed at
    assert [row["content"] for row in failures()] == ["p/0.jpg"] and len([*Path("out").glob("errors*")]) == 1


def died(folder: Path, worker: Claims) -> None:
    """As if it had not touched its file for longer than a claim is good for."""
    path = folder / f"{worker._name}.worker"
    os.utime(path, (path.stat().st_mtime - 100,) * 2)


def test_stale_claims_are_taken_over(tmp_path: Path) -> None:
    folder = tmp_path / "claims"
    dead, living = (Claims(Folder(folder), beat=60, stale=50) for _ in range(2))
    with dead, living:
        assert dead.take("a") == 1 and living.take("a") is None and dead.take("a") is None
        died(folder, dead)
        assert living.take("a") == 2 and dead.take("a") is None
        dead.give_back("a")  # it is not his any more
        assert len([*folder.glob("*.claim")]) == 2 and dead.take("a") is None
        living.give_back("a")
        assert dead.take("a") == 1
    assert [*folder.iterdir()] == []
    with Claims(Folder(folder), beat=60, stale=50) as killed:  # between two steps, or long ago
        (folder / _claim("b", 1)).touch()
        assert killed.take("b") is None
        os.utime(folder / _claim("b", 1), (1, 1))
        assert killed.take("b") == 2
        (folder / _claim("c", 1)).write_text("nobody")
        assert killed.take("c") is None
        os.utime(folder / _claim("c", 1), (1, 1))
        assert killed.take("c") == 2
    with Claims(Folder(folder), beat=0.02, stale=50) as beating:
        (path,) = folder.glob(f"{beating._name}.worker")
        os.utime(path, (1, 1))
        for _ in range(200):
            if path.stat().st_mtime > 1:
                break
            threading.Event().wait(0.02)
        assert path.stat().st_mtime > 1


def test_only_one_of_many_takes_a_stale_claim(tmp_path: Path) -> None:
    """Of a way by renaming, two did in one of five rounds."""
    for turn in range(20):
        folder = tmp_path / str(turn)
        with Claims(Folder(folder), beat=60, stale=50) as dead:
            for number in range(20):
                dead.take(str(number))
            died(folder, dead)
            workers = [Claims(Folder(folder), beat=60, stale=50) for _ in range(4)]
            got: list[list[str]] = [[] for _ in workers]

            def take(number: int, workers: list[Claims] = workers, got: list[list[str]] = got) -> None:
                got[number] += [each for each in map(str, range(20)) if workers[number].take(each) == 2]

            threads = [threading.Thread(target=take, args=(number,)) for number in range(4)]
            for each in threads:
                each.start()
            for each in threads:
                each.join()
            assert sorted(name for names in got for name in names) == sorted(map(str, range(20)))
            for worker in workers:
                worker.__exit__()


@pytest.mark.slow
def test_killed_twenty_times_it_makes_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forked, for a process that loads torch would seldom be killed while it paints."""
    for number in range(12):
        Image.fromarray(photo(120, 160, number)).save(f"p/f{number}.jpg")
    arguments = ["p", "wave.jpg", "-o", "out", "--size", "160", "--precision", "float32", "--workers", "1", "--json"]
    random, left = np.random.default_rng(0), list[int]()
    CliRunner().invoke(app, ["batch", *arguments[:3], "whole", *arguments[4:]], catch_exceptions=False)
    for _ in range(20):
        if (child := os.fork()) == 0:
            CliRunner().invoke(app, ["batch", *arguments])
            os._exit(0)
        time.sleep(random.uniform(0.02, 0.4))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        left.append(len(results()))
    done = CliRunner().invoke(app, ["batch", *arguments], catch_exceptions=False)
    assert done.exit_code == 0 and results() == results("whole") and left == sorted(left), left
    assert json.loads(CliRunner().invoke(app, ["batch", *arguments]).stdout)["done"] == 15
    assert not [*Path("out").rglob("*.partial")]


class Stalls:
    """In place of a worker's process: stands still at one photograph."""

    def __init__(self, work: str, arguments: dict[str, Any]) -> None:
        self.items, self.outcome, self.failure = items.of(arguments["items"]), "running", ""
        self.ended = threading.Event()

    def __enter__(self) -> "Stalls":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def events(self) -> Iterator[Progress]:
        counts = dict.fromkeys(share.ENDS, 0.0)
        for item in self.items:
            if item.content.endswith("e1.jpg"):
                assert self.ended.wait(30)
                self.outcome = "died"
                return
            counts["made"] += 1
            yield Progress(0, counts=counts)
        self.outcome = "done"

    def give_up(self, why: str) -> None:
        self.failure = why
        self.ended.set()


def test_a_worker_that_tells_nothing_is_told_of_and_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "Process", Stalls)
    monkeypatch.setattr(watching, "QUIET", 0.4)
    monkeypatch.setattr(watching, "SILENT", 1.0)
    for number in range(6):
        Image.fromarray(photo(40, 48, number)).save(f"p/e{number}.jpg")
    done = CliRunner().invoke(app, ["batch", "p", "-o", "out", "--style-index", "rhone", *SMALL[:-1], "2", "--json"])
    report = json.loads(done.stdout)
    assert done.exit_code == 1 and (report["done_now"], report["failures"], report["left"]) == (8, 1, 0), done.output
    assert "at p/e1.jpg or after it: does the place of its files answer?" in done.stderr
    assert done.stderr.count("it is given up.") == 2  # once as one of those at hand, once alone
    assert [(each["content"], each["reason"]) for each in failures()] == [
        ("p/e1.jpg", "Its process has told nothing for 0 minutes, and was ended.")
    ]


def test_a_stop_is_heard_while_a_worker_is_being_made(monkeypatch: pytest.MonkeyPatch) -> None:
    class Late(Stalls):
        def __init__(self, work: str, arguments: dict[str, Any]) -> None:
            super().__init__(work, arguments)
            watcher.stop()

    monkeypatch.setattr(watching, "Process", Late)
    to_do = plan_batch(["p"], "out", Wish((("wave.jpg", 1.0),)), Ledger(Path("out"))).to_do
    told: list[Any] = []
    watcher = watching.Watcher(0, Path("out"), to_do, {"part": "", "claims": False}, told.append)
    watcher.run()
    assert len(to_do) == 3 and told == [None]


def test_who_claims_anew_counts_what_the_dead_have_ended_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # Of six items the first process makes two, fails at one and dies; the second comes again upon these
    # three, makes one and dies; the last comes upon all four and makes the other two, one of which another
    # has made meanwhile.
    lives = [
        [{"made": 1.0}, {"made": 2.0}, {"made": 2.0, "failed": 1.0}],
        [{"kept": 1.0}, {"kept": 2.0, "passed": 1.0}, {"kept": 2.0, "passed": 1.0, "made": 1.0}],
        [{"kept": 3.0, "passed": 1.0}, {"kept": 4.0, "passed": 1.0}, {"kept": 4.0, "passed": 1.0, "made": 1.0}],
    ]

    class Dies(Stalls):
        def events(self) -> Iterator[Progress]:
            yield from (Progress(0, counts=dict.fromkeys(share.ENDS, 0.0) | counts) for counts in lives.pop(0))
            self.outcome = "died" if lives else "done"

    monkeypatch.setattr(watching, "Process", Dies)
    to_do = plan_batch(["p"], "out", Wish((("wave.jpg", 1.0),)), Ledger(Path("out"))).to_do
    told: list[Any] = []
    watching.Watcher(0, Path("out"), to_do, {"part": "", "claims": True}, told.append).run()
    assert told.pop() is None and not lives
    counts = [progress.counts for _, progress in told]
    assert counts[-1] == {"made": 4, "kept": 1, "passed": 0, "failed": 1}
    ended = [sum(each[kind] for kind in share.ENDS) for each in counts]
    assert ended == sorted(ended) and ended[-1] == 6


@pytest.mark.slow
def test_what_kills_its_worker_is_a_failure_and_the_rest_is_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        Image.fromarray(photo(40, 48, number)).save(f"p/e{number}.jpg")
    Path("site").mkdir()
    Path("site/sitecustomize.py").write_text(
        "import impasto.jobs.deliver as d, os\nreal = d.Work.__init__\n"
        "def fatal(self, job, **o):\n    if 'e1' in job.content: os.kill(os.getpid(), 9)\n    real(self, job, **o)\n"
        "d.Work.__init__ = fatal\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"site:{os.environ.get('PYTHONPATH', '')}")
    look = ["--style-index", "rhone", *SMALL[:-1]]
    done = CliRunner().invoke(app, ["batch", "p", "-o", "out", *look, "2", "--json"])
    report = json.loads(done.stdout)
    assert done.exit_code == 1 and (report["done_now"], report["failures"], report["left"]) == (6, 1, 0), done.output
    assert "killed" in failures()[0]["reason"]


@pytest.mark.slow
def test_a_claimant_of_several_workers_counts_each_item_once() -> None:
    look = ["--style-index", "rhone", *SMALL[:-1]]
    done = CliRunner().invoke(app, ["batch", "p", "-o", "out", *look, "2", "--claim", "--json"])
    report = json.loads(done.stdout)
    assert done.exit_code == 0 and (report["done_now"], report["done_already"], report["left"]) == (3, 0, 0)
    assert not [*Path("out", STATE, "claims").iterdir()]
    assert run("p", "-o", "whole", *look[:2])[0] == 0 and results("whole") == results()

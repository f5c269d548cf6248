"""Batches of what is in a store of objects: the same results as from folders, each once."""

import gc
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from impasto.batch import plan, share, stores
from impasto.batch.shared import shared
from impasto.jobs.claims import Claims, _claim
from impasto.jobs.deliver import Work
from tests.batches import filled_store, make_inputs, results, run, store_server, stored
from tests.helpers import photo

pytestmark = [
    pytest.mark.usefixtures("small_looks"),
    *(
        pytest.mark.filterwarnings(f"ignore::{name}")  # of the server's own
        for name in ("DeprecationWarning", "ResourceWarning", "pytest.PytestUnraisableExceptionWarning")
    ),
]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_inputs()


@pytest.fixture(scope="module")
def server() -> Iterator[None]:
    with store_server():
        yield


@pytest.fixture
def store(server: None) -> Any:
    return filled_store()


def test_what_a_store_has_is_painted_as_from_folders(store: Any) -> None:
    whole = ["s3://box/p/", "s3://box/wave.jpg", "-o", "s3://box/out"]
    code, report, said = run(*whole)
    assert (code, report["done_now"], report["output"]) == (0, 3, "s3://box/out"), said
    assert run("p", "wave.jpg", "-o", "out")[0] == 0 and stored(store) == results()
    state = sorted(name for name in store.find("box/out") if not name.endswith((".jpg", ".png")))
    assert state == ["box/out/.impasto/index.jsonl"]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Work, "__init__", None)  # nothing is prepared
        code, report, _ = run(*whole)
        assert (code, report["done"], report["done_now"]) == (0, 3, 0)
        store.rm_file("box/out/.impasto/index.jsonl")  # and nothing is, when only the results know
        code, report, _ = run(*whole)
        assert (code, report["changed"], report["done_already"]) == (0, 3, 3)

    Image.fromarray(photo(40, 48, 9)).save("d.jpg")
    store.put_file("d.jpg", "box/p/a.jpg")
    store.pipe_file("box/p/x/bad.jpg", b"no picture")
    code, report, said = run(*whole)
    assert code == 1 and (report["done_now"], report["failures"]) == (1, 1) and "s3://box/p/x/bad.jpg" in said
    (row,) = map(json.loads, store.cat_file("box/out/errors.jsonl").splitlines())
    assert report["errors"] == ["s3://box/out/errors.jsonl"] and "/tmp" not in row["reason"]
    store.put_file("d.jpg", "box/p/x/bad.jpg")
    assert run(*whole)[0] == 0 and not store.exists("box/out/errors.jsonl") and len(stored(store)) == 4


@pytest.mark.slow
def test_shards_share_a_store(store: Any) -> None:
    for number in (1, 2):
        code, _, said = run("s3://box/p", "wave.jpg", "-o", "s3://box/out", "--shard", f"{number}/2")
        assert code == 0, said
    assert run("s3://box/p", "wave.jpg", "-o", "s3://box/out", "--dry-run")[1]["done"] == 3
    assert run("p", "wave.jpg", "-o", "out")[0] == 0 and stored(store) == results()


def test_claims_share_a_store(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One item is in another's hands until he gives it back, and one he has failed at meanwhile."""
    monkeypatch.setattr(share, "WAIT", 0.05)
    store.pipe_file("box/p/bad.jpg", b"no picture")
    place = stores.Place("s3://box/out")
    with Claims(shared(place, f"{stores.STATE}/claims")) as other:
        assert other.take("b-wave.png") == 1 and other.take("b-wave.png") is None
        timer = threading.Timer(1.0, other.give_back, ["b-wave.png"])
        timer.start()
        code, report, said = run("s3://box/p", "s3://box/wave.jpg", "-o", "s3://box/out", "--claim")
        timer.join()
    assert code == 1 and (report["done_now"], report["failures"], report["left"]) == (3, 1, 0), said
    assert not store.find("box/out/.impasto/claims") and len(store.glob("box/out/errors-*.jsonl")) == 1
    run("p", "wave.jpg", "-o", "out")
    assert stored(store) == results()
    code, report, _ = run("s3://box/p", "s3://box/wave.jpg", "-o", "s3://box/out")  # gathers what has failed
    assert code == 1 and report["done"] == 3 and report["failures"] == 1 and store.exists("box/out/errors.jsonl")
    assert not store.glob("box/out/errors-*.jsonl")


def test_the_index_of_one_who_claims_is_waited_for(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes after the results, which may carry no keys; but what never has one is none of a batch."""
    look = ["s3://box/p", "wave.jpg", "-o", "s3://box/out", "--no-metadata"]
    run(*look)
    index = store.cat_file("box/out/.impasto/index.jsonl")
    store.rm("box/out/.impasto/index.jsonl")
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds
        if now[0] >= 20:
            store.pipe_file("box/out/.impasto/index-other.jsonl", index)

    monkeypatch.setattr(plan, "_AGAIN", 10.0)
    monkeypatch.setattr(plan, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
    assert run(*look, "--claim")[0] == 1 and not now[0]  # nobody is at work
    store.pipe_file("box/out/.impasto/claims/other.worker", b"")
    code, report, said = run(*look, "--claim")
    assert code == 0 and report["done"] == 3 and now == [20], said
    store.rm("box/out/.impasto/index-other.jsonl")
    index = b""
    code, report, said = run(*look, "--claim")
    assert code == 1 and "3 files are where results would be" in said and now == [50]


def test_claims_in_a_store_go_stale(store: Any) -> None:
    place = stores.Place("s3://box/out")
    with Claims(shared(place, "claims"), beat=60, stale=50) as living:
        store.pipe_file(f"box/out/claims/{_claim('a', 1)}", b"nobody")
        assert living.take("a") is None
        living._lived = living._lived[0] + 100, living._lived[1]  # it is later now
        assert living.take("a") == 2
        living.give_back("a")
        assert living.take("a") == 1
    assert not store.find("box/out/claims")


def test_what_others_remember_is_heard(store: Any) -> None:
    one, two = (stores.Place("s3://box/out") for _ in range(2))
    own = one.folder / stores.STATE / "index-one.jsonl"
    own.parent.mkdir()
    for text in ("first\n", "first\nsecond\n"):
        own.write_text(text)
        one.save(own)
        two.hear()
        assert (two.folder / stores.STATE / "index-one.jsonl").read_text() == text
    own.write_text("third")
    one.hear(own)
    assert own.read_text() == "third" and [path.name for path in own.parent.iterdir()] == [own.name]


def test_a_store_that_lets_two_claim_is_refused(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real = store.pipe_file
    monkeypatch.setattr(store, "pipe_file", lambda path, value, **_: real(path, value))
    code, report, said = run("s3://box/p", "wave.jpg", "-o", "s3://box/out", "--claim")
    assert code == 2 and not report and "lets two make the same object" in said and not stored(store)


def test_a_place_in_a_store_leaves_no_folder_behind() -> None:
    place = stores.Place("s3://box/out")
    folder = place.folder
    assert folder.is_dir()
    del place
    gc.collect()
    assert not folder.exists()


def test_manifests_in_a_store_are_relative_to_it(store: Any) -> None:
    rows = [{"content": "p/a.jpg", "style": "kiss.png:0.5"}, {"content": "s3://box/p/b.png", "output": "q.png"}]
    store.pipe_file("box/orders.jsonl", "\n".join(map(json.dumps, rows)).encode())
    code, _, said = run("s3://box/orders.jsonl", "--style", "s3://box/wave.jpg", "-o", Path("o").absolute().as_uri())
    assert code == 0 and [*results("o")] == ["p/a-kiss.jpg", "q.png"], said


def test_what_would_be_lost_is_refused(store: Any) -> None:
    store.pipe_file("box/empty.jpg", b"")
    store.pipe_file("box/cut.jsonl", b'{"photo": "a.jp')
    before = stored(store, "box")
    for said, arguments in (
        ("none of a batch", ["p", "wave.jpg", "-o", "s3://box/p", "--name", "{name}"]),
        ("is the input", ["s3://box/p/a.jpg", "wave.jpg", "-o", "s3://box/p", "--name", "{name}", "--force"]),
        ("cannot be its input", ["s3://box/p", "wave.jpg", "-o", "s3://box/p"]),
        ("there is none", ["s3://box/none.jpg", "wave.jpg", "-o", "out"]),
        ("s3://box/none.jpg", ["p", "s3://box/none.jpg", "-o", "out"]),
        ("no picture or clip in s3://box/none", ["s3://box/none", "wave.jpg", "-o", "out"]),
        ("The picture s3://box/empty.jpg cannot be used: it is empty", ["p", "s3://box/empty.jpg", "-o", "out"]),
        ("s3://box/cut.jsonl", ["s3://box/cut.jsonl", "wave.jpg", "-o", "out"]),
        ("s3://none/out cannot be written", ["p", "wave.jpg", "-o", "s3://none/out"]),
    ):
        code, report, told = run(*arguments)
        assert code in (1, 2) and not report and said.replace("`", "") in told.replace("`", "").replace("--", ""), told
    assert stored(store, "box") == before


def test_without_the_packages_it_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    stores._system.cache_clear()
    code, _, said = run("s3://box/p", "wave.jpg", "-o", "out")
    assert code == 1 and "pip install 'impasto[cloud]'" in said

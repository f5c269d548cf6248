"""Batches of what is in a store of objects: the same results as from folders, each once."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from impasto.batch import stores
from impasto.jobs.deliver import Work
from tests.batches import make_inputs, results, run
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
def server() -> Iterator[str]:
    pytest.importorskip("s3fs")
    moto = pytest.importorskip("moto.server")
    made = moto.ThreadedMotoServer(port=0, verbose=False)
    made.start()
    host, port = made.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        yield "s3"
    made.stop()


@pytest.fixture
def store(server: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A bucket ``box`` with all that lies here."""
    stores.here.cache_clear()
    system = stores._system(server)
    if system.exists("box"):
        system.rm("box", recursive=True)
    system.mkdir("box")
    for path in sorted(path for path in Path().rglob("*") if path.is_file()):
        system.put_file(str(path), f"box/{path}")
    return system


def stored(store: Any, folder: str = "box/out") -> dict[str, bytes]:
    names = [name for name in store.find(folder) if name.endswith((".jpg", ".png"))]
    return {name.removeprefix(f"{folder}/"): store.cat_file(name) for name in names}


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
    assert report["errors"] == "s3://box/out/errors.jsonl" and "/tmp" not in row["reason"]
    store.put_file("d.jpg", "box/p/x/bad.jpg")
    assert run(*whole)[0] == 0 and not store.exists("box/out/errors.jsonl") and len(stored(store)) == 4


@pytest.mark.slow
def test_shards_share_a_store(store: Any) -> None:
    for number in (1, 2):
        code, _, said = run("s3://box/p", "wave.jpg", "-o", "s3://box/out", "--shard", f"{number}/2")
        assert code == 0, said
    assert run("s3://box/p", "wave.jpg", "-o", "s3://box/out", "--dry-run")[1]["done"] == 3
    assert run("p", "wave.jpg", "-o", "out")[0] == 0 and stored(store) == results()


def test_manifests_in_a_store_are_relative_to_it(store: Any) -> None:
    rows = [{"content": "p/a.jpg", "style": "kiss.png:0.5"}, {"content": "s3://box/p/b.png", "output": "q.png"}]
    store.pipe_file("box/orders.jsonl", "\n".join(map(json.dumps, rows)).encode())
    code, _, said = run("s3://box/orders.jsonl", "--style", "s3://box/wave.jpg", "-o", Path("o").absolute().as_uri())
    assert code == 0 and [*results("o")] == ["p/a-kiss.jpg", "q.png"], said


def test_what_would_be_lost_is_refused(store: Any) -> None:
    before = stored(store, "box")
    for said, arguments in (
        ("none of a batch", ["p", "wave.jpg", "-o", "s3://box/p", "--name", "{name}"]),
        ("is the input", ["s3://box/p/a.jpg", "wave.jpg", "-o", "s3://box/p", "--name", "{name}", "--force"]),
        ("cannot be its input", ["s3://box/p", "wave.jpg", "-o", "s3://box/p"]),
        ("`shard`", ["s3://box/p", "wave.jpg", "-o", "s3://box/out", "--claim"]),
        ("there is none", ["s3://box/none.jpg", "wave.jpg", "-o", "out"]),
        ("s3://box/none.jpg", ["p", "s3://box/none.jpg", "-o", "out"]),
        ("no picture in s3://box/none", ["s3://box/none", "wave.jpg", "-o", "out"]),
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

"""Films are items of a batch, too: painted once, named, and gone on with where they were cut off."""

import json
import shutil
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from impasto.batch import items as items_
from impasto.batch.items import Item
from impasto.batch.ledger import Ledger
from impasto.batch.looks import Wish
from impasto.batch.plan import plan_batch
from impasto.errors import OutputError, SettingsError
from impasto.jobs.job import Delivery
from impasto.machine.files import sha256_of
from impasto.video import told
from impasto.video.fast import Fast
from impasto.video.groups import Group
from impasto.video.job import VideoJob
from impasto.video.painting import Painting
from impasto.video.parts import Parts
from impasto.video.work import VideoWork
from tests.batches import failures, filled_store, results, run, store_server
from tests.clips import clip, decoded, drawn
from tests.helpers import painting, photo

pytestmark = pytest.mark.usefixtures("small_looks")

LOOK = ["--style-index", "3", "--network", "multistyle26"]
SETTINGS = {"network": "multistyle26", "size": 32, "precision": "float32"}
OUT = Path("out")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two photographs and a clip of six frames, in parts of two."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Fast, "LENGTH", 2)
    Path("p/x").mkdir(parents=True)
    for number, name in enumerate(("a.jpg", "x/b.png")):
        Image.fromarray(photo(40, 48, number)).save(Path("p") / name)
    clip(Path("p/x/c.avi"), drawn(6), codec="ffv1", form="bgr0", options={})


def painted(*more: str) -> tuple[int, dict[str, Any], str]:
    return run("p", "-o", "out", *LOOK, *more)


def frames(path: str = "out/x/c-3.mp4") -> list[Any]:
    return decoded(Path(path))[1]


def test_a_folder_of_photographs_and_clips_is_painted_once() -> None:
    code, report, said = painted("--dry-run", "--steady", "shots")
    assert (code, report["new"]) == (0, 3) and not OUT.exists() and "1 film among them" in said
    code, report, _ = painted("--steady", "shots")
    assert (code, report["done_now"]) == (0, 3), failures()
    there = sorted(str(path.relative_to(OUT)) for path in OUT.rglob("*") if path.is_file())
    assert there == [".impasto/index.jsonl", "a-3.jpg", "x/b-3.png", "x/c-3.mp4"]
    record = told.read(Path("out/x/c-3.mp4"))
    assert record["frames"] == 6 and record["settings"]["steady"] == "shots" and len(record["key"]) == 32
    before = Path("out/x/c-3.mp4").read_bytes()
    assert painted("--steady", "shots")[1]["done"] == 3
    shutil.rmtree("out/.impasto")  # then the results' own keys tell
    report = painted("--steady", "shots")[1]
    assert (report["changed"], report["done_already"], report["done_now"]) == (3, 3, 0)
    report = painted()[1]  # steadied by light, which only the film heeds
    assert (report["done"], report["changed"], report["done_now"]) == (2, 1, 1)
    assert Path("out/x/c-3.mp4").read_bytes() != before


def test_a_film_is_what_video_makes() -> None:
    run("p/x/c.avi", "-o", "out", *LOOK, "--name", "{stem}.mkv")
    VideoWork(VideoJob("p/x/c.avi", style_index="3", settings=SETTINGS).to("one.mkv")).finish()
    assert all(map(np.array_equal, frames("out/c.mkv"), frames("one.mkv"))) and len(frames("one.mkv")) == 6


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set once the thread that writes has finished a part."""
    told, keep = threading.Event(), Parts.keep

    def kept(self: Parts, *args: Any) -> None:
        keep(self, *args)
        told.set()

    monkeypatch.setattr(Parts, "keep", kept)
    return told


class Killed(BaseException):
    """Like a kill: nothing is saved any more."""


@pytest.mark.parametrize(("error", "again"), [(Killed, []), (KeyboardInterrupt, ["--claim"])])
def test_a_film_that_was_cut_off_goes_on_to_the_same_frames(
    error: type[BaseException], again: list[str], written: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert painted()[0] == 0
    whole, pictures = frames(), results()
    shutil.rmtree(OUT)
    written.clear()
    reached, progress = list[int](), Painting._progress

    def until(self: Painting, group: Group, *rest: Any) -> Any:
        reached.append(self._count)
        if self._count == 5 and len(reached) == 5:  # the first time
            assert written.wait(60)
            raise error
        return progress(self, group, *rest)

    monkeypatch.setattr(Painting, "_progress", until)
    if error is Killed:
        with pytest.raises(Killed):
            painted()
    else:
        assert painted()[0] == 130
    assert not Path("out/x/c-3.mp4").exists() and Path("out/x/c-3.mp4.parts/000000.state").exists()
    assert painted(*again)[0] == 0, failures()
    assert reached[:5] == [1, 2, 3, 4, 5] and reached[5:] in ([3, 4, 5, 6], [5, 6]), "what is done is not painted again"
    assert all(map(np.array_equal, frames(), whole)) and results() == pictures
    assert not Path("out/x/c-3.mp4.parts").exists()


def test_clips_and_films_lie_in_stores() -> None:
    assert painted()[0] == 0
    whole = frames()
    shutil.rmtree(OUT)
    with store_server():
        store = filled_store()
        line = ["s3://box/p", "-o", "s3://box/out", *LOOK]
        code, report, said = run(*line)
        assert (code, report["done_now"]) == (0, 3), said
        names = {name.removeprefix("box/out/") for name in store.find("box/out")}
        assert names == {".impasto/index.jsonl", "a-3.jpg", "x/b-3.png", "x/c-3.mp4"}
        store.get_file("box/out/x/c-3.mp4", "film.mp4")
        assert all(map(np.array_equal, frames("film.mp4"), whole))
        store.rm_file("box/out/.impasto/index.jsonl")
        report = run(*line)[1]
        assert (report["done_already"], report["done_now"]) == (3, 0)


def item() -> Item:
    """The clip as an item."""
    plan = plan_batch(["p/x/c.avi"], OUT, Wish(style_indices=("3",), settings=SETTINGS), Ledger(OUT))
    return plan.items[0]


def test_parts_of_another_film_are_not_gone_on_from(written: threading.Event) -> None:
    own, content = item(), Path("p/x/c.avi")
    for key, begins in (("00", 1), ("00", 3), ("11", 1)):
        events = own.work(OUT, content, key).events()
        assert next(events).iteration == begins
        next(events)
        assert written.wait(60)
        events.close()


def test_what_another_has_made_meanwhile_is_no_failure(
    written: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when it was taken for dead: both write the same parts, until one is done and removes them."""
    others, progress = list[Any](), Painting._progress

    def meanwhile(self: Painting, group: Group, *rest: Any) -> Any:
        if self._count == 2 and not others:
            assert written.wait(60)
            content = Path("p/x/c.avi")
            others.append(item().work(OUT, content, sha256_of(content)))
            others[0].finish()
        return progress(self, group, *rest)

    monkeypatch.setattr(Painting, "_progress", meanwhile)
    code, report, _ = run("p/x/c.avi", "-o", "out", *LOOK)
    assert (code, report["done_already"], report["done_now"]) == (0, 1, 0) and not failures()
    assert others[0].record["steps"] == 6 and len(frames("out/c-3.mp4")) == 6 and not [*OUT.rglob("*.parts")]


def test_a_broken_clip_is_one_line() -> None:
    whole = Path("p/x/c.avi").read_bytes()
    Path("p/x/d.avi").write_bytes(whole[: len(whole) // 2])
    Path("p/x/e.mp4").write_bytes(b"no film")
    code, report, said = painted()
    assert (code, report["done_now"], report["failures"]) == (1, 3, 2)
    assert [row["content"] for row in failures()] == ["p/x/d.avi", "p/x/e.mp4"]
    assert "cut off" in failures()[0]["reason"] and "p/x/e.mp4 holds no moving pictures" in said
    assert not [*OUT.rglob("*.parts")]
    code, report, _ = painted("--dry-run")
    assert [report[kind] for kind in ("new", "failed", "done", "to_do")] == [0, 2, 3, 0]
    Path("p/x/d.avi").write_bytes(whole)
    Path("p/x/e.mp4").unlink()
    code, report, _ = painted()
    assert (code, report["done_now"]) == (0, 1) and not failures() and np.array_equal(frames("out/x/d-3.mp4"), frames())


def planned(*inputs: str, **wish: Any) -> list[str]:
    made = Wish(**{"style_indices": ("3",), "settings": SETTINGS} | wish)
    return [item.output for item in plan_batch(inputs, OUT, made, Ledger(OUT)).items]


def test_films_are_named_as_photographs_are() -> None:
    Path("p/h.mp4.parts").mkdir()  # of a film that impasto video was cut off at
    for name in ("d.MOV", "e.apng", "f.gif", "g.webm", "h.mp4.parts/film.json", "h.mp4.parts/000000.mp4"):
        Path("p", name).touch()
    assert planned("p") == ["a-3.jpg", "d-3.mov", "e-3.apng", "f-3.png", "g-3.webm", "x/b-3.png", "x/c-3.mp4"]
    assert planned("p/**/*.avi", name="{style}/{name}{suffix}") == ["x/3/c.avi.mp4"]
    Path("p/x/c.mp4").touch()
    with pytest.raises(OutputError, match="would have the name of another"):
        planned("p")
    for name in ("{stem}.jpg", "{stem}"):
        with pytest.raises(OutputError, match="none of a film"):
            planned("p/x/c.avi", name=name)
    Path("all.jsonl").write_text(
        json.dumps({"content": "p/x/c.avi", "output": "b.gif", "steady": "off", "style_index": "5"})
    )
    assert planned("all.jsonl") == ["b.gif"]


def test_a_form_without_a_place_for_the_record_has_it_beside_it() -> None:
    line = ["p/x/c.avi", "-o", "out", *LOOK, "--name", "{stem}.gif"]
    assert run(*line)[0] == 0 and Path("out/c.gif.json").exists()
    shutil.rmtree("out/.impasto")
    report = run(*line)[1]
    assert (report["done_already"], report["done_now"]) == (1, 0)


def test_each_heeds_its_own_settings() -> None:
    def jobs(*inputs: str, **wish: Any) -> dict[bool, Any]:
        made = Wish(**{"style_indices": ("3",)} | wish)
        found = plan_batch(inputs, OUT, made, Ledger(OUT)).items
        return {item.pattern.is_film: item.job(OUT, Path("copy")) for item in found}

    mixed = jobs("p/x", settings={"keep_colour": "linear", "steady": "off"}, delivery=Delivery(bits=16, metadata=False))
    assert mixed[True].settings == {"method": "fast", "steady": "off"} and mixed[True].clip == "copy"
    assert mixed[True].delivery.bits is None and not mixed[True].delivery.metadata
    assert mixed[False].settings == {"method": "fast", "keep_colour": "linear"} and mixed[False].delivery.bits == 16
    Image.fromarray(painting(48, 48)).save("wave.jpg")
    slow = jobs(
        "p", style_indices=(), styles=(("wave.jpg", 1.0),), recipe="statistics", settings={"frame_iterations": 7}
    )
    assert slow[True].settings == {"method": "iterative", "frame_iterations": 7} and not slow[False].settings
    for inputs, settings, delivery, refused in (
        ("p", {"steady_weight": 2.0}, Delivery(), "`steady_weight` has no effect on `method` fast"),
        ("p/a.jpg", {"steady": "off"}, Delivery(), "`steady` has no effect"),
        ("p/x/c.avi", {"keep_colour": "linear"}, Delivery(), "`keep_colour` has no effect on video"),
        ("p/x/c.avi", {}, Delivery(bits=16), "`bits` 16 has no effect on films"),
        ("p", {"method": "refine"}, Delivery(), "`method` of moving pictures is fast or iterative"),
    ):
        with pytest.raises(SettingsError, match=refused):
            jobs(inputs, settings=settings, delivery=delivery)


def test_films_come_back_from_json_with_their_keys() -> None:
    found = plan_batch(["p"], OUT, Wish(style_indices=("3",)), Ledger(OUT)).items
    again = items_.of(json.loads(json.dumps(items_.dictionary(found))))
    assert [each.key("00") for each in again] == [each.key("00") for each in found]
    assert len({each.key("00") for each in found}) == 3


def test_what_films_need_is_known_beforehand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    code, _, said = painted()
    assert code == 1 and "The film p/x/c.avi needs the package av" in said

"""Jobs of the studio: their queue, what pages are told of them, and what is left of them."""

import contextlib
import io
import json
import logging
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from impasto.errors import OutputError
from impasto.progress import Progress
from impasto.web import giving_way, logs, painter
from impasto.web.giving_way import GivingWay
from impasto.web.job_files import JobFiles
from impasto.web.models import Job, JobRequest, Snapshot, now
from impasto.web.painter import Painter
from impasto.web.studio import Studio
from impasto.web.watching import Watch
from tests.web import TOKEN, DrawnProcess, Visit, noise, png, served


@pytest.fixture
def here(tmp_path: Path) -> Iterator[tuple[Visit, Studio]]:
    DrawnProcess.begun.clear()
    with served(tmp_path, queue=3) as found:
        yield found


def test_a_disk_that_is_full_for_a_while_costs_no_job(
    here: tuple[Visit, Studio], monkeypatch: pytest.MonkeyPatch
) -> None:
    visit, studio = here
    monkeypatch.setattr(painter, "_ROOM", 0.05)
    save, refused = studio.store.save_job, list[str]()

    def full(job: Job) -> None:
        # At the first of all that is written of it, as it begins, goes on and ends.
        if refused.count(job.state) < 2:
            refused.append(job.state)
            raise OutputError("The disk is full.")
        save(job)

    monkeypatch.setattr(studio.store, "save_job", full)
    jobs = [visit.ask()["id"] for _ in range(2)]
    assert [visit.until(each, "done")["state"] for each in jobs] == ["done"] * 2
    assert refused.count("running") == refused.count("done") == 2


def test_a_picture_that_does_not_fit_the_disk_is_taken_up_from_its_checkpoint(
    here: tuple[Visit, Studio], monkeypatch: pytest.MonkeyPatch
) -> None:
    visit, studio = here

    def full(process: DrawnProcess) -> None:
        output = Path(process._job["delivery"]["output"])
        output.with_name(f"{output.name}.checkpoint").write_bytes(b"all that was computed")
        process.outcome, process.error, process.failure = "failed", "OutputError", f"{output} could not be written."

    def events(process: DrawnProcess) -> Iterator[Progress]:
        yield Progress(1.0, "painting", iteration=4)
        full(process)

    def no_room(*_: Any) -> None:
        raise OSError("There is no room for it.")

    pair = visit.pair()
    with monkeypatch.context() as patch:
        patch.setattr(DrawnProcess, "events", events)
        job = visit.until(long(visit, pair, iterations=7)["id"], "failed")
        assert job["can_go_on"]
        again = visit.until(visit.http.post(f"/api/jobs/{job['id']}/go-on", json={}).json()["id"], "failed")
        patch.setattr(JobFiles, "begin", no_room)
        third = visit.until(visit.http.post(f"/api/jobs/{again['id']}/go-on", json={}).json()["id"], "failed")
        assert third["can_go_on"] and third["error"] == "There is no room for it."
    last = visit.until(visit.http.post(f"/api/jobs/{third['id']}/go-on", json={}).json()["id"], "done")
    assert last["request"] == job["request"] and last["from"] is None
    assert [each["resume"] for each in DrawnProcess.begun] == [False, True, True]
    assert not [*studio.jobs.files(last["id"]).place.glob("*.checkpoint")]
    files = studio.jobs.files(job["id"])
    assert files.checkpoint(files.result).read_bytes() == b"all that was computed"  # until that is deleted


def test_what_cannot_be_read_for_a_while_costs_no_job(
    here: tuple[Visit, Studio], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    visit, studio = here
    monkeypatch.setattr(painter, "_ROOM", 0.05)
    jobs, told, failing = studio.store.jobs_in, studio.jobs.told, threading.Event()
    refused = [8, 3]

    def unread(state: str) -> Any:
        if threading.current_thread().name == "painter" and failing.is_set() and refused[0]:
            refused[0] -= 1
            raise OutputError("It cannot be read.")
        return jobs(state)

    def untold(*about: Any) -> str:
        refused[1] -= 1
        if refused[1] >= 0:
            raise OutputError("It cannot be read.")
        return told(*about)

    monkeypatch.setattr(studio.store, "jobs_in", unread)
    monkeypatch.setattr(studio.jobs, "told", untold)
    failing.set()
    assert visit.until(visit.ask()["id"], "done")["state"] == visit.until(visit.ask()["id"], "done")["state"]
    assert refused[0] == 0 and refused[1] < 0
    warned = [record for record in caplog.records if record.message == "not written"]
    assert 2 <= len(warned) <= 4, "once for each time that it goes wrong, however long"


def test_a_query_that_fails_is_told_as_what_it_is(here: tuple[Visit, Studio], monkeypatch: pytest.MonkeyPatch) -> None:
    store = here[1].store
    with pytest.raises(OutputError, match="cannot be used"):
        store._all("SELECT nothing FROM nowhere")

    class Damaged(sqlite3.Connection):
        def execute(self, *_: Any) -> Any:
            raise sqlite3.DatabaseError("database disk image is malformed")

    with contextlib.closing(sqlite3.connect(":memory:", factory=Damaged)) as damaged:
        monkeypatch.setattr(store, "_file", damaged)
        for told in (lambda: store.ids("jobs"), lambda: store.drop_job("a")):
            with pytest.raises(OutputError, match=r"malformed.*put a copy of it back"):
                told()
        monkeypatch.undo()


def test_a_result_that_could_not_be_told_of_as_the_studio_ended_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(painter, "_ROOM", 0.05)
    DrawnProcess.begun.clear()
    with served(tmp_path) as (visit, studio):
        save, full = studio.store.save_job, threading.Event()

        def unsaved(job: Job) -> None:
            if job.state == "done":
                full.set()
                raise OutputError("The disk is full.")
            save(job)

        monkeypatch.setattr(studio.store, "save_job", unsaved)
        job = visit.ask()["id"]
        assert full.wait(20)
    with served(tmp_path) as (visit, _):
        done = visit.until(job, "done")
        assert done["size"] == [32, 24] and len(DrawnProcess.begun) == 1
        assert visit.http.get(f"/api/jobs/{job}/picture").status_code == 200


def test_what_cannot_be_gone_on_with_leaves_nothing(here: tuple[Visit, Studio]) -> None:
    visit, studio = here
    done = visit.until(visit.ask()["id"], "done")
    for each in studio.folder.job(done["id"]).iterdir():
        each.unlink()
    assert visit.http.post(f"/api/jobs/{done['id']}/go-on", json={}).status_code == 409
    assert {each.name for each in (studio.folder.root / "jobs").iterdir()} == {done["id"]}


@pytest.fixture
def visit(here: tuple[Visit, Studio]) -> Visit:
    return here[0]


LONG = {"iterations": 5000}


def long(visit: Visit, pair: tuple[str, str], **settings: Any) -> Any:
    """A job that does not come to its end by itself."""
    return visit.ask(photo=pair[0], styles=[{"painting": pair[1]}], settings=LONG | settings)


def listen(visit: Visit, told: list[tuple[str, Any]], until: threading.Event) -> threading.Thread:
    """What a page hears."""
    heard = threading.Event()

    def hear() -> None:
        with visit.http.stream("GET", "/api/events") as stream:
            name = ""
            for line in stream.iter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    told.append((name, json.loads(line.removeprefix("data: "))))
                    heard.set()
                if until.is_set():
                    return

    thread = threading.Thread(target=hear, daemon=True)
    thread.start()
    assert heard.wait(20)
    return thread


def test_a_job_is_painted_and_told_of_and_kept(here: tuple[Visit, Studio], tmp_path: Path) -> None:
    visit, _ = here
    told: list[tuple[str, Any]] = []
    over = threading.Event()
    thread = listen(visit, told, over)
    pair = visit.pair()
    asked = visit.ask(photo=pair[0], styles=[{"painting": pair[1]}], settings={"iterations": 100})
    assert asked["state"] == "waiting" and asked["progress"] is None and asked["revision"] == 0
    seen = visit.until(asked["id"], lambda job: job["revision"] > 0)
    assert seen["state"] == "running" and seen["progress"]["iterations"] == 100 and seen["progress"]["scale"] == [8, 6]
    first = visit.http.get(f"/api/jobs/{asked['id']}/picture")
    assert first.status_code == 200 and "no-cache" in first.headers["cache-control"]
    job = visit.until(asked["id"], "done")
    assert job["size"] == [32, 24] and job["error"] is None and job["can_go_on"] and job["seconds"] > 0
    assert job["warnings"] == ["The painting is small."]
    assert 1 <= len(job["snapshots"]) <= 7
    for each in job["snapshots"]:
        assert visit.http.get(f"/api/jobs/{job['id']}/snapshots/{each['iteration']}").status_code == 200
    last = visit.http.get(f"/api/jobs/{job['id']}/picture", params={"revision": job["revision"]})
    assert "immutable" in last.headers["cache-control"]
    again = visit.http.get(f"/api/jobs/{job['id']}/picture", headers={"If-None-Match": last.headers["etag"]})
    assert again.status_code == 304 and again.content == b""
    time.sleep(0.6)
    over.set()
    visit.send(noise(20))
    thread.join(20)
    names = [name for name, _ in told]
    states = [data["state"] for name, data in told if name == "job" and data["id"] == job["id"]]
    assert names[0] == "hello" and "picture" in names
    assert states[-1] == "done" and "running" in states and len(states) < 60  # and not for every iteration
    assert Job.model_validate(told[-2][1] if told[-1][0] == "picture" else told[-1][1])


def test_no_state_is_told_after_the_next_one(here: tuple[Visit, Studio], monkeypatch: pytest.MonkeyPatch) -> None:
    """However long whoever tells takes: a page would show it until something else happens to the job."""
    visit, studio = here
    tell, told = studio.hub.tell, list[tuple[str, str]]()

    def slowly(visitor: str, event: str, key: str, data: Any) -> None:
        if getattr(data, "state", "") == "waiting":
            time.sleep(0.2)
        told.append((key, getattr(data, "state", "")))
        tell(visitor, event, key, data)

    monkeypatch.setattr(studio.hub, "tell", slowly)
    first, second = visit.ask(settings=LONG)["id"], visit.ask(settings={"iterations": 1})["id"]
    visit.http.post(f"/api/jobs/{first}/cancel")
    visit.until(second, "done")
    order = ["waiting", "running", "cancelled", "done"]
    for id in (first, second):
        states = [order.index(state) for key, state in told if key == id]
        assert states == sorted(states) and len(states) > 1


def test_the_next_process_gets_ready_as_soon_as_the_first_picture_is_there(here: tuple[Visit, Studio]) -> None:
    """Whoever stops a job and begins another is not to wait for torch."""
    visit, studio = here
    job = visit.ask(settings=LONG)["id"]
    visit.until(job, lambda job: job["revision"] > 0)
    ends = time.monotonic() + 60
    while (spare := studio.painter._spare) is None:
        assert time.monotonic() < ends
        time.sleep(0.01)
    assert spare.alive and visit.job(job)["state"] == "running"


def test_all_pages_of_a_visitor_hear_the_same(visit: Visit) -> None:
    over = threading.Event()
    heard: list[list[tuple[str, Any]]] = [[], []]
    threads = [listen(Visit(visit.base), each, over) for each in heard]
    job = visit.ask(settings={"iterations": 20})["id"]
    visit.until(job, "done")
    time.sleep(0.6)
    over.set()
    visit.send(noise(20))
    for thread in threads:
        thread.join(20)
    for told in heard:
        assert [data["state"] for name, data in told if name == "job"][-1] == "done"


def test_the_queue_is_finite_and_says_when_to_come_again(visit: Visit) -> None:
    pair = visit.pair()
    running = long(visit, pair)["id"]
    visit.until(running, "running")
    waiting = [long(visit, pair)["id"] for _ in range(3)]
    answer = visit.http.post("/api/jobs", json={"photo": pair[0], "styles": [{"painting": pair[1]}]})
    assert answer.status_code == 429 and int(answer.headers["retry-after"]) > 0 and "full" in answer.json()["error"]
    assert [visit.job(id)["position"] for id in waiting] == [0, 1, 2]
    assert visit.http.post(f"/api/jobs/{waiting[2]}/move", json={"position": 0}).json()["position"] == 0
    assert [visit.job(id)["position"] for id in waiting] == [1, 2, 0]
    assert visit.http.post(f"/api/jobs/{running}/move", json={"position": 0}).status_code == 409
    assert visit.http.delete(f"/api/jobs/{waiting[0]}").status_code == 409
    assert visit.http.delete(f"/api/pictures/{pair[0]}").status_code == 409
    assert visit.http.post(f"/api/jobs/{waiting[0]}/cancel").json()["state"] == "cancelled"
    assert [visit.job(id)["position"] for id in waiting] == [None, 1, 0]
    visit.http.post(f"/api/jobs/{running}/cancel")
    visit.until(running, "cancelled")
    visit.until(waiting[2], "running")  # one that is cancelled ends no other
    for id in waiting[1:]:
        visit.http.post(f"/api/jobs/{id}/cancel")
        visit.until(id, "cancelled")
    assert visit.http.delete(f"/api/pictures/{pair[0]}").status_code == 204


def test_cancelling_keeps_the_picture_so_far_and_it_is_gone_on_from(here: tuple[Visit, Studio]) -> None:
    visit, studio = here
    id = long(visit, visit.pair(), strength=0.7, quality="fine", scales="auto")["id"]
    all_of_it = visit.until(id, lambda job: job["revision"] > 0)["progress"]["iterations"]
    began = time.monotonic()
    assert visit.http.post(f"/api/jobs/{id}/cancel").status_code == 202
    job = visit.until(id, "cancelled")
    assert time.monotonic() - began < 25 and job["can_go_on"] and job["error"] is None
    assert 0 < job["iterations_left"] < all_of_it
    assert visit.http.get(f"/api/jobs/{id}/picture").status_code == 200
    assert visit.http.post(f"/api/jobs/{id}/cancel").json()["state"] == "cancelled"  # and nothing more
    more = visit.http.post(f"/api/jobs/{id}/go-on", json={"iterations": 6}).json()
    assert more["from"] == id and more["request"]["settings"]["iterations"] == 6
    assert visit.until(more["id"], "done")["iterations_left"] == 0
    settings = DrawnProcess.begun[-1]["job"]["settings"]
    files = studio.jobs.files(more["id"])
    assert settings == {"strength": 0.7, "iterations": 6, "scales": "single", "init": str(files.start)}
    assert files.start.read_bytes() == studio.jobs.files(id).result.read_bytes()
    visit.http.delete(f"/api/jobs/{id}")
    assert visit.http.get(f"/api/jobs/{id}").status_code == 404 and not studio.folder.job(id).exists()
    assert visit.http.post(f"/api/jobs/{more['id']}/go-on", json={"iterations": 3}).status_code == 201


def test_the_time_of_a_job_that_has_told_nothing_counts(
    here: tuple[Visit, Studio], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was getting ready all the while."""
    monkeypatch.setattr(DrawnProcess, "step", 60.0)
    visit, _ = here
    id = visit.ask()["id"]
    visit.until(id, "running")
    time.sleep(0.3)
    visit.http.post(f"/api/jobs/{id}/cancel")
    assert 0.3 <= visit.until(id, "cancelled")["seconds"] < 30


def test_what_has_no_effect_on_going_on_is_left_out(here: tuple[Visit, Studio]) -> None:
    visit, studio = here
    id = visit.ask(settings={"method": "fast", "network": "any", "stroke_size": 300})["id"]
    visit.until(id, "done")
    more = visit.http.post(f"/api/jobs/{id}/go-on", json={"iterations": 5}).json()
    visit.until(more["id"], "done")
    settings = DrawnProcess.begun[-1]["job"]["settings"]
    assert settings.pop("init") == str(studio.jobs.files(more["id"]).start)
    assert settings == {"iterations": 5, "scales": "single", "size": 32}
    learnt = visit.ask(photo=visit.pair()[0], style_index="one", settings={"method": "fast", "network": "multi"})["id"]
    assert not visit.until(learnt, "done")["can_go_on"]
    assert visit.http.post(f"/api/jobs/{learnt}/go-on", json={"iterations": 5}).status_code == 409


def test_who_has_painted_in_one_pass_paints_the_next(visit: Visit) -> None:
    """And so on, but not after iterations, which leave more behind."""
    pair = visit.pair()
    DrawnProcess.begun.clear()
    for settings in ({"method": "fast"}, {"method": "fast"}, {"iterations": 3}, {"iterations": 3}, {"method": "fast"}):
        styles = [{"painting": pair[1]}]
        visit.until(visit.ask(photo=pair[0], styles=styles, settings=settings)["id"], "done")
    pids = [each["pid"] for each in DrawnProcess.begun]
    assert pids[0] == pids[1] == pids[2] and len({*pids}) == 3


def test_a_process_that_dies_as_it_waits_costs_no_job(
    here: tuple[Visit, Studio], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where its death is known only once it has been given the job."""
    (visit, studio), dead = here, list[DrawnProcess]()
    events = DrawnProcess.events

    def dying(process: DrawnProcess) -> Iterator[Progress]:
        if process in dead:
            process.outcome, process.failure = "died", "Its process was ended by SIGTERM."
            yield Progress(0, event=process.failure)
        else:
            yield from events(process)

    monkeypatch.setattr(DrawnProcess, "events", dying)
    pair = visit.pair()
    while studio.painter._spare is None:
        time.sleep(0.01)
    dead.append(cast(DrawnProcess, studio.painter._spare))
    assert visit.until(long(visit, pair, iterations=5)["id"], lambda job: bool(job["ended"]))["state"] == "done"
    assert len({each["pid"] for each in DrawnProcess.begun}) == 2


def test_who_was_to_be_cancelled_as_it_was_done_paints_no_more(
    here: tuple[Visit, Studio], monkeypatch: pytest.MonkeyPatch
) -> None:
    visit, studio = here
    write, cancelled = DrawnProcess._write, list[str]()

    def late(process: DrawnProcess) -> None:
        write(process)
        if not cancelled:
            cancelled.append(studio.painter._current)
            studio.jobs.cancel("owner", cancelled[0])

    monkeypatch.setattr(DrawnProcess, "_write", late)
    pair = visit.pair()
    ids = [
        visit.ask(photo=pair[0], styles=[{"painting": pair[1]}], settings={"method": "fast"})["id"] for _ in range(2)
    ]
    assert [visit.until(id, lambda job: bool(job["ended"]))["state"] for id in ids] == ["cancelled", "done"]
    assert len({each["pid"] for each in DrawnProcess.begun}) == 2


def test_the_masks_that_protect_are_known_by_their_names(here: tuple[Visit, Studio]) -> None:
    visit, studio = here
    mask = visit.send(png(np.eye(64, dtype=np.uint8) * 255), "mask", name="hands.png")["id"]
    for protect in (f"{mask}:0.5,faces", [mask], {mask: 0.5}):
        asked = visit.ask(settings={"protect": protect, "iterations": 1})["id"]
        job = studio.jobs.one("owner", asked)
        assert studio.jobs.names("owner", job)[mask] == "hands.png"
        assert "hands.png" in studio.jobs.told("owner", job, f"{studio.folder.picture(mask)} is white all over.")
        visit.until(asked, "done")


def test_a_death_is_told_and_the_queue_goes_on(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DrawnProcess, "dies_after", 60)
    pair = visit.pair()
    dying, following = long(visit, pair)["id"], long(visit, pair, iterations=20)["id"]
    job = visit.until(dying, "failed")
    assert "want of memory" in job["error"] and job["revision"] > 0 and job["can_go_on"]
    assert visit.http.get(f"/api/jobs/{dying}/picture").status_code == 200  # the one that was lent before
    assert visit.http.get(f"/api/jobs/{dying}/download?format=jpeg").status_code == 200
    visit.until(following, "done")


def test_work_that_cannot_be_begun_is_told_and_the_queue_goes_on(
    here: tuple[Visit, Studio], monkeypatch: pytest.MonkeyPatch
) -> None:
    visit, studio = here

    def broken(*_: Any) -> Any:
        raise RuntimeError("a fault of ours")

    with monkeypatch.context() as patch:
        patch.setattr(DrawnProcess, "begin", broken)
        job = visit.until(visit.ask()["id"], "failed")
        assert job["error"] == "This should not have happened (RuntimeError)."
    id, style = visit.pair()
    studio.folder.picture(id).unlink()  # by whoever tidies up
    visit.until(visit.ask(photo=id, styles=[{"painting": style}])["id"], "done")


def test_history_and_waiting_jobs_survive_a_restart(tmp_path: Path) -> None:
    with served(tmp_path) as (visit, studio):
        pair = visit.pair()
        done = visit.ask(photo=pair[0], styles=[{"painting": pair[1]}])["id"]
        visit.until(done, "done")
        running, waiting = long(visit, pair)["id"], long(visit, pair)["id"]
        visit.until(running, lambda job: job["revision"] > 0)
        files = studio.jobs.files(running)
        files.checkpoint(files.result).write_bytes(b"what a process writes when it is paused")
    DrawnProcess.begun.clear()
    with served(tmp_path) as (visit, studio):
        assert visit.job(done)["state"] == "done" and len(visit.http.get("/api/pictures").json()) == 2
        visit.until(running, lambda job: job["state"] == "running" and len(DrawnProcess.begun) == 1)
        assert DrawnProcess.begun[0]["resume"] is True and visit.job(waiting)["position"] == 0
        visit.http.post(f"/api/jobs/{running}/cancel")
        visit.until(running, "cancelled")
        assert not files.checkpoint(files.result).exists()
        visit.until(waiting, lambda job: job["state"] == "running" and len(DrawnProcess.begun) == 2)
        assert DrawnProcess.begun[1]["resume"] is False


@pytest.mark.parametrize("asked", [True, False])
def test_what_ends_with_the_studio_is_cancelled_if_that_was_asked_for_alone(
    asked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(tmp_path) as (visit, studio):
        id = long(visit, visit.pair())["id"]
        visit.until(id, lambda job: job["revision"] > 0)
        if asked:
            monkeypatch.setattr(DrawnProcess, "cancel", lambda *_: None)  # it does not hear of it before the end
            visit.http.post(f"/api/jobs/{id}/cancel")
        else:
            cast(DrawnProcess, studio.painter._process)._stop.set()  # as a signal to every process does
            time.sleep(0.1)
    DrawnProcess.begun.clear()
    with served(tmp_path) as (visit, _):
        if asked:
            assert visit.job(id)["state"] == "cancelled" and not DrawnProcess.begun
            assert visit.http.get(f"/api/jobs/{id}/picture").status_code == 200
        else:
            visit.until(id, "running")
            visit.http.post(f"/api/jobs/{id}/cancel")


def test_what_goes_on_has_its_snapshots_in_order(tmp_path: Path) -> None:
    known = [Snapshot(iteration=5, revision=2)]
    job = Job(id="A" * 16, request=JobRequest(), state="running", created=now(), snapshots=known)
    process = DrawnProcess()
    process.begin("", {"job": {"settings": {"iterations": 3}}})
    process._write = lambda: None  # type: ignore[method-assign]
    watched = Watch(job, JobFiles(tmp_path), 8, save=lambda _: None).watched(cast(Any, process))
    assert watched.revision > 0 and watched.snapshots == known


def test_a_visitor_leaves_room_in_the_queue_for_others(tmp_path: Path) -> None:
    with served(tmp_path, users=True, queue=4) as (owner, _):
        visits = [Visit(owner.base, token=None) for _ in range(2)]
        for each in visits:
            each.http.post("/api/session", json={"token": TOKEN})
        one, other = visits
        pair = one.pair()
        running = long(one, pair)["id"]
        one.until(running, "running")
        waiting = long(one, pair)["id"]
        refused = one.ask(429, photo=pair[0], styles=[{"painting": pair[1]}])
        assert "room for others" in refused["error"]
        other.ask()
        for id in (waiting, running):
            one.http.post(f"/api/jobs/{id}/cancel")


def test_what_a_crash_has_left_is_put_aside(tmp_path: Path) -> None:
    with served(tmp_path) as (visit, studio):
        kept = visit.send(noise(20))["id"]
        job = visit.until(visit.ask()["id"], "done")["id"]
        lost = studio.folder.picture("A" * 16)
        lost.write_bytes(b"written, and never told of")
        (studio.folder.job("B" * 16)).mkdir()
        (unknown := studio.folder.job("D" * 16)).mkdir()  # of after the copy of studio.sqlite that was put back
        (unknown / "result.png").write_bytes(b"hours of work")
        halves = studio.folder.incoming("C" * 16), studio.folder.root / "pictures" / f".{'C' * 16}.png.1234.partial"
        for half in halves:
            half.write_bytes(b"half of it")
    with served(tmp_path) as (visit, studio):
        assert studio.folder.picture(kept).exists() and studio.folder.job(job).exists()
        assert (
            not lost.exists() and not any(half.exists() for half in halves) and not studio.folder.job("B" * 16).exists()
        )
        found = {str(each.relative_to(tmp_path)) for each in (tmp_path / "lost").rglob("*.png")}
        assert found == {f"lost/pictures/{'A' * 16}.png", f"lost/jobs/{'D' * 16}/result.png"} and not unknown.exists()


def test_the_sender_has_the_word_on_what_a_job_may_be(visit: Visit) -> None:
    photo, style = visit.pair()
    styles = [{"painting": style}]
    for wrong, named in (
        ({}, "photo"),
        ({"photo": photo}, "styles"),
        ({"photo": photo, "styles": styles, "settings": {"tv_weight": -1}}, "tv_weight"),
        ({"photo": photo, "styles": styles, "settings": {"tv_wieght": 1}}, None),
        ({"photo": photo, "styles": styles, "settings": {"history": 3, "optimizer": "adam"}}, "history"),
        ({"photo": photo, "styles": styles, "recipe": "defualt"}, None),
        ({"photo": photo, "styles": styles, "settings": {"style_layers": {"relu9_9": 1}}}, None),
        ({"photo": photo, "styles": styles, "task": "reconstruct"}, "task"),
        ({"photo": photo, "style_index": "3"}, "style_index"),
        (
            {
                "photo": photo,
                "styles": styles,
                "settings": {"style_weight": 0, "places_weight": 0, "content_weight": 0},
            },
            "style_weight",
        ),
        ({"task": "texture", "styles": styles, "recipe": "texture", "settings": {"size": "native"}}, "size"),
        (
            {"photo": photo, "regions": [{"mask": "faces", "painting": style}], "settings": {"method": "fast"}},
            "regions",
        ),
        ({"photo": photo, "styles": [{"painting": style, "weight": -1}]}, "weight"),
        ({"photo": photo, "styles": styles, "unknown": 1}, "unknown"),
        ({"task": "texture", "photo": photo, "styles": styles}, "photo"),
    ):
        answer = visit.http.post("/api/jobs", json=wrong)
        assert answer.status_code == 422 and answer.json()["error"][-1] in ".?", wrong
        assert named is None or answer.json()["setting"] == named, answer.json()
    mask = visit.send(noise(40), "mask")["id"]
    regions = [{"mask": mask, "painting": style}, {"mask": "faces", "painting": style}]
    settings = {"protect": {"people": 0.3, mask: 0.9}, "feather": 0.1}
    job = visit.ask(photo=photo, regions=regions, settings=settings)
    visit.until(job["id"], "done")
    assert job["request"]["settings"] == settings
    visit.until(visit.ask(task="texture", photo=None, styles=styles, recipe="texture")["id"], "done")


class Clocked:
    """A process that counts how often it was held."""

    held_for, now = 0, 0.0

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        self.held_for += 1
        yield


def test_a_job_gives_way_to_previews_but_not_for_ever() -> None:
    process: Any = Clocked()
    giving = GivingWay(lambda: process.now)

    def previews(count: int, seconds: float, pause: float = 0.0) -> int:
        before = process.held_for
        for _ in range(count):
            with giving.of(process):
                process.now += seconds
            process.now += pause
        held: int = process.held_for - before
        return held

    with giving.of(None):
        process.now += 100
    assert previews(20, 0.25) == 20  # a slider that is moved for a while
    assert previews(1000, 0.25, pause=0.26) == 1000  # and looked at
    # Many at once: it has its turn as often as they have, and the rest of the time they share.
    held = previews(1000, 0.5)
    assert giving_way.MOST / 0.5 <= held <= 500 + giving_way.MOST
    process.now += giving_way.MOST
    assert previews(10, 0.5) == 10


def test_what_gets_ready_for_the_next_job_gives_way_to_every_preview() -> None:
    """It computes as a job does: what is loaded, and a first step."""
    jobs: Any = SimpleNamespace(cancelled=set())
    painter, spare = Painter(jobs), Clocked()
    for there in (None, spare):
        painter._spare = cast(Any, there)
        for _ in range(100):
            with painter.aside():
                pass
    assert spare.held_for == 100


def test_the_curve_of_losses_stays_and_is_short(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DrawnProcess, "step", 0.001)
    job = visit.until(visit.ask(settings={"iterations": 300})["id"], "done")
    iterations = [iteration for iteration, _ in job["curve"]]
    assert iterations[0] == 1 and iterations[-1] > 290 and iterations == sorted(set(iterations))
    assert 50 <= len(iterations) <= 65 and {loss for _, loss in job["curve"]} == {1.0}


def test_a_preview_holds_the_job_at_hand(here: tuple[Visit, Studio], monkeypatch: pytest.MonkeyPatch) -> None:
    visit, studio = here
    held: list[str] = []

    @contextlib.contextmanager
    def hold(process: DrawnProcess) -> Iterator[None]:
        named = hasattr(process, "_job")  # and is not the one that waits for the next
        held.extend(["begin"] * named)
        try:
            yield
        finally:
            held.extend(["end"] * named)

    monkeypatch.setattr(DrawnProcess, "held", hold)
    pair = visit.pair()
    preview = {"photo": pair[0], "style_index": "0", "network": "nowhere", "size": 64, "page": "p"}
    visit.http.post("/api/preview", json=preview)
    assert held == []  # there is none
    job = long(visit, pair)["id"]
    visit.until(job, lambda job: job["progress"] is not None)
    visit.http.post("/api/preview", json=preview)
    assert held == ["begin", "end"]  # also where the preview fails
    studio.easel.ready = False  # type: ignore[misc]
    visit.http.post("/api/preview", json=preview)
    assert held == ["begin", "end"]  # not for as long as the easel takes to begin
    studio.easel.ready = True  # type: ignore[misc]
    studio.jobs.cancelled.add(job)
    visit.http.post("/api/preview", json=preview)
    assert held == ["begin", "end"]  # one that is to end has its time to save what there is
    visit.http.post(f"/api/jobs/{job}/cancel")


def test_the_log_follows_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it was when the studio began may be closed: as a test's own is, or a terminal that has gone."""
    own = logging.getLogger("impasto.web")
    first, second = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", first)
    logs.begin()
    first.close()
    monkeypatch.setattr(sys, "stderr", second)
    own.info("request", extra={"status": 200})
    own.debug("nothing")
    told = json.loads(second.getvalue())
    assert told["event"] == "request" and told["status"] == 200 and told["level"] == "info"

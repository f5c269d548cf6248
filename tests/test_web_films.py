"""Clips are sent and films are painted of them, as pictures are of photographs."""

import errno
import io
import logging
import re
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from impasto.errors import OutputError
from impasto.pictures.codecs import load
from impasto.video import joining
from impasto.video.clip import Clip
from impasto.video.work import VideoWork
from impasto.web import ready
from impasto.web.jobs import Jobs
from impasto.web.painter import WORKS
from impasto.web.ready import filmed, painted
from impasto.web.studio import Studio
from tests.clips import breaks_at, clip, decoded, drawn, packets
from tests.web import JSON, DrawnProcess, Visit, noise, served


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Visit, Studio]]:
    with served(tmp_path_factory.mktemp("films"), max_clip=2**20, max_frames=40, queue=20) as found:
        yield found


@pytest.fixture
def visit(here: tuple[Visit, Studio]) -> Visit:
    return here[0]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with clips."""
    folder = tmp_path_factory.mktemp("clips")
    clip(folder / "a.mp4", drawn(8), base=Fraction(1, 8), sound="aac")
    return folder


def sent(visit: Visit, content: bytes, status: int = 201, name: str = "a clip.mp4") -> JSON:
    answer = visit.http.put("/api/clips", params={"name": name}, content=content)
    assert answer.status_code == status, answer.text
    found: JSON = answer.json()
    return found


@pytest.fixture
def known(visit: Visit, files: Path) -> str:
    """The clip, by the id that it has however often it is sent."""
    content, name = (files / "a.mp4").read_bytes(), "étude.mp4"
    answer = visit.http.put("/api/clips", params={"name": name}, content=content)
    assert answer.status_code in (200, 201)
    return str(answer.json()["id"])


def film(visit: Visit, id: str, status: int = 201, **asked: Any) -> JSON:
    """Ask for a film of a clip."""
    return visit.ask(status, **{"task": "video", "photo": None, "clip": id, "style_index": "0"} | asked)


def nothing_left(studio: Studio) -> bool:
    """Whether what was refused has left nothing behind."""
    known = studio.store.ids("pictures")
    clips = {each.name for each in (studio.folder.root / "clips").iterdir()}
    return clips <= known and not [*(studio.folder.root / "incoming").iterdir()]


def test_a_clip_is_known_by_an_id_and_three_of_its_frames(here: tuple[Visit, Studio], files: Path) -> None:
    visit, studio = here
    clip(files / "b.mp4", drawn(8), base=Fraction(1, 8))
    content = (files / "b.mp4").read_bytes()
    found = sent(visit, content, name="../../étude.mp4")
    assert (found["kind"], found["name"], found["width"], found["height"]) == ("clip", "étude.mp4", 64, 48)
    moving = found["moving"]
    assert (moving["frames"], moving["rate"], moving["ending"]) == (8, 8.0, ".mp4") and 0.8 < moving["seconds"] <= 1
    assert sent(visit, content, 200)["id"] == found["id"]
    assert visit.http.get("/api/pictures?kind=clip").json()[0]["id"] == found["id"]
    seen = [visit.http.get(f"/api/pictures/{found['id']}/file?frame={number}") for number in range(3)]
    own = decoded(files / "b.mp4")[1]
    assert len({answer.content for answer in seen}) == 3 and all(answer.status_code == 200 for answer in seen)
    for number, place in zip((0, 4, 7), range(3), strict=True):
        kept = np.asarray(load(studio.folder.frame(found["id"], place)).image())
        assert np.abs(kept.astype(int) - own[number]).max() <= 1
    assert studio.folder.clip(found["id"]).read_bytes() == content and nothing_left(studio)
    assert visit.http.put("/api/pictures?kind=clip", content=content).status_code == 422


def test_a_preview_is_painted_of_each_of_its_frames(visit: Visit, known: str, small_looks: None) -> None:
    asked = {"photo": known, "style_index": "0", "network": "multi", "size": 64}
    painted = [
        visit.http.post("/api/preview", json=asked | {"frame": number, "page": f"p-{number}"}) for number in range(3)
    ]
    assert [each.status_code for each in painted] == [200] * 3 and len({each.content for each in painted}) == 3
    assert visit.http.post("/api/preview", json=asked | {"frame": 3, "page": "p"}).status_code == 422
    photo = visit.send(noise(64))["id"]
    assert visit.http.post("/api/preview", json=asked | {"photo": photo, "frame": 1, "page": "p"}).status_code == 422


def no_clips(files: Path) -> dict[str, bytes]:
    """What is no clip that is taken, by what is said of it."""
    whole = (files / "a.mp4").read_bytes()
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{files / 'a.mp4'}\n#EXT-X-ENDLIST\n"
    clip(files / "long.mkv", drawn(2), ticks=lambda number: 4000 * number, base=Fraction(1))
    clip(files / "many.mp4", drawn(41))
    clip(files / "small.mp4", drawn(3, 8, 8))
    clip(files / "wide.mkv", [np.zeros((2400, 4096, 3), np.uint8)])
    return {
        "The clip holds no moving pictures": b"a text " * 99,
        "^The clip is cut off|^The clip holds no": whole[: len(whole) // 2],
        "^The clip is a still picture": noise(64),
        "holds no moving pictures, or is cut off": playlist.encode(),
        "no moving pictures": b"ffconcat version 1.0\nfile a.mp4\n",
        "request has no bytes": b"",
        "has 41 frames, and 40 are the most": (files / "many.mp4").read_bytes(),
        "lasts 4000 s, and 3600 are the most": (files / "long.mkv").read_bytes(),
        "4096×2400 pixels, and": (files / "wide.mkv").read_bytes(),
        "at least": (files / "small.mp4").read_bytes(),
    }


def test_what_is_no_clip_is_told_in_a_sentence(here: tuple[Visit, Studio], files: Path) -> None:
    visit, studio = here
    for said, content in no_clips(files).items():
        told = sent(visit, content, 415)["error"]
        assert re.search(said, told) and str(studio.folder.root) not in told, (said, told)
    assert sent(visit, bytes(2**20 + 1), 413)["error"] and nothing_left(studio)


def test_a_clip_needs_room_for_itself_and_not_for_the_largest(
    here: tuple[Visit, Studio], files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (visit, studio), content = here, (files / "a.mp4").read_bytes()
    monkeypatch.setattr(studio.folder, "room", lambda: 2**28 + len(content))
    assert visit.http.put("/api/clips", content=content).status_code in (200, 201)
    assert visit.http.put("/api/clips", content=content + b"0").status_code == 507
    assert visit.http.put("/api/clips", content=iter([content])).status_code == 507  # it does not say how large it is


def test_transparent_clips_become_films_that_hold_it(visit: Visit, files: Path) -> None:
    frames = [np.dstack([each, np.full(each.shape[:2], 99, np.uint8)]) for each in drawn(3)]

    def before(stream: Any) -> None:
        stream.metadata["alpha_mode"] = "1"

    clip(files / "clear.webm", frames, codec="libvpx-vp9", form="yuva420p", options={"crf": "20"}, before=before)
    found = sent(visit, (files / "clear.webm").read_bytes())
    assert found["transparent"] and found["moving"]["ending"] == ".webm"


def test_advice_on_sound_is_of_what_the_film_can_hold(visit: Visit, tmp_path: Path) -> None:
    clear = [np.dstack([each, np.full(each.shape[:2], 99, np.uint8)]) for each in drawn(3)]
    cut = tmp_path / "clear.mkv"
    clip(cut, clear, codec="ffv1", form="bgra", sound="aac")
    told = visit.http.put("/api/clips", content=cut.read_bytes())
    assert told.status_code == 415, told.text
    assert told.json()["error"].endswith("no WebM, which its transparency needs: write the clip anew, with Opus.")
    clip(cut, clear, codec="ffv1", form="bgra", sound="libopus")
    assert sent(visit, cut.read_bytes())["moving"]["ending"] == ".webm"
    clip(cut, drawn(3), codec="ffv1", form="bgr0", sound="tta")
    told = visit.http.put("/api/clips", content=cut.read_bytes())
    assert told.json()["error"].endswith("neither MP4 nor WebM: write the clip anew, with AAC or Opus.")


def test_a_film_is_painted_kept_and_played(here: tuple[Visit, Studio], files: Path, known: str) -> None:
    (visit, studio), id = here, known
    DrawnProcess.begun.clear()
    job = film(visit, id, settings={"steady": "shots", "strength": 0.7})["id"]
    done = visit.until(job, "done")
    order = DrawnProcess.begun[0]["job"]
    assert order["clip"] == str(studio.folder.clip(id)) and order["delivery"]["bits"] == 8
    assert order["settings"] == {"steady": "shots", "strength": 0.7}
    assert done["film"] and done["size"] == [32, 24] and not done["can_go_on"] and done["request"]["clip"] == id
    place = f"/api/jobs/{job}/film"
    whole = visit.http.get(place)
    assert whole.status_code == 200 and whole.headers["content-type"] == "video/mp4"
    assert whole.headers["accept-ranges"] == "bytes" and b"ftyp" in whole.content[:12]
    tag = whole.headers["etag"]
    assert visit.http.get(place, headers={"If-None-Match": tag}).status_code == 304
    part = visit.http.get(place, headers={"Range": "bytes=4-11", "If-Range": tag})
    assert part.status_code == 206 and part.content == whole.content[4:12]
    assert part.headers["content-range"] == f"bytes 4-11/{len(whole.content)}" and part.headers["etag"] == tag
    assert visit.http.get(place, headers={"Range": "bytes=4-", "If-Range": '"another"'}).status_code == 200
    assert visit.http.get(place, headers={"Range": "bytes=99999999-"}).status_code == 416
    saved = visit.http.get(f"{place}?save=true").headers["content-disposition"]
    assert saved == "attachment; filename=\"etude-style-0.mp4\"; filename*=UTF-8''%C3%A9tude-style-0.mp4"
    assert visit.http.get(f"/api/jobs/{job}/picture").status_code == 200
    own = studio.jobs.files(job).film()
    assert own
    own.rename(own.with_name("moved"))
    own.symlink_to(files / "a.mp4")
    assert visit.http.get(place).status_code == 404
    assert visit.http.delete(f"/api/jobs/{job}").status_code == 204 and not studio.folder.job(job).exists()


def test_a_cancelled_film_is_playable_and_its_clip_is_kept_meanwhile(visit: Visit, known: str) -> None:
    id = known
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DrawnProcess, "step", 30)
        running, waiting = film(visit, id)["id"], film(visit, id)["id"]
        visit.until(running, "running")
        assert visit.job(waiting)["position"] == 0 and not visit.job(waiting)["film"]
        assert visit.http.get(f"/api/jobs/{waiting}/film").status_code == 404
        assert visit.http.delete(f"/api/pictures/{id}").status_code == 409
        visit.http.post(f"/api/jobs/{waiting}/cancel")
        visit.http.post(f"/api/jobs/{running}/cancel")
        ended = visit.until(running, "cancelled")
    assert ended["film"] and visit.http.get(f"/api/jobs/{running}/film").status_code == 200
    # It has no whole part, and so is begun anew; of one that never began there is nothing to go on from.
    again = visit.http.post(f"/api/jobs/{running}/go-on", json={"iterations": 5})
    assert ended["can_go_on"] and again.status_code == 201 and not visit.job(waiting)["can_go_on"]
    done = visit.until(again.json()["id"], "done")
    assert done["from"] == running and done["request"] == ended["request"] and done["film"] and not done["can_go_on"]
    assert not DrawnProcess.begun[-1]["resume"]
    assert visit.http.post(f"/api/jobs/{waiting}/go-on", json={}).status_code == 409


def test_of_a_film_whose_process_dies_its_whole_parts_are_kept(
    here: tuple[Visit, Studio], known: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (visit, studio), id = here, known
    begin = DrawnProcess.begin
    DrawnProcess.begun.clear()

    def dies_at_first(self: DrawnProcess, work: str, arguments: Any) -> None:
        begin(self, work, arguments)
        parts = Path(f"{arguments['job']['delivery']['output']}.parts")
        if len(DrawnProcess.begun) < 3:
            self.dies_after = 2
        if len(DrawnProcess.begun) == 2:
            parts.mkdir()
            (parts / "000000.state").touch()

    monkeypatch.setattr(DrawnProcess, "begin", dies_at_first)
    nothing = visit.until(film(visit, id)["id"], "failed")
    assert not nothing["film"] and not nothing["can_go_on"] and len(DrawnProcess.begun) == 1
    assert visit.http.post(f"/api/jobs/{nothing['id']}/go-on", json={}).status_code == 409
    kept = visit.until(film(visit, id)["id"], "failed")
    assert (
        kept["film"]
        and "killed" in kept["error"]
        and [each["resume"] for each in DrawnProcess.begun[1:]] == [False, True]
    )
    # Its film is one to be gone on with, as often as one likes.
    parts = studio.folder.job(kept["id"]) / "result.mp4.parts"
    for _ in range(2):
        assert kept["can_go_on"] and [each.name for each in parts.iterdir()] == ["000000.state"]
        again = visit.http.post(f"/api/jobs/{kept['id']}/go-on", json={}).json()
        assert again["from"] == kept["id"] and again["request"] == kept["request"]
        done = visit.until(again["id"], "done")
        assert done["film"] and not done["can_go_on"] and DrawnProcess.begun[-1]["resume"]
        assert not [*studio.folder.job(done["id"]).glob("*.parts")]


def with_parts(visit: Visit, studio: Studio, clip: str, *names: str) -> Path:
    """A job whose film can be gone on with: the folder of its parts, with files of these names."""
    job = visit.until(film(visit, clip)["id"], "done")["id"]
    parts = studio.folder.job(job) / "result.mp4.parts"
    parts.mkdir()
    for name in ("000000.state", *names):
        (parts / name).touch()
    studio.store.save_job(studio.jobs.one("owner", job).model_copy(update={"state": "cancelled", "can_go_on": True}))
    return parts


def test_going_on_copies_what_is_whole_and_only_if_it_may(
    here: tuple[Visit, Studio], known: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit, studio = here
    parts = with_parts(visit, studio, known, ".000024.mkv.ab12.partial")
    going_on = f"/api/jobs/{parts.parent.name}/go-on"
    with monkeypatch.context() as patch:
        patch.setitem(Jobs.go_on.__globals__, "_KEPT", 0)
        patch.setattr("shutil.copytree", lambda *_, **__: pytest.fail("copied"))
        assert visit.http.post(going_on, json={}).status_code == 409
    with monkeypatch.context() as patch:
        patch.setattr(DrawnProcess, "step", 30)
        running = film(visit, known)["id"]
        visit.until(running, "running")
        waiting = visit.http.post(going_on, json={}).json()["id"]
        copied = studio.folder.job(waiting) / parts.name
        assert [each.name for each in copied.iterdir()] == ["000000.state"]
        # What ends before it has begun can be gone on with all the same.
        assert visit.http.post(f"/api/jobs/{waiting}/cancel").json()["can_go_on"]
        failing = visit.http.post(going_on, json={}).json()["id"]
        (studio.folder.job(failing) / "result.mp4").mkdir()
        visit.http.post(f"/api/jobs/{running}/cancel")
        assert visit.until(failing, "failed")["can_go_on"]


def test_going_on_leaves_the_parts_that_it_began_with_as_they_are(
    here: tuple[Visit, Studio], known: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a film that is really painted, and stopped after its first parts."""
    visit, studio = here
    monkeypatch.setitem(filmed.__globals__, "_PART", 2)
    parts = with_parts(visit, studio, known)
    (parts / "000000.state").unlink()
    job = studio.jobs.one("owner", parts.parent.name)
    events = filmed(studio.jobs.order("owner", job).dictionary(), resume=False).events()
    for _ in range(5):
        next(events)
    ends = time.monotonic() + 20
    while not (parts / "000000.state").exists():  # it is written behind
        assert time.monotonic() < ends
        time.sleep(0.01)
    events.close()
    own = {each.name: each.read_bytes() for each in sorted(parts.iterdir())}
    after = studio.jobs.files("another")
    after.start_from(studio.jobs.files(job.id))
    assert {each.name for each in (after.place / parts.name).iterdir()} == {*own}
    told = [*filmed(studio.jobs.order("owner", job.model_copy(update={"id": "another"})).dictionary(), True).events()]
    assert told[0].iteration > 2, "it goes on"
    assert len(Clip(after.place / "result.mp4").facts.times) == 8 and not (after.place / parts.name).exists()
    assert {each.name: each.read_bytes() for each in sorted(parts.iterdir())} == own


def test_a_film_survives_a_restart_and_is_another_visitors_business(tmp_path: Path, files: Path) -> None:
    with served(tmp_path, users=True) as (owner, studio):
        one, other = (Visit(owner.base, studio.sessions.begun(studio.config.token)) for _ in range(2))
        id = sent(one, (files / "a.mp4").read_bytes())["id"]
        job = film(one, id)["id"]
        one.until(job, "done")
        assert other.http.get(f"/api/jobs/{job}/film").status_code == 404
        assert film(other, id, 422)["setting"] == "clip"
        assert other.http.get(f"/api/pictures/{id}/file?frame=1").status_code == 404
        tag = one.http.get(f"/api/jobs/{job}/film").headers["etag"]
        secret = one.http.headers["authorization"]
        (studio.folder.root / "clips" / "of-a-crash").mkdir()
    with served(tmp_path, users=True) as (owner, studio):
        one = Visit(owner.base, secret.removeprefix("Bearer "))
        assert one.job(job)["film"] and one.http.get(f"/api/jobs/{job}/film").headers["etag"] == tag
        assert {each.name for each in (studio.folder.root / "clips").iterdir()} == {id}
        assert one.http.delete(f"/api/pictures/{id}").status_code == 204
        assert not [*(studio.folder.root / "clips").iterdir()]


def test_what_a_film_may_take_is_the_studios_to_say(tmp_path: Path, files: Path) -> None:
    DrawnProcess.begun.clear()
    with served(tmp_path, memory="3GB") as (visit, _):
        id = sent(visit, (files / "a.mp4").read_bytes())["id"]
        visit.until(film(visit, id, settings={"strength": 0.7})["id"], "done")
        assert DrawnProcess.begun[-1]["job"]["settings"] == {"strength": 0.7, "memory": "3GB"}


@pytest.mark.parametrize(
    ("asked", "setting"),
    [
        ({"settings": {"method": "iterative"}}, "method"),
        ({"settings": {"memory": "1GB"}}, "memory"),
        ({"settings": {"network": "/etc/passwd.safetensors"}}, "network"),
        ({"settings": {"init": "/etc/passwd"}}, None),
        ({"settings": {"tv_weight": 1}}, None),
        ({"settings": {"size": 5000}}, "size"),
        ({"recipe": "statistics"}, "clip"),
        ({"style_index": ""}, "style_index"),
        ({"clip": None}, "clip"),
        ({"clip": "A" * 16}, "clip"),
        ({"clip": "/etc/passwd"}, "clip"),
        ({"task": "stylize"}, "photo"),
        ({"start": 9}, "start"),
        ({"start": 0.5, "end": 0.25}, "end"),
        ({"start": -1}, "start"),
        ({"end": 0}, "end"),
        ({"task": "texture", "clip": None, "end": 1}, "start"),
    ],
)
def test_what_makes_no_sense_or_names_files_is_refused(
    visit: Visit, known: str, asked: JSON, setting: str | None
) -> None:
    told = film(visit, known, 422, **asked)
    assert setting is None or told["setting"] == setting, told


def test_a_photo_is_no_clip(visit: Visit) -> None:
    assert film(visit, visit.send(noise(64))["id"], 422)["setting"] == "clip"


def order(folder: Path, files: Path) -> JSON:
    """A film's job, as the studio gives it to its process."""
    return {
        "job": 1, "task": "video", "clip": str(files / "a.mp4"), "style_index": "0", "settings": {"network": "multi"},
        "delivery": {"output": str(folder / "result.mp4"), "bits": 8},
    }  # fmt: skip


def test_work_that_is_cut_short_leaves_a_film_of_what_is_painted(tmp_path: Path, files: Path) -> None:
    assert WORKS[True].endswith(":filmed")
    work = filmed(order(tmp_path, files), resume=False)
    events = work.events()
    told = [next(events) for _ in range(6)]
    assert told[-1].iteration == 6 and told[-1].counts["frames_per_second"] > 0
    events.close()
    made = Clip(tmp_path / "result.mp4").facts
    assert 0 < len(made.times) <= 7 and made.times == Clip(files / "a.mp4").facts.times[: len(made.times)]
    assert packets(tmp_path / "result.mp4", "audio")[-1][0] < made.end
    names = {each.name for each in tmp_path.iterdir()}
    assert names == {"result.mp4", "result.mp4.json", "so-far.jpg"}


def test_work_that_fails_leaves_a_film_too_and_work_that_is_paused_its_parts(
    tmp_path: Path, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(filmed.__globals__, "_PART", 2)
    work = filmed(order(tmp_path, files), resume=False)
    events = work.events()
    for _ in range(5):
        next(events)
    work.checkpoint()
    events.close()
    assert not (tmp_path / "result.mp4").exists() and (tmp_path / "result.mp4.parts" / "film.json").exists()
    again = filmed(order(tmp_path, files), resume=True)
    with monkeypatch.context() as patch, pytest.raises(OSError, match="It breaks"):
        breaks_at(patch, 7, OSError("It breaks."))
        list(again.events())
    assert len(Clip(tmp_path / "result.mp4").facts.times) >= 4
    assert isinstance(again._work, VideoWork) and again._work.record
    # What is painted is a film, and is gone on with all the same.
    with_half = filmed(order(tmp_path, files), resume=True)
    told = list(with_half.events())
    assert told[0].iteration > 4 and {each.counts["frames"] for each in told} == {8}
    assert len(Clip(tmp_path / "result.mp4").facts.times) == 8 and not (tmp_path / "result.mp4.parts").exists()


def test_what_the_disk_does_not_take_fails_and_is_put_nowhere_else(
    tmp_path: Path, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (folder := tmp_path / "job").mkdir()
    (elsewhere := tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    monkeypatch.setattr(joining, "join", full)
    with pytest.raises(OutputError, match="No space left"):
        list(filmed(order(folder, files), resume=False).events())
    assert [*(folder / "result.mp4.parts").glob("*.state")] and not [*elsewhere.iterdir()]
    photo = folder / "a.png"
    photo.write_bytes(noise(32))
    asked = order(folder, files) | {"task": "stylize", "content": str(photo), "delivery": {"output": f"{folder}/b.png"}}
    del asked["clip"]
    assert not painted(asked | {"settings": {"method": "fast", "network": "multi"}}, resume=False).rescues


def test_what_the_picture_so_far_does_not_hold_is_no_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = logging.getLogger("impasto")
    monkeypatch.setattr(log, "handlers", [])  # others have left some, whose streams are closed
    monkeypatch.delattr("os.nice", raising=False)  # which would last
    monkeypatch.setattr(ready, "plan_stylize", lambda *_, **__: SimpleNamespace(steps=lambda: iter([None])))
    ready.ready()
    Image.new("RGBA", (32, 32), (90, 60, 30, 99)).save(photo := tmp_path / "a.png")
    asked = {"job": 1, "task": "stylize", "content": str(photo), "style_index": "0"}
    settings = {"settings": {"method": "fast", "network": "multi"}, "delivery": {"output": str(tmp_path / "b.png")}}
    work = painted(asked | settings, resume=False)
    work.finish()
    work.lend(tmp_path / "so-far.jpg")
    assert capsys.readouterr().err == ""
    work.run.result().save(tmp_path / "result.jpg")
    assert capsys.readouterr().err == "impasto: JPEG cannot hold transparency: it is laid on white.\n"


def test_a_film_brings_back_how_it_was_made(visit: Visit, tmp_path: Path, files: Path, known: str) -> None:
    asked = order(tmp_path, files) | {"start": 0.25, "end": 0.75}
    painting = tmp_path / "x.png"
    painting.write_bytes(noise(64))
    id = visit.send(painting.read_bytes(), "painting")["id"]
    own = {"steady": "off", "memory": "8GB"}  # as where the studio was given that
    by_painting = asked | {"style_index": "", "styles": [[str(painting), 2]], "settings": own}
    mine = {str(files / "a.mp4"): "walk.mp4", str(painting): "gone wave.jpg"}
    of: dict[str, Any] = {
        "task": "video",
        "photo": None,
        "clip": known,
        "regions": [],
        "recipe": "default",
        "start": 0.25,
        "end": 0.75,
    }
    for job, styles, style_index, settings in [
        (asked, [], "0", {"network": "multi"}),
        (by_painting, [{"painting": id, "weight": 2.0}], "", {"steady": "off"}),
    ]:
        list(filmed(job, resume=False, named=mine).events())
        made = sent(visit, (tmp_path / "result.mp4").read_bytes())
        wanted = of | {"styles": styles, "style_index": style_index, "settings": settings}
        assert made["moving"]["frames"] == 4 and made["restored"] == {"job": wanted, "missing": []}
        visit.until(film(visit, known, **made["restored"]["job"])["id"], "done")
        visit.http.delete(f"/api/pictures/{made['id']}")
    assert visit.http.delete(f"/api/pictures/{id}").status_code == 204
    made = sent(visit, (tmp_path / "result.mp4").read_bytes())["restored"]
    assert made["missing"] == ["gone wave.jpg"] and made["job"]["styles"] == [] and made["job"]["clip"] == known
    # What the studio does not make is a clip and no more.
    list(filmed(asked | {"strength_at": [[0, 0.1], [0.5, 1]]}, resume=False).events())
    assert sent(visit, (tmp_path / "result.mp4").read_bytes())["restored"] is None


def test_a_part_of_a_clip_is_painted(here: tuple[Visit, Studio], known: str) -> None:
    visit, studio = here
    DrawnProcess.begun.clear()
    job = film(visit, known, start=0.25, end=0.75)
    visit.until(job["id"], "done")
    begun = DrawnProcess.begun[0]["job"]
    assert (begun["start"], begun["end"]) == (0.25, 0.75) and (job["request"]["start"], job["request"]["end"]) == (
        0.25,
        0.75,
    )
    order = studio.jobs.order("owner", studio.jobs.one("owner", job["id"]))
    assert studio.jobs.steps("owner", studio.jobs.one("owner", job["id"]), order) == 4


def test_a_film_is_estimated_as_the_command_line_does(here: tuple[Visit, Studio], known: str) -> None:
    visit = here[0]
    asked = {"task": "video", "clip": known, "style_index": "0", "settings": {"network": "multi"}}
    told = visit.http.post("/api/jobs/estimate", json=asked).json()
    assert (told["frames"], told["width"], told["height"]) == (8, 64, 48) and told["seconds"] == pytest.approx(
        1, abs=0.2
    )
    assert told["bytes"] > 0 and told["painting_s"] >= 0
    half = visit.http.post("/api/jobs/estimate", json=asked | {"start": 0.5, "settings": {"size": 32}}).json()
    assert (half["frames"], half["width"]) == (4, 32) and half["bytes"] < told["bytes"] / 4
    pages = list[str]()
    with pytest.MonkeyPatch.context() as patch:
        ask = here[1].previews.ask

        async def noted(visitor: str, page: str, paint: Any) -> Any:
            pages.append(page)
            return await ask(visitor, page, paint)

        patch.setattr(here[1].previews, "ask", noted)
        for page in ("one", "two"):
            assert visit.http.post("/api/jobs/estimate", json=asked | {"page": page}).status_code == 200
    assert len({*pages}) == 2
    refused = visit.http.post("/api/jobs/estimate", json={"photo": visit.send(noise(64))["id"], "style_index": "0"})
    assert refused.status_code == 422


def test_a_frame_of_a_clip_is_seen_at_its_time(visit: Visit, known: str, files: Path) -> None:
    place = f"/api/pictures/{known}/file"
    own = decoded(files / "a.mp4")[1]
    for moment, number in ((0, 0), (0.3, 2), (99, 7)):
        answer = visit.http.get(place, params={"at": moment})
        seen = np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB"))
        assert answer.status_code == 200 and np.abs(seen.astype(int) - own[number]).mean() < 6, moment
        assert all(np.abs(seen.astype(int) - other).mean() > 6 for other in (own[number - 3], own[number - 4]))
    # A film that starts there begins with the first from then on; one that ends there, with the last before.
    for moment, edge, number in (
        (0.25, "start", 2),
        (0.3, "start", 3),
        (0.3, "end", 2),
        (0.25, "end", 1),
        (0, "end", 0),
    ):
        answer = visit.http.get(place, params={"at": moment, "edge": edge})
        seen = np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB")).astype(int)
        assert np.argmin([np.abs(seen - each).mean() for each in own]) == number, (moment, edge)
    tag = visit.http.get(place, params={"at": 0.3}).headers["etag"]
    assert visit.http.get(place, params={"at": 0.3}, headers={"If-None-Match": tag}).status_code == 304
    assert visit.http.get(f"{place}?at=nan").status_code == 422
    assert visit.http.get(f"/api/pictures/{visit.send(noise(64))['id']}/file?at=1").status_code == 422

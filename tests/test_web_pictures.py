"""Pictures of the studio: sent, shown, previewed, and restored with the jobs that made them."""

import asyncio
import contextlib
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image

import impasto
from impasto.jobs.deliver import Work
from impasto.jobs.job import Delivery, RegionFiles
from impasto.jobs.job import Job as Order
from impasto.machine import files
from impasto.settings.fields import Settings
from impasto.tasks import record
from impasto.web.choices import OFFERED, choices
from impasto.web.desk.client import Answer
from impasto.web.hub import Hub
from impasto.web.previews import Previews
from impasto.web.refusals import Refused
from impasto.web.restoring import restored
from impasto.web.routes import choices as routes_choices
from impasto.web.seen import Seen
from impasto.web.studio import Studio
from tests.clips import clip, drawn
from tests.helpers import painting, photo
from tests.web import Visit, noise, png, served


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Visit, Studio]]:
    with served(tmp_path_factory.mktemp("web")) as found:
        yield found


@pytest.fixture
def visit(here: tuple[Visit, Studio]) -> Visit:
    return here[0]


def test_the_same_picture_is_sent_once_for_each_purpose(visit: Visit) -> None:
    content = noise(40)
    first = visit.send(content, name="one.png")
    assert visit.send(content, name="two.png", status=200) == first
    other = visit.send(content, "painting")
    assert other["id"] != first["id"] and other["sha256"] == first["sha256"]
    listed = visit.http.get("/api/pictures", params={"kind": "painting"}).json()
    assert other in listed and first not in listed
    assert visit.http.get(f"/api/pictures/{first['id']}").json() == first
    assert visit.http.delete(f"/api/pictures/{first['id']}").status_code == 204
    assert visit.http.get(f"/api/pictures/{first['id']}/file").status_code == 404


def test_what_has_gone_on_from_another_is_restored_from_the_beginning(visit: Visit, here: Any) -> None:
    studio: Studio = here[1]
    id = visit.until(visit.ask(settings={"iterations": 9, "strength": 0.4})["id"], "done")["id"]
    more = visit.http.post(f"/api/jobs/{id}/go-on", json={"iterations": 7}).json()["id"]
    visit.until(more, "done")
    job = studio.jobs.order("owner", studio.jobs.one("owner", more))
    assert job.settings["iterations"] == 7 and job.settings["scales"] == "single"
    made = {"job": job.moved(lambda path: Path(path).name).dictionary()}
    made["hashed"] = job.moved(lambda path: files.sha256_of(Path(path)) if Path(path).exists() else path).dictionary()
    found = restored(made, "owner", studio.store)
    assert found and found.missing == [] and found.job.settings == {"strength": 0.4}
    assert found.job.photo == visit.job(id)["request"]["photo"]


def test_a_part_of_a_painting_is_missing_in_what_is_restored(visit: Visit, here: Any) -> None:
    """The page has no masks of paintings, and what would come of it without is not said to be the same."""
    studio: Studio = here[1]
    id, style = visit.pair()
    known = {each["id"]: each["sha256"] for each in visit.http.get("/api/pictures").json()}
    made = {
        name: Order(
            "stylize", content, regions=(RegionFiles("faces", painting, part),), settings={"size": 64}
        ).dictionary()
        for name, content, painting, part in (
            ("job", "a.png", "b.png", "part.png"),
            ("hashed", known[id], known[style], "0" * 64),
        )
    }
    found = restored(made, "owner", studio.store)
    assert found and found.missing == ["part.png"] and found.job.regions[0].painting == style


def test_as_many_iterations_may_follow_as_there_may_be(visit: Visit) -> None:
    id = visit.until(visit.ask(settings={"iterations": 1})["id"], "done")["id"]
    more = visit.http.post(f"/api/jobs/{id}/go-on", json={"iterations": 19_900})
    assert more.is_success, more.text
    visit.http.post(f"/api/jobs/{more.json()['id']}/cancel")


def test_every_format_of_impasto_can_be_sent(visit: Visit) -> None:
    """HEIC from a phone, turned by its camera; 16 bits; transparency."""
    file = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(photo(40, 64))).save(file)
    assert visit.send(file.getvalue(), name="IMG_1.HEIC")["width"] == 64
    turned, file = Image.Exif(), io.BytesIO()
    turned[274] = 6
    Image.fromarray(photo(40, 64)).save(file, "JPEG", exif=turned)
    assert (sent := visit.send(file.getvalue()))["width"] == 40 and sent["height"] == 64
    clear = np.dstack([photo(40, 64), np.full((40, 64), 100, np.uint8)])
    sent = visit.send(png(clear))
    shown = visit.http.get(f"/api/pictures/{sent['id']}/file", params={"side": 32})
    assert sent["transparent"] and shown.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(shown.content)).size == (32, 20)
    large = visit.http.get(f"/api/pictures/{sent['id']}/file", params={"side": 4000})
    assert Image.open(io.BytesIO(large.content)).size == (64, 40)  # never enlarged
    again = visit.http.get(f"/api/pictures/{sent['id']}/file?side=32", headers={"If-None-Match": shown.headers["etag"]})
    assert again.status_code == 304
    white = np.zeros((40, 64), np.uint8)
    white[:17, 5:] = 255
    mask = visit.send(png(white), "mask")["id"]
    shown = visit.http.get(f"/api/pictures/{mask}/file")
    assert (np.asarray(Image.open(io.BytesIO(shown.content)).convert("L")) == white).all()


def test_a_result_from_anywhere_brings_its_job_and_its_pictures_back(
    visit: Visit, tmp_path: Path, narrow: None
) -> None:
    """One of the command line: the studio knows its files by their hashes, and tells which it has not got."""
    paths = [tmp_path / name for name in ("the photo.png", "a.png", "b.png", "mask.png")]
    half = np.zeros((48, 64), np.uint8)
    half[:, :30] = 255
    for path, array in zip(paths, (photo(48, 64), painting(60, 60), painting(60, 60, seed=4), half), strict=True):
        Image.fromarray(array).save(path)
    content, style, other, mask = map(str, paths)
    settings = {
        "size": 64,
        "iterations": 2,
        "scales": "single",
        "strength": 0.6,
        "protect": {mask: 0.25},
        "device": "cpu",
    }
    job = Order(
        "stylize", content, ((style, 2.0), (other, 1.0)), settings=settings, delivery=Delivery(str(tmp_path / "r.png"))
    )
    Work(job).finish()
    for sent, kind in ((content, "photo"), (style, "painting"), (mask, "mask")):
        visit.send(Path(sent).read_bytes(), kind, name=f"renamed-{kind}.png")
    ids = {each["kind"]: each["id"] for each in reversed(visit.http.get("/api/pictures").json())}
    made = visit.send((tmp_path / "r.png").read_bytes())["restored"]
    assert made["missing"] == ["b.png"]
    assert made["job"]["photo"] == ids["photo"]
    assert made["job"]["styles"] == [{"painting": ids["painting"], "weight": 2.0}]
    kept = {"size": 64, "iterations": 2, "scales": "single", "strength": 0.6, "protect": {ids["mask"]: 0.25}}
    assert made["job"]["settings"] == kept and made["job"]["recipe"] == "default"
    visit.until(visit.ask(**made["job"])["id"], "done")
    # One that was tampered with is a picture like any other.
    for hostile in (
        "[]",
        "{}",
        '{"impasto": "stylize", "job": 7}',
        '{"impasto": 1, "job": {"job": 1, "task": "stylize"}}',
    ):
        changed = Image.open(tmp_path / "r.png")
        exif = changed.getexif()
        exif[270] = hostile
        file = io.BytesIO()
        Image.fromarray(np.asarray(changed)[::-1] + len(hostile)).save(file, "PNG", exif=exif)
        assert visit.send(file.getvalue())["restored"] is None


def test_a_job_in_a_record_is_known_by_its_files_wherever_they_lie(tmp_path: Path, narrow: None) -> None:
    content, style = tmp_path / "c.png", tmp_path / "s.png"
    Image.fromarray(photo(32, 32)).save(content)
    Image.fromarray(painting(32, 32)).save(style)
    settings = {"iterations": 1, "size": 32, "init": str(style), "scales": "single"}
    job = Order(
        "stylize", str(content), ((str(style), 1.0),), settings=settings, delivery=Delivery(str(tmp_path / "r.png"))
    )
    told = Work(job).finish()
    by_hash = Order.of(told["hashed"])
    digest = {path: files.sha256_of(path) for path in (content, style)}
    assert by_hash.content == digest[content] and by_hash.styles == ((digest[style], 1.0),)
    assert by_hash.settings["init"] == digest[style] and by_hash.delivery == Delivery()
    assert str(tmp_path) not in json.dumps(told["hashed"])


def test_what_can_be_chosen_is_what_is_declared(visit: Visit) -> None:
    told = visit.http.get("/api/choices").json()
    own = {each["name"]: each for each in told["settings"]}
    assert (
        set(own)
        == set(OFFERED)
        == {*Settings.__dataclass_fields__}
        - {
            "memory",
            "device",
            "compile",
            "allow_truncated",
            "steady_weight",
            "frame_iterations",
            "keyframes",
        }
    )
    assert own["strength"] == choices([]).model_dump(mode="json")["settings"][OFFERED.index("strength")]
    assert own["strength"]["type"] == "number" and (own["strength"]["least"], own["strength"]["most"]) == (0, 1)
    assert own["init"]["choices"] == ["content", "noise", "style"] and own["history"]["needs"] == [["optimizer=lbfgs"]]
    assert own["iterations"]["default"] == impasto.RECIPES["default"].iterations
    assert {each["name"] for each in told["recipes"]} == set(impasto.RECIPES)
    assert told["networks"] == [{"name": "multi", "styles": ["one", "two"], "any": False}]


def test_previews_and_thumbnails(visit: Visit, small_looks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    id, style = visit.pair()
    asked: dict[str, Any] = {"photo": id, "size": 48, "page": "one"}
    painted = [
        visit.http.post("/api/preview", json=asked | also)
        for also in (
            {"styles": [{"painting": style}]},
            {"style_index": "0"},
            {"styles": [{"painting": style}], "strength": 0.2},
            {"styles": [{"painting": style}], "keep_colour": "luminance"},
            {"styles": [{"painting": style}], "keep_colour": "linear"},
            {"styles": [{"painting": style}], "keep_colour": "histogram"},
        )
    ]
    for answer in painted:
        assert answer.status_code == 200 and answer.headers["content-type"] == "image/jpeg", answer.text
        assert Image.open(io.BytesIO(answer.content)).size == (48, 48)
    assert len({answer.content for answer in painted}) == 6
    for path in ("learnt/multi/1", f"paintings/{style}"):
        small = visit.http.get(f"/api/{path}", params={"photo": id, "side": 32})
        assert Image.open(io.BytesIO(small.content)).size == (32, 32)
        known = {"If-None-Match": small.headers["etag"]}
        assert visit.http.get(f"/api/{path}", params={"photo": id, "side": 32}, headers=known).status_code == 304
        # Networks change from version to version.
        assert "no-cache" in small.headers["cache-control"]
        with monkeypatch.context() as later:
            later.setattr(routes_choices, "__version__", "later")
            assert visit.http.get(f"/api/{path}", params={"photo": id, "side": 32}, headers=known).status_code == 200
    for wrong in (
        asked,
        asked | {"style_index": "nobody"},
        asked | {"style_index": "0", "network": "none"},
        asked | {"style_index": "0", "keep_colour": "all"},
    ):
        assert visit.http.post("/api/preview", json=wrong).status_code == 422


def test_a_page_gets_its_newest_preview_and_no_other() -> None:
    async def ask() -> list[Any]:
        previews, painted, may = Previews(), [], asyncio.Event()

        def paint(name: str) -> Any:
            async def work() -> Answer:
                painted.append(name)
                await may.wait()
                return Answer({}, name.encode())

            return work

        asked = [
            asyncio.create_task(previews.ask("", page, paint(f"{page}{n}")))
            for page, n in ("a1", "a2", "b1", "a3", "b2")
        ]
        await asyncio.sleep(0.05)
        may.set()
        answers = await asyncio.gather(*asked, return_exceptions=True)
        return [painted, *answers]

    painted, *answers = asyncio.run(ask())
    assert sorted(painted) == ["a3", "b2"]
    for answer, wanted in zip(answers, ("", "", "", "a3", "b2"), strict=True):
        if wanted:
            assert answer.content.decode() == wanted
        else:
            assert isinstance(answer, Refused) and answer.status_code == 409


def test_one_visitor_shuts_no_other_out() -> None:
    async def ask() -> None:
        previews, hub = Previews(users=True), Hub(users=True)

        async def work() -> Answer:
            await asyncio.sleep(60)
            return Answer({}, b"")

        tasks = [asyncio.create_task(previews.ask("one", str(page), work)) for page in range(30)]
        tasks.append(asyncio.create_task(previews.ask("other", "a", work)))
        await asyncio.sleep(0.05)
        assert [each.done() for each in tasks] == [False] * 16 + [True] * 14 + [False]
        for each in tasks:
            each.cancel()
        with contextlib.ExitStack() as pages:
            for _ in range(32):
                pages.enter_context(hub.listening("one"))
            with pytest.raises(Refused, match="Too many pages"):
                pages.enter_context(hub.listening("one"))
            pages.enter_context(hub.listening("other"))

    asyncio.run(ask())


def test_what_many_ask_for_is_made_once_and_forgotten_when_it_is_much() -> None:
    async def ask() -> int:
        seen, made = Seen(), 0

        async def make() -> Answer:
            nonlocal made
            made += 1
            await asyncio.sleep(0.01)
            return Answer({}, bytes(2**20))

        await asyncio.gather(*(seen.have("same", make) for _ in range(20)))
        assert made == 1
        for number in range(100):
            await seen.have(f"{number}", make)
        assert seen._bytes <= 2**26 and len(seen._kept) == 64
        return made

    assert asyncio.run(ask()) == 101


def test_downloads_have_the_record_inside_and_a_tiff_has_16_bits(
    visit: Visit, here: Any, narrow: None, tmp_path: Path
) -> None:
    style = visit.send(noise(60), "painting", name="Der Kuß.jpg")["id"]
    id = visit.send(noise(48), name="Straße.jpg")["id"]
    job = visit.ask(photo=id, styles=[{"painting": style}], settings={"size": 48, "iterations": 1, "scales": "single"})[
        "id"
    ]
    visit.until(job, "done")
    studio: Studio = here[1]
    order = studio.jobs.order("owner", studio.jobs.one("owner", job))
    assert isinstance(order, Order)
    Work(order, force=True).finish()  # as its process would have
    for form, ending in (("png", ".png"), ("jpeg", ".jpg"), ("webp", ".webp"), ("tiff", ".tiff")):
        answer = visit.http.get(f"/api/jobs/{job}/download", params={"format": form})
        plain, named = f"Strae-Der-Ku{ending}", f"Stra%C3%9Fe-Der-Ku%C3%9F{ending}"
        assert answer.headers["content-disposition"] == f"attachment; filename=\"{plain}\"; filename*=UTF-8''{named}"
        assert answer.headers["content-type"] == f"image/{form}"
        (file := tmp_path / f"a{ending}").write_bytes(answer.content)
        told = record.read(file)
        assert told["inputs"] == ["Straße.jpg", "Der Kuß.jpg"] and told["job"]["content"] == "Straße.jpg"
        assert str(studio.folder.root).encode() not in answer.content
        assert impasto.load(file).depth == (16 if form == "tiff" else 8)
        made = visit.send(answer.content)["restored"]
        assert made["missing"] == [] and made["job"] == visit.job(job)["request"]


def test_what_is_cut_off_is_told_without_advice_that_is_none_here(visit: Visit, tmp_path: Path) -> None:
    """`PUT /api/pictures` has no `allow_truncated`."""
    whole = noise(64)
    told = visit.send(whole[: len(whole) * 9 // 10], status=415)["error"]
    assert re.search(r"it is cut off, \d+% of it are missing: get the whole file\.$", told), told
    film = clip(tmp_path / "a.mkv", drawn(12)).read_bytes()
    cut = visit.http.put("/api/clips", content=film[: len(film) // 2])
    assert cut.status_code == 415 and cut.json()["error"].endswith("anew."), cut.text


def test_a_result_is_saved_under_what_it_is_made_of(here: tuple[Visit, Studio]) -> None:
    visit, _ = here
    photo, wave, kiss = (
        visit.send(noise(64), kind, name)["id"]
        for kind, name in (("photo", "astronaut.jpg"), ("painting", "great_wave.jpg"), ("painting", "the.kiss.png"))
    )
    both = [{"painting": wave}, {"painting": kiss}]
    region = {"mask": "faces", "painting": kiss}
    for asked, name in (
        ({"photo": photo, "styles": both}, "astronaut-great-wave.png"),
        ({"photo": photo, "styles": both[1:]}, "astronaut-the-kiss.png"),
        ({"photo": photo, "regions": [region]}, "astronaut-the-kiss.png"),
        ({"photo": photo, "styles": both[:1], "regions": [region]}, "astronaut-great-wave.png"),
        (
            {"photo": photo, "style_index": "rhone:0.5,7", "settings": {"method": "fast"}},
            "astronaut-style-rhonex0-5-7.png",
        ),
        ({"photo": None, "task": "texture", "recipe": "texture", "styles": both}, "great-wave-texture.png"),
    ):
        job = visit.ask(**asked)["id"]
        visit.until(job, "done")
        told = visit.http.get(f"/api/jobs/{job}/download").headers["content-disposition"]
        assert told == f'attachment; filename="{name}"', told


def test_an_id_that_is_none_and_one_that_nobody_has(here: tuple[Visit, Studio]) -> None:
    """As docs/api.md has them; and to cancel what has ended is no fault."""
    visit, _ = here
    job = visit.ask()["id"]
    visit.until(job, "done")
    again = visit.http.post(f"/api/jobs/{job}/cancel")
    assert again.status_code == 202 and again.json()["state"] == "done"
    for method, place in (("GET", ""), ("GET", "/picture"), ("POST", "/cancel"), ("DELETE", "")):
        for id, status in (("nonsense", 422), ("A" * 16, 404)):
            assert visit.http.request(method, f"/api/jobs/{id}{place}").status_code == status, (method, place, id)

"""Nobody gets into the studio, or out of its folder, who is not meant to."""

import os
import socket
import sqlite3
import struct
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx2
import pytest

import impasto
from impasto.errors import ImageError, ImpastoError, OutputError, WeightsError
from impasto.web import patience, punctual, sessions
from impasto.web.models import now
from impasto.web.studio import Studio
from tests.helpers import photo
from tests.web import TOKEN, Visit, noise, png, served

SECRET = "what is beside the studio's folder"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Visit, Studio]]:
    folder = tmp_path_factory.mktemp("web")
    (folder / "secret.png").write_text(SECRET)
    with served(folder / "studio", max_upload=2**20) as found:
        yield found


@pytest.fixture
def visit(here: tuple[Visit, Studio]) -> Visit:
    return here[0]


def routes(visit: Visit) -> list[tuple[str, str]]:
    """All methods and paths of the API, with an id in place of every parameter."""
    found = visit.http.get("/api/openapi.json").json()["paths"]
    filled = {"id": "A" * 16, "iteration": "7", "network": "multi", "index": "3"}
    return [(method.upper(), path.format(**filled)) for path, own in found.items() for method in own]


def test_the_description_says_what_needs_the_token(visit: Visit) -> None:
    described = visit.http.get("/api/openapi.json").json()
    assert described["components"]["securitySchemes"]["token"] | {"description": ""} == {
        "type": "http", "scheme": "bearer", "description": "",
    }  # fmt: skip
    ways = [(method, path, told) for path, own in described["paths"].items() for method, told in own.items()]
    free = {(method, path) for method, path, told in ways if told.get("security") != [{"token": []}]}
    assert free == {("post", "/api/session"), ("get", "/healthz")}


def test_all_but_the_page_needs_the_token(visit: Visit) -> None:
    stranger = Visit(visit.base, token=None)
    own = [
        *routes(visit),
        ("GET", "/api/openapi.json"),
        ("GET", "/api/nothing"),
        ("GET", "/docs"),
        ("GET", "//api/jobs"),
    ]
    for method, path in own:
        wanted = {"/healthz": 200, "/api/session": 422 if method == "POST" else 401}.get(path, 401)
        for token in (None, "wrong", TOKEN[:-1], f"{TOKEN}x", "é"):
            headers = {} if token is None else {"Authorization": f"Bearer {token}".encode()}
            answer = stranger.http.request(method, path, headers=headers)  # type: ignore[arg-type]
            assert answer.status_code == wanted, (method, path, token)
    assert stranger.http.get("/").status_code == 200


def test_a_session_ends_also_in_a_studio_that_runs_on(
    here: tuple[Visit, Studio], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = here[1].sessions
    then = now()
    secret = own.another("somebody")
    for days, visitor in ((59, "somebody"), (61, None)):
        monkeypatch.setattr(sessions, "now", lambda days=days: then + timedelta(days=days))
        assert own.visitor(secret) == visitor
    assert own.begun(secret) is None and own.visitor(TOKEN) == "owner"


def test_a_session_that_is_used_lasts_on_in_the_studio_and_in_the_browser(
    here: tuple[Visit, Studio], monkeypatch: pytest.MonkeyPatch
) -> None:
    page, then = Visit(here[0].base, token=None), now()
    page.http.post("/api/session", json={"token": TOKEN})
    secret = next(iter(page.http.cookies.values()))
    for days, renewed in ((0.5, False), (2, True), (2.5, False), (40, True), (90, True)):
        monkeypatch.setattr(sessions, "now", lambda days=days: then + timedelta(days=days))
        answer = page.http.get("/api/session")
        assert answer.status_code == 200
        assert (f"={secret}; HttpOnly; Max-Age={60 * 86400}" in answer.headers.get("set-cookie", "")) == renewed, days
    monkeypatch.setattr(sessions, "now", lambda: then + timedelta(days=151))
    assert page.http.get("/api/session").status_code == 401


def test_the_token_is_exchanged_for_a_cookie_that_scripts_cannot_read(visit: Visit) -> None:
    page = Visit(visit.base, token=None)
    assert page.http.post("/api/session", json={"token": "guessed"}).status_code == 401
    answer = page.http.post("/api/session", json={"token": TOKEN})
    assert answer.status_code == 204
    told = answer.headers["set-cookie"]
    assert "HttpOnly" in told and "samesite=strict" in told.lower() and "Path=/;" in told and TOKEN not in told
    assert page.http.get("/api/session").json()["visitor"] == "owner"
    before = dict(page.http.cookies)
    page.http.post("/api/session", json={"token": TOKEN})
    assert dict(page.http.cookies) == before  # whoever has a session keeps it


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "", "[::1", "127.0.0.1@evil.example", "127.1", "2130706433"]
)  # fmt: skip
def test_a_name_that_was_rebound_to_this_machine_is_no_name_of_the_studio(visit: Visit, host: str) -> None:
    for path in ("/", "/healthz", "/api/jobs"):
        assert visit.http.get(path, headers={"Host": host}).status_code in (400, 403), path
    assert visit.http.get("/api/jobs", headers={"Host": "LOCALHOST:123"}).status_code == 200


def test_names_that_were_asked_for_are_the_studios_too(tmp_path: Path) -> None:
    with served(tmp_path, hosts=("paint.example",)) as (visit, studio):
        assert studio.config.bind == "127.0.0.1"
        assert visit.http.get("/", headers={"Host": "Paint.Example"}).status_code == 200
        assert visit.http.get("/", headers={"Host": "other.example"}).status_code == 403


def test_other_pages_change_nothing(visit: Visit) -> None:
    page = Visit(visit.base, token=None)
    page.http.post("/api/session", json={"token": TOKEN})
    strange: list[dict[str, str]] = [
        {"Origin": origin}
        for origin in (
            "https://evil.example",
            "http://[",
            "null",
            "",
            "http://127.0.0.1:1",
            f"{visit.base}.evil.example",
            "file://",
        )
    ]
    strange += [{"Sec-Fetch-Site": site} for site in ("cross-site", "same-site")]
    for method, path in routes(visit):
        if method == "GET":
            continue
        for headers in strange:
            answer = page.http.request(method, path, headers=headers)
            assert answer.status_code == 403, (method, path, headers)
            with_token = visit.http.request(method, path, headers=headers)
            assert with_token.status_code == 403, (method, path, headers)
    own = page.http.put("/api/pictures?kind=photo", content=noise(20), headers={"Origin": visit.base})
    assert own.status_code == 201
    # A link on another page may lead to the studio, which tells that page nothing.
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert page.http.get("/", headers=link).status_code == 200


def test_answers_may_be_nothing_but_what_they_are_and_nobody_elses(visit: Visit) -> None:
    id = visit.send(noise(20))["id"]
    for path in ("/", "/api/jobs", f"/api/pictures/{id}/file", "/nothing", "/healthz"):
        headers = visit.http.get(path, headers={"Origin": "https://evil.example"}).headers
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'" and policy["script-src"] == policy["style-src"] == "'self'"
        assert {policy[each] for each in ("base-uri", "form-action", "frame-ancestors")} == {"'none'"}
        assert headers["x-content-type-options"] == "nosniff"
        assert not [name for name in headers if name.startswith("access-control")]
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "PUT"}
    assert visit.http.options("/api/pictures", headers=asked).status_code == 405
    index = visit.http.get("/").text
    assert "<script>" not in index and "style=" not in index and "onload" not in index


def bomb(width: int, height: int) -> bytes:
    """A PNG that declares a size, with next to nothing in it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(1000 * 1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<?xml version='1.0'?><svg onload='alert(1)'/>",
        b"<!doctype html><script>alert(1)</script>",
        b"GIF89a" + b"<script>alert(1)</script>" * 9,
        b"%!PS\nsystemdict /exec",
        b"\xff\xd8\xff\xe0" + bytes(500),
        bomb(100_000, 100_000),
        bomb(30_000, 2),
        bomb(2**31 - 1, 2**31 - 1),
        png(photo(2, 5000)),
        b"\0",
        b"",
    ],
)  # fmt: skip
def test_what_is_no_picture_is_not_taken(here: tuple[Visit, Studio], content: bytes) -> None:
    visit, studio = here
    before = sorted(studio.folder.root.rglob("*.png"))
    for kind in ("photo", "painting", "mask"):
        answer = visit.http.put("/api/pictures", params={"kind": kind}, content=content)
        assert answer.status_code == 415 and str(studio.folder.root) not in answer.json()["error"], answer.text
    assert sorted(studio.folder.root.rglob("*.png")) == before
    assert not [*(studio.folder.root / "incoming").iterdir()]


def test_no_answer_names_a_path_of_the_server(here: tuple[Visit, Studio], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong: a decoder, the disk, the database, the desk, or Impasto itself."""
    visit, studio = here
    own = f"{studio.folder.root}/incoming/abc"
    passing, cache = f"{tempfile.gettempdir()}/tmp1/picture.png", f"{Path.home()}/.cache/impasto/any.safetensors"
    files = (
        own,
        passing,
        cache,
        "/secret/place",
        f"{sys.prefix}/lib/x.py",
        str(Path(impasto.__file__).parent / "x.py"),
    )

    def answered(error: Exception, patched: Any, name: str) -> tuple[int, str]:
        def fail(*_: Any, **__: Any) -> Any:
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(patched, name, fail)
            answer = visit.http.put("/api/pictures?kind=photo&name=..%2Fa%0Ab.png", content=noise(24))
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert not [*(studio.folder.root / "incoming").iterdir()]
        told: str = answer.json()["error"]
        return answer.status_code, told

    for file in files:
        for error, status in (
            (ImageError(f"The picture {file} cannot be used: it is odd."), 415),
            (OutputError(f"{file} cannot be written (No space left on device)."), 507),
            (WeightsError(f"{file} is damaged: delete it."), 500),
            (OSError(28, "No space left on device", file), 500),
            (RuntimeError(f"{file} went wrong"), 500),
        ):
            if file == "/secret/place" and isinstance(error, ImpastoError):  # not where anything of the server is
                continue
            code, told = answered(error, studio.desk, "ask")
            assert code == status and file not in told and "/" not in told, (told, error)
    assert answered(OSError(28, "No space left", own), Path, "open")[0] == 507
    assert answered(sqlite3.OperationalError(f"disk full: {own}"), studio.store, "add_picture")[0] == 500
    assert visit.http.get("/api/pictures").status_code == 200


def test_pictures_are_written_anew(visit: Visit) -> None:
    markup = b"<script>alert(1)</script>"
    id = visit.send(noise(40) + markup)["id"]
    for query in ("", "?side=16"):
        answer = visit.http.get(f"/api/pictures/{id}/file{query}")
        assert answer.headers["content-type"] == "image/jpeg" and markup not in answer.content


def test_uploads_have_an_end(here: tuple[Visit, Studio], monkeypatch: pytest.MonkeyPatch) -> None:
    visit, studio = here
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 2**26:
            sent += 2**14
            yield bytes(2**14)

    try:
        answer = visit.http.put("/api/pictures?kind=photo", content=endless())
        assert answer.status_code == 413
    except httpx2.TransportError:  # it is let go before it has ended
        pass
    assert sent < 2**25
    assert visit.http.post("/api/jobs", content=b"[" * 2**21).status_code == 413
    monkeypatch.setattr(patience, "PAUSE", 0.2)

    def slow() -> Iterator[bytes]:
        yield b"\x89PNG"
        time.sleep(1)
        yield b"x"

    answer = visit.http.put("/api/pictures?kind=photo", content=slow())
    assert answer.status_code == 408
    monkeypatch.setattr(patience, "GRACE", 0.1)

    def dripping() -> Iterator[bytes]:
        for _ in range(40):
            yield b"x"
            time.sleep(0.05)

    assert visit.http.put("/api/pictures?kind=photo", content=dripping()).status_code == 408
    assert not [*(studio.folder.root / "incoming").iterdir()]


def test_whoever_goes_before_all_is_sent_is_no_fault_and_methods_without_end_count_as_one(
    here: tuple[Visit, Studio], caplog: pytest.LogCaptureFixture
) -> None:
    visit, studio = here
    host, port = visit.base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as line:
        head = f"PUT /api/pictures?kind=photo HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {TOKEN}\r\n"
        line.sendall(f"{head}Content-Length: 1000\r\n\r\nsome".encode())
        time.sleep(0.3)
    for method in ("INVENTED", "OPTIONS", "another"):
        assert visit.http.request(method, "/").status_code == 405
    ends = time.monotonic() + 10
    while '="499"' not in (told := studio.metrics.text().decode()) and time.monotonic() < ends:
        time.sleep(0.05)
    assert 'impasto_requests_total{method="PUT",route="/api/pictures",status="499"} 1.0' in told
    assert 'method="other",route="none",status="405"}' in told and "INVENTED" not in told
    assert "request failed" not in caplog.text


def test_whoever_says_nothing_is_let_go(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(punctual, "HEAD", 0.3)
    host, port = visit.base.removeprefix("http://").split(":")
    for said in (b"", b"GET / HTT", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "):
        with socket.create_connection((host, int(port)), timeout=10) as line:
            line.sendall(said)
            assert line.recv(1) == b""


STEPS = ("../secret.png", "..%2fsecret.png", "%2e%2e%2fsecret.png", "%2e%2e/secret.png", "..%5csecret.png", "..\\secret.png",
         "%252e%252e%252fsecret.png", "..%c0%afsecret.png", "....//secret.png", "%00", "../secret.png%00", "/etc/passwd",
         "%2fetc%2fpasswd", "file:%2f%2f%2fetc%2fpasswd")  # fmt: skip


def test_no_path_leads_out(here: tuple[Visit, Studio]) -> None:
    port = here[1].config.port
    steps = [f"{'../' * depth}{step}" for step in STEPS for depth in (0, 1, 4)]
    places = ["/{}", "/assets/{}", "/assets/../{}", "/api/pictures/{}", "/api/pictures/{}/file", "/api/jobs/{}/picture",
              "/api/jobs/{}/download", "/api/jobs/AAAAAAAAAAAAAAAA/snapshots/{}", "/api/learnt/{}/1?photo=AAAAAAAAAAAAAAAA",
              "/api/learnt/multi/{}?photo=AAAAAAAAAAAAAAAA", "/api/paintings/{}?photo=AAAAAAAAAAAAAAAA",
              "/api/paintings/AAAAAAAAAAAAAAAA?photo={}", "/api/pictures?kind={}"]  # fmt: skip
    for place in places:
        for step in steps:
            with socket.create_connection(("127.0.0.1", port), timeout=30) as line:  # as it is, for clients tidy up
                said = f"GET {place.format(step)} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n"
                line.sendall(said.encode("latin-1"))
                answer = b"".join(iter(lambda: line.recv(2**16), b""))
            assert SECRET.encode() not in answer and b"root:" not in answer, (place, step)
            assert answer.split(b" ", 2)[1] in (b"400", b"404", b"405", b"422"), (place, step, answer[:200])


def test_links_in_the_folder_are_not_followed(here: tuple[Visit, Studio], tmp_path: Path) -> None:
    visit, studio = here
    secret = tmp_path / "secret.png"
    secret.write_bytes(png(photo(40, 40)))
    id, painting = visit.pair()
    for each in (id, painting):
        studio.folder.picture(each).unlink()
        studio.folder.picture(each).symlink_to(secret)
    assert visit.http.get(f"/api/pictures/{id}/file").status_code == 404
    asked = {"photo": id, "style_index": "0", "network": "multi", "page": "x"}
    assert visit.http.post("/api/preview", json=asked).status_code == 422
    assert visit.http.get(f"/api/paintings/{painting}", params={"photo": id}).status_code == 422
    job = visit.ask()["id"]
    visit.until(job, "done")
    files = studio.jobs.files(job)
    files.result.unlink()
    for path in (files.result, files.so_far, files.snapshot(7)):
        path.unlink(missing_ok=True)
        path.symlink_to(secret)
    for part in ("picture", "download?format=png", "snapshots/7"):
        assert visit.http.get(f"/api/jobs/{job}/{part}").status_code == 404, part
    moved = studio.folder.job(job).rename(tmp_path / "moved")
    (moved / "result.png").unlink()
    (moved / "result.png").write_bytes(secret.read_bytes())
    studio.folder.job(job).symlink_to(moved)
    assert visit.http.get(f"/api/jobs/{job}/picture").status_code == 404
    visit.http.delete(f"/api/jobs/{job}")
    assert (moved / "result.png").exists() and not os.path.lexists(studio.folder.job(job))


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"init": "/etc/passwd"}, "init"),
        ({"init": "~/photo.png"}, "init"),
        ({"init": ["content"]}, "init"),
        ({"network": "/tmp/net.safetensors", "method": "fast"}, "network"),
        ({"protect": "/etc/passwd"}, "protect"),
        ({"protect": {"/etc/passwd": 0.5}}, None),
        ({"protect": ["faces", "../secret.png:0.5"]}, "protect"),
        ({"protect": 7}, "protect"),
        ({"memory": "900GB"}, "memory"),
        ({"device": "cuda:9"}, "device"),
        ({"output": "/tmp/x.png"}, None),
        ({"size": 30_000}, "size"),
        ({"size": "20000x20000"}, "size"),
    ],
)  # fmt: skip
def test_what_names_files_or_is_the_owners_to_decide_is_refused(
    visit: Visit, settings: dict[str, Any], named: str | None
) -> None:
    answer = visit.ask(422, settings=settings)
    assert named is None or answer["setting"] == named
    assert "passwd" not in answer["error"] or "'/etc/passwd'" in answer["error"]  # but nothing about the file
    assert visit.http.get("/api/jobs").status_code == 200


def test_pictures_are_ids_and_never_paths_or_addresses(visit: Visit) -> None:
    photo, style = visit.pair()
    for wrong in ("../x", "/etc/passwd", "https://example.com/a.png", "a" * 17, "A" * 16):
        for asked in (
            {"photo": wrong, "styles": [{"painting": style}]},
            {"photo": photo, "styles": [{"painting": wrong}]},
        ):
            assert visit.http.post("/api/jobs", json=asked).status_code == 422
            assert visit.http.post("/api/preview", json={**asked, "page": "p"}).status_code == 422


def test_names_of_any_script_are_saved_as_they_are_where_that_is_understood(visit: Visit) -> None:
    sent, style = visit.send(noise(64), name='小猫 "1".png'), visit.send(noise(64), "painting", name="Σ.png")
    job = visit.ask(photo=sent["id"], styles=[{"painting": style["id"]}])["id"]
    visit.until(job, "done")
    told = visit.http.get(f"/api/jobs/{job}/download").headers["content-disposition"]
    plain, _, named = told.partition("; filename*=UTF-8''")
    assert (plain, unquote(named)) == ('attachment; filename="1.png"', "小猫-1-Σ.png") and named.isascii()


def test_names_are_shown_as_text_and_saved_as_plain_letters(visit: Visit) -> None:
    hostile = '..\\..\\<img src=x onerror=alert(1)>"\r\nSet-Cookie: a=b\u202egpj.exe'
    sent = visit.send(noise(64), name=hostile)
    assert sent["name"] == '<img src=x onerror=alert(1)>" Set-Cookie: a=bgpj.exe'.replace('" S', '"S')
    style = visit.send(noise(64), "painting")["id"]
    job = visit.ask(photo=sent["id"], styles=[{"painting": style}])["id"]
    visit.until(job, "done")
    told = visit.http.get(f"/api/jobs/{job}/download").headers["content-disposition"]
    assert told == 'attachment; filename="img-src-x-onerror-alert-1-Set-Cookie-a-bgpj-a.png"'


def test_visitors_see_nothing_of_one_another(tmp_path: Path) -> None:
    with served(tmp_path, users=True) as (owner, _):
        one, other = (Visit(owner.base, token=None) for _ in range(2))
        for each in (one, other):
            assert each.http.post("/api/session", json={"token": TOKEN}).status_code == 204
        assert one.http.get("/api/session").json()["visitor"] != other.http.get("/api/session").json()["visitor"]
        same = noise(40)
        photo, style = one.send(same)["id"], one.send(noise(40), "painting")["id"]
        assert other.send(same)["id"] != photo  # also of the same bytes
        job = one.ask(photo=photo, styles=[{"painting": style}])["id"]
        one.until(job, "done")
        filled = {"id": job, "iteration": "1", "network": "multi", "index": "1"}
        paths = owner.http.get("/api/openapi.json").json()["paths"]
        for path, own in paths.items():
            if "{id}" not in path:
                continue
            for method in own:
                id = job if "/jobs/" in path else photo
                body = {"iterations": 1} if "go-on" in path else {"position": 0} if "move" in path else None
                asked = path.format(**filled | {"id": id})
                answer = other.http.request(method.upper(), asked, json=body, params={"photo": photo})
                assert answer.status_code in (404, 422), (method, path)
        assert len(other.http.get("/api/pictures").json()) == 1 and other.http.get("/api/jobs").json() == []
        wrong = other.http.post("/api/jobs", json={"photo": photo, "styles": [{"painting": style}]})
        assert wrong.status_code == 422
        phone = Visit(owner.base, token=one.http.post("/api/session/token").json()["token"])
        assert phone.job(job)["state"] == "done"  # the same visitor by another token
        script = owner.http.post("/api/session/token").json()["token"]
        browser = Visit(owner.base, token=None)
        assert browser.http.post("/api/session", json={"token": script}).status_code == 204
        assert len({each.http.get("/api/session").json()["visitor"] for each in (owner, browser, one, other)}) == 3


def test_a_proxys_path_is_part_of_the_cookie_and_of_nothing_else(tmp_path: Path) -> None:
    with served(tmp_path, root_path="/paint") as (visit, studio):
        assert studio.config.address().startswith(f"{visit.base}/paint/#token=")
        for prefix in ("", "/paint"):  # whether the proxy takes it off or not
            assert visit.http.get(f"{prefix}/api/jobs").status_code == 200
            assert visit.http.get(f"{prefix}/").status_code == 200
            assert Visit(visit.base, None).http.get(f"{prefix}/api/jobs").status_code == 401
        assert visit.http.get("/paint").headers["location"] == "/paint/"
        told = Visit(visit.base, None).http.post("/paint/api/session", json={"token": TOKEN}).headers["set-cookie"]
        assert "Path=/paint/" in told

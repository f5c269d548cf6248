"""A batch that a studio paints, by its API."""

import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from impasto.batch import served as carrying
from impasto.batch import studio as asking
from impasto.batch.studio import GoneError, Studio
from impasto.errors import ImageError, SettingsError
from tests.batches import failures, make_inputs, results, run
from tests.clips import clip, decoded, drawn
from tests.web import TOKEN, DrawnProcess, Visit, served


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(carrying, "LOOK", 0.02)
    monkeypatch.setattr(asking, "_AGAIN", 0.02)
    make_inputs()


@pytest.fixture
def visit(tmp_path: Path) -> Iterator[Visit]:
    with served(tmp_path / "studio", queue=1) as (found, _):
        yield found


def test_a_studio_paints_a_batch(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where its queue takes one at a time; what is left there is what was there before."""
    waits: list[float] = []
    wait = asking._wait

    def short(seconds: float) -> None:
        waits.append(seconds)
        wait(0.02)

    monkeypatch.setattr(asking, "_wait", short)
    monkeypatch.setattr(carrying, "AHEAD", 5)
    monkeypatch.setattr(DrawnProcess, "step", 0.1)
    Path("p/bad.jpg").write_bytes(b"no picture")
    own = visit.send(Path("p/a.jpg").read_bytes())["id"]
    whole = ["p", "--style", "wave.jpg", "--style", "kiss.png:0.5", "-o", "out", "--server"]
    code, report, said = run(*whole, f"{visit.base}/#token={TOKEN}")
    assert code == 1 and (report["done_now"], report["failures"], report["left"]) == (3, 1, 0), said
    assert [*results()] == ["a-wave+kiss.jpg", "b-wave+kiss.png", "x/c-wave+kiss.jpg"]
    assert [row["content"] for row in failures()] == ["p/bad.jpg"] and "bad.jpg" in said
    with Image.open("out/b-wave+kiss.png") as picture:
        assert picture.size == (32, 24)
    assert max(waits) >= 1
    assert [each["id"] for each in visit.http.get("/api/pictures?kind=photo").json()] == [own]
    assert visit.http.get("/api/jobs").json() == []
    asked = DrawnProcess.begun[-1]["job"]
    assert len(asked["styles"]) == 2 and asked["settings"]["size"] == 32 and asked["settings"]["method"] == "fast"

    monkeypatch.setenv("IMPASTO_TOKEN", TOKEN)
    monkeypatch.setattr(Studio, "ask", None)  # nothing is asked for a second time
    code, report, _ = run(*whole, visit.base)
    assert code == 1 and (report["done"], report["done_now"]) == (3, 0)


def test_what_is_larger_than_a_studio_takes_is_the_failure_of_one(tmp_path: Path) -> None:
    """It would break off what is sent, and be taken for away."""
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (3000, 3000, 3), np.uint8)).save("p/large.png")
    clip(Path("p/long.mp4"), drawn(4), base=Fraction(1, 8))
    with served(tmp_path / "small", max_upload=10**6, max_clip=1000) as (visit, _):
        code, report, said = run("p", "wave.jpg", "-o", "out", "--server", f"{visit.base}/#token={TOKEN}")
    assert code == 1 and (report["done_now"], report["failures"], report["left"]) == (3, 2, 0), said
    told = {row["content"]: row["reason"] for row in failures()}
    assert told.keys() == {"p/large.png", "p/long.mp4"}
    assert "takes 1.0 MB at a time" in told["p/large.png"] and "larger `max_clip`" in told["p/long.mp4"], told


def test_what_is_copied_from_a_store_is_removed_when_it_is_sent(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[Path] = []

    def copy(path: str, folder: Path) -> Path:
        assert not any(each.exists() for each in copied)
        copied.append(Path(shutil.copy(path, folder)))
        return copied[-1]

    monkeypatch.setattr(carrying, "fetch", copy)
    code, report, said = run("p", "wave.jpg", "-o", "out", "--server", f"{visit.base}/#token={TOKEN}")
    assert code == 0 and report["done_now"] == 3 == len(copied), said
    assert not any(each.exists() for each in copied)


def test_a_studio_paints_films_too(visit: Visit) -> None:
    """One in two looks, and none in a form that is not the studio's for its clip."""
    clip(Path("p/d.mp4"), drawn(4), base=Fraction(1, 8))
    clear = [np.dstack([each, each[..., :1]]) for each in drawn(3)]
    clip(Path("p/e.MOV"), clear, codec="ffv1", form="bgra", options={}, container="matroska")
    Path("p/f.mp4").write_bytes(b"no film")
    rows = [
        {"content": "p/d.mp4"},
        {"content": "p/d.mp4", "output": "again.mp4", "strength": 0.4},
        {"content": "p/e.MOV", "output": "e.mp4"},
        {"content": "p/f.mp4"},
        {"content": "p/a.jpg"},
    ]
    Path("m.jsonl").write_text("\n".join(map(json.dumps, rows)))
    whole = [
        "m.jsonl",
        "--style",
        "wave.jpg",
        "--steady",
        "off",
        "-o",
        "out",
        "--server",
        f"{visit.base}/#token={TOKEN}",
    ]
    code, report, said = run(*whole)
    assert code == 1 and (report["done_now"], report["failures"], report["left"]) == (3, 2, 0), said
    assert len(decoded(Path("out/p/d-wave.mp4"))[1]) == 4 == len(decoded(Path("out/again.mp4"))[1])
    assert {row["content"]: row["reason"] for row in failures()}.keys() == {"p/e.MOV", "p/f.mp4"}
    assert "as .webm, and not as e.mp4" in said and "f.mp4" in said
    assert visit.http.get("/api/jobs").json() == [] == visit.http.get("/api/pictures?kind=clip").json()
    asked = {each["job"]["task"]: each["job"] for each in DrawnProcess.begun[-3:]}
    assert asked["video"]["settings"]["steady"] == "off" and "steady" not in asked["stylize"]["settings"]
    assert run(*whole)[1]["done"] == 3


def test_who_is_stopped_leaves_nothing_in_the_studio(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even the job that is being painted, which takes a moment to end."""
    monkeypatch.setattr(DrawnProcess, "step", 60)

    def awaited(self: carrying.Served, order: Any) -> Any:
        visit.until(order.job, "running")
        raise KeyboardInterrupt

    monkeypatch.setattr(carrying.Served, "_awaited", awaited)
    two = ["p/a.jpg", "p/b.png", "wave.jpg"]  # as many as find room there
    code, report, _ = run(*two, "-o", "out", "--server", f"{visit.base}/#token={TOKEN}")
    assert code == 130 and report["left"] == 2 and report["stopped"]
    assert visit.http.get("/api/jobs").json() == [] == visit.http.get("/api/pictures?kind=photo").json()


def test_who_is_stopped_while_the_queue_is_full_leaves_nothing_either(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(DrawnProcess, "step", 60)
    monkeypatch.setattr(asking, "_wait", stopped)
    code, report, _ = run("p", "wave.jpg", "-o", "out", "--server", f"{visit.base}/#token={TOKEN}")
    assert code == 130 and report["left"] == 3
    assert visit.http.get("/api/jobs").json() == [] == visit.http.get("/api/pictures?kind=photo").json()


def test_a_job_that_fails_is_the_failure_of_one(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DrawnProcess, "dies_after", 2)
    code, report, _ = run("p/a.jpg", "wave.jpg", "-o", "out", "--server", f"{visit.base}/#token={TOKEN}")
    (row,) = failures()
    assert code == 1 and report["failures"] == 1 and "want of memory" in row["reason"] and not results()


def test_what_no_studio_does_is_refused(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "PATIENCE", 0.0)
    known = f"{visit.base}/#token={TOKEN}"
    clip(Path("c.mov"), drawn(1))
    for told, more in (
        ("films as .mp4 or .webm, and not as c-wave.mov", ["--name", "{stem}-{style}.mov"]),
        ("by the --method fast alone", ["--name", "{stem}.mp4", "--method", "iterative"]),
        ("the studio's to decide", ["--name", "{stem}.mp4", "--no-metadata"]),
    ):
        found, report, said = run("c.mov", "wave.jpg", "-o", "out", "--server", known, *more)
        assert found == 2 and not report and told in said, said
    for told, code, server, *more in (
        ("two ways to share", 2, known, "--claim"),
        ("gives no a-wave.avif", 2, known, "--name", "{stem}-{style}.avif"),
        ("the studio's to decide", 2, known, "--profile", "keep"),
        ("workers of its own: leave out --workers", 2, known, "--workers", "2"),
        ("a --memory of its own", 2, known, "--memory", "4G"),
        ("a --device of its own", 2, known, "--device", "cpu"),
        ("leave out --allow-truncated", 2, known, "--allow-truncated"),
        ("needs the studio's token", 2, visit.base),
        ("takes the address", 2, "studio.example"),
        ("does not answer", 1, "http://127.0.0.1:9/#token=x"),
        ("does not know this token", 1, f"{visit.base}/#token=wrong"),
    ):
        found, report, said = run("p/a.jpg", "wave.jpg", "-o", "out", "--server", server, *more)
        assert found == code and not report and told in said, said
    Path("m.jsonl").write_text('{"content": "p/a.jpg", "memory": "4G"}\n')
    found, _, said = run("m.jsonl", "--style", "wave.jpg", "-o", "out", "--server", known)
    assert found == 2 and "a --memory of its own" in said, said
    assert not results() and not failures()


@contextmanager
def answering(answers: list[tuple[int, bytes, dict[str, str]]], heard: list[Any]) -> Iterator[str]:
    """The address of what gives these answers, each once, and then the last one for ever."""

    class Answering(http.server.BaseHTTPRequestHandler):
        def _do(self) -> None:
            heard.append((self.headers["Authorization"], self.rfile.read(int(self.headers["Content-Length"] or 0))))
            status, content, headers = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(content))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = _do  # noqa: N815 - as the library calls them

        def log_message(self, *_: object) -> None: ...

    with http.server.HTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/#token=t"
        server.shutdown()


SAID = b'{"error": "It makes no sense."}'
HTML = {"Content-Type": "text/html; charset=utf-8"}


def test_what_comes_in_half_or_of_a_proxy_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Any] = []
    proxys = [
        (503, b"", {"Retry-After": "0"}),
        (200, b"half", {"Content-Length": "9"}),
        (500, b"", {}),
        (502, b"<html>Bad Gateway</html>", HTML),
        (504, b'{"message": "no upstream"}', {}),
        (404, b"404 page not found", {}),
        (308, b"", {"Location": "https://studio.example"}),
        (502, b"half", {"Content-Length": "9"}),
        (200, b"<html>Back soon</html>", HTML),
    ]
    with answering([*proxys, (200, b"all of it", {}), (422, SAID, {})], heard) as address:
        studio = Studio(address)
        assert studio.ask("POST", "/x", {"a": 1}) == b"all of it"
        assert heard == [("Bearer t", json.dumps({"a": 1}).encode())] * 10
        with pytest.raises(SettingsError, match="no sense"):
            studio.ask("POST", "/x", b"")
    for nothing in (b"OK", b"", b"\xff", b"[]"):
        with answering([(200, nothing, {}), (200, b'{"id": "x"}', {})], heard) as address:
            assert Studio(address).told("POST", "/x", b"") == {"id": "x"}
    monkeypatch.setattr(asking, "PATIENCE", 0.0)
    with pytest.raises(GoneError):
        studio.ask("POST", "/x", b"")


def test_the_token_goes_to_no_other_server(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Any] = []
    moved: list[Any] = []
    with answering([(200, b"{}", {})], heard) as other:
        with answering([(302, b"", {"Location": other.partition("/#")[0] + "/x"}), (200, b"x", {})], moved) as address:
            assert Studio(address).ask("GET", "/x") == b"x" and len(moved) == 2 and not heard
        monkeypatch.setattr(asking, "PATIENCE", 0.0)
        with (
            answering([(302, b"", {"Location": other.partition("/#")[0] + "/x"})], moved) as address,
            pytest.raises(GoneError, match=r"leads to 127\.0\.0\.1:\d+, which is not given the token"),
        ):
            Studio(address).ask("GET", "/x")
    assert not heard
    with answering([(302, b"", {"Location": "/y"}), (200, b"y", {})], heard) as address:
        assert Studio(address).ask("GET", "/x") == b"y"


def test_only_a_studio_that_says_so_is_waited_for_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that goes on only while it is waited, a minute of one that is busy is no end, and one of a
    proxy's excuses is; what the studio itself says of one item, whatever its status, is that one's.
    """
    now = [0.0]

    def wait(seconds: float) -> None:
        now[0] += seconds
        assert now[0] < 1000  # or it has no end

    monkeypatch.setattr(asking, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(asking, "_wait", wait)
    monkeypatch.setattr(asking, "_AGAIN", 25.0)
    busy = [(429, b"", {}), (503, b'{"error": "It is closing."}', {"Retry-After": "40"})] * 3
    heard: list[Any] = []
    with answering([*busy, (200, b"x", {})], heard) as address:
        assert Studio(address).ask("POST", "/x", b"") == b"x" and now == [3 * (25.0 + 40.0)]
    for status, content, headers in (
        (503, b"Service Unavailable", {"Retry-After": "3600"}),
        (502, b"", {}),
        (200, b"<html></html>", HTML),
    ):
        now[0] = 0.0
        with answering([(status, content, headers)], heard) as address, pytest.raises(GoneError, match="not answer"):
            Studio(address).told("POST", "/x", b"")
        assert now == [75.0]  # the first of these waits that is past a minute
    for status, kind, told in ((500, SettingsError, SAID), (415, ImageError, SAID), (413, SettingsError, b"<html>")):
        with answering([(status, told, HTML)], heard) as address, pytest.raises(kind):
            Studio(address).told("POST", "/x", b"")


def test_a_studio_that_is_away_is_the_failure_of_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "PATIENCE", 0.0)
    for answer in ((502, b"<html>", HTML), (200, b"<html>", HTML)):
        heard: list[Any] = []
        with answering([answer], heard) as address:
            code, report, said = run("p", "wave.jpg", "-o", "out", "--server", address)
        assert code == 1 and not report and "does not answer" in said, said
        assert not failures() and not results() and len(heard) <= 2

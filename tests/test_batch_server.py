"""A batch that a studio paints, by its API."""

import http.server
import json
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from impasto.batch import served as carrying
from impasto.batch import studio as asking
from impasto.batch.studio import GoneError, Studio
from impasto.errors import SettingsError
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
    monkeypatch.setattr(DrawnProcess, "step", 0.05)
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
        ("needs the studio's token", 2, visit.base),
        ("takes the address", 2, "studio.example"),
        ("does not answer", 1, "http://127.0.0.1:9/#token=x"),
        ("does not know this token", 1, f"{visit.base}/#token=wrong"),
    ):
        found, report, said = run("p/a.jpg", "wave.jpg", "-o", "out", "--server", server, *more)
        assert found == code and not report and told in said, said
    assert not results() and not failures()


def test_what_comes_in_half_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(503, b"", 0), (200, b"half", 9), (200, b"all of it", 9), (422, b'{"error": "It makes no sense."}', 31)]
    heard: list[Any] = []

    class Flaky(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append((self.headers["Authorization"], self.rfile.read(int(self.headers["Content-Length"]))))
            status, content, length = answers.pop(0)
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None: ...

    with http.server.HTTPServer(("127.0.0.1", 0), Flaky) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        studio = Studio(f"http://127.0.0.1:{server.server_port}/#token=t")
        assert studio.ask("POST", "/x", {"a": 1}) == b"all of it"
        assert heard == [("Bearer t", json.dumps({"a": 1}).encode())] * 3
        with pytest.raises(SettingsError, match="no sense"):
            studio.ask("POST", "/x", b"")
        server.shutdown()
    monkeypatch.setattr(asking, "PATIENCE", 0.0)
    with pytest.raises(GoneError):
        studio.ask("POST", "/x", b"")

"""The studio as people start it, with all its processes: from a photograph to a picture and back."""

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pillow_heif
import psutil
import pytest
from PIL import Image

from tests.clips import clip, decoded, drawn
from tests.helpers import painting, photo
from tests.web import TOKEN, Visit, png

SMALL: dict[str, Any] = {"size": 64, "scales": "single", "recipe": "statistics"}


class Running:
    """`impasto web` in a folder, with a checkpoint every second: the studio's own twenty are a long wait."""

    PROGRAM = "from impasto.web import orders; orders.CHECKPOINT_EVERY = 1.0; from impasto.cli import app; app()"

    def __init__(self, folder: Path, *options: str) -> None:
        words = [sys.executable, "-c", self.PROGRAM, "web", "--no-open", "--port", "0"]
        environment = os.environ | {"IMPASTO_WEB_TOKEN": TOKEN}
        self.log = folder.with_suffix(".log")
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [*words, "--folder", str(folder), *options],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment,
            )
        assert self.process.stdout
        self.address = self.process.stdout.readline().strip()
        self.process.stdout.close()
        self.visit = Visit(self.address.partition("/#")[0])

    def __enter__(self) -> Visit:
        return self.visit

    def __exit__(self, *_: object) -> None:
        self.visit.http.close()
        self.process.kill()
        self.process.wait()

    def children(self) -> list[psutil.Process]:
        found: list[psutil.Process] = psutil.Process(self.process.pid).children(recursive=True)
        return found


def asked(visit: Visit, **settings: Any) -> Any:
    file = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(photo(64, 96))).save(file)
    sent = visit.http.put("/api/pictures?kind=photo&name=IMG_1.HEIC", content=file.getvalue()).json()
    style = visit.http.put("/api/pictures?kind=painting&name=wave.png", content=png(painting(64, 64))).json()
    recipe, own = SMALL["recipe"], {name: value for name, value in SMALL.items() if name != "recipe"}
    return visit.ask(photo=sent["id"], styles=[{"painting": style["id"]}], recipe=recipe, settings=own | settings)


def test_from_a_photograph_to_a_picture_and_on_after_a_stop(tmp_path: Path) -> None:
    """One studio for all of it: to start one takes three imports of torch."""
    running = Running(tmp_path / "studio")
    assert running.address.endswith(f"/#token={TOKEN}")
    with running as visit:
        job = asked(visit, iterations=4)
        request = job["request"]
        preview = {"photo": request["photo"], "style_index": "0", "network": "multi", "size": 64, "page": "p"}
        assert visit.http.post("/api/preview", json=preview).status_code == 200
        done = visit.until(job["id"], "done", within=120)
        assert done["size"] == [64, 43] and done["revision"] > 0
        file = visit.http.get(f"/api/jobs/{job['id']}/download", params={"format": "tiff"}).content
        made = visit.send(file)["restored"]
        assert made["missing"] == [] and made["job"] == request
        more = visit.http.post(f"/api/jobs/{job['id']}/go-on", json={"iterations": 5000}).json()
        visit.until(more["id"], lambda job: job["revision"] > 0, within=120)
        began = time.monotonic()
        visit.http.post(f"/api/jobs/{more['id']}/cancel")
        cancelled = visit.until(more["id"], "cancelled")
        assert time.monotonic() - began < 30 and cancelled["can_go_on"]
        assert visit.http.get(f"/api/jobs/{more['id']}/download").status_code == 200
        sent = visit.http.put("/api/clips", content=clip(tmp_path / "a.mp4", drawn(4)).read_bytes()).json()
        film = visit.ask(task="video", photo=None, clip=sent["id"], style_index="0")
        assert visit.until(film["id"], "done", within=120)["size"] == [64, 48]
        (tmp_path / "b.mp4").write_bytes(visit.http.get(f"/api/jobs/{film['id']}/film").content)
        assert decoded(tmp_path / "b.mp4")[0] == decoded(tmp_path / "a.mp4")[0]
        assert visit.http.get(f"/api/jobs/{film['id']}/picture").headers["content-type"] == "image/jpeg"
        numbers = visit.http.get("/metrics").text
        assert 'impasto_jobs_ended_total{state="done"} 2.0' in numbers
        assert 'impasto_jobs_ended_total{state="cancelled"} 1.0' in numbers
        long = asked(visit, iterations=400_000, optimizer="adam")["id"]
        visit.until(long, lambda job: (job["progress"] or {}).get("iteration", 0) > 3, within=120)
        children = running.children()
        for each in children:  # as systemd does, to all at once
            with contextlib.suppress(psutil.NoSuchProcess):
                each.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(60) == 0
        reached = json.loads((tmp_path / "studio" / "jobs" / long / "result.png.json").read_text())["steps"]
    assert not [each for each in children if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
    for line in running.log.read_text().splitlines():
        assert json.loads(line)["event"] and TOKEN not in line and "IMG_1" not in line
    with Running(tmp_path / "studio") as visit:
        seen = visit.until(long, lambda job: (job["progress"] or {}).get("iteration", 0) > 0, within=120)
        assert seen["progress"]["iteration"] > reached > 3
        visit.http.post(f"/api/jobs/{long}/cancel")
        visit.until(long, "cancelled")


@pytest.mark.slow
def test_whatever_dies_is_replaced(tmp_path: Path) -> None:
    """The process that paints, the desks, and at last the studio itself; and what takes too much memory."""
    running = Running(tmp_path / "studio", "--queue", "2")
    with running as visit:
        endless = {"iterations": 400_000, "optimizer": "adam"}  # L-BFGS ends when it gets no further
        dying, following = asked(visit, **endless), asked(visit, iterations=3)
        visit.until(dying["id"], lambda job: job["revision"] > 0, within=120)
        painters = [each for each in running.children() if "impasto.jobs.worker" in " ".join(each.cmdline())]
        busy = max(painters, key=lambda each: sum(each.cpu_times()[:2]))
        os.kill(busy.pid, signal.SIGKILL)
        job = visit.until(dying["id"], "failed")
        assert "want of memory" in job["error"] and job["can_go_on"]
        visit.until(following["id"], "done", within=120)
        for each in running.children():
            if "impasto.web.desk" in " ".join(each.cmdline()):
                os.kill(each.pid, signal.SIGKILL)
        first = visit.http.get(f"/api/jobs/{following['id']}/picture?side=33")
        assert first.status_code in (200, 422)  # what was being asked as it died, at the most
        assert visit.http.get(f"/api/jobs/{following['id']}/picture?side=34").status_code == 200
        long = asked(visit, **endless)["id"]
        checkpoint = tmp_path / "studio" / "jobs" / long / "result.png.checkpoint"
        ends = time.monotonic() + 120
        while not checkpoint.exists() and time.monotonic() < ends:
            time.sleep(0.2)
        children = running.children()
        running.process.kill()
        running.process.wait()
    psutil.wait_procs(children, timeout=30)
    assert not [each for each in children if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
    with Running(tmp_path / "studio") as visit:
        visit.until(long, lambda job: (job["progress"] or {}).get("iteration", 0) > 0, within=120)
        assert visit.job(following["id"])["state"] == "done"
        visit.http.post(f"/api/jobs/{long}/cancel")
        # Four hundred million pixels in a small file, which may take too much memory; then an ordinary one.
        file = io.BytesIO()
        Image.new("1", (20_000, 20_000)).save(file, "PNG")
        answer = visit.http.put("/api/pictures?kind=photo", content=file.getvalue(), timeout=200)
        assert answer.status_code in (201, 415, 422), answer.text
        visit.send(png(photo(40, 40)))


@pytest.mark.slow
def test_many_clients_are_answered_and_memory_stays_flat() -> None:
    """A small part of what `python -m benchmarks.web_load` does."""
    asked = ("--seconds", "15", "--clients", "3", "--previews", "9", "--jobs", "1", "--iterations", "3")
    words = [sys.executable, "-m", "benchmarks.web_load", *asked]
    done = subprocess.run(words, cwd=Path(__file__).parent.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    early, late = map(float, re.findall(r"server's memory: (\d+) MB in the first third, (\d+)", done.stdout)[0])
    assert late < early + 50, done.stdout

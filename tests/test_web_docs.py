"""What the studio's pages of documentation show, works."""

import re
import subprocess
import sys
from pathlib import Path

from tests.clips import clip, decoded, drawn
from tests.web import TOKEN, noise, served

DOCS = Path(__file__).parent.parent / "docs"


def test_the_examples_of_the_api_run(tmp_path: Path, small_looks: None) -> None:
    script = "\n".join(re.findall(r"```python\n(.*?)```", (DOCS / "api.md").read_text(), re.DOTALL))
    clip(tmp_path / "clip.mp4", drawn(4))
    for name in ("photo.jpg", "painting.jpg"):
        (tmp_path / name).write_bytes(noise(40))
    with served(tmp_path / "studio") as (visit, _):
        words = [sys.executable, "-W", "error", "-c", script]
        environment = {"STUDIO": visit.base, "TOKEN": TOKEN}
        done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout == "done [32, 24] None\n4 frames\ndone True None\n", done.stderr
    assert (tmp_path / "result.png").read_bytes().startswith(b"\x89PNG")
    assert len(decoded(tmp_path / "film.mp4")[0]) == 4 and (tmp_path / "middle.jpg").exists()


def test_every_path_and_status_of_the_api_is_told(tmp_path: Path) -> None:
    told = (DOCS / "api.md").read_text()
    with served(tmp_path) as (visit, _):
        paths = visit.http.get("/api/openapi.json").json()["paths"]
    for path, own in paths.items():
        stem = "/".join(part for part in path.split("/")[:3])
        assert stem in told, path
        for method in own.values():
            for status in method["responses"]:
                assert status in told or status[0] == "2", (path, status)

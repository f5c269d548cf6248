"""What a batch will take is told beforehand, by what a few of its items say of themselves."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from impasto.batch.batch import Batch
from impasto.batch.estimate import estimate
from impasto.batch.ledger import Ledger
from impasto.batch.looks import Wish
from impasto.batch.plan import plan_batch
from impasto.machine import memory
from impasto.tasks.fast import FastRun
from impasto.tasks.run import Run
from impasto.video.film import Film
from tests.batches import run
from tests.clips import clip, drawn
from tests.helpers import photo

pytestmark = pytest.mark.usefixtures("small_looks")

ESTIMATE = FastRun.estimate


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Photographs that are 41 to 49 pixels wide, and by the fast method take a second for each of them."""
    monkeypatch.chdir(tmp_path)
    Path("p").mkdir()
    for number in range(9):
        Image.fromarray(photo(40, 41 + number, number)).save(f"p/{number}.png")
    monkeypatch.setattr(FastRun, "estimate", lambda run: (float(run.size[1]), 1e9))


def of(*inputs: str, workers: int = 1, **settings: Any) -> tuple[float, float]:
    ledger = Ledger(Path("out"))
    wish = Wish(style_indices=("3",), settings={"size": "native"} | settings)
    return estimate(Batch(plan_batch(inputs, "out", wish, ledger), ledger, workers=workers))


def test_some_photographs_stand_for_all() -> None:
    """Of nine, the first, the fourth and the seventh."""
    assert of("p") == (9 * 44.0, 1e9) and of("p", workers=2) == (4.5 * 44.0, 2e9)
    assert of("p/8.png") == (49.0, 1e9) == of("p/8.png", workers=1)
    Path("p/3.png").write_bytes(b"no picture")
    Path("p/6.png").unlink()  # the seventh of eight is then the last but one, by steps of two
    assert of("p") == pytest.approx((8 * (41 + 43 + 45 + 48) / 4, 1e9))
    Path("q").mkdir()
    Path("q/a.png").write_bytes(b"no picture")
    assert of("q") == (0.0, 0.0)


def test_what_is_of_another_kind_is_asked_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A film takes ten minutes, the optimiser five; and one film is painted by one worker."""
    clip(Path("c.mp4"), drawn(2))
    monkeypatch.setattr(Film, "estimate", lambda _: (600.0, 2e9))
    monkeypatch.setattr(Run, "estimate", lambda _: (300.0, 3e9))
    assert of("p", "c.mp4") == (9 * 44.0 + 600, 2e9) and of("p", "c.mp4", workers=4) == (600.0, 5e9)
    rows: list[dict[str, Any]] = [{"content": f"p/{number}.png"} for number in range(9)]
    rows[1] |= {"method": "iterative", "style": "p/0.png", "size": 32}
    Path("m.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert of("m.jsonl") == pytest.approx((8 * (41 + 44 + 46 + 48) / 4 + 300, 3e9))


def test_the_command_tells_it_and_leaves_all_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FastRun, "estimate", ESTIMATE)
    threads, asked = torch.get_num_threads(), ["p", "--style-index", "3", "-o", "out", "--dry-run"]
    code, report, _ = run(*asked, "--network", "multistyle26")
    assert (code, report["new"], report["workers"]) == (0, 9, 1) and not Path("out").exists()
    assert report["estimated_s"] >= 0 and 2**20 < report["estimated_bytes"] < 2**33
    assert torch.get_num_threads() == threads and memory._sharers == 1
    assert "estimated_s" not in run(*asked, "--server", "http://studio#token=b")[1]

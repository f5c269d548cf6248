"""The pictures stay as they are: a dozen small jobs, known by the hash of their pixels.

`pixels.json` holds for every job a thumbnail, which any machine meets within a few levels of 255, and the
hash by the kind of processor that it was taken on, where it must be met to the byte. After a change that is
*meant* to alter pictures, write it anew: ``python -m tests.test_pixels``. Run before the change, too, on a
kind of processor that is not in it yet, for by that is known which pictures are others on other kinds.
"""

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import impasto
from impasto import Region, Result
from impasto.machine.devices import one_thread
from tests.helpers import painting, photo

GOLDEN = Path(__file__).with_name("pixels.json")
ABLE = torch.cpu.get_capabilities()
KIND = " ".join(
    [
        *(str(ABLE.get(name, "")) for name in ("cpu_name", "l1d_cache_size", "l2_cache_size")),
        torch.backends.cpu.get_cpu_capability(),
        f"torch {torch.__version__.partition('+')[0]}",
    ]
)
"""What decides in which order sums are rounded: kernels are chosen, and cut to size, by these."""
THUMBNAIL, LEVELS = 8, 6
"""Side of the thumbnails, and how far from them, at the most, another processor may be led by its
rounding."""

EXACT: dict[str, Any] = {"precision": "float32", "device": "cpu"}
UNCOMPILED = EXACT | {"compile": "off"}
CONTENT, STYLE, OTHER = photo(48, 64), painting(60, 60), painting(60, 44, seed=5)
LEFT = np.zeros((48, 64), np.uint8)
LEFT[:, :32] = 255
RIGHT = np.zeros((60, 44), np.uint8)
RIGHT[:, 20:] = 255
CLEAR = np.dstack([CONTENT, np.where(LEFT > 0, 255, 60).astype(np.uint8)])


def stylized(content: Any = CONTENT, style: Any = STYLE, recipe: str = "statistics", **settings: Any) -> Result:
    how = EXACT if settings.get("method") == "fast" else UNCOMPILED
    run = impasto.plan_stylize(content, style, recipe, **how | {"size": 64} | settings)
    result: Result = run.finish()
    return result


def resumed() -> Result:
    """The job "painted", cut off after seven iterations."""
    settings = UNCOMPILED | {"size": 64, "iterations": 12}
    with TemporaryDirectory() as folder:
        first, checkpoint = impasto.plan_stylize(CONTENT, STYLE, **settings), Path(folder) / "checkpoint"
        for step in first.steps():
            if step.iteration == 7:
                first.checkpoint(checkpoint)
                break
        second = impasto.plan_stylize(CONTENT, STYLE, **settings)
        second.resume(checkpoint)
        result: Result = second.finish()
        return result


def protected() -> Result:
    with TemporaryDirectory() as folder:
        mask = Path(folder) / "mask.png"
        Image.fromarray(LEFT).save(mask)
        return stylized(iterations=6, protect={str(mask): 0.7})


JOBS: dict[str, Callable[[], Result]] = {
    "painted": lambda: stylized(recipe="painted", iterations=12),
    "painted resumed": resumed,
    "painted two regions": lambda: stylized(recipe="painted", iterations=8, regions=[Region(LEFT, OTHER, RIGHT)]),
    "statistics scales": lambda: stylized(size=256, iterations=6),
    "statistics fine detail": lambda: stylized(iterations=4, strength=0.8, style_scale=0.5, style_loss="wasserstein"),
    "two styles": lambda: stylized(style=[(STYLE, 0.3), (OTHER, 0.7)], iterations=5),
    "region of the photograph": lambda: stylized(style=None, iterations=5, regions=[Region(LEFT, OTHER)], feather=0.05),
    "transparent": lambda: stylized(CLEAR, iterations=5),
    "protected": protected,
    "luminance": lambda: stylized(keep_colour="luminance", iterations=5),
    "histogram": lambda: stylized(keep_colour="histogram", iterations=5),
    "gatys": lambda: stylized(recipe="gatys", iterations=6),
    "tutorial": lambda: stylized(recipe="tutorial", iterations=5),
    "tiles": lambda: stylized(photo(336, 448), size=448, scales="single", iterations=1, memory="1050MB"),
    "texture": lambda: impasto.texture(STYLE, size=64, iterations=6, **UNCOMPILED),
    "reconstruct": lambda: impasto.reconstruct(CONTENT, size=64, iterations=6, **UNCOMPILED),
    "fast": lambda: stylized(method="fast", recipe="default", strength=0.4),
    "fast stroke size": lambda: stylized(CLEAR, method="fast", recipe="default", size=160, stroke_size=96),
    "learnt": lambda: stylized(style=impasto.learnt_style("rhone:0.5,7:0.5"), method="fast", recipe="default"),
    "refine": lambda: stylized(method="refine", iterations=8),
}


def pixels(job: str) -> NDArray[np.uint8]:
    with one_thread(), TemporaryDirectory() as folder:
        JOBS[job]().save(Path(folder) / "result.png")
        return np.asarray(Image.open(Path(folder) / "result.png").convert("RGBA"))


def thumbnail(picture: NDArray[np.uint8]) -> list[list[int]]:
    small = Image.fromarray(picture[..., :3]).resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
    rows: list[list[int]] = np.asarray(small).reshape(THUMBNAIL, -1).tolist()
    return rows


@pytest.mark.parametrize(
    "job", [pytest.param(job, marks=pytest.mark.slow if job in ("tiles", "gatys") else ()) for job in JOBS]
)
def test_the_pictures_stay(job: str) -> None:
    picture, golden = pixels(job), json.loads(GOLDEN.read_text())[job]
    assert np.abs(np.subtract(thumbnail(picture), golden["thumbnail"])).max() <= LEVELS
    if KIND in golden["sha256"]:
        assert hashlib.sha256(picture.tobytes()).hexdigest() == golden["sha256"][KIND]


def test_a_run_that_was_cut_off_makes_the_same_picture() -> None:
    golden = json.loads(GOLDEN.read_text())
    assert golden["painted"] == golden["painted resumed"]


if __name__ == "__main__":
    known = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    found: dict[str, dict[str, Any]] = {}
    for job in JOBS:
        picture = pixels(job)
        own = {KIND: hashlib.sha256(picture.tobytes()).hexdigest()}
        before = known.get(job, {}).get("sha256", {})
        same = before.get(KIND, own[KIND]) == own[KIND]
        found[job] = {
            "sha256": (before if same else {}) | own,
            "thumbnail": known[job]["thumbnail"] if same and job in known else thumbnail(picture),
        }
        sys.stderr.write(f"{'same' if same else 'new '} {job}\n")
    GOLDEN.write_text(
        "{\n" + ",\n".join(f"{json.dumps(job)}: {json.dumps(each)}" for job, each in found.items()) + "\n}\n"
    )

"""A pair's picture for the sheets: made, or taken from where it was kept."""

import sys
import time
from pathlib import Path
from typing import Any

from PIL import Image

import impasto
from impasto.pictures.codecs import load


def rendered(content: Path, style: Path, kept: Path | None, **settings: Any) -> Image.Image:
    """The content in the style; read from ``kept`` if that is there, and written to it if not."""
    if kept and kept.exists():
        return load(kept).image()
    began = time.perf_counter()
    result = impasto.stylize(content, style, **settings)
    took = time.perf_counter() - began
    print(f"{content.stem} in {style.stem}, {settings}: {took:.1f} s", file=sys.stderr, flush=True)
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        result.save(kept)
    return result.picture.image()

"""Every pair of a folder by every method at two sizes, side by side on one labelled sheet.

    python scripts/method_sheet.py PAIRS docs/methods.jpg [--sizes 512 1024] [--cell 220] [--keep FOLDER]

PAIRS holds the folders content/ and style/. With --keep the results stay in FOLDER at full size, and those
that are there already are not made again.
"""

import argparse
import itertools
from pathlib import Path

from rendering import rendered

from impasto.pictures.codecs import load, save
from impasto.pictures.sheet import Labelled, contact_sheet

METHODS = {"iterative": "statistics", "refine": "statistics", "fast": "default"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024])
    parser.add_argument("--cell", type=int, default=220, help="width of a picture on the sheet")
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    contents, styles = (sorted(path for path in (arguments.pairs / kind).iterdir()) for kind in ("content", "style"))
    rows: list[list[Labelled]] = []
    for content, style in itertools.product(contents, styles):
        row = [(path.stem.replace("_", " "), load(path).image()) for path in (content, style)]
        for size, (method, recipe) in itertools.product(arguments.sizes, METHODS.items()):
            kept = arguments.keep and arguments.keep / f"{content.stem}-{style.stem}-{method}-{size}.png"
            row.append((f"{method} {size}", rendered(content, style, kept, recipe=recipe, size=size, method=method)))
        rows.append(row)
    save(load(contact_sheet(rows, cell=(arguments.cell, arguments.cell * 2 // 3))), arguments.output, force=True)


if __name__ == "__main__":
    main()

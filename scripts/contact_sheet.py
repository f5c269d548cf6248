"""Render every content in every style of a folder and put the results on one labelled sheet.

    python scripts/contact_sheet.py PAIRS docs/contact-sheet.jpg [--size 512] [--set strength=0.7 …] [--keep
    FOLDER]

PAIRS holds the folders content/ and style/. With --keep the results stay in FOLDER at full size, and those
that are there already are not made again.
"""

import argparse
from pathlib import Path

from PIL import Image
from rendering import rendered

from impasto.pictures.codecs import load, save
from impasto.pictures.sheet import Labelled, contact_sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--set", action="append", default=[], metavar="SETTING=VALUE", dest="settings")
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    settings = dict(setting.split("=", 1) for setting in arguments.settings)
    contents, styles = (sorted(path for path in (arguments.pairs / kind).iterdir()) for kind in ("content", "style"))

    blank = Image.new("RGB", (1, 1), "white")
    rows: list[list[Labelled]] = [[("", blank), *((_label(path), load(path).image()) for path in styles)]]
    for content in contents:
        row = [(_label(content), load(content).fitted(arguments.size).image())]
        for style in styles:
            kept = arguments.keep and arguments.keep / f"{content.stem}-{style.stem}.png"
            row.append(("", rendered(content, style, kept, size=arguments.size, **settings)))
        rows.append(row)
    save(load(contact_sheet(rows)), arguments.output, force=True)


def _label(path: Path) -> str:
    return path.stem.replace("_", " ")


if __name__ == "__main__":
    main()

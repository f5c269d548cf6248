"""The sheet of regions in docs/using.md, of the demo's pictures: python scripts/region_sheet.py OUT.jpg

A mask, what it does with a painting of its own and one for the rest, and with the photograph left as it is.
"""

import sys
from pathlib import Path

import numpy as np

import impasto
from impasto.pictures import codecs
from impasto.pictures.sheet import contact_sheet

SIZE = 512


def main(out: Path) -> None:
    photo, painting = impasto.demo_pair()
    photo = photo.fitted(SIZE)
    height, width = photo.size
    mask = np.tile(np.linspace(-1, 2, width).clip(0, 1), (height, 1))
    texture = impasto.texture(painting, size=(SIZE, SIZE), style_layers="relu1_1,relu2_1").picture
    taken = [impasto.Region(1 - mask, painting)]
    cells = [
        ("the mask", codecs.load(mask).image()),
        (
            "white: the painting; black: its first layers' texture",
            impasto.stylize(
                photo, texture, "statistics", regions=[impasto.Region(mask, painting)], size=SIZE
            ).picture.image(),
        ),
        (
            "black: the painting; white: the photograph",
            impasto.stylize(photo, None, "statistics", regions=taken, size=SIZE).picture.image(),
        ),
    ]
    codecs.save(codecs.load(contact_sheet([cells], cell=(SIZE, SIZE))), out, force=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""The sheet of colours in docs/using.md, of the demo's pictures: python scripts/colour_sheet.py OUT.jpg"""

import sys
from pathlib import Path
from typing import get_args

import impasto
from impasto.pictures import codecs
from impasto.pictures.sheet import contact_sheet
from impasto.settings.fields import Settings

SIZE = 400


def main(out: Path) -> None:
    photo, painting = impasto.demo_pair()
    cells = [
        (
            f"--keep-colour {way}",
            impasto.stylize(photo, painting, "statistics", size=SIZE, keep_colour=way).picture.image(),
        )
        for way in get_args(Settings.__dataclass_fields__["keep_colour"].type)
    ]
    codecs.save(codecs.load(contact_sheet([cells], cell=(SIZE, SIZE))), out, force=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

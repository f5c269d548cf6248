"""Render one pair at several values of a setting and put the results side by side.

python scripts/sweep_sheet.py photo.jpg painting.jpg docs/strength.jpg strength 0 0.25 0.5 0.75 1
"""

import argparse
from pathlib import Path

import impasto
from impasto.pictures.codecs import load, save
from impasto.pictures.sheet import contact_sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("content", type=Path)
    parser.add_argument("style", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("setting")
    parser.add_argument("values", nargs="+")
    arguments = parser.parse_args()
    row = []
    for value in arguments.values:
        result = impasto.stylize(arguments.content, arguments.style, **{arguments.setting: value})
        row.append((f"{arguments.setting} {value}", result.picture.image()))
    save(load(contact_sheet([row])), arguments.output, force=True)


if __name__ == "__main__":
    main()

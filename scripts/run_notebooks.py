"""Run the notebook from top to bottom and put its new outputs into the files of both languages, for they have
the same code: python scripts/run_notebooks.py

It takes ten minutes on two cores with AMX, and half an hour without; SIZE and ITERATIONS in the notebook's
second cell make it quicker.
"""

import argparse
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parent.parent / "notebooks"


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    book, other = (nbformat.read(FOLDER / f"style_transfer{language}.ipynb", as_version=4) for language in ("", ".zh"))
    NotebookClient(book, timeout=None).execute()
    for cell, twin in zip(book.cells, other.cells, strict=True):
        cell.metadata.pop("execution", None)  # the time of day
        if cell.cell_type == "code":
            assert cell.source == twin.source, "the notebooks differ in their code"
            twin.outputs, twin.execution_count = cell.outputs, cell.execution_count
    nbformat.write(book, FOLDER / "style_transfer.ipynb")
    nbformat.write(other, FOLDER / "style_transfer.zh.ipynb")


if __name__ == "__main__":
    main()

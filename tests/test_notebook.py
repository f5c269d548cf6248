"""The notebook: runs from top to bottom, was saved with its outputs, and is the same in both languages."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parent.parent / "notebooks"
LANGUAGES = ("style_transfer.ipynb", "style_transfer.zh.ipynb")


def cells(name: str, kind: str) -> list[Any]:
    book = nbformat.read(FOLDER / name, as_version=4)
    return [cell for cell in book.cells if cell.cell_type == kind]


NARROW = """
import os, pathlib, pytest, tests.helpers
tests.helpers.look_narrowly(pytest.MonkeyPatch(), pathlib.Path(os.environ["IMPASTO_CACHE"]))
tests.helpers.look_at_little(pytest.MonkeyPatch())
"""


@pytest.mark.slow
@pytest.mark.usefixtures("narrow")
@pytest.mark.filterwarnings("default")  # of Jupyter's own libraries
def test_it_runs_from_top_to_bottom() -> None:
    book = nbformat.read(FOLDER / LANGUAGES[0], as_version=4)
    (parameters,) = [cell for cell in book.cells if "parameters" in cell.metadata.get("tags", ())]
    parameters.source = f"SIZE, ITERATIONS = 64, 16\n{NARROW}"
    NotebookClient(book, timeout=300, resources={"metadata": {"path": str(FOLDER.parent)}}).execute()
    shown = [output.output_type for cell in book.cells for output in cell.get("outputs", ())]
    assert "error" not in shown and shown.count("display_data") >= 10


@pytest.mark.parametrize("name", LANGUAGES)
def test_it_is_saved_as_it_ran(name: str) -> None:
    code = cells(name, "code")
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    pictures = [output for cell in code for output in cell.outputs if output.output_type == "display_data"]
    assert len(pictures) >= 10 and all("image/jpeg" in output.data for output in pictures)
    assert (FOLDER / name).stat().st_size < 4e6


def test_both_languages_have_the_same_code_and_as_much_text() -> None:
    english, chinese = (cells(name, "code") for name in LANGUAGES)
    assert [cell.source for cell in english] == [cell.source for cell in chinese]
    assert len(cells(LANGUAGES[0], "markdown")) == len(cells(LANGUAGES[1], "markdown"))

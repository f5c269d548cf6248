"""What the studio knows is damaged, lost or of another version between two starts: nothing is removed for it,
and one row does not take the others along.
"""

import sqlite3
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from impasto.errors import OutputError
from impasto.web.config import Config
from impasto.web.folder import Folder
from impasto.web.models import Job, JobRequest, Picture
from impasto.web.store import Store
from impasto.web.studio import Studio

FILE = "studio.sqlite"
THEN = datetime(2024, 5, 6, tzinfo=UTC)
PHOTO, ONE, TWO, THREE = (name.ljust(16, "_") for name in ("photo", "one", "two", "three"))


def job(id: str) -> Job:
    return Job(id=id, request=JobRequest(photo=PHOTO), state="waiting", created=THEN)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A studio's, with a picture and two jobs that wait."""
    for part in ("pictures", f"jobs/{ONE}", f"jobs/{TWO}"):
        (tmp_path / part).mkdir(parents=True)
    (tmp_path / f"pictures/{PHOTO}.png").write_bytes(b"p")
    (tmp_path / f"jobs/{ONE}/result.png").write_bytes(b"1")
    store = Store(tmp_path / FILE)
    picture = Picture(
        id=PHOTO, kind="photo", name="a.png", sha256="0" * 64, width=8, height=8, created=THEN, transparent=False
    )  # fmt: skip
    store.add_picture("v", picture, "1" * 64)
    for id in (ONE, TWO):
        store.add_job("v", job(id))
    store.close()
    return tmp_path


def test_a_folder_by_a_short_name_leaves_sentences_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "a")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temp"))
    said = "`size` asks for 9000 pixels, and 4096 are the most here: that is for whoever runs the studio to decide."
    for name in ("a", "studio"):
        assert Config(Path(name)).folder == tmp_path / name
        folder = Folder(Path(name))
        assert folder.told(said) == said
        own = tmp_path / name
        assert folder.told(f"{own}/pictures/x.png: it is odd, as '{own}'.") == ": it is odd, as ''."
        assert folder.told(others := f"There are /other{own}/x.png and {own}s, too.") == others


def test_without_a_home_a_sentence_is_told_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    assert Folder(tmp_path).told(f"{tmp_path}/jobs/x is odd.") == "is odd."


def test_half_a_letter_names_nothing(folder: Path) -> None:
    store = Store(folder / FILE)
    assert store.picture("v", "\ud800") is None and store.picture_by_hash("v", "\udfff") is None
    store.close()


def asked(path: Path, *queries: str) -> None:
    file = sqlite3.connect(path)
    for query in queries:
        file.execute(query)
    file.commit()
    file.close()


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for place in range(4096, len(data), 7):
        data[place] ^= 0xFF
    path.write_bytes(bytes(data))


def other(path: Path) -> None:
    path.unlink()
    asked(path, "CREATE TABLE x (y)", "PRAGMA user_version = 1")


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (Path.unlink, "gone or empty"),
        (lambda path: path.write_bytes(b""), "gone or empty"),
        (lambda path: path.write_bytes(b"no database" * 999), "cannot be used"),
        (lambda path: path.write_bytes(path.read_bytes()[:6000]), "cannot be used"),
        (flipped, "cannot be used"),
        (other, "cannot be used"),
        (a_folder, "cannot be used"),
        (lambda path: asked(path, "PRAGMA user_version = 2"), "newer Impasto"),
    ],
)
def test_a_file_that_is_not_the_studios_ends_it_and_nothing_is_removed(
    damage: Callable[[Path], object], said: str, folder: Path
) -> None:
    damage(folder / FILE)
    for _ in range(2):  # and the first try is no reason for the second
        with pytest.raises(OutputError, match=said):
            Studio.of(Config(folder))
    assert (folder / f"pictures/{PHOTO}.png").exists() and (folder / f"jobs/{ONE}/result.png").exists()


@pytest.mark.parametrize(
    "data",
    [
        "'{'",
        "'null'",
        "''",
        "x'ff00'",
        "json_set(data, '$.request.newer', 1)",
        "json_set(data, '$.state', 'dreaming')",
        "7",
    ],
)
def test_a_row_that_cannot_be_read_is_left_out_and_left_alone(data: str, folder: Path) -> None:
    asked(folder / FILE, f"UPDATE jobs SET state = 'running', data = {data} WHERE id = '{ONE}'")
    asked(folder / FILE, "UPDATE pictures SET data = '{}'")
    studio = Studio.of(Config(folder))
    store = studio.store
    assert [each.id for each in store.jobs("v")] == [TWO] and store.jobs_in("running") == []
    assert [(whose, each.id) for whose, each in store.jobs_in("waiting")] == [("v", TWO)]
    assert store.job("v", ONE) is None and store.pictures("v") == [] and store.picture_by_hash("v", "1" * 64) is None
    store.add_job("v", job(THREE))
    assert [each.id for each in store.jobs("v")] == [THREE, TWO]
    store.close()
    studio._held.close()
    assert (folder / f"pictures/{PHOTO}.png").exists() and (folder / f"jobs/{ONE}/result.png").exists()

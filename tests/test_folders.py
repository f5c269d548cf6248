"""Folders as people have them, and what the paintings in them are called."""

import logging
import os
import unicodedata
from pathlib import Path

import pytest
import torch
from PIL import Image

from impasto.errors import SettingsError
from impasto.machine.files import write_atomic
from impasto.machine.folders import walk
from impasto.networks import codes
from impasto.networks.cin import StylizerShape
from impasto.networks.contract import Design, Network, save_network
from impasto.settings.style_names import key, place_of, style_names
from impasto.study.variants import grid
from impasto.training.beginnings import design
from impasto.training.pictures import pictures_of
from tests.helpers import photo

LEFT = (
    "@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg", "@__thumb/a.jpg", "Picasa.ini", "._b.jpg", ".DS_Store", "desktop.ini", "Desktop.ini", "Thumbs.db",
    "THUMBS.DB", "__MACOSX/sub/._a.jpg", ".Trash/a.jpg", ".Trash-1000/files/a.jpg", "#recycle/a.jpg",
    "$RECYCLE.BIN/a.jpg", ".hidden/a.jpg", "deep/@eaDir/x.jpg", "lost+found/a.jpg", ".a.jpg.123.partial",
)  # fmt: skip


def test_what_systems_leave_is_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    kept = ["a.jpg", "deep/b.jpg", "deep/er/c.jpg", "e@eaDir.jpg"]
    for name in (*kept, *LEFT):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo(64, 64)).save(tmp_path / name, "JPEG")
    found = walk(tmp_path)
    assert [str(path.relative_to(tmp_path)) for path in found.files] == kept
    with caplog.at_level(logging.WARNING, "impasto"):
        assert pictures_of(tmp_path, "photographs", 64) == found.files
    (record,) = caplog.records
    assert "Passed over" in record.getMessage() and "\n" not in record.getMessage()


def test_unfinished_files_of_our_own_are_passed_over(tmp_path: Path) -> None:
    def cut_off(file: object) -> None:
        assert walk(tmp_path).files == [] and list(tmp_path.iterdir())

    write_atomic(tmp_path / "out.png", cut_off, force=False)


def test_links_that_lead_back_come_to_an_end(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "x.jpg").touch()
    (tmp_path / "a" / "b" / "up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "self").symlink_to("self")
    (tmp_path / "gone").symlink_to("absent")
    (tmp_path / "again").symlink_to(tmp_path / "a", target_is_directory=True)
    outside = tmp_path.with_name(tmp_path.name + "-outside")
    outside.mkdir()
    (outside / "y.jpg").touch()
    (tmp_path / "z").symlink_to(outside, target_is_directory=True)
    os.mkfifo(tmp_path / "pipe")
    once = walk(tmp_path).files
    assert sorted(path.name for path in once) == ["x.jpg", "y.jpg"] and once == walk(tmp_path).files
    assert walk(outside / "y.jpg").files == [outside / "y.jpg"]


def test_no_two_styles_are_called_alike() -> None:
    cases = {
        ("a/wave.jpg", "b/wave.png"): ("wave", "wave-2"),
        ("wave.jpg", "x/Wave.jpg", "y/WAVE.jpg"): ("wave", "Wave-2", "WAVE-3"),
        ("wave.jpg", "wave.png", "wave-2.jpg"): ("wave", "wave-3", "wave-2"),
        ("7.jpg", "style-7.jpg"): ("style-7", "style-7-2"),
        ("caf\u00e9.jpg", "cafe\u0301.jpg"): ("caf\u00e9", "caf\u00e9-2"),
        ("Stra\u00dfe.jpg", "STRASSE.jpg"): ("Stra\u00dfe", "STRASSE-2"),
        ("\u0663.jpg", "a.jpg"): ("style-\u0663", "a"),
        ("kiss.jpg", "wave.jpg"): ("kiss", "wave"),
        (" .jpg", "a/\u3000.png", "\n.jpg", "\u200b.jpg"): ("style", "style-2", "style-3", "style-4"),
        ("a\nb\udcff.jpg", "a\u200db.jpg", "-1.jpg"): ("a b", "a\u200db", "-1"),
    }
    for paths, names in cases.items():
        found = style_names([Path(path) for path in paths])
        assert found == names and len({*map(key, found)}) == len(found)
        assert all(place_of(name, found) == place for place, name in enumerate(found))
        assert all(place_of(str(place), found) == place for place in range(len(found)))


def test_a_name_is_known_in_whatever_letters() -> None:
    styles = ("Caf\u00e9", "wave", "Wave")
    assert place_of(unicodedata.normalize("NFD", "caf\u00e9"), styles) == 0
    assert place_of("Wave", styles) == 2 and place_of("WAVE", styles) is None and place_of("\u0661", styles) is None


def test_new_names_are_told_before_the_training(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for folder in "ab":
        (tmp_path / folder).mkdir()
        Image.fromarray(photo(64, 64)).save(tmp_path / folder / "wave.png")
    paths = sorted(tmp_path.rglob("*.png"))
    with caplog.at_level(logging.WARNING, "impasto"):
        assert design("multi", paths, 0.0).styles == ("wave", "wave-2")
    assert f"{paths[1]} is called wave-2" in caplog.text


def test_styles_with_awkward_names_are_chosen(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Also of a network that was trained before names were made distinct."""
    styles = ("1", "shot 12:30", "a, b:0.5", "wave")
    file = str(tmp_path / "own.safetensors")
    save_network(Network(Design(StylizerShape((4, 4, 4), 1, (4, 4), 5), None, styles)), Path(file))

    def shares(spec: str | dict[str, float]) -> list[float]:
        return codes.learnt_style(spec, file).values[0].tolist()

    assert shares("shot 12:30") == [0, 1, 0, 0, 0] and shares("a, b:0.5") == [0, 0, 1, 0, 0]
    assert shares("a, b:0.5:1,WAVE:3") == [0, 0, 0.25, 0.75, 0] == shares({"a, b:0.5": 1, "wave": 3})
    assert shares('{"shot 12:30": 1, "2": 1}') == [0, 0.5, 0.5, 0, 0] and shares("3,3,2") != shares("3,2")
    assert not caplog.records
    assert shares("1") == [1, 0, 0, 0, 0] and "it is meant, and not number 1, shot 12:30" in caplog.text
    for wrong in ("3:0,5", "3:1_0", "3: 1", "٣", "3:inf", "3:nan", "3:-1", "{", '{"3": "x"}', "", "5"):
        with pytest.raises(SettingsError):
            codes.learnt_style(wrong, file)
    assert torch.equal(
        codes.learnt_style({"wave": 1e308, "shot 12:30": 1e308}, file).values[0, [1, 3]], torch.tensor([0.5, 0.5])
    )


def test_variants_that_share_a_folder_are_refused() -> None:
    with pytest.raises(SettingsError, match="called alike"):
        grid({"init": ["a.png", "A.png"]}, ["statistics"], {})

"""Settings are checked when they are made, whoever makes them."""

import json
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from impasto.errors import SettingsError
from impasto.settings.fields import Settings
from impasto.settings.recipes import RECIPES, recipe


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_survive_json(name: str) -> None:
    settings = recipe(name)
    assert Settings(**json.loads(json.dumps(settings.dictionary()))) == settings


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("style_weight", -1),
        ("style_weight", float("nan")),
        ("content_weight", "inf"),
        ("tv_weight", "much"),
        ("strength", 1.5),
        ("iterations", 0),
        ("iterations", 2.5),
        ("size", 8),
        ("size", "512x"),
        ("size", "1x2x3"),
        ("scales", "512,256"),
        ("scales", "big"),
        ("style_layers", ""),
        ("style_layers", "relu1_1:-1"),
        ("style_layers", "relu1_1:x"),
        ("style_layers", {"relu1_1": float("nan")}),
        ("optimizer", "sgd"),
        ("pooling", "avg"),
        ("averaging", 1.0),
        ("seed", -1),
        ("seed", 10**400),
        ("style_layers", [("relu1_1", 1.0)]),
        ("style_layers", {"relu1_1": None}),
        ("size", (512.7, 384)),
        ("scales", [128.9, 256]),
        ("iterations", np.float64(2.5)),
    ],
)
def test_nonsense_is_refused_by_name(setting: str, value: Any) -> None:
    with pytest.raises(SettingsError, match=f"`{setting}`"):
        Settings(**{setting: value})


@pytest.mark.parametrize(
    ("setting", "given", "kept"),
    [
        ("style_layers", "relu1_1,relu2_1:2", {"relu1_1": 1.0, "relu2_1": 2.0}),
        ("style_layers", ["relu1_1"], {"relu1_1": 1.0}),
        ("content_layers", {"relu4_2": 3}, {"relu4_2": 3.0}),
        ("size", "512x384", (512, 384)),
        ("size", [512, 384], (512, 384)),
        ("size", (512.0, 384), (512, 384)),
        ("size", "640", 640),
        ("scales", "128,256", (128, 256)),
        ("scales", [64], (64,)),
        ("strength", "0.25", 0.25),
        ("iterations", "30", 30),
        ("seed", 2**53 + 1, 2**53 + 1),
    ],
)
def test_text_and_values_come_to_the_same(setting: str, given: Any, kept: Any) -> None:
    assert getattr(Settings(**{setting: given}), setting) == kept


def test_misspelt_names_have_neighbours() -> None:
    with pytest.raises(SettingsError, match="did you mean 'style_weight'"):
        Settings().changed(stile_weight=1)
    with pytest.raises(SettingsError, match="did you mean 'tutorial'"):
        recipe("tutorail")


def test_strength_moves_from_the_photo_to_the_style() -> None:
    ratios = []
    for strength in (0.0, 0.25, 0.5, 0.75, 1.0):
        moved = Settings(strength=strength).effective()
        ratios.append(moved.style_weight / (moved.content_weight + 1e-12))
    assert ratios == sorted(ratios) and ratios[0] == 0
    assert Settings().effective().dictionary() == Settings().dictionary()
    assert Settings(strength=0.0).effective().palette == 0


def test_quality_is_worked_into_the_iterations_once() -> None:
    for quality, iterations in (("draft", 40), ("normal", 100), ("fine", 300)):
        settings = Settings(iterations=100, quality=quality)  # type: ignore[arg-type]
        assert settings.effective().iterations == iterations
        assert settings.effective().effective() == settings.effective()
    assert Settings(iterations=1, quality="draft").effective().iterations == 1


def test_the_tutorials_numbers() -> None:
    """What the course report used, in the units of this package (docs/recipes.md)."""
    tutorial = recipe("tutorial")
    assert (tutorial.style_weight, tutorial.content_weight, tutorial.iterations) == (1e-2, 1e4, 1000)
    assert tutorial.tv_weight / (512 * 384 * 3) == 30
    assert tutorial.content_layers == {"relu5_2": 1.0}
    assert recipe("tutorial-high-tv").tv_weight > tutorial.tv_weight > recipe("tutorial-low-tv").tv_weight
    assert recipe("tutorial-strong-style").style_weight > tutorial.style_weight


def test_the_page_of_settings_is_what_they_declare() -> None:
    root = Path(__file__).parents[1]
    page = runpy.run_path(str(root / "scripts" / "settings_table.py"))["page"]()
    assert page == (root / "docs" / "settings.md").read_text(), "run python scripts/settings_table.py"
    assert all(f"`--{name.replace('_', '-')}`" in page for name in Settings().dictionary())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("size", "6_4"), ("size", "٦٤"), ("size", "1_00x64"), ("scales", "64,1_28"), ("style_scale", "0_1"), ("iterations", "1_0"),
        ("tv_weight", "1_0.5"), ("style_layers", "relu1_1:1_0"), ("seed", "１"),
    ],
)  # fmt: skip
def test_a_number_is_written_in_digits_that_everyone_reads(name: str, value: str) -> None:
    given: dict[str, Any] = {name: value}
    with pytest.raises(SettingsError, match=f"`{name}`"):
        Settings(**given)


def test_what_strength_makes_of_weights_is_within_what_weights_may_be() -> None:
    for strength, weight in ((1e-12, 0.3), (1.0, 1e12), (1e-7, 1e-12)):
        found = Settings(strength=strength, style_weight=weight).effective()
        assert found.style_weight in (0.0, 1e12)


def test_what_strength_makes_of_a_palette_next_to_nothing_is_nothing() -> None:
    found = Settings(palette=1e-12, strength=0.1).effective()
    assert found.palette == 0 and found.strength == 0.5 and Settings().effective().palette == Settings().palette

"""The three tasks from Python, at small sizes."""

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import impasto
from impasto.colour import oklab
from impasto.errors import ImageError, NotReadyError, OutputError, SettingsError
from impasto.pictures import codecs
from impasto.settings.fields import Settings
from impasto.tasks.schedule import schedule
from tests.helpers import painting, photo

pytestmark = pytest.mark.usefixtures("narrow")

QUICK: dict[str, Any] = {"size": 64, "iterations": 4}


def test_arrays_pillow_images_and_paths_give_the_same_picture(tmp_path: Path) -> None:
    content, style = photo(48, 64), painting(60, 60)
    Image.fromarray(content).save(tmp_path / "c.png")
    Image.fromarray(style).save(tmp_path / "s.png")
    results = [
        impasto.stylize(content, style, **QUICK),
        impasto.stylize(Image.fromarray(content), Image.fromarray(style), **QUICK),
        impasto.stylize(tmp_path / "c.png", str(tmp_path / "s.png"), **QUICK),
    ]
    assert results[0].picture.size == (48, 64)
    for result in results[1:]:
        assert torch.equal(result.picture.pixels, results[0].picture.pixels)


def test_noise_is_decided_by_the_seed() -> None:
    first, again, other = (
        impasto.texture(painting(60, 60), size=(48, 32), iterations=3, seed=seed).picture.pixels for seed in (1, 1, 2)
    )
    assert first.shape == (1, 3, 32, 48)
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_strength_zero_is_the_photo() -> None:
    content = photo(96, 128)
    result = impasto.stylize(content, painting(60, 60), strength=0, size=128, iterations=20)
    assert np.abs(result.picture.array().astype(int) - content.astype(int)).max() <= 1


@pytest.mark.usefixtures("vgg19")
def test_reconstruction_approaches_the_image() -> None:
    content = photo(48, 64)
    result = impasto.reconstruct(content, "relu1_2", size=64, iterations=60)
    error = np.abs(result.picture.array().astype(float) - content.astype(float)).mean()
    assert error < 12  # of 255; noise is about 90 away
    first, last = result.record["losses"]["content"]
    assert last < first / 10


def test_a_reconstruction_asks_for_no_painting_whatever_the_recipe() -> None:
    own, default = (
        impasto.plan_reconstruct(photo(48, 64), recipe=name, size=64, iterations=40)
        for name in ("reconstruct", "default")
    )
    assert not any(stage.last for stage in default.schedule)
    assert default.problem.settings.style_weight == default.problem.settings.places_weight == 0
    assert own.problem.settings.places_weight == 0 and default.settings.places_weight == 1  # as it was asked for


def test_alpha_and_depth_are_the_contents() -> None:
    alpha = np.linspace(1000, 65535, 48 * 64).reshape(48, 64, 1).astype(np.uint16)
    content = np.concatenate([photo(48, 64).astype(np.uint16) * 257, alpha], 2)
    result = impasto.stylize(content, painting(60, 60), **QUICK)
    array = result.picture.array()
    assert array.dtype == np.uint16 and np.array_equal(array[..., 3:], alpha)


def test_the_weights_of_styles_count() -> None:
    content, one, other = photo(48, 64), painting(60, 60, 1), painting(60, 60, 2)
    alone = impasto.stylize(content, (one, 0.7), **QUICK).picture.pixels
    assert torch.allclose(
        impasto.stylize(content, [(one, 1.0), (other, 0.0)], **QUICK).picture.pixels, alone, atol=2e-2
    )
    assert (impasto.stylize(content, [(one, 0.2), (other, 0.8)], **QUICK).picture.pixels - alone).abs().mean() > 2e-2


@pytest.mark.parametrize("weights", [(-1.0, 1.0), (0.0, 0.0), (float("nan"), 1.0)])
def test_weights_of_styles_that_make_no_sense(weights: tuple[float, float]) -> None:
    with pytest.raises(SettingsError, match="Style weights"):
        impasto.plan_stylize(photo(48, 64), [(painting(60, 60), weight) for weight in weights])


def test_tiny_pictures_are_refused() -> None:
    with pytest.raises(ImageError, match="content picture is 1×1 pixels"):
        impasto.plan_stylize(photo(1, 1), painting(60, 60))
    with pytest.raises(ImageError, match="style picture is 60×9 pixels"):
        impasto.plan_stylize(photo(48, 64), painting(9, 60))
    with pytest.raises(ImageError, match="too small for layer pool"):
        impasto.stylize(photo(20, 400), painting(60, 60), size=64, iterations=1, scales="single")


def test_scrolls_are_welcome_on_both_sides() -> None:
    run = impasto.plan_stylize(photo(24, 240), painting(200, 18), size=240, iterations=2)
    assert {stage.size for stage in run.schedule} == {(24, 240)}
    assert run.finish().picture.size == (24, 240)


def test_tasks_without_a_term_say_so() -> None:
    with pytest.raises(SettingsError, match="Nothing is asked for"):
        impasto.plan_texture(painting(60, 60), strength=0)
    with pytest.raises(SettingsError, match="Nothing is asked for"):
        impasto.plan_reconstruct(photo(48, 64), strength=1)
    with pytest.raises(SettingsError, match="Nothing is asked for"):
        impasto.plan_stylize(photo(48, 64), painting(60, 60), style_weight=0, content_weight=0, places_weight=0)


@pytest.mark.usefixtures("vgg19")
def test_a_flat_style_stays_within_reason() -> None:
    flat = np.full((60, 60, 3), (200, 40, 40), np.uint8)
    losses = impasto.stylize(photo(48, 64), flat, **QUICK).record["losses"]
    assert losses["style"][0] < 1e8 and np.isfinite(losses["total"][1])


@pytest.mark.parametrize("more", [{}, {"memory": "2GB"}, {"structure": 0}, {"recipe": "gatys"}])
@pytest.mark.parametrize("setting", ["style_layers", "content_layers", "places_layers"])
def test_a_layer_that_does_not_exist(setting: str, more: dict[str, Any]) -> None:
    if more.get("recipe") and setting == "places_layers":
        return  # it has no places
    with pytest.raises(SettingsError, match="no layer 'relu9_1'"):
        impasto.stylize(photo(48, 64), painting(60, 60), **{setting: "relu9_1"} | QUICK | more)


@pytest.mark.parametrize(
    ("settings", "scales"),
    [
        ({"size": 512}, [(128, 27), (256, 53), (512, 80)]),
        ({"size": 1024}, [(128, 16), (256, 32), (512, 48), (1024, 64)]),
        ({"size": 128}, [(128, 160)]),
        ({"size": 512, "scales": "single"}, [(512, 160)]),
        ({"size": 512, "scales": "100,300", "iterations": 10}, [(100, 2), (300, 3), (512, 5)]),
        ({"size": 512, "scales": "128,256,512", "iterations": 3}, [(128, 1), (256, 1), (512, 1)]),
        ({"size": 512, "iterations": 2}, [(512, 2)]),
        ({"size": 512, "iterations": 8}, [(256, 3), (512, 5)]),
        ({"size": 512, "iterations": 9}, [(128, 2), (256, 3), (512, 4)]),
        ({"size": 256, "places_weight": 1, "last_pass": 0.25}, [(64, 30), (128, 59), (256, 31), (256, 40)]),
        ({"size": 256, "places_weight": 1, "style_weight": 0, "last_pass": 0}, [(64, 27), (128, 53), (256, 80)]),
        ({"size": 256, "places_weight": 1, "last_pass": 0.9, "iterations": 2}, [(256, 1), (256, 1)]),
        ({"size": 256, "places_weight": 1, "last_pass": 0.9, "iterations": 1}, [(256, 1)]),
    ],
)
def test_schedule(settings: dict[str, Any], scales: list[tuple[int, int]]) -> None:
    chosen = Settings(**{"iterations": 160} | settings)
    stages = schedule((settings["size"] // 2, settings["size"]), chosen.effective())
    assert [(stage.size[1], stage.iterations) for stage in stages] == scales


def test_a_schedule_that_does_not_fit() -> None:
    with pytest.raises(SettingsError, match="beyond the picture's long side"):
        schedule((48, 64), Settings(scales="32,128").effective())
    with pytest.raises(SettingsError, match="too few for 3 scales"):
        schedule((512, 512), Settings(scales="128,256,512", iterations=2).effective())


def first(run: impasto.Run) -> torch.Tensor:
    """The pixels that it starts from."""
    next(run.steps())
    assert run.last is not None
    return run.last.pixels


def test_start_from_style_from_a_file_and_from_an_array(tmp_path: Path) -> None:
    Image.fromarray(photo(30, 30, 5)).save(tmp_path / "start.png")
    for init in ("style", str(tmp_path / "start.png"), "noise"):
        run = impasto.plan_stylize(photo(48, 64), painting(60, 60), "statistics", init=init, **QUICK)
        assert first(run).shape == (1, 3, 48, 64)
    given = photo(48, 64), painting(60, 60), "statistics"
    from_array = impasto.plan_stylize(*given, start=photo(30, 30, 5), **QUICK)
    from_file = impasto.plan_stylize(*given, init=str(tmp_path / "start.png"), **QUICK)
    assert torch.equal(first(from_array), first(from_file))
    with pytest.raises(SettingsError, match="`init` content has no meaning here"):
        impasto.plan_texture(painting(60, 60), init="content")


def test_the_picture_so_far_is_at_hand_and_final_in_size() -> None:
    run = impasto.plan_stylize(photo(96, 200), painting(60, 60), size=200, iterations=13)
    with pytest.raises(NotReadyError, match=r"take a step of steps\(\) first"):
        run.picture()
    next(run.steps())
    assert run.last is not None and run.last.pixels.shape == (1, 3, 24, 50)
    assert run.picture().size == (96, 200)
    record = run.result().record
    assert not record["complete"] and record["steps"] == 0


@pytest.mark.usefixtures("vgg19")
def test_published_recipes_run() -> None:
    for name in ("gatys", "tutorial", "tutorial-high-tv"):
        result = impasto.stylize(photo(48, 64), painting(60, 60), recipe=name, **QUICK)
        assert result.record["recipe"] == name
        assert result.record["losses"]["total"][1] < result.record["losses"]["total"][0]


def test_sixteen_bits_make_no_bands(tmp_path: Path) -> None:
    """A sky of four 8-bit levels is not put into 8 bits on the way: nearly every pixel has a level of its
    own, and what is kept its own.
    """
    sky = np.linspace(30000, 31000, 64 * 64).astype(np.uint16)[:, None].repeat(3, 1).reshape(64, 64, 3)
    left = np.zeros((64, 64), np.uint8)
    left[:, :32] = 255
    result = impasto.stylize(sky, None, regions=[impasto.Region(left, painting(60, 60))], **QUICK)
    result.save(tmp_path / "sky.png")
    back = codecs.load(tmp_path / "sky.png").array()
    assert back.dtype == np.uint16 and np.array_equal(back[:, 32:], sky[:, 32:])
    painted = back[:, :32, 1]
    assert len(np.unique(painted)) > painted.size // 2 > 256


def test_save_follows_the_suffix(tmp_path: Path) -> None:
    result = impasto.stylize(photo(48, 64), painting(60, 60), **QUICK)
    result.save(tmp_path / "a.tiff", depth=16)
    assert codecs.load(tmp_path / "a.tiff").depth == 16
    assert '"impasto": "stylize"' in codecs.read_description(tmp_path / "a.tiff")
    assert result.encoded(".tiff", depth=16) == (tmp_path / "a.tiff").read_bytes()
    result.save(tmp_path / "b.png", metadata=False)
    assert not codecs.read_description(tmp_path / "b.png")
    assert result.encoded(metadata=False) == (tmp_path / "b.png").read_bytes()
    with pytest.raises(OutputError, match="does not end in a known picture format"):
        result.encoded(".gif")


@functools.cache
def astray(method: str, way: str) -> tuple[float, float]:
    """How far the colours of a picture go from its photograph's, place by place and on the whole."""
    content, style = photo(72, 96), np.clip(painting(90, 90) // 3 + np.array([150, 80, 0]), 0, 255).astype(np.uint8)
    settings: dict[str, Any] = {"recipe": "statistics", "size": 96, "iterations": 6, "method": method}
    own = oklab.from_srgb(codecs.load(content).pixels)[:, 1:]
    settings |= {"keep_colour": way} if way else {}
    made = impasto.stylize(content, style, **settings).picture
    found = oklab.from_srgb(made.pixels)[:, 1:]
    return (found - own).abs().mean().item(), (found - own).mean((2, 3)).abs().max().item()


@pytest.mark.parametrize("way", ["luminance", "linear", "histogram"])
def test_colours_are_kept(way: str) -> None:
    """Hue and chroma are the photograph's on the whole, and nearer to it place by place."""
    kept, taken = astray("iterative", way), astray("iterative", "")
    assert kept[0] < 0.5 * taken[0] and kept[1] < 0.02 < taken[1]
    assert way != "luminance" or kept[0] < 0.005


@pytest.mark.usefixtures("vgg19", "small_looks")
@pytest.mark.parametrize("way", ["luminance", "linear", "histogram"])
def test_colours_are_kept_where_refine_paints_more_freely(way: str) -> None:
    kept, taken = astray("refine", way), astray("refine", "")
    assert kept[0] < taken[0] and kept[1] < 0.02 < taken[1]
    assert way != "luminance" or kept[0] < 0.005


def test_a_strip_that_can_be_painted_can_be_estimated() -> None:
    for recipe in ("default", "statistics"):
        run = impasto.plan_stylize(photo(64, 2048), painting(60, 60), recipe, size="native", iterations=2)
        assert run.estimate()[0] > 0


def test_a_texture_has_the_aspect_of_its_painting_at_any_scale() -> None:
    for scale in (1, 0.1):
        frame = impasto.plan_texture(painting(203, 300), size=300, style_scale=scale).problem.frame
        assert frame.size == (203, 300)


def test_the_scale_of_a_style_is_its_size() -> None:
    """Half of 64 pixels is 32, one number for all or one for each, those of regions last."""
    style = codecs.load(painting(90, 90))
    half = impasto.texture(style, size=64, iterations=4, style_scale=0.5).picture.pixels
    assert torch.equal(half, impasto.texture(style.fitted(32), size=64, iterations=4, style_scale="0.5").picture.pixels)
    assert not torch.equal(half, impasto.texture(style, size=64, iterations=4).picture.pixels)
    mask = np.zeros((48, 64), np.uint8)
    mask[:, 32:] = 255
    run = impasto.plan_stylize(
        photo(48, 64), [style, style], regions=[impasto.Region(mask, style)], size=64, style_scale=(1, 0.5, 0.75)
    )
    assert [[each.scale for each in zone.styles] for zone in run.problem.zones] == [[0.75], [1.0, 0.5]]
    with pytest.raises(SettingsError, match="`style_scale` has 2 numbers for 1 style pictures"):
        impasto.texture(style, size=64, style_scale=(1, 2))

"""Protection: what is found, what is kept, and that nothing changes where nothing is asked for."""

import itertools
import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import skimage.data
import torch
import torch.nn.functional as nn
from PIL import Image
from torch import Tensor
from typer.testing import CliRunner

import impasto
from impasto import weights
from impasto.architecture import Architecture
from impasto.cli import app
from impasto.errors import CheckpointError, ImageError, SettingsError, WeightsError
from impasto.losses.content import ContentLoss
from impasto.losses.objective import TermObjective, remember
from impasto.losses.term import Term
from impasto.masks import faces, naming, people
from impasto.masks.regions import Region
from impasto.pictures import codecs
from impasto.pictures.picture import Picture, resize
from impasto.settings import recipes
from impasto.settings.fields import Settings
from impasto.settings.parse import written
from impasto.study.variants import parse_sweep
from impasto.tasks import protect, record
from tests.helpers import painting, photo, random_backbone

pytestmark = pytest.mark.usefixtures("narrow")

SMALL = Architecture(blocks=((1, 4), (1, 5), (1, 6), (1, 7)))
"""The layers that protection looks at, with few channels."""

EYES, MOUTH = ((204, 100), (247, 102)), ((202, 138), (245, 140))
"""In the astronaut's portrait, x and y, as they were read off the picture."""


@pytest.fixture(scope="module")
def portrait() -> Picture:
    return impasto.load(skimage.data.astronaut())  # type: ignore[no-untyped-call]


def white(left: bool, height: int = 64, width: int = 96) -> np.ndarray[Any, Any]:
    mask = np.zeros((height, width), np.uint8)
    mask[:, : width // 2] = 255
    return mask if left else 255 - mask


# ---- the setting


def test_amounts_in_every_form_are_one() -> None:
    meant = {"faces": 0.5, "mask.png": 0.8}
    for form in ("faces,mask.png:0.8", ["faces", "mask.png:0.8"], ("faces:0.5", "mask.png:0.8"), meant):
        assert Settings(protect=form).protect == meant  # type: ignore[arg-type]
    assert Settings().protect == {}
    assert Settings(protect="C:\\mask.png").protect == {"C:\\mask.png": 0.5}  # type: ignore[arg-type]
    again = json.loads(json.dumps(Settings(protect=meant).dictionary()))
    assert Settings(**again) == Settings(protect=meant)


@pytest.mark.parametrize("wrong", ["faces:1.5", "faces:-1", "faces:nan", [3], {"faces": "much"}, 7])
def test_amounts_that_make_no_sense_are_refused(wrong: Any) -> None:
    with pytest.raises(SettingsError, match="`protect` takes"):
        Settings(protect=wrong)


def test_where_it_has_no_effect_it_is_refused() -> None:
    with pytest.raises(SettingsError, match="`protect` has no effect on `method` fast"):
        impasto.plan_stylize(photo(64, 64), painting(64, 64), method="fast", protect="faces")
    with pytest.raises(SettingsError, match="`protect` has no effect on texture"):
        impasto.plan_texture(painting(64, 64), protect="faces")
    with pytest.raises(SettingsError, match="`protect` has no effect on reconstruct"):
        impasto.plan_reconstruct(photo(64, 64), protect="faces")


def test_a_study_writes_it_as_it_is_given() -> None:
    assert written("protect", {"faces": 0.5, "mask.png": 1.0}) == "faces,mask.png:1"
    assert parse_sweep("protect=faces:0.3,people;faces") == ("protect", ["faces:0.3,people", "faces"])


# ---- masks


def test_the_strongest_of_several_masks_counts(tmp_path: Path) -> None:
    Image.fromarray(white(True)).save(tmp_path / "left.png")
    Image.fromarray(np.full((32, 48), 255, np.uint8)).save(tmp_path / "all.png")
    own = impasto.load(photo(64, 96))
    weight = protect.protected({str(tmp_path / "left.png"): 1.0, str(tmp_path / "all.png"): 0.5}, own, 48)
    assert weight is not None and weight.shape == (1, 1, 32, 48)
    assert weight[..., :22].min() == 1 and torch.allclose(weight[..., 26:], weight[..., -1:])
    assert 0 < weight[..., -1].max() < 0.5
    assert protect.protected({str(tmp_path / "left.png"): 0.0}, own, 48) is None


def test_masks_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    own = impasto.load(photo(64, 96))
    Image.fromarray(np.zeros((64, 96), np.uint8)).save(tmp_path / "black.png")
    Image.fromarray(white(True, 64, 64)).save(tmp_path / "square.png")
    with pytest.raises(ImageError, match=r"black\.png is black all over"):
        protect.protected({str(tmp_path / "black.png"): 0.5}, own, 64)
    with pytest.raises(ImageError, match=r"square\.png is 64×64 pixels"):
        protect.protected({str(tmp_path / "square.png"): 0.5}, own, 64)
    with pytest.raises(ImageError, match=r"none\.png"):
        protect.protected({str(tmp_path / "none.png"): 0.5}, own, 64)


# ---- faces


def test_a_face_is_found_where_it_is(portrait: Picture) -> None:
    (face,) = faces.found(portrait)
    assert torch.allclose(face.points[[0, 1, 3, 4]], torch.tensor([*EYES, *MOUTH]).float(), atol=4)
    left, top, right, bottom = face.box.tolist()
    assert 170 < left < 190 and 50 < top < 75 and 255 < right < 280 and 160 < bottom < 185
    mask = faces.mask([face], portrait.size)
    assert mask.shape == (1, 1, 512, 512) and mask.min() == 0 and mask.max() == 1
    assert all(mask[0, 0, y, x] == 1 for x, y in EYES)
    assert 0.5 < mask[0, 0, 118, 190] < 0.7, "a cheek is less than the eyes"
    assert mask[0, 0, 256:].max() == 0 and mask[..., :120].max() == 0
    rise = (mask[..., 1:] - mask[..., :-1]).abs().max()
    assert rise < 0.15, "no hard edge"


@pytest.mark.parametrize("change", ["small", "large", "grey", "deep", "turned"])
def test_faces_of_any_picture(portrait: Picture, change: str, tmp_path: Path) -> None:
    """Half as large and four times as large, grey, of 16 bits, turned by its EXIF orientation."""
    array = portrait.array()
    picture = {
        "small": lambda: portrait.fitted(256),
        "large": lambda: portrait.fitted(2048),
        "grey": lambda: impasto.load(array.mean(-1).astype(np.uint8)),
        "deep": lambda: impasto.load(array.astype(np.uint16) * 257),
        "turned": lambda: impasto.load(_turned(array, tmp_path / "turned.jpg")),
    }[change]()
    mask = naming.found("faces", picture)
    assert isinstance(mask, Picture) and max(mask.size) <= 1000
    fitted = mask.resized((512, 512)).pixels[0, 0]
    assert all(fitted[y, x] > 0.9 for x, y in EYES) and fitted[300:].max() < 0.01


def _turned(array: np.ndarray[Any, Any], path: Path) -> Path:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    Image.fromarray(np.rot90(array).copy()).save(path, exif=exif, quality=95)
    return path


def test_two_faces_and_none(portrait: Picture) -> None:
    two = Picture(torch.cat([portrait.pixels, portrait.pixels.flip(3)], 3))
    centres = sorted(face.box[[0, 2]].mean().item() for face in faces.found(two))
    assert len(centres) == 2 and abs(centres[0] + centres[1] - 1024) < 6
    with pytest.raises(ImageError, match="No face was found in the content picture: leave faces out"):
        naming.found("faces", impasto.load(photo(96, 128)))
    with pytest.raises(ImageError, match="No face"):
        naming.found("faces", impasto.load(photo(16, 16)))


def test_where_no_face_is_found_none_is_protected(portrait: Picture, caplog: pytest.LogCaptureFixture) -> None:
    """A recipe protects faces where there are any; who asks for it by name is told where there are none."""
    plain = photo(96, 128)
    for asked, told in (("faces", 1), (None, 0)):
        caplog.clear()
        run = impasto.plan_stylize(plain, painting(64, 64), size=64, protect=asked)
        assert run.problem.protected is None
        assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
            "No faces were found in the content picture: none are protected."
        ] * told
    weight = impasto.plan_stylize(portrait, painting(64, 64), size=512).problem.protected
    assert weight is not None
    amount = recipes.recipe("default").protect["faces"]
    assert all(weight[0, 0, y, x] == pytest.approx(amount**2, rel=0.02) for x, y in EYES)
    assert impasto.plan_stylize(portrait, painting(64, 64), size=64, protect="faces:0").problem.protected is None


def test_the_first_network_is_what_the_paper_draws() -> None:
    """Its answer for one square of 12 pixels, convolution by convolution, by sums in NumPy."""
    net = {name: tensor.double().numpy() for name, tensor in weights.load("face-propose").items()}
    seen = np.random.default_rng(0).uniform(-1, 1, (3, 12, 12))

    def convolved(x: np.ndarray[Any, Any], number: int) -> np.ndarray[Any, Any]:
        kernel, bias = net[f"{number}.weight"], net[f"{number}.bias"]
        side = x.shape[1] - kernel.shape[2] + 1
        made = np.empty((len(kernel), side, side))
        for out, row, column in itertools.product(range(len(kernel)), range(side), range(side)):
            window = x[:, row : row + kernel.shape[2], column : column + kernel.shape[3]]
            made[out, row, column] = (window * kernel[out]).sum() + bias[out]
        return made

    def bent(x: np.ndarray[Any, Any], number: int) -> np.ndarray[Any, Any]:
        return np.where(x > 0, x, x * net[f"{number}.slope"][:, None, None])

    x = bent(convolved(seen, 1), 1)
    x = x.reshape(10, 5, 2, 5, 2).max((2, 4))
    x = bent(convolved(bent(convolved(x, 2), 2), 3), 3)
    expected = convolved(x, 4), convolved(x, 5)
    found = faces._Net(weights.load("face-propose"), 12, {1: 2}).answers(torch.from_numpy(seen)[None].float())
    for one, other in zip(found, expected, strict=True):
        assert one.shape == (1, len(other), 1, 1) and np.allclose(one[0].numpy(), other, atol=1e-4)


# ---- people


def test_a_dense_part_of_a_guide_is_given_back() -> None:
    """A mask that is linear in the picture is left as it is; in a picture of one colour it is blurred."""
    picture = torch.rand(1, 3, 60, 80, generator=torch.Generator().manual_seed(0))
    linear = 0.2 + 0.6 * picture.mean(1, keepdim=True)
    assert torch.allclose(people.guided(picture, linear), linear, atol=0.01)
    edge = torch.zeros(1, 1, 60, 80)
    edge[..., 40:] = 1
    blurred = people.guided(torch.full((1, 3, 60, 80), 0.5), edge)[0, 0, 30]
    assert 0.2 < blurred[39] < 0.5 < blurred[40] < 0.8 and blurred[:30].max() == 0 and blurred[-30:].min() == 1


@pytest.fixture(scope="module")
def person() -> dict[str, Tensor]:
    try:
        return weights.load("person")
    except WeightsError as error:
        pytest.skip(str(error))


def test_people_are_what_litert_says(portrait: Picture, person: dict[str, Tensor]) -> None:
    """The means over squares of 32 pixels, of the portrait at half its size, as ai-edge-litert 2.3.0 computes
    them from the file.
    """
    likely = people.likely(person, nn.avg_pool2d(portrait.pixels, 2))
    found = nn.avg_pool2d(likely, 32)[0, 0, :5, 1:6]
    expected = [
        [0, 0.18393, 0.70475, 0.30359, 0],
        [0, 0.52513, 1, 0.64345, 0],
        [0.03053, 0.59907, 0.99995, 0.16048, 0],
        [0.59212, 1, 1, 0.73517, 0.02627],
        [1, 1, 1, 1, 0.56405],
    ]
    assert torch.allclose(found, torch.tensor(expected), atol=1e-3)
    assert likely.mean().item() == pytest.approx(0.5443, abs=1e-3)


@pytest.mark.usefixtures("person")
def test_people_of_a_portrait_and_of_a_landscape(portrait: Picture) -> None:
    mask = naming.found("people", portrait)
    assert isinstance(mask, Picture) and mask.size == portrait.size
    assert (
        mask.pixels[0, 0, 300, 200] > 0.95 and mask.pixels[0, 0, 120, 225] > 0.95 and mask.pixels[0, 0, 100, 50] < 0.05
    )
    with pytest.raises(ImageError, match="No person was found"):
        naming.found("people", impasto.load(np.full((96, 128, 3), 128, np.uint8)))


def test_what_is_optional_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    from impasto.doctor import OK, healthy

    states = dict.fromkeys(weights.REGISTRY, OK)
    assert healthy(states | {"person": "missing"}) and not healthy(states | {"face-output": "missing"})


# ---- the term


def parts(tile: int | None = None, amount: float = 1.0, scale: float = 1.0) -> tuple[list[Term], Term, Tensor]:
    """A style-like term with a weight of ``scale``, the protection against it, and what is protected."""
    backbone = random_backbone(SMALL, torch.float64)
    seen, other = (impasto.load(photo(48, 64, seed)).pixels.double() for seed in (0, 1))
    layers = {"relu1_1": 1.0}
    target = remember(backbone, ContentLoss(), other, layers)
    others = [Term.towards("style", ContentLoss(), scale, layers, [(target, 1.0)])]
    weight = torch.zeros(1, 1, 48, 64, dtype=torch.float64)
    weight[..., :32] = amount
    (made,) = protect.term(weight, Picture(seen), others, backbone, tile)
    return others, made, seen


def test_the_weight_follows_what_the_style_would_gain_and_the_area() -> None:
    _, made, _ = parts()
    assert made.name == "protect" and set(made.layers) == set(protect.LAYERS)
    for layer, counted in made.where.items():
        assert counted.sum().item() == pytest.approx(1) and counted[..., counted.shape[3] // 2 :].sum() == 0, layer
    assert parts(scale=7)[1].weight == pytest.approx(7 * made.weight)
    assert parts(amount=0.25)[1].weight == pytest.approx(0.25 * made.weight)


def test_it_is_met_by_the_photograph_alone_and_is_the_same_in_tiles() -> None:
    backbone = random_backbone(SMALL, torch.float64)
    _, whole, seen = parts()
    _, tiled, _ = parts(tile=32)
    assert tiled.weight == pytest.approx(whole.weight)
    changed = seen.clone()
    changed[..., 48:] = 0  # not protected, and farther from what is than the layers reach
    for term, tile in ((whole, None), (tiled, 32)):
        values, gradient = TermObjective(backbone, [term], tile).value_and_grad(seen)
        assert values["protect"] == pytest.approx(0, abs=1e-20) and gradient.abs().max() < 1e-12
    one, other = (
        TermObjective(backbone, [term], tile).value_and_grad(seen.flip(3))
        for term, tile in ((whole, None), (tiled, 32))
    )
    assert (
        one[0]["protect"] > 0.1 and other[0] == pytest.approx(one[0]) and torch.allclose(one[1], other[1], atol=1e-12)
    )


def test_nothing_to_protect_is_no_term() -> None:
    """Where the style has nothing to gain, and where a face is smaller than a pixel."""
    backbone = random_backbone(SMALL, torch.float64)
    others, _, seen = parts()
    own = remember(backbone, ContentLoss(), seen, {"relu1_1": 1.0})
    idle = [Term.towards("style", ContentLoss(), 1.0, {"relu1_1": 1.0}, [(own, 1.0)])]
    everywhere = torch.ones(1, 1, 48, 64, dtype=torch.float64)
    assert not list(protect.term(everywhere, Picture(seen), idle, backbone, None))
    assert not list(protect.term(everywhere / 48 / 64 / 2, Picture(seen), others, backbone, None))


# ---- runs

RUN: dict[str, Any] = {"size": 48, "iterations": 5, "scales": (32, 48)}


@pytest.fixture
def left(tmp_path: Path) -> str:
    Image.fromarray(white(True)).save(tmp_path / "left.png")
    return str(tmp_path / "left.png")


@pytest.mark.parametrize("recipe", ["default", "painted", "gatys"])
def test_every_recipe_has_it(left: str, recipe: str) -> None:
    more = {} if recipe == "default" else {"scales": "single"}
    result = impasto.stylize(photo(64, 96), painting(64, 64), recipe, **RUN | more | {"iterations": 3}, protect=left)
    first, last = result.record["losses"]["protect"]
    assert 0 <= last < 1 and (recipe == "gatys") == (first > 0.1), "the start is the photograph, or noise"


@pytest.mark.usefixtures("vgg19")
def test_a_face_is_kept_and_the_rest_is_painted(portrait: Picture) -> None:
    """By how far lightness and darkness are from the photograph's, at the eyes and the mouth and in the
    background.
    """
    head = Picture(portrait.pixels[..., 20:212, 112:304])
    settings: dict[str, Any] = {"size": 64, "scales": "single", "iterations": 14, "palette": 0}

    def apart(protected: str) -> tuple[float, float]:
        result = impasto.stylize(head, painting(96, 96), "painted", **settings, protect=protected)
        change = (result.picture.pixels.mean(1) - resize(head.pixels, (64, 64)).mean(1)).square()[0]
        return change[24:44, 28:48].mean().item(), change[:, :20].mean().item()

    (lost, painted), (kept, still) = map(apart, ("", "faces"))
    assert lost > 1.5 * kept and still > 0.7 * painted, (lost, kept, painted, still)


def test_nothing_changes_where_nothing_is_asked(left: str) -> None:
    plain = impasto.stylize(photo(64, 96), painting(64, 64), **RUN)
    nothing = impasto.stylize(photo(64, 96), painting(64, 64), **RUN, protect={left: 0})
    assert (
        torch.equal(plain.picture.pixels, nothing.picture.pixels) and plain.record["losses"] == nothing.record["losses"]
    )


def test_a_run_goes_on_to_the_same_pixels_and_knows_its_masks(left: str, tmp_path: Path) -> None:
    given = photo(64, 96), painting(64, 64)
    whole = impasto.stylize(*given, **RUN, protect=left)
    run = impasto.plan_stylize(*given, **RUN, protect=left)
    for step in run.steps():
        if step.iteration == 3:
            run.checkpoint(tmp_path / "c")
            break
    again = impasto.plan_stylize(*given, **RUN, protect=left)
    assert again.resume(tmp_path / "c") == 3
    assert torch.equal(again.finish().picture.pixels, whole.picture.pixels)
    with pytest.raises(CheckpointError, match="with `protect`"):
        impasto.plan_stylize(*given, **RUN).resume(tmp_path / "c")
    Image.fromarray(white(False)).save(left)
    with pytest.raises(CheckpointError, match="other pictures"):
        impasto.plan_stylize(*given, **RUN, protect=left).resume(tmp_path / "c")


def test_transparency_and_regions_go_with_it(left: str) -> None:
    """What cannot be seen counts nothing, and a region may be protected in part."""
    own = np.dstack([photo(64, 96), 255 - white(False) // 2])
    own[:, 80:, 3] = 0
    result = impasto.stylize(own, None, **RUN, protect=left, regions=[Region(white(True), painting(64, 64))])
    assert result.picture.alpha is not None and torch.isfinite(result.picture.pixels).all()
    hidden = np.dstack([photo(64, 96), 255 - white(True)])
    impasto.stylize(hidden, painting(64, 64), **RUN, protect=left)


def test_regions_by_name(portrait: Picture) -> None:
    region = Region("faces", painting(64, 64))
    run = impasto.plan_stylize(portrait, None, size=128, iterations=4, regions=[region])
    (zone,) = run.problem.zones
    assert zone.share is not None and zone.share[0, 0, 25, 51] > 0.9 and zone.share[0, 0, 80:].max() < 0.01


def test_a_face_that_is_protected_and_a_region_is_sought_once(
    portrait: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    sought = Mock(side_effect=faces.found)
    monkeypatch.setattr(faces, "found", sought)
    own, region = replace(portrait, pixels=portrait.pixels.clone()), Region("faces", painting(64, 64))
    impasto.plan_stylize(own, None, size=128, iterations=4, regions=[region], protect="faces")
    assert sought.call_count == 1


def test_the_command_and_its_record(tmp_path: Path, left: str) -> None:
    Image.fromarray(photo(64, 96)).save(tmp_path / "photo.png")
    Image.fromarray(painting(64, 64)).save(tmp_path / "painting.png")
    names = [str(tmp_path / name) for name in ("photo.png", "painting.png")]
    words = [
        "stylize",
        *names,
        "-o",
        str(tmp_path / "out.png"),
        "--size",
        "64",
        "--iterations",
        "3",
        "--json",
        "--quiet",
    ]
    called = CliRunner().invoke(app, [*words, "--protect", f"{left}:0.3", "--protect", left.replace("left", "./left")])
    assert called.exit_code == 0, called.output
    assert json.loads(called.stdout)["settings"]["protect"] == {left: 0.3, left.replace("left", "./left"): 0.5}
    assert record.read(tmp_path / "out.png")["settings"]["protect"] == {"left.png": 0.3, "left-2.png": 0.5}
    told = CliRunner().invoke(app, [*words[:-1], "--force", "--protect", "faces"])
    assert told.exit_code == 0 and "No faces were found" in told.stderr
    assert codecs.load(tmp_path / "out.png").size == (43, 64)

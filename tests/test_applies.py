"""The law of settings: one that is given changes what is computed, or is refused. So it is in every way, for
every setting.
"""

import hashlib
import itertools
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import impasto
from impasto import Region
from impasto.backbones.features import Backbone
from impasto.errors import SettingsError
from impasto.jobs.job import RegionFiles
from impasto.networks.codes import StyleCode
from impasto.pictures import codecs
from impasto.settings import applies
from impasto.settings.fields import Settings
from impasto.settings.recipes import recipe
from impasto.settings.setting import INPUTS, WAYS
from impasto.study.study import plan_study
from impasto.tasks import problem
from impasto.tasks import run as running
from impasto.tasks import stylize as stylizing
from impasto.tasks.fast import plan_fast
from impasto.tasks.run import Run
from impasto.training import teacher
from impasto.training.course import Course
from impasto.training.trainer import Training
from impasto.video import flow
from impasto.video.job import VideoJob
from impasto.video.masks import Masks
from impasto.video.optimised import FramePainter
from impasto.video.source import Facts, Frame
from impasto.video.styles import Moments
from tests.helpers import look_at_little, look_narrowly, painting, photo

OTHERWISE: dict[str, Any] = {
    "method": "refine", "network": "arbitrary", "style_weight": 0.7, "content_weight": 0.9, "places_weight": 0.6,
    "tv_weight": 2, "style_layers": "relu2_1", "content_layers": "relu2_2", "structure": 0.4,
    "places_layers": "relu2_1", "places_photo": 0.1, "last_pass": 0.6, "finest_layer": "relu1_2", "style_loss": "wasserstein",
    "normalization": "absolute", "tv_norm": "l1", "pooling": "average", "padding": "zeros", "init": "style",
    "palette": 0.3, "keep_colour": "linear", "style_scale": 0.7, "protect": "MASK:0.8", "feather": 0.05,
    "strength": 0.3, "steady": "off", "steady_weight": 50, "frame_iterations": 5, "keyframes": 4, "size": 56, "stroke_size": 32, "memory": "900MB", "scales": (40,), "iterations": 33,
    "quality": "draft", "optimizer": "adam", "history": 4, "learning_rate": 0.5, "adam_beta1": 0.2,
    "adam_epsilon": 0.3, "averaging": 0.4, "allow_truncated": True, "seed": 5, "device": "cpu", "precision": "float32",
    "compile": "off",
}  # fmt: skip
"""A value for every setting that none of the bases has."""
OTHERWISE_IN: dict[str, dict[str, Any]] = {
    "refine": {"method": "iterative"},
    "fast": {"method": "iterative"},
    "optimised-video": {"method": "fast"},
    "reconstruct": {"init": "content"},
    "bare": {"optimizer": "lbfgs"},
    "adam": {"optimizer": "lbfgs"},
}

HOW = {"memory", "device", "precision", "compile", "allow_truncated"}
"""They say how it is computed, and not what."""

MASK = np.zeros((48, 64), np.uint8)
MASK[:, :40] = 255
CONTENT, STYLE = photo(48, 64), painting(60, 60)
SMALL: dict[str, Any] = {"size": 48, "iterations": 8, "precision": "float32", "device": "cpu"}

BASES: dict[str, tuple[str, dict[str, Any]]] = {
    "statistics": ("statistics", {"scales": "single"}),
    "painted": ("painted", {"scales": (32,), "tv_weight": 3, "init": "noise"}),
    "places": ("painted", {"scales": "single", "style_weight": 0}),
    "bare": (
        "statistics",
        {"scales": (32,), "optimizer": "adam", "content_weight": 0, "tv_weight": 0, "init": "noise"},
    ),
    "adam": ("statistics", {"scales": (32,), "optimizer": "adam", "tv_weight": 0}),
    "content": ("statistics", {"scales": (32,), "style_weight": 0}),
    "coloured": ("statistics", {"scales": (32,), "style_weight": 0, "keep_colour": "luminance"}),
    "regions": ("statistics", {"scales": (32,), "regions": [Region(MASK, STYLE)]}),
}
OF: dict[str, tuple[str, ...]] = {
    "iterative": ("statistics", "painted", "places", "bare", "content", "coloured", "regions"),
    "refine": ("adam", "painted"),
    "optimised-video": ("adam", "painted", "regions"),
    "texture": ("adam", "painted", "places"),
    "reconstruct": ("statistics", "adam"),
    "train": ("statistics", "painted", "bare"),
}
"""The bases of every way. What a way has no use for is left out of them. The fast method has a test of its
own, and moving pictures have theirs (`test_video`)."""
SLOW = ("painted", "places", "regions")
"""On these only settings that need something of others are tried."""


@pytest.fixture(scope="module", autouse=True)
def _narrow(narrow_cache: Path) -> Iterator[None]:
    """A network of few channels in place of the VGG19, and quick stand-ins for the search of places and the
    fast picture.
    """

    def quick(content: Any, style: Any, settings: Settings) -> Any:
        shade = (settings.strength + len(settings.network)) / 20
        return SimpleNamespace(finish=lambda: SimpleNamespace(picture=replace(content, pixels=content.pixels * shade)))

    def near(backbone: Backbone, sought: Tensor, paintings: Any, groups: Any, **options: Any) -> dict[str, Tensor]:
        found = backbone(sought, [layer for group in groups for layer in group])
        shade = sum(picture.pixels.mean() * share for picture, share in paintings) + len(groups)
        return {layer: feature * shade for layer, feature in found.items()}

    with pytest.MonkeyPatch.context() as patch:
        look_narrowly(patch, narrow_cache)
        look_at_little(patch)
        patch.setattr(problem, "replaced", near)
        patch.setattr(teacher, "replaced", near)
        patch.setattr(stylizing, "plan_fast", quick)
        yield


def digest(*parts: Any) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(part.detach().numpy().tobytes() if isinstance(part, Tensor) else repr(part).encode())
    return found.hexdigest()


def mathematics(run: Run) -> str:
    """What the solver is given: the start, the scales, the optimiser, and the objective's values and gradient
    at every scale.
    """
    given: list[Any] = []

    def solver(objective_at: Any, start: Tensor, schedule: Any, optimizer: Any, **options: Any) -> Iterator[Any]:
        given.extend([start, schedule, type(optimizer()), vars(optimizer()), options])
        for stage in schedule:
            pixels = torch.rand(1, 3, *stage.size, generator=torch.Generator().manual_seed(1))
            values, gradient = objective_at(stage, pixels).value_and_grad(pixels)
            given.extend([stage, values, gradient])
        return iter(())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "solve", solver)
        list(run.steps())
    return digest(*given)


def computed(way: str, base: str, **given: Any) -> str:
    """The digest of what is computed in a way, from a base with settings on top."""
    recipe, settings = BASES[base]
    settings = SMALL | settings
    settings = {name: value for name, value in settings.items() if name in (*INPUTS, *names(way))} | given
    if way == "train":
        with TemporaryDirectory() as folder:
            files = [Path(folder) / f"{name}.png" for name in ("photo", "painting")]
            for file, picture in zip(files, (photo(64, 72), STYLE), strict=True):
                Image.fromarray(picture).save(file)
            chosen = applies.chosen_settings(recipe, settings, "train")
            training = Training("single", files[:1], files[1:], chosen, Course(steps=1, batch=1, crop=64, workers=0))
            return digest(training.validate())
    if way == "texture":
        return mathematics(impasto.plan_texture(STYLE, recipe, **{"init": "noise"} | settings))
    if way == "reconstruct":
        return mathematics(impasto.plan_reconstruct(CONTENT, "relu2_1", recipe, **{"init": "noise"} | settings))
    if way == "optimised-video":
        return film(recipe, settings)
    run: Any = impasto.plan_stylize(CONTENT, STYLE, recipe, **{"method": way} | settings)
    return mathematics(run)


def film(recipe: str, settings: dict[str, Any]) -> str:
    """Of the first frame of a shot, and of one that starts from others."""
    if settings.get("method") == "fast":
        return digest("another painter")
    regions = [RegionFiles("mask", "style")] if settings.pop("regions", None) else []
    given = {"method": "iterative"} | settings
    job = VideoJob("clip", (("style", 1.0),), regions=tuple(regions), recipe=recipe, settings=given)
    chosen = job.chosen()
    whole = codecs.load(CONTENT).fitted(chosen.size if isinstance(chosen.size, int) else max(CONTENT.shape))
    frame = whole.pixels[0].permute(1, 2, 0).contiguous().numpy()
    grey = torch.from_numpy(flow.grey(frame))
    styles, parts = Moments([(0.0, [(codecs.load(STYLE), 1.0)])]), [codecs.load(STYLE) for _ in regions]
    painter = FramePainter(job, chosen, styles, parts=parts)
    shares: tuple[Any, ...] = ()
    if regions:
        with TemporaryDirectory() as folder:
            Image.fromarray(MASK).save(f"{folder}/mask.png")
            once = (Fraction(0),)
            facts = Facts(MASK.shape, 8, False, once, once, Fraction(1))
            masks = Masks(
                [RegionFiles(f"{folder}/mask.png", "style")], facts, whole.size, chosen.feather, allow_truncated=False
            )
            shares = next(masks.frames(0))
    known = torch.from_numpy(frame * 0.5)
    seen = [grey, torch.zeros(grey.shape)]
    state = {"count": 3, "seen": [seen, seen], "kept": [[known], [known]], "ways": []}
    later = FramePainter(job, chosen, styles, state, parts=parts)
    now = Frame(0, frame, None, Fraction(0), Fraction(1), shares)
    runs = [each.planned(now, each.held(now)) for each in (painter, later)]
    if chosen.keyframes > 1:
        runs.append(later.planned(now, later.held(now), between=True))
    return digest(*map(mathematics, runs))


def names(way: str) -> list[str]:
    return [declared.name for declared in applies.fields_of(way)]


def other(way: str, base: str, name: str, mask: Path) -> Any:
    value = (OTHERWISE | OTHERWISE_IN.get(way, {}) | OTHERWISE_IN.get(base, {}))[name]
    return value.replace("MASK", str(mask)) if isinstance(value, str) else value


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    Image.fromarray(MASK).save(tmp_path / "mask.png")
    return tmp_path / "mask.png"


def is_random(way: str, base: str) -> bool:
    """Whether the seed counts."""
    noise = way in ("texture", "reconstruct") or BASES[base][1].get("init", "") == "noise"
    return way == "train" or (way != "refine" and noise)


@pytest.mark.parametrize("way", OF)
def test_a_setting_changes_what_is_computed_or_is_refused(
    way: str, mask: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted, lies, own = set(), [], names(way)
    needy = [declared.name for declared in applies.fields_of(way) if declared.metadata["needs"]]
    for base in OF[way]:
        plain = computed(way, base)
        for name in needy if base in SLOW else OTHERWISE:
            given = {name: other(way, base, name, mask)}
            try:
                changed = computed(way, base, **given) != plain
            except SettingsError as refusal:
                assert name in refusal.settings, refusal
                if name in own and refusal.settings[0] == name:  # and not another of the base
                    with monkeypatch.context() as patch:
                        patch.setattr(applies, "idle", lambda *_: None)
                        lies += [f"{base}: {name} is refused, and has an effect"] * (
                            computed(way, base, **given) != plain
                        )
                continue
            accepted.add(name)
            if not changed and name not in HOW and (name != "seed" or is_random(way, base)):
                lies.append(f"{base}: {name} is accepted, and has no effect")
    assert not lies
    assert accepted == set(own), "they are tried where they count"


def test_what_the_fast_method_heeds_is_what_it_accepts() -> None:
    """Its preparation reads no other setting."""
    read: set[str] = set()

    class Watched(Settings):
        def __getattribute__(self, name: str) -> Any:
            read.update({name} & Settings.__dataclass_fields__.keys())
            return super().__getattribute__(name)

    code = StyleCode("arbitrary", torch.zeros(1, 100), None)
    settings = Watched(method="fast", network="arbitrary", size=32, strength=0.3)
    read.clear()
    plan_fast(CONTENT, code, settings)
    assert read == {*names("fast")} - {"method"}


def test_every_setting_is_tried_and_says_where_it_counts() -> None:
    assert {*OTHERWISE} == {declared.name for declared in fields(Settings)} and {*OF, "fast", "video"} == {*WAYS}
    for declared in fields(Settings):
        assert {*declared.metadata["of"]} <= {*WAYS} and declared.metadata["of"], declared.name
        for option in itertools.chain(*declared.metadata["needs"]):
            assert re.match(r"\w+", option)[0] in {*OTHERWISE, *INPUTS, *WAYS}, option  # type: ignore[index]


def test_where_a_setting_is_idle_it_says_why() -> None:
    settings = recipe("statistics")
    assert applies.idle("tv_norm", settings, "iterative") is None
    assert applies.idle("tv_norm", settings, "fast") == "`tv_norm` has no effect on `method` fast"
    assert applies.idle("last_pass", settings, "texture") == "`last_pass` has no effect without `places_weight`"
    assert applies.idle("feather", settings, "iterative") == "`feather` has no effect without `regions`"
    assert applies.idle("feather", settings, "iterative", ["regions"]) is None
    single = settings.changed(places_weight=1, scales="single")
    assert applies.idle("places_photo", single, "refine") == "`places_photo` has no effect with `scales` single"


def test_a_study_sweeps_only_what_has_an_effect(tmp_path: Path) -> None:
    content, style = tmp_path / "photo.png", tmp_path / "painting.png"
    Image.fromarray(CONTENT).save(content)
    Image.fromarray(STYLE).save(style)
    with pytest.raises(SettingsError, match="`learning_rate` has no effect without `optimizer` adam"):
        plan_study(content, style, tmp_path / "out", sweeps={"learning_rate": [0.1, 0.2]})
    with pytest.raises(SettingsError, match="`feather` has no effect on any variant"):
        plan_study(content, style, tmp_path / "out", sweeps={"strength": [0.4, 0.6]}, feather=0.1)
    seeds = {"seed": [1, 2]}
    for recipes, method in ((["default"], None), (["gatys", "statistics"], None), (["default"], "refine")):
        with pytest.raises(SettingsError, match=r"`seed` is swept, and nothing is random in '.*seed=1'"):
            plan_study(content, style, tmp_path / "out", sweeps=seeds, recipes=recipes, method=method)
    assert len(plan_study(content, style, tmp_path / "out", sweeps=seeds, recipes=["gatys"]).variants) == 2
    study = plan_study(content, style, tmp_path / "out", sweeps={"optimizer": ["lbfgs", "adam"]}, learning_rate=0.1)
    assert [dict(each.settings) for each in study.variants] == [
        {"optimizer": "lbfgs"},
        {"learning_rate": 0.1, "optimizer": "adam"},
    ]

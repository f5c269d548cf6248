"""The three tasks, each a choice of terms and of a start.

    reconstruct(image)          content                          from noise
    texture(style)              style + smoothness               from noise
    stylize(content, style)     content + style + smoothness     from the content

``plan_…`` prepares a `Run`, whose ``steps()`` can be watched, saved and stopped; the plain functions run it to its end.
"""

import itertools
import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import torch

from impasto import colour, images, recipes
from impasto.errors import ImageError, SettingsError
from impasto.features import Backbone
from impasto.images import Picture, PictureLike, Size
from impasto.losses import STYLE_LOSSES, ContentLoss, Term, TotalVariationLoss
from impasto.run import Result, Run
from impasto.settings import Settings
from impasto.solve import Stage

log = logging.getLogger("impasto")

StyleLike: TypeAlias = PictureLike | tuple[PictureLike, float] | Sequence[PictureLike | tuple[PictureLike, float]]

MIN_SIDE = 16
"""Pictures with a side shorter than this hold neither a content nor a style: nothing of them reaches relu5_1."""


def plan_stylize(
    content: PictureLike,
    style: StyleLike,
    recipe: str = "default",
    *,
    start: PictureLike | None = None,
    **settings: Any,
) -> Run:
    """Prepare `stylize`; see there."""
    chosen = recipes.recipe(recipe).changed(**settings)
    effective = chosen.effective()
    _require(effective, "style_weight", "content_weight")
    photo = _usable(content, "content").fitted(_height_width(chosen.size))
    styles = _styles(style, max(photo.size))
    if effective.palette > 0:
        matched = colour.match(photo.pixels, [(picture.pixels, share) for picture, share in styles])
        photo = replace(photo, pixels=torch.lerp(photo.pixels, matched, effective.palette))

    def terms_at(backbone: Backbone, size: Size) -> list[Term]:
        return [
            *_style_term(effective, styles, backbone, size),
            *_content_term(effective, photo, backbone, size),
            *_smoothness(effective),
        ]

    return Run(
        "stylize",
        recipe=recipe,
        settings=chosen,
        frame=photo,
        start=_start(chosen, start, {"content": photo, "style": styles[0][0]}),
        schedule=_schedule(photo.size, effective),
        terms_at=terms_at,
    )


def plan_texture(
    style: StyleLike, recipe: str = "texture", *, start: PictureLike | None = None, **settings: Any
) -> Run:
    """Prepare `texture`; see there."""
    chosen = recipes.recipe(recipe).changed(**settings)
    effective = chosen.effective()
    _require(effective, "style_weight")
    wanted = _height_width(chosen.size)
    styles = _styles(style, wanted if isinstance(wanted, int) else max(wanted))
    frame = replace(styles[0][0].fitted(wanted), alpha=None)

    def terms_at(backbone: Backbone, size: Size) -> list[Term]:
        return [*_style_term(effective, styles, backbone, size), *_smoothness(effective)]

    return Run(
        "texture",
        recipe=recipe,
        settings=chosen,
        frame=frame,
        start=_start(chosen, start, {"style": styles[0][0]}),
        schedule=_schedule(frame.size, effective),
        terms_at=terms_at,
    )


def plan_reconstruct(
    image: PictureLike,
    layer: str = "relu4_2",
    recipe: str = "reconstruct",
    *,
    start: PictureLike | None = None,
    **settings: Any,
) -> Run:
    """Prepare `reconstruct`; see there."""
    chosen = recipes.recipe(recipe).changed(**settings | {"content_layers": layer})
    effective = chosen.effective()
    _require(effective, "content_weight")
    photo = _usable(image, "content").fitted(_height_width(chosen.size))

    def terms_at(backbone: Backbone, size: Size) -> list[Term]:
        return [*_content_term(effective, photo, backbone, size), *_smoothness(effective)]

    return Run(
        "reconstruct",
        recipe=recipe,
        settings=chosen,
        frame=photo,
        start=_start(chosen, start, {"content": photo}),
        schedule=_schedule(photo.size, effective),
        terms_at=terms_at,
    )


def stylize(content: PictureLike, style: StyleLike, recipe: str = "default", **settings: Any) -> Result:
    """Render the content in the style (Gatys, Ecker and Bethge 2016).

    ``content`` and ``style`` are paths, Pillow images, or arrays (H, W), (H, W, 3) or (H, W, 4) of uint8, uint16, or float in
    [0, 1]; see `images.load`. ``style`` may be a list of them, or of pairs with weights, whose statistics are blended.
    ``recipe`` names a set of settings, and ``settings`` replaces any of them; see `settings.Settings` for all, among them
    ``size`` (long side, or (width, height)), ``strength`` (0 to 1), ``quality`` (draft, normal, fine) and ``seed``. ``start`` is any picture to
    start from, in place of what the setting ``init`` names.
    The result has the content's transparency and depth. The same seed gives the same bytes on the same machine.

    Raises ImageError for a picture that cannot be used, SettingsError for a setting that makes no sense, WeightsError
    when the VGG19 cannot be had and SolverError when not even the start has a finite loss.
    """
    return plan_stylize(content, style, recipe, **settings).finish()


def texture(style: StyleLike, recipe: str = "texture", **settings: Any) -> Result:
    """A new texture with the style's statistics and nothing else (Gatys, Ecker and Bethge 2015, NIPS).

    ``size`` is the long side in the style's own aspect, or any (width, height). Other arguments and errors as `stylize`.
    """
    return plan_texture(style, recipe, **settings).finish()


def reconstruct(image: PictureLike, layer: str = "relu4_2", recipe: str = "reconstruct", **settings: Any) -> Result:
    """The picture that one layer's features remember, found from noise (Mahendran and Vedaldi 2015).

    Deeper layers keep the arrangement and forget the exact pixels. Other arguments and errors as `stylize`.
    """
    return plan_reconstruct(image, layer, recipe, **settings).finish()


def _style_term(
    settings: Settings, styles: list[tuple[Picture, float]], backbone: Backbone, size: Size
) -> Iterator[Term]:
    """The style loss at a scale: every style picture is resized along, so that its strokes keep their share of the picture."""
    weight, layers = settings.style_weight, settings.style_layers
    if weight > 0:
        examples = []
        for picture, share in styles:
            pixels = _at_length(picture, max(size)).pixels.to(backbone.device)
            examples.append((backbone(pixels, layers), share))
        loss = STYLE_LOSSES[settings.style_loss](settings.normalization == "relative")
        yield Term.towards("style", loss, weight, layers, examples)


def _content_term(settings: Settings, photo: Picture, backbone: Backbone, size: Size) -> Iterator[Term]:
    weight, layers = settings.content_weight, settings.content_layers
    if weight > 0:
        features = backbone(photo.resized(size).pixels.to(backbone.device), layers)
        loss = ContentLoss(settings.normalization == "relative")
        yield Term.towards("content", loss, weight, layers, [(features, 1.0)])


def _smoothness(settings: Settings) -> Iterator[Term]:
    if settings.tv_weight > 0:
        yield Term("tv", TotalVariationLoss(settings.tv_norm), settings.tv_weight, {"pixels": 1.0}, {"pixels": ()})


def _usable(source: PictureLike, role: str) -> Picture:
    picture = images.load(source)
    height, width = picture.size
    if min(picture.size) < MIN_SIDE:
        raise ImageError(f"The {role} picture is {width}×{height} pixels: it needs at least {MIN_SIDE} on each side.")
    return picture


def _styles(source: Any, length: int) -> list[tuple[Picture, float]]:
    """The style pictures at a long side of ``length``, with weights that sum to one."""
    weighted = isinstance(source, tuple) and len(source) == 2 and isinstance(source[1], (int, float))
    listed = source if isinstance(source, (list, tuple)) and not weighted else [source]
    pairs = [entry if isinstance(entry, tuple) else (entry, 1.0) for entry in listed]
    total = sum(share for _, share in pairs)
    if not pairs or not all(math.isfinite(share) and share >= 0 for _, share in pairs) or total <= 0:
        raise SettingsError(
            f"Style weights must be finite, not negative, and not all 0: got {[share for _, share in pairs]}."
        )
    styles = []
    for entry, share in pairs:
        picture = _usable(entry, "style")
        if max(picture.size) < length / 2:
            log.warning(
                "A style picture of %d pixels is enlarged to %d: its strokes will be soft.", max(picture.size), length
            )
        styles.append((_at_length(picture, length), share / total))
    return styles


def _at_length(style: Picture, length: int) -> Picture:
    """A style picture at a long side; more where a scroll or a strip would lose its short side before the deepest layer."""
    return style.fitted(max(length, math.ceil(MIN_SIDE * max(style.size) / min(style.size))))


def _require(settings: Settings, *names: str) -> None:
    """At least one of the task's own terms must count, or there is nothing to compute."""
    if not any(getattr(settings, name) > 0 for name in names):
        options = " and ".join("--" + name.replace("_", "-") for name in names)
        raise SettingsError(f"Nothing is asked for: {options} come to 0 at this --strength; raise one of them.")


def _start(settings: Settings, given: PictureLike | None, named: dict[str, Picture]) -> Picture | None:
    """The picture to start from, or None for noise."""
    if given is not None:
        return _usable(given, "start")
    if settings.init == "noise":
        return None
    if settings.init in ("content", "style"):
        if settings.init not in named:
            raise SettingsError(
                f"--init {settings.init} has no meaning here: start from {' or '.join(['noise', *named])}."
            )
        return named[settings.init]
    return _usable(settings.init, "start")


def _height_width(size: int | tuple[int, int]) -> int | Size:
    """Settings name sizes (width, height), as people do; tensors are (height, width)."""
    return size if isinstance(size, int) else (size[1], size[0])


def _schedule(size: Size, settings: Settings) -> list[Stage]:
    """The scales with their shares of the iterations, as 1 to 2 to 3 …: what a coarse scale settles takes few."""
    final = max(size)
    if settings.scales == "auto":
        octaves = max(0, round(math.log2(final / 128)))
        if settings.style_weight == 0 and settings.init == "content":
            octaves = 0  # the start is the goal already, and coarse scales would only blur it
        lengths = [round(final / 2**k) for k in range(octaves, -1, -1)]
        lengths = [length for length in lengths if length == final or min(images.long_side(size, length)) >= MIN_SIDE]
    elif isinstance(settings.scales, tuple):
        if settings.scales[-1] > final:
            raise SettingsError(
                f"--scales goes up to {settings.scales[-1]}, beyond the picture's long side of {final}."
            )
        lengths = [*(scale for scale in settings.scales if scale < final), final]
    else:
        lengths = [final]
    spare = settings.iterations - len(lengths)
    if spare < 0:
        raise SettingsError(
            f"{settings.iterations} iterations are too few for {len(lengths)} scales: add some, or --scales single."
        )
    shares = list(itertools.accumulate(range(len(lengths) + 1)))
    spent = [spare * share // shares[-1] for share in shares]
    return [
        Stage(images.long_side(size, length), 1 + after - before)
        for length, before, after in zip(lengths, spent, spent[1:], strict=False)
    ]

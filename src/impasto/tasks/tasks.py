"""The three tasks, each a choice of terms and of a start.

    reconstruct(image)          content                          from noise
    texture(style)              style + smoothness               from noise
    stylize(content, style)     content + style + smoothness     from the content, or from the fast network's answer

``plan_…`` prepares a `Run`, whose ``steps()`` can be watched, saved and stopped; the plain functions run it to its end.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, overload

import torch
from torch import Tensor

from impasto.backbones.features import Backbone
from impasto.colour import transfer
from impasto.errors import SettingsError
from impasto.losses.objective import remember
from impasto.losses.style import CALIBRATION, STYLE_LOSSES
from impasto.losses.term import ContentLoss, PlacesLoss, Term, TotalVariationLoss
from impasto.masks import naming
from impasto.networks import codes
from impasto.pictures import codecs
from impasto.pictures.codecs import PictureLike
from impasto.pictures.large import load_own
from impasto.pictures.picture import MAX_PIXELS, Picture, Size, long_side, resize
from impasto.settings import recipes
from impasto.settings.fields import FAST_ONLY, OF_PLACES, Settings, heeded
from impasto.solver.solve import Stage
from impasto.tasks import protect
from impasto.tasks.fast import FastRun
from impasto.tasks.inputs import (
    MIN_SIDE,
    StyleLike,
    check_side,
    scales_of,
    style_code,
    style_pictures,
    usable,
    wanted_size,
    weighted,
)
from impasto.tasks.places import MOST, replaced
from impasto.tasks.regions import Region, counts
from impasto.tasks.result import Result
from impasto.tasks.run import Run
from impasto.tasks.zones import Zone, in_colours_of, recoloured, zoned

_NOT_RECONSTRUCTED = ("style_scale", "places_weight", *OF_PLACES)
"""Settings of paintings, which a reconstruction has none of."""
_LAST_MOST = 2**14
"""In the last pass every layer seeks among so many places of the paintings."""


@overload
def plan_stylize(
    content: PictureLike, style: StyleLike, recipe: str = ..., *, method: Literal["fast"], **settings: Any
) -> FastRun: ...
@overload
def plan_stylize(
    content: PictureLike,
    style: StyleLike | None,
    recipe: str = ...,
    *,
    regions: Sequence[Region] = ...,
    start: PictureLike | None = ...,
    method: Literal["iterative", "refine"] | None = ...,
    **settings: Any,
) -> Run: ...
def plan_stylize(
    content: PictureLike,
    style: StyleLike | None,
    recipe: str = "default",
    *,
    regions: Sequence[Region] = (),
    start: PictureLike | None = None,
    method: Literal["iterative", "fast", "refine"] | None = None,
    **settings: Any,
) -> Run | FastRun:
    """Prepare `stylize`; see there."""
    chosen = chosen_settings(recipe, settings | {"method": method})
    if regions and chosen.method != "iterative":
        raise SettingsError(f"Regions are for the optimiser: leave them out, or --method {chosen.method}.")
    if chosen.feather and not regions:
        raise SettingsError("--feather has no effect without regions: leave it out.")
    if style is None and not regions:
        raise SettingsError("There is no style: give a painting, or regions with theirs.")
    if chosen.method == "fast":
        assert style is not None
        if start is not None:
            raise SettingsError("A start has no effect on the fast method: leave it out, or choose another method.")
        return _plan_fast(content, style, chosen)
    effective = chosen.effective()
    _require(effective, "style_weight", "content_weight", "places_weight")
    own = usable(content, "content")
    wanted = wanted_size(chosen.size, chosen.method, own.size)
    photo = own.fitted(wanted)
    regions = [replace(region, mask=naming.found(region.mask, own)) for region in regions]
    protected = protect.protected(chosen.protect, own, wanted)
    zones, kept = zoned(style, regions, photo, chosen, own=own.size, wanted=wanted)
    zones = [in_colours_of(photo, zone, chosen.keep_colour) for zone in zones]
    frame = photo
    if chosen.keep_colour == "luminance":
        photo = replace(photo, pixels=transfer.lightness(photo.pixels))
    if chosen.method == "refine" and start is None:
        start = _fast_picture(photo, [(each.picture, each.share) for each in zones[0].styles], chosen)
    schedule = _schedule(photo.size, effective)

    def content_at(size: Size) -> Picture:
        return recoloured(photo.resized(size), [zone.at(size) for zone in zones], effective.palette)

    def terms_at(backbone: Backbone, stage: Stage, pixels: Tensor, tile: int | None) -> list[Term]:
        seen = content_at(stage.size)
        if stage.last:
            sought = pixels
        elif stage == schedule[0]:
            sought = seen.pixels
        else:
            sought = _sought(seen.pixels, pixels, effective.places_photo)
        scaled = [zone.at(stage.size) for zone in zones]
        painting = [
            *itertools.chain(
                *(_places_term(effective, zone, backbone, stage, sought=sought, tile=tile) for zone in scaled)
            ),
            *itertools.chain(*(_style_term(effective, zone, backbone, stage.size, tile) for zone in scaled)),
        ]
        return [
            *painting,
            *_content_term(effective, seen, backbone, tile),
            *_protect_term(protected, seen, painting, backbone, tile),
            *_smoothness(effective),
        ]

    return Run(
        "stylize",
        recipe=recipe,
        settings=chosen,
        frame=frame,
        start=_start(
            chosen,
            start,
            {"content": lambda: content_at(schedule[0].size), "style": lambda: zones[0].styles[0].picture},
        ),
        schedule=schedule,
        terms_at=terms_at,
        kept=kept,
        protected=protected,
        zones=zones,
    )


def plan_texture(
    style: StyleLike, recipe: str = "texture", *, start: PictureLike | None = None, **settings: Any
) -> Run:
    """Prepare `texture`; see there."""
    chosen = chosen_settings(recipe, settings, "texture")
    effective = chosen.effective()
    _require(effective, "style_weight", "places_weight")
    if chosen.size == "native":
        raise SettingsError("--size native is a content's own, and a texture has none: give a length or WIDTHxHEIGHT.")
    wanted = wanted_size(chosen.size, chosen.method, (0, 0))
    length = wanted if isinstance(wanted, int) else max(wanted)
    styles = style_pictures(style, length, scales_of(chosen, len(weighted(style))))
    frame, zone = replace(styles[0].picture.fitted(wanted), alpha=None), Zone(styles)

    def terms_at(backbone: Backbone, stage: Stage, pixels: Tensor, tile: int | None) -> list[Term]:
        return [
            *_places_term(effective, zone, backbone, stage, sought=pixels, tile=tile),
            *_style_term(effective, zone, backbone, stage.size, tile),
            *_smoothness(effective),
        ]

    return Run(
        "texture",
        recipe=recipe,
        settings=chosen,
        frame=frame,
        start=_start(chosen, start, {"style": lambda: styles[0].picture}),
        schedule=_schedule(frame.size, effective),
        terms_at=terms_at,
        zones=[zone],
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
    chosen = chosen_settings(recipe, settings | {"content_layers": layer}, "reconstruct")
    effective = chosen.effective()
    _require(effective, "content_weight")
    photo = _fitted(image, chosen)

    def terms_at(backbone: Backbone, stage: Stage, pixels: Tensor, tile: int | None) -> list[Term]:
        return [*_content_term(effective, photo.resized(stage.size), backbone, tile), *_smoothness(effective)]

    return Run(
        "reconstruct",
        recipe=recipe,
        settings=chosen,
        frame=photo,
        start=_start(chosen, start, {"content": lambda: photo}),
        schedule=_schedule(photo.size, effective),
        terms_at=terms_at,
    )


def stylize(content: PictureLike, style: StyleLike | None, recipe: str = "default", **settings: Any) -> Result:
    """Render the content in the style (Gatys, Ecker and Bethge 2016).

    ``method`` is ``"iterative"`` (the optimiser), ``"fast"`` (one pass of a network by conditional instance normalisation:
    Dumoulin et al. 2017, Ghiasi et al. 2017) or ``"refine"`` (the optimiser, started from the fast result).
    ``content`` and ``style`` are paths, Pillow images, or arrays (H, W), (H, W, 3) or (H, W, 4) of uint8, uint16, or float in
    [0, 1]; see `codecs.load`. ``style`` may be a list of them, or of pairs with weights, whose statistics are blended.
    ``recipe`` names a set of settings, and ``settings`` replaces any of them; see `settings.Settings` for all, among them
    ``size`` (long side, or (width, height)), ``strength`` (0 to 1), ``quality`` (draft, normal, fine) and ``seed``. ``start`` is any picture to
    start from, in place of what the setting ``init`` names.
    ``protect`` says whose drawing is kept, how strongly: ``("faces", "mask.png:0.8")``, or a mapping of masks to amounts from 0 to 1.
    ``regions`` are parts of the picture with styles of their own (`regions.Region`); what they leave follows ``style``, or stays the
    photograph where that is None.
    For the fast method a style may also be a `StyleCode`, or the path of a saved one; the settings it heeds are ``network``, ``size``,
    ``stroke_size``, ``memory``, ``strength`` (above 0.5 it has no more to give), ``device`` and ``precision``.
    The result has the content's transparency and depth. The same seed gives the same bytes on the same machine.

    Raises ImageError for a picture that cannot be used, SettingsError for a setting that makes no sense, WeightsError
    when the weights cannot be had and SolverError when not even the start has a finite loss.
    """
    result: Result = plan_stylize(content, style, recipe, **settings).finish()
    return result


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


def chosen_settings(recipe: str, settings: dict[str, Any], task: str = "stylize") -> Settings:
    """The settings of a recipe with some replaced. Raises SettingsError also for those that would have no effect."""
    chosen = recipes.recipe(recipe).changed(**settings)
    given = {name for name, value in settings.items() if value is not None}
    if task == "stylize":
        where, idle = f"--method {chosen.method}", {name for name in given if not heeded(name, chosen.method)}
    else:
        where, idle = (
            task,
            given
            & {
                *FAST_ONLY,
                "palette",
                "keep_colour",
                "places_photo",
                "protect",
                *(_NOT_RECONSTRUCTED if task == "reconstruct" else ()),
            },
        )
    if idle:
        raise SettingsError(f"--{min(idle).replace('_', '-')} has no effect on {where}: leave it out.")
    if chosen.places_weight == 0 and (idle := given & {*OF_PLACES}):
        raise SettingsError(
            f"--{min(idle).replace('_', '-')} has no effect without --places-weight: give both or neither."
        )
    if chosen.keep_colour != "none" and "palette" in given:
        raise SettingsError("--palette has no effect where colours are kept: leave out --palette or --keep-colour.")
    if chosen.method == "fast" and recipe != "default":
        raise SettingsError(f"The recipe {recipe} is for the optimiser: leave out --method fast or --recipe.")
    return chosen


def _fitted(source: PictureLike, settings: Settings) -> Picture:
    photo = usable(source, "content")
    return photo.fitted(wanted_size(settings.size, settings.method, photo.size))


def _plan_fast(content: PictureLike, style: StyleLike, settings: Settings) -> FastRun:
    code = style_code(style, settings.network)
    final: list[Size] = []

    def painted_at(own: Size) -> int | Size:
        check_side(own, "content")
        wanted = wanted_size(settings.size, "fast", own)
        final.append(long_side(own, wanted) if isinstance(wanted, int) else wanted)
        if math.prod(final[0]) > MAX_PIXELS:
            raise SettingsError(f"--size asks for {final[0][1]}×{final[0][0]}: {MAX_PIXELS} pixels are the most.")
        length = settings.stroke_size or max(final[0])
        height, width = long_side(final[0], length)
        if min(height, width) < MIN_SIDE:
            raise SettingsError(
                f"The content would be painted at {width}×{height} pixels, and {MIN_SIDE} a side are the least: "
                "give a larger --size or --stroke-size."
            )
        return length if isinstance(wanted, int) else (height, width)

    canvas = load_own(content, painted_at)
    alpha = None
    if settings.stroke_size and isinstance(canvas, Picture) and canvas.alpha is not None:
        alpha = codecs.load(content).fitted(final[0]).alpha  # the strokes are coarser, its outline is not
    share = min(1.0, 2 * settings.strength)
    if share < 1:
        code = codes.mixed([(codes.plain(canvas, code.network), 1 - share), (code, share)])
    return FastRun(canvas, code, settings, final[0], alpha)


def _fast_picture(photo: Picture, style: StyleLike, settings: Settings) -> Picture:
    """The fast method's answer as a start for the optimiser."""
    kept = {name: getattr(settings, name) for name in ("network", "strength", "device", "precision")}
    plain = Settings(method="fast", size="native", **kept)
    return _plan_fast(photo, style, plain).finish().picture


def _sought(photo: Tensor, so_far: Tensor, share: float) -> Tensor:
    """What is compared with the paintings' places: the photograph, mixed with the picture so far, which lacks the details of this scale."""
    half = max(1, photo.shape[2] // 2), max(1, photo.shape[3] // 2)
    details = photo - resize(resize(photo, half), (photo.shape[2], photo.shape[3]))
    return torch.lerp((so_far.cpu() + details).clamp(0, 1), photo, share)


def _places_term(
    settings: Settings, zone: Zone, backbone: Backbone, stage: Stage, *, sought: Tensor, tile: int | None
) -> Iterator[Term]:
    """Every place of the zone shall be like that place of its paintings which ``sought`` is most like there; in the last pass layer by layer."""
    weight, layers = settings.places_weight * zone.area(), settings.places_layers
    if weight > 0:
        loss, mask = PlacesLoss(), zone.weight()
        where = counts(mask, layers, backbone)
        paintings = [(style.at(max(stage.size)), style.share) for style in zone.styles if style.share > 0]
        groups, most = ([[layer] for layer in layers], _LAST_MOST) if stage.last else ([list(layers)], MOST)
        found = replaced(backbone, sought, paintings, groups, tile=tile, weight=mask, most=most)
        targets = {layer: loss.target(feature, where.get(layer)) for layer, feature in found.items()}
        yield Term("places", loss, weight, layers, targets, where)


def _style_term(settings: Settings, zone: Zone, backbone: Backbone, size: Size, tile: int | None) -> Iterator[Term]:
    """The style loss at a scale: every style picture is resized along, so that its strokes keep their share of the picture."""
    weight, layers = settings.style_weight * zone.area(), settings.style_layers
    if weight > 0:
        relative = settings.normalization == "relative"
        loss = STYLE_LOSSES[settings.style_loss](relative)
        examples = []
        for style in zone.styles:
            picture = style.at(max(size))
            where = counts(picture.alpha, layers, backbone)
            # One that is larger than the picture must not need more memory than it.
            side = tile or (max(size) if style.scale > 1 and loss.additive else None)
            target = remember(backbone, loss, picture.pixels.to(backbone.device), layers, tile=side, where=where)
            examples.append((target, style.share))
        if relative:
            weight *= CALIBRATION[settings.style_loss]
        where = counts(zone.weight(), layers, backbone)
        yield Term.towards("style", loss, weight, layers, examples, where=where)


def _content_term(settings: Settings, photo: Picture, backbone: Backbone, tile: int | None) -> Iterator[Term]:
    weight, layers = settings.content_weight, settings.content_layers
    if weight > 0:
        loss = ContentLoss(settings.normalization == "relative")
        where = counts(photo.alpha, layers, backbone)
        target = remember(backbone, loss, photo.pixels.to(backbone.device), layers, tile=tile, where=where)
        yield Term.towards("content", loss, weight, layers, [(target, 1.0)], where=where)


def _protect_term(
    protected: Tensor | None, photo: Picture, painting: Sequence[Term], backbone: Backbone, tile: int | None
) -> Iterator[Term]:
    if protected is not None and painting:
        yield from protect.term(resize(protected, photo.size), photo, painting, backbone, tile)


def _smoothness(settings: Settings) -> Iterator[Term]:
    if settings.tv_weight > 0:
        yield Term("tv", TotalVariationLoss(settings.tv_norm), settings.tv_weight, {"pixels": 1.0}, {"pixels": ()})


def _require(settings: Settings, *names: str) -> None:
    """At least one of the task's own terms must count, or there is nothing to compute."""
    if not any(getattr(settings, name) > 0 for name in names):
        options = " and ".join("--" + name.replace("_", "-") for name in names)
        raise SettingsError(f"Nothing is asked for: {options} come to 0 at this --strength; raise one of them.")


def _start(settings: Settings, given: PictureLike | None, named: Mapping[str, Callable[[], Picture]]) -> Picture | None:
    """The picture to start from, or None for noise."""
    if given is not None:
        return usable(given, "start")
    if settings.init == "noise":
        return None
    if settings.init in ("content", "style"):
        if settings.init not in named:
            raise SettingsError(
                f"--init {settings.init} has no meaning here: start from {' or '.join(['noise', *named])}."
            )
        return named[settings.init]()
    return usable(settings.init, "start")


def _schedule(size: Size, settings: Settings) -> list[Stage]:
    """The scales with their shares of the iterations, as 1 to 2 to 3 …: what a coarse scale settles takes few."""
    final = max(size)
    last = (
        min(settings.iterations - 1, round(settings.iterations * settings.last_pass))
        if settings.places_weight > 0
        else 0
    )
    if settings.scales == "auto":
        octaves = max(0, round(math.log2(final / (64 if settings.places_weight > 0 else 128))))
        if settings.style_weight == settings.places_weight == 0 and settings.init == "content":
            octaves = 0  # the start is the goal already, and coarse scales would only blur it
        if settings.method == "refine":
            octaves = min(octaves, 1)  # the start has what the coarsest scales would settle
        lengths = [round(final / 2**k) for k in range(octaves, -1, -1)]
        lengths = [length for length in lengths if length == final or min(long_side(size, length)) >= MIN_SIDE]
        lengths = lengths[-max(1, settings.iterations - last) :]  # a scale takes an iteration at least
    elif isinstance(settings.scales, tuple):
        if settings.scales[-1] > final:
            raise SettingsError(
                f"--scales goes up to {settings.scales[-1]}, beyond the picture's long side of {final}."
            )
        lengths = [*(scale for scale in settings.scales if scale < final), final]
    else:
        lengths = [final]
    spare = settings.iterations - last - len(lengths)
    if spare < 0:
        raise SettingsError(
            f"{settings.iterations} iterations are too few for {len(lengths)} scales: add some, or leave out --scales."
        )
    shares = list(itertools.accumulate(range(len(lengths) + 1)))
    spent = [spare * share // shares[-1] for share in shares]
    stages = [
        Stage(long_side(size, length), 1 + after - before)
        for length, before, after in zip(lengths, spent, spent[1:], strict=False)
    ]
    return [*stages, Stage(stages[-1].size, last, last=True)] if last else stages

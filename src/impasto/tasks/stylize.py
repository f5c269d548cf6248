"""Stylisation: content + style + smoothness, from the content, or from the fast network's answer."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, Unpack, overload

import torch

from impasto.colour import transfer
from impasto.errors import SettingsError
from impasto.masks import naming
from impasto.masks.regions import Region
from impasto.pictures import codecs
from impasto.pictures.codecs import PictureLike
from impasto.pictures.picture import Picture, scaled_to
from impasto.settings import whole
from impasto.settings.applies import chosen_settings
from impasto.settings.fields import Settings
from impasto.settings.keywords import Method, Others
from impasto.tasks import budget, protect
from impasto.tasks.fast import WHOLE, FastRun, plan_fast
from impasto.tasks.held import Held
from impasto.tasks.inputs import StyleLike, fitted, kinds, refuse_two_starts, start_of, usable, wanted_size
from impasto.tasks.problem import Problem
from impasto.tasks.result import Result
from impasto.tasks.run import Run
from impasto.tasks.schedule import schedule
from impasto.tasks.zones import in_colours_of, outlined, refuse_several, uncoloured, zoned


@overload
def plan_stylize(
    content: PictureLike, style: StyleLike, recipe: str = ..., *, method: Literal["fast"], **settings: Unpack[Others]
) -> FastRun: ...
@overload
def plan_stylize(
    content: PictureLike,
    style: StyleLike | None,
    recipe: str = ...,
    *,
    regions: Sequence[Region] = ...,
    start: PictureLike | None = ...,
    held: Sequence[Held] = ...,
    method: Literal["iterative", "refine"] | None = ...,
    **settings: Unpack[Others],
) -> Run: ...
@overload
def plan_stylize(
    content: PictureLike,
    style: StyleLike | None,
    recipe: str = ...,
    *,
    regions: Sequence[Region] = ...,
    start: PictureLike | None = ...,
    method: Method | None = ...,
    **settings: Unpack[Others],
) -> Run | FastRun: ...
def plan_stylize(
    content: PictureLike,
    style: StyleLike | None,
    recipe: str = "default",
    *,
    regions: Sequence[Region] = (),
    start: PictureLike | None = None,
    held: Sequence[Held] = (),
    method: Method | None = None,
    **settings: Unpack[Others],
) -> Run | FastRun:
    """Prepare `stylize`; see there. The picture is held to what is ``held``."""
    chosen = chosen_settings(recipe, settings | {"method": method}, inputs=["regions"] if regions else [])
    refuse_two_starts(start, settings)
    whole.check(chosen, chosen.method, **kinds(style, regions), start=start is not None)
    if style is None and not regions:
        raise SettingsError("There is no style: give a painting, or regions with theirs.")
    refuse_several(regions)
    if chosen.method == "fast":
        assert style is not None
        if start is not None:
            raise SettingsError("A start has no effect on the fast method: leave it out, or choose another method.")
        return plan_fast(content, style, chosen)
    effective = chosen.effective()
    with codecs.truncation(chosen.allow_truncated):
        own = usable(content, "content")
        wanted = wanted_size(chosen.size, chosen.method, own.size)

        def beside() -> dict[str, Any]:
            length = max(scaled_to(own.size, wanted))
            zones, fixed = outlined(style, regions, length, chosen)
            share = torch.zeros(1, 1, 1, 1) if protect.protects(chosen.protect, own) else None
            return {"zones": zones, "fixed": fixed, "protected": share}

        budget.check("stylize", effective, own.size, wanted, beside)
        photo = fitted(own, wanted)
        regions = [replace(region, mask=naming.found(region.mask, own)) for region in regions]
        asked = settings.get("protect") is not None
        # What a recipe protects is in some photographs only.
        protected = protect.protected(chosen.protect, own, wanted, logging.WARNING if asked else logging.DEBUG)
        zones, fixed = zoned(style, regions, photo, chosen, own=own.size, wanted=wanted)
        zones = [in_colours_of(photo, zone, chosen.keep_colour) for zone in zones]
        # At a balance where the photograph shows, some of its colours do.
        taken = effective.palette / chosen.palette if chosen.palette else 0.0
        photo = uncoloured(photo, zones, taken, whole=fixed is None)
        frame = photo
        if chosen.keep_colour == "luminance":
            photo = replace(photo, pixels=transfer.lightness(photo.pixels))
        follows = chosen.method == "refine" and start is None
        if follows:
            start = _fast_picture(photo, [(each.picture, each.share) for each in zones[0].styles], chosen)
        problem = Problem(
            "stylize",
            effective,
            frame=frame,
            schedule=schedule(photo.size, effective),
            photo=photo,
            zones=zones,
            fixed=fixed,
            protected=protected,
            held=held,
        )
        named = {
            "content": lambda: problem.content(problem.schedule[0].size),
            "style": lambda: zones[0].styles[0].picture,
        }
        return Run(problem, recipe, chosen, start_of(chosen, start, named), follows=follows)


def stylize(
    content: PictureLike,
    style: StyleLike | None,
    recipe: str = "default",
    *,
    regions: Sequence[Region] = (),
    start: PictureLike | None = None,
    method: Method | None = None,
    **settings: Unpack[Others],
) -> Result:
    """Render the content in the style (Gatys, Ecker and Bethge 2016).

    ``method`` is ``"iterative"`` (the optimiser), ``"fast"`` (one pass of a network by conditional instance
    normalisation: Dumoulin et al. 2017, Ghiasi et al. 2017) or ``"refine"`` (the optimiser, started from the
    fast result). ``content`` and ``style`` are paths, Pillow images, or arrays (H, W), (H, W, 3) or (H, W, 4)
    of uint8, uint16, or float in [0, 1]; see `codecs.load`. ``style`` may be a list of them, or of pairs with
    weights, whose statistics are blended. ``recipe`` names a set of settings, and ``settings`` replaces any
    of them; see `settings.Settings` for all, among them ``size`` (long side, or (width, height)),
    ``strength`` (0 to 1), ``quality`` (draft, normal, fine) and ``seed``. ``start`` is any picture to start
    from, in place of what the setting ``init`` names. ``protect`` says whose drawing is kept, how strongly:
    ``("faces", "mask.png:0.8")``, or a mapping of masks to amounts from 0 to 1. ``regions`` are parts of the
    picture with styles of their own (`masks.regions.Region`); what they leave follows ``style``, or stays the
    photograph where that is None. For the fast method a style may also be a `StyleCode`, or the path of a
    saved one; the settings it heeds are ``network``, ``size``, ``stroke_size``, ``memory``, ``strength``
    (above 0.5 it has no more to give), ``keep_colour``, ``allow_truncated``, ``device`` and ``precision``.
    The result has the content's transparency and depth. The same seed gives the same bytes on the same
    machine with the same ``memory`` and ``compile``; with "auto", where a picture needs tiles, if as much
    memory is free, and if gcc is there as before.

    Raises ImageError for a picture that cannot be used, StyleCodeError for such a style code, SettingsError
    for a setting that makes no sense, WeightsError when the weights cannot be had and SolverError when not
    even the start has a finite loss.
    """
    run = plan_stylize(content, style, recipe, regions=regions, start=start, method=method, **settings)
    return run.finish()


def _fast_picture(photo: Picture, style: StyleLike, settings: Settings) -> Picture:
    """The fast method's answer as a start for the optimiser."""
    common = {name: getattr(settings, name) for name in ("network", "memory", "device", "precision")}
    plain = Settings(method="fast", size="native", strength=min(settings.strength, WHOLE), **common)
    return plan_fast(photo, style, plain).finish().picture

"""What the photographs and films of a batch are to look like: what is asked for of all, and what a manifest
says of some.
"""

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from impasto.batch import stores
from impasto.batch.inputs import Source
from impasto.batch.items import ANY, Pattern
from impasto.batch.manifest import LOOKS, regions_of, styles_of
from impasto.errors import SettingsError
from impasto.jobs.job import Delivery, Job, RegionFiles
from impasto.jobs.plain import learnt
from impasto.machine import folders, strict_json
from impasto.machine.files import at_home
from impasto.networks.codes import learnt_style
from impasto.pictures.kinds import SUFFIXES
from impasto.settings import applies, recipes
from impasto.settings.names import as_name
from impasto.settings.style_names import style_names
from impasto.video.job import WAYS, VideoDelivery, VideoJob

Styles = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Wish:
    """What is asked for of every photograph and film that has no row of its own saying otherwise.

    ``styles`` are paintings with weights, which are blended, or with ``each_style`` give a result each, and
    then may be folders of them; ``style_indices`` are learnt styles in their place. ``name`` is an
    `outputs.Template`, "" for the usual one. The fast method is used where neither ``settings``, nor a
    ``recipe``, nor regions ask for another: the optimiser takes minutes a picture. Where there are both,
    ``settings`` that only films heed, or only pictures, are theirs alone; and films have 8 ``bits`` or as
    many as their clips, and nothing else of the ``delivery`` but ``metadata``.
    """

    styles: Styles = ()
    style_indices: tuple[str, ...] = ()
    each_style: bool = False
    recipe: str = "default"
    settings: Mapping[str, Any] = field(default_factory=dict)
    delivery: Delivery = field(default_factory=Delivery)
    name: str = ""


class Looks:
    """The patterns of a batch, each made once."""

    def __init__(self, wish: Wish, films: Collection[bool]) -> None:
        """``films`` is whether each is one. Raises SettingsError for a wish that makes no sense."""
        self._wish = wish
        self._styles = tuple((_absolute(path), weight) for path, weight in _paintings(wish))
        # From here on, what is relative is relative to a manifest.
        self._settings = {
            film: _job(film, wish, (("style", 1.0),), recipe=wish.recipe, settings=settings)
            .moved(_absolute_but_any)
            .settings
            for film, settings in _heeded(wish, films).items()
        }
        self._known: dict[tuple[bool, str], list[tuple[str, Pattern]]] = {}

    def of(self, source: Source, *, film: bool) -> list[tuple[str, Pattern]]:
        """The patterns that a photograph or a film is painted by, with what their styles are called. Raises
        SettingsError.
        """
        row = {name: value for name, value in source.row.items() if name != "output"}
        known = film, strict_json.dumps([row, source.base]) if row else ""
        if known not in self._known:
            try:
                self._known[known] = list(self._made(film, row, source.base))
            except SettingsError as error:
                if not row:
                    raise
                raise SettingsError(f"{source.path}: {error}") from error
        return self._known[known]

    def _made(self, film: bool, row: Mapping[str, Any], base: str) -> Iterator[tuple[str, Pattern]]:
        regions = regions_of(row["region"], base) if "region" in row else ()
        recipe = str(row.get("recipe", self._wish.recipe))
        own = {name: value for name, value in row.items() if name not in LOOKS}
        settings = dict(self._settings[film]) | own
        slow = (
            "recipe" in row or recipe != "default" or (regions and not film)
        )  # films have regions by the network, too
        if slow and "method" not in {*self._wish.settings, *own}:
            settings = {name: value for name, value in settings.items() if name != "method"}
        for style, styles, index in self._chosen(row, base, regions):
            job = _job(film, self._wish, styles, index, regions, recipe=recipe, settings=settings)
            pattern = Pattern(job.moved(lambda path: path if path == ANY else stores.joined(base, path)))
            if index:  # once, and not for every photograph
                learnt_style(index, pattern.here.settings.get("network", "auto"))
            yield style, pattern

    def _chosen(
        self, row: Mapping[str, Any], base: str, regions: tuple[RegionFiles, ...]
    ) -> Iterator[tuple[str, Styles, str]]:
        """The styles of each result: what they are called, paintings with weights, or a learnt one."""
        styles: Styles
        indices: tuple[str, ...]
        if "style" in row or "style_index" in row:
            styles = styles_of(row["style"], base) if "style" in row else ()
            indices = (learnt(row["style_index"]),) if "style_index" in row else ()
        else:
            styles, indices = self._styles, self._wish.style_indices
        if not (styles or indices or regions):
            raise SettingsError("There is no style: give one with `style` or `style_index`.")
        if len(indices) > 1 and not self._wish.each_style:
            raise SettingsError(
                "`style_index` is given more than once: give a mixture, like 3:0.5,7:0.5, or `each_style`."
            )
        if self._wish.each_style and (styles or indices):
            if weighed := [path for path, weight in styles if weight != 1]:
                raise SettingsError(f"With `each_style` nothing is blended: leave out the weight of {weighed[0]}.")
            called = style_names([Path(path) for path, _ in styles])
            yield from ((name, ((path, 1.0),), "") for name, (path, _) in zip(called, styles, strict=True))
        elif styles or not indices:
            paths = [path for path, _ in styles] or [regions[0].style]
            yield "+".join(Path(path).stem for path in paths), styles, ""
        yield from ((as_name(index), (), index) for index in indices)


def _job(
    film: bool,
    wish: Wish,
    styles: Styles,
    index: str = "",
    regions: tuple[RegionFiles, ...] = (),
    *,
    recipe: str,
    settings: Mapping[str, Any],
) -> Job | VideoJob:
    """What a pattern is of. Raises SettingsError."""
    if not film:
        return Job("stylize", ANY, styles, index, regions, "", recipe, settings, wish.delivery)
    own = VideoDelivery(bits=_bits(wish.delivery), metadata=wish.delivery.metadata)
    slow = {"method": "iterative"}  # as for pictures, where nothing else is said
    return VideoJob(ANY, styles, index, regions=regions, recipe=recipe, settings=slow | dict(settings), delivery=own)


def _heeded(wish: Wish, films: Collection[bool]) -> dict[bool, dict[str, Any]]:
    """The settings of a wish for films and for pictures, as far as there are any: without those that only the
    other heeds; what neither does, the job will refuse. Raises SettingsError.
    """
    usual = {"method": "fast"} if wish.recipe == "default" else {}
    settings = usual | dict(wish.settings)
    chosen = recipes.recipe(wish.recipe).changed(**settings)
    ways = {film: WAYS.get(chosen.method, chosen.method) if film else chosen.method for film in films}
    idle = {film: {name for name in settings if applies.idle(name, chosen, way)} for film, way in ways.items()}
    of_none = set.intersection(*idle.values())
    plain = Delivery(bits=_bits(wish.delivery), metadata=wish.delivery.metadata)  # type: ignore[arg-type]
    for name in ("bits", "keep_metadata", "profile") if {*films} == {True} else ():
        if (value := getattr(wish.delivery, name)) != getattr(plain, name):
            raise SettingsError(f"`{name}` {value} has no effect on films: leave it out.")
    return {
        film: {name: value for name, value in settings.items() if name not in idle[film] - of_none} for film in films
    }


def _bits(delivery: Delivery) -> int | None:
    """The bits a channel of films: as many as the clip has where 16 are asked for, which they cannot have."""
    return 8 if delivery.bits == 8 else None


def _absolute_but_any(path: str) -> str:
    return path if path == ANY else _absolute(path)


def _absolute(path: str) -> str:
    path = stores.joined("", path)
    return path if stores.is_remote(path) else os.path.abspath(path)


def _paintings(wish: Wish) -> Iterator[tuple[str, float]]:
    """The paintings of a wish, those of folders too."""
    for path, weight in wish.styles:
        place = at_home(stores.plain(path))
        if stores.is_remote(path):
            yield path, weight
            continue
        if not place.is_dir():
            yield str(place), weight
            continue
        found = [each for each in folders.walk(place).files if each.suffix.lower() in SUFFIXES]
        if not wish.each_style or not found:
            told = "is a folder: its paintings are taken one by one with `each_style`" if found else "holds no painting"
            raise SettingsError(f"The style {path} {told}.")
        yield from ((str(each), weight) for each in found)

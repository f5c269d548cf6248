"""What a task is given: a content, styles with weights, and a size."""

import contextlib
import functools
import logging
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any, TypeAlias, TypeGuard

from impasto.errors import ImageError, SettingsError, briefly
from impasto.machine.files import at_home
from impasto.masks.regions import LEAST, Region
from impasto.networks import codes
from impasto.networks.codes import StyleCode
from impasto.pictures import codecs
from impasto.pictures.codecs import PictureLike
from impasto.pictures.large import load_own
from impasto.pictures.picture import Picture, Size, long_side, outline
from impasto.settings.fields import AUTO_SIZE, PREDICTING, Settings
from impasto.settings.names import normalised
from impasto.settings.paths import is_code, is_network

log = logging.getLogger("impasto")

StyleEntry: TypeAlias = PictureLike | StyleCode
StyleLike: TypeAlias = StyleEntry | tuple[StyleEntry, float] | Sequence[StyleEntry | tuple[StyleEntry, float]]

_PATIENCE = 10.0
"""Seconds of reading styles that pass without a word."""

MIN_SIDE = 16
"""Pictures with a side shorter than this hold neither a content nor a style: nothing of them reaches
relu5_1."""


def usable(source: PictureLike, role: str) -> Picture:
    """The picture, or an ImageError if it is too small to be one."""
    with told_of(role):
        picture = codecs.load(source)
        check_side(picture.size, role)
    return picture


@contextlib.contextmanager
def told_of(role: str) -> Iterator[None]:
    """Within it, an ImageError is of what was given in that role."""
    try:
        yield
    except ImageError as error:
        error.role = error.role or role
        raise


def check_side(size: Size, role: str) -> None:
    """Raises ImageError for a picture that is too small."""
    if min(size) < MIN_SIDE:
        raise ImageError(
            f"The {role} picture is {size[1]}×{size[0]} pixels: it needs at least {MIN_SIDE} on each side."
        )


def fitted(content: Picture, wanted: int | Size) -> Picture:
    """The content at the size that is ``wanted``. Raises ImageError for one of which nothing is left that can
    be seen.
    """
    found = content.fitted(wanted)
    if found.alpha is not None and found.alpha.max() < LEAST:
        raise ImageError(
            f"What is left of the content at {found.size[1]}×{found.size[0]} pixels, its middle, is transparent everywhere: choose another `size`."
        )
    return found


def wanted_size(setting: int | str | tuple[int, int], method: str, own: Size) -> int | Size:
    """A long side or (height, width) from the setting ``size``, which names (width, height) as people do."""
    if setting == "native":
        return max(own)
    if isinstance(setting, tuple):
        return setting[1], setting[0]
    return AUTO_SIZE[method] if isinstance(setting, str) else setting


@dataclass(frozen=True)
class Style:
    """A style picture, its share of the style, and its long side over the content's."""

    picture: Picture
    share: float = 1.0
    scale: float = 1.0

    def at(self, length: int) -> Picture:
        """The picture for a content of a long side."""
        return at_length(self.picture, round(length * self.scale))


def style_pictures(source: StyleLike, length: int, scales: Iterator[float]) -> list[Style]:
    """The style pictures for a content of a long side, no larger than they will be looked at, with shares
    that sum to one.

    A scale is taken of ``scales`` for each.
    """
    styles = []
    for entry, share in _told(weighted(source)):
        picture = usable(entry, "style")
        scale = next(scales)
        wanted = round(length * scale)
        if max(picture.size) < wanted / 2:
            log.warning(
                "A style picture of %d pixels is enlarged to %d: its strokes will be soft; by a `style_scale` of %.2g it keeps its size.",
                max(picture.size),
                wanted,
                scale * max(picture.size) / wanted,
            )
        styles.append(Style(at_length(picture, min(wanted, max(picture.size))), share, scale))
    return styles


def outlines(source: StyleLike, length: int, scales: Iterator[float]) -> list[Style]:
    """The same with an `outline` of every picture."""
    styles = []
    for entry, share in weighted(source):
        size, scale = usable(entry, "style").size, next(scales)
        seen = long_side(size, _least(size, min(round(length * scale), max(size))))
        styles.append(Style(outline(seen), share, scale))
    return styles


def style_code(source: StyleLike, network: str = "auto") -> StyleCode:
    """The style code of paintings, codes or files of codes, mixed by their weights, all of one network.

    ``network`` is what looks at paintings: "auto" is that of the codes among them, or else the default.
    Raises ImageError, StyleCodeError, SettingsError and WeightsError.
    """
    entries = weighted(source)
    made = {index: _saved(entry) for index, (entry, _) in enumerate(entries) if _is_made(entry)}
    chosen = network
    if network == "auto":
        chosen = next(iter(made.values())).network if made else PREDICTING
    elif any(codes.identity(code.network) != codes.identity(network) for code in made.values()):
        raise SettingsError(f"`network` {network} is not what the style code was made for: leave it out.")
    return codes.mixed(
        [
            (made[index] if index in made else _seen(entry, chosen), share)
            for index, (entry, share) in enumerate(_told(entries))
        ]
    )


def at_length(style: Picture, length: int) -> Picture:
    """A style picture at a long side; more where a scroll or a strip would lose its short side before the
    deepest layer.
    """
    return style.fitted(_least(style.size, length))


def _least(size: Size, length: int) -> int:
    return max(length, math.ceil(MIN_SIDE * max(size) / min(size)))


def scales_of(settings: Settings, count: int) -> Iterator[float]:
    """The scale of each of ``count`` style pictures: the one there is, or theirs."""
    scales = settings.style_scale
    return iter(scales * count if len(scales) == 1 else scales)


def _saved(entry: StyleCode | str | os.PathLike[str]) -> StyleCode:
    return entry if isinstance(entry, StyleCode) else StyleCode.load(Path(entry))


def _seen(entry: PictureLike, network: str) -> StyleCode:
    if isinstance(entry, (str, os.PathLike)):
        states = _states(entry, *([network] if is_network(network) else []))
        if states is not None:
            return _of_file(os.fspath(entry), network, states, codecs.truncation_allowed())
    return _looked_at(entry, network)


@functools.lru_cache(64)
def _of_file(path: str, network: str, _states: tuple[tuple[int, ...], ...], _truncated: bool) -> StyleCode:
    """The style of a painting in a file, as long as that and a network's own file are in the same states: for
    many photographs it is looked at once.
    """
    return _looked_at(path, network)


def _states(*paths: str | os.PathLike[str]) -> tuple[tuple[int, ...], ...] | None:
    """By what files are known to be as they were; None for what is not there, of which the reader tells."""
    try:
        found = [at_home(path).stat() for path in paths]
    except (OSError, ValueError):
        return None
    return tuple((each.st_dev, each.st_ino, each.st_size, each.st_mtime_ns) for each in found)


def _looked_at(entry: PictureLike, network: str) -> StyleCode:
    with told_of("style"):
        own, painting = load_own(entry, max)
        check_side(own, "style")
    return codes.predicted(painting, network)


def _is_made(entry: Any) -> TypeGuard[StyleCode | str | os.PathLike[str]]:
    """Whether it is a style code, or the file of one, and not a picture."""
    return isinstance(entry, StyleCode) or (isinstance(entry, (str, os.PathLike)) and is_code(entry))


def _told(entries: list[tuple[Any, float]]) -> Iterator[tuple[Any, float]]:
    """Styles one by one; when they take long, how far it is is told."""
    since = time.monotonic()
    for number, entry in enumerate(entries):
        if time.monotonic() - since > _PATIENCE:
            log.warning("%d of %d styles have been read.", number, len(entries))
            since = time.monotonic()
        yield entry


def weighted(source: Any) -> list[tuple[Any, float]]:
    """The entries of a `StyleLike`, with weights that sum to one. Raises SettingsError."""
    weighted = isinstance(source, tuple) and len(source) == 2 and isinstance(source[1], Real)  # NumPy's, too
    listed = source if isinstance(source, (list, tuple)) and not weighted else [source]
    pairs = [entry if isinstance(entry, tuple) else (entry, 1.0) for entry in listed]
    for _, share in pairs:
        if not isinstance(share, Real):
            raise SettingsError(f"The weight of a style is a number, not {briefly(repr(share))}.")
    shares = normalised([float(share) for _, share in pairs])
    return [(entry, share) for (entry, _), share in zip(pairs, shares, strict=True)]


def kinds(style: StyleLike | None, regions: Sequence[Region] = ()) -> dict[str, Any]:
    """What `settings.whole.check` is told of them."""
    styles = [] if style is None else [entry for entry, _ in weighted(style)]
    code = any(_is_made(entry) for entry in [*styles, *(region.style for region in regions)])
    return {"styles": len(styles), "regions": len(regions), "code": code}


def start_of(
    settings: Settings, given: PictureLike | None, named: Mapping[str, Callable[[], Picture]]
) -> Picture | None:
    """The picture to start from, or None for noise."""
    if given is not None:
        return usable(given, "start")
    if settings.init == "noise":
        return None
    if settings.init in ("content", "style"):
        return named[settings.init]()
    return usable(settings.init, "start")


def refuse_two_starts(start: PictureLike | None, settings: Mapping[str, Any]) -> None:
    """Raises SettingsError for a start that is named by ``init``, too."""
    if start is not None and settings.get("init") is not None:
        raise SettingsError("A `start` is given, and `init` names another: leave one of them out.")

"""Masks as other programs write them: label maps of 0 and 1, shapes on transparent ground, colours.

What can mean one thing only is read so, and told; what can mean several is refused.
"""

import logging
import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from torch import Tensor

from impasto.errors import ImageError
from impasto.pictures import codecs, edges
from impasto.pictures.codecs import PictureLike
from impasto.pictures.picture import Picture, long_side

log = logging.getLogger("impasto")

_FAINT = 0.25
"""A mask that is nowhere whiter is not meant so."""
_LABELS = 64
"""Of so many colours or greys at the most a mask is one of labels, for soft edges have more."""
_COLOURED = 0.1
"""Between the channels of what is not grey."""
_SAMPLE = 2**18
"""Positions that are looked at, at the most."""
_LOOKED_AT, _BUSY = 128, 0.025
"""The long side at which a picture is looked at, and the mean difference of neighbours there from which it
is no mask: of 60 paintings and photographs most have more, of masks only such as have holes everywhere."""
_EDGE = 0.001
_SHOWN = 12


def mask(source: PictureLike, role: str) -> Picture:
    """The picture of a mask, in which white is what belongs to it. ``role`` is what errors call it.

    A map of 0 and 1, whatever white is, one of black and one colour, and one that is drawn by its
    transparency, as what is cut out of a picture, are taken for what they are. Raises ImageError for a map of
    several labels.
    """
    picture = codecs.load(source)
    picture = _by_alpha(picture, role) or picture
    labels, bright = _labels(picture), picture.pixels.max().item()
    coloured = bool(len(labels)) and bool((labels.amax(1) - labels.amin(1)).max() > _COLOURED)
    if len(labels) == 2 and labels[0].max() == 0 and (coloured or bright < 1.5 / 255):
        log.warning("The %s is black and %s: the latter is taken for white.", role, _named(labels[1], picture))
        white = (picture.pixels.amax(1, keepdim=True) > 0).to(picture.pixels)
        return replace(picture, pixels=white.expand(-1, 3, -1, -1))
    if (len(labels) > 1 and coloured) or (len(labels) > 2 and labels[:-1].max() < _FAINT):
        shown = ", ".join(_named(each, picture) for each in labels[:_SHOWN]) + ", …" * (len(labels) > _SHOWN)
        raise ImageError(
            f"The {role} is a map of {len(labels)} labels ({shown}): give one in which what belongs to it is white, and all else black."
        )
    if 0 < bright < _FAINT:
        log.warning("The %s is nowhere whiter than %.0f %%: it has hardly an effect.", role, 100 * bright)
    if picture.alpha is None and picture.pixels.min() > 253.5 / 255:
        log.warning("The %s is white all over: nothing is left out by it.", role)
    return picture


def has_colours(picture: Picture) -> bool:
    """Whether a good part of it is more than grey."""
    sample = _sampled(picture.pixels)
    return bool(((sample.amax(0) - sample.amin(0)) > _COLOURED).float().mean() > 0.01)


def is_black_and_white(picture: Picture) -> bool:
    """Whether nearly all of it is the one or the other, as masks are."""
    sample = _sampled(picture.pixels)
    extreme = (sample.amax(0) < 0.08) | (sample.amin(0) > 0.92)
    return bool(extreme.float().mean() > 0.95)


def could_be_a_mask(picture: Picture) -> bool:
    """Whether it is of few areas, soft or sharp, and either grey or of few colours."""
    small = picture.resized(long_side(picture.size, min(_LOOKED_AT, max(picture.size))))
    light = edges.luminance(small.pixels)
    changes = [light.diff(dim=axis).abs().mean().item() for axis in (2, 3) if light.shape[axis] > 1]
    busy = sum(changes) > len(changes) * _BUSY
    return not busy and (not has_colours(picture) or bool(len(_labels(picture))))


def _by_alpha(picture: Picture, role: str) -> Picture | None:
    """The mask that its transparency is, where what can be seen has one colour, or is no black and white."""
    if picture.alpha is None:
        return None
    seen = picture.pixels[:, :, picture.alpha[0, 0] > 0]
    if (seen.amax(2) - seen.amin(2)).max() > 1.5 / 255:
        if not has_colours(replace(picture, pixels=seen[:, :, None])):
            return None
        log.warning("The %s has colours and is transparent in parts: what can be seen of it is taken for white.", role)
    return Picture(picture.alpha.expand(-1, 3, -1, -1), None, picture.depth)


def _labels(picture: Picture) -> Tensor:
    """The colours (L, 3) of a picture with few, the darkest first; none of one with more. Those of an edge
    that is smoothed are few positions, and do not count.
    """
    sample = _sampled(picture.pixels)
    red, green, blue = (sample.double() * 65535).round().long().numpy()
    found, places, counts = np.unique(red << 32 | green << 16 | blue, return_index=True, return_counts=True)
    return sample.T[places[counts > counts.sum() * _EDGE if len(found) <= _LABELS else counts < 0]]


def _sampled(pixels: Tensor) -> Tensor:
    """`_SAMPLE` of the positions or fewer, evenly over the picture, (3, M)."""
    step = math.ceil((pixels[0, 0].numel() / _SAMPLE) ** 0.5)
    return pixels[0, :, ::step, ::step].flatten(1)


def _named(colour: Iterable[float], picture: Picture) -> str:
    """A label as its file has it: a number of a grey, ``#rrggbb`` of a colour."""
    values = [round(float(value) * (2**picture.depth - 1)) for value in colour]
    if len({*values}) == 1:
        return str(values[0])
    return "#" + "".join(f"{round(float(value) * 255):02x}" for value in colour)

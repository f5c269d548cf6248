"""Masks by name: where the faces or the people of a photograph are."""

from collections.abc import MutableMapping

from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from impasto.errors import ImageError, did_you_mean
from impasto.masks import faces, people
from impasto.pictures.codecs import PictureLike
from impasto.pictures.picture import Picture, long_side
from impasto.settings.names import MASKS, is_there

_LONGEST = 1000
"""The long side at which they are sought: finer masks are slower, and hold no more."""

_known: MutableMapping[Tensor, dict[str, Picture | None]] = WeakTensorKeyDictionary()
"""What was found by name, as long as the photograph's pixels are there: what is protected and a region as
well is sought once."""


def found(mask: PictureLike, photo: Picture) -> PictureLike:
    """`sought`. Raises ImageError where there are none, too."""
    white = sought(mask, photo)
    if white is None:
        one, several = ("face", "faces") if mask == "faces" else ("person", "people")
        raise ImageError(
            f"No {one} was found in the content picture: leave {several} out, or give a mask that you have painted."
        )
    return white


def sought(mask: PictureLike, photo: Picture) -> PictureLike | None:
    """A mask as it was given, or, for one of `MASKS`, one of the photograph's shape: white where such are,
    soft at their edges; None where there are none.

    Raises WeightsError where the network that finds them is not installed, and ImageError for another word.
    """
    if not isinstance(mask, str) or mask not in MASKS:
        if isinstance(mask, str) and mask.isalpha() and not is_there(mask):
            raise ImageError(
                f"There is no mask {mask!r}: {did_you_mean(mask, MASKS)} One that you have painted is given by its path."
            )
        return mask
    known = _known.setdefault(photo.pixels, {})
    if mask not in known:
        known[mask] = _seen(mask, photo)
    return known[mask]


def _seen(mask: str, photo: Picture) -> Picture | None:
    seen = photo.resized(long_side(photo.size, min(_LONGEST, max(photo.size))))
    white = faces.mask(faces.found(seen), seen.size) if mask == "faces" else people.mask(seen)
    return None if white.max() < 0.5 else Picture(white.expand(1, 3, *seen.size))

"""Masks by name: where the faces or the people of a photograph are."""

from impasto.errors import ImageError
from impasto.masks import faces, people
from impasto.pictures.codecs import PictureLike
from impasto.pictures.picture import Picture, long_side

NAMES = ("faces", "people")
"""The words that stand for a mask. A file that is called so is given as ./faces."""

_LONGEST = 1000
"""The long side at which they are sought: finer masks are slower, and hold no more."""


def found(mask: PictureLike, photo: Picture) -> PictureLike:
    """A mask as it was given, or, for one of `NAMES`, one of the photograph's shape: white where such are, soft at their edges.

    Raises ImageError where there are none, and WeightsError where the network that finds them is not installed.
    """
    if not isinstance(mask, str) or mask not in NAMES:
        return mask
    seen = photo.resized(long_side(photo.size, min(_LONGEST, max(photo.size))))
    white = faces.mask(faces.found(seen), seen.size) if mask == "faces" else people.mask(seen)
    if white.max() < 0.5:
        one = "face" if mask == "faces" else "person"
        raise ImageError(
            f"No {one} was found in the content picture: leave {mask} out, or give a mask that you have painted."
        )
    return Picture(white.expand(1, 3, *seen.size))

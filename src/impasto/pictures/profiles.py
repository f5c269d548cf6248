"""ICC colour profiles: from whatever a picture was saved in to sRGB, in 8 and in 16 bits."""

import io
import logging
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as nn
from numpy.typing import NDArray
from PIL import Image, ImageCms

log = logging.getLogger("impasto")

Array = NDArray[Any]


@cache
def srgb() -> bytes:
    """An sRGB profile that is the same today and tomorrow: the time of its creation (ICC.1:2022, 7.2.10) is
    left out.
    """
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile[:24] + bytes(12) + profile[36:]


def convert(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    """An 8-bit image (L, RGB or CMYK, as the profile's space is) to RGB in sRGB. Raises
    ImageCms.PyCMSError.
    """
    converted = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    assert converted is not None, "a new image is returned unless it is asked to convert in place"
    return converted


def from_srgb(array: Array, profile: ImageCms.ImageCmsProfile) -> Array:
    """(H, W, 3 or 4) uint8 or uint16 in sRGB to the colours of an RGB profile; alpha stays. Raises
    ImageCms.PyCMSError.
    """

    def convert_back(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
        converted = ImageCms.profileToProfile(image, ImageCms.createProfile("sRGB"), profile, outputMode="RGB")
        assert converted is not None, "a new image is returned unless it is asked to convert in place"
        return converted

    if array.dtype == np.uint16:
        return convert_16_bits(array, profile, convert_back)
    converted = np.asarray(convert_back(Image.fromarray(np.ascontiguousarray(array[..., :3])), profile))
    return np.concatenate([converted, array[..., 3:]], -1)


def foreign(embedded: bytes | None, mode: str) -> ImageCms.ImageCmsProfile | None:
    """The profile embedded with pixels of one of Pillow's modes, unless there is none, it is broken or unfit
    for them, or it is sRGB in all but name.
    """
    if not embedded:
        return None
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(embedded))
        space = profile.profile.xcolor_space.strip()
        modes = {
            "RGB": ("RGB", "RGBA", "RGBa", "RGBX", "P", "PA"),
            "GRAY": ("1", "L", "LA", "La", "I;16", "I;16B"),
            "CMYK": ("CMYK",),
        }
        if mode in modes.get(space, ()):
            probe = Image.fromarray(_COLOURS)
            changed = convert(probe.convert({"GRAY": "L"}.get(space, space)), profile)
            if space == "RGB" and np.abs(np.asarray(changed).astype(int) - _COLOURS).max() <= 1:
                return None
            return profile
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        space = "unreadable"
    log.warning("The picture's colour profile (%s) does not fit its pixels (%s): sRGB is assumed.", space, mode)
    return None


_NODES = np.unique((255 * np.linspace(0, 1, 64) ** 2).round()).astype(np.uint8)
"""The 8-bit values at which a profile is tabulated: every one in the shadows, where curves are steep, and
fewer above."""
_COLOURS = np.stack(np.meshgrid(_NODES, _NODES, _NODES, indexing="ij"), -1).reshape(-1, len(_NODES), 3)
"""All combinations of the nodes, as an RGB image."""


_ROWS = 64
"""So many rows are converted at a time."""


def convert_16_bits(
    array: Array,
    profile: ImageCms.ImageCmsProfile,
    convert: Callable[[Image.Image, ImageCms.ImageCmsProfile], Image.Image] = convert,
) -> Array:
    """16-bit pixels to sRGB, or as ``convert`` does it, by interpolating between 8-bit nodes: smooth, and
    within half an 8-bit step of the profile.
    """
    along = np.linspace(-1, 1, len(_NODES))
    if array.ndim == 2:
        line = np.asarray(convert(Image.fromarray(_NODES[None]), profile))[0].astype(float)
    else:
        cube = np.asarray(convert(Image.fromarray(_COLOURS), profile)).reshape(*[len(_NODES)] * 3, 3)
        table = torch.from_numpy(cube.astype(np.float32)).permute(3, 0, 1, 2)[None]

    def converted(strip: Array) -> Array:
        place = np.interp(strip, _NODES * 257.0, along)
        if array.ndim == 2:
            return np.stack([np.interp(place, along, line[:, c]) for c in range(3)], -1)
        # grid_sample wants (x, y, z), x along the last axis of the table: blue, green, red.
        grid = torch.from_numpy(place[..., ::-1].astype(np.float32))[None, None]
        return nn.grid_sample(table, grid, align_corners=True)[0, :, 0].permute(1, 2, 0).numpy()

    result = np.empty((*array.shape[:2], array.shape[2] if array.ndim == 3 else 3), np.uint16)
    colours = array[..., :3] if array.ndim == 3 else array
    for top in range(0, len(array), _ROWS):
        result[top : top + _ROWS, :, :3] = (converted(colours[top : top + _ROWS]) * 257).round()
    if array.ndim == 3:
        result[..., 3:] = array[..., 3:]
    return result

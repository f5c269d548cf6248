"""The planes of FFmpeg's frames as arrays, and back: what is smaller is enlarged, what is packed is parted.

Of frames in Y'CbCr the colours have fewer samples than the brightness. They lie on the first of every two
columns and between two rows, as H.264, H.265, VP9 and AV1 have them where they say nothing else.
"""

import re
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from impasto.video.colour import BT709, UNSPECIFIED, Coding, Floats, coding_of
from impasto.video.needed import av

_RGB = r"gbra?p(\d*)(le)?"
_YUV = r"yuva?j?4\d\dp(\d*)(le)?"
_GREY = r"gray(\d*)(le)?"
_SAME = {"nv12": "yuv420p", "nv21": "yuv420p", "nv16": "yuv422p", "p010le": "yuv420p10le", "yuyv422": "yuv422p",
         "uyvy422": "yuv422p", "p210le": "yuv422p10le", "p012le": "yuv420p12le"}  # fmt: skip
"""Formats that hold the same numbers in another order, and that in which they are read here."""
_FULL = 2
"""FFmpeg's word for a range that uses all numbers."""


def depth_of(frame: Any) -> int:
    """The bits of a frame's channels."""
    bits: int = max(component.bits for component in frame.format.components)
    return bits


def has_alpha(frame: Any) -> bool:
    return any(component.is_alpha for component in frame.format.components) or frame.format.has_palette


def read(frame: Any) -> tuple[Floats, Floats | None]:
    """The colours of a frame, (H, W, 3), and its transparency (H, W), in [0, 1]."""
    frame = _planar(frame)
    form = frame.format
    planes = [_array(frame, index) for index in range(len(frame.planes))]
    bits = depth_of(frame)
    alpha = None
    if has_alpha(frame):
        alpha = planes.pop().astype(np.float32) / (2**bits - 1)
    if form.name.startswith("gbr"):
        green, blue, red = planes
        return cv2.merge([red, green, blue]).astype(np.float32) / (2**bits - 1), alpha
    # Grey that says nothing uses all numbers, as FFmpeg has it.
    full = form.name.startswith("yuvj") or frame.color_range == _FULL or (len(planes) == 1 and not frame.color_range)
    coding = coding_of(frame.colorspace, full, bits, frame.height)
    height, width = planes[0].shape
    if len(planes) == 1:
        grey = np.full((height, width), 2.0 ** (bits - 1), np.float32)
        planes += [grey, grey]
    codes = [plane.astype(np.float32) for plane in planes]
    return coding.to_rgb(cv2.merge([codes[0], *(_enlarged(each, height, width) for each in codes[1:])])), alpha


def written(rgb: Floats, alpha: Floats | None, form: str) -> Any:
    """A frame in a pixel format of colours (H, W, 3) and transparency (H, W) in [0, 1], tagged: Y'CbCr in
    BT.709 and the range of video, and sRGB's primaries. Where the format has half as many colours, height and
    width are even.
    """
    height, width = rgb.shape[:2]
    if form in ("bgr0", "bgra", "rgb24", "rgba"):
        array = _rounded(rgb, 8) if alpha is None else _rounded(np.dstack([rgb, alpha]), 8)
        made = av.VideoFrame.from_ndarray(array, "rgb24" if alpha is None else "rgba")
        return made if form in ("rgb24", "rgba") else made.reformat(format=form)
    frame = av.VideoFrame(width, height, form)
    bits = depth_of(frame)
    if form.startswith("gbr"):
        red, green, blue = cv2.split(_rounded(rgb, bits))
        planes = [green, blue, red]
    else:
        codes = cv2.split(_coding(bits).from_rgb(rgb))
        parts = [codes[0], *(_reduced(each, frame.format) for each in codes[1:])]
        planes = [_whole(each, bits) for each in parts]
        frame.colorspace, frame.color_range = BT709, 1
    if alpha is not None:
        planes.append(_rounded(alpha, bits))
    for plane, array in zip(frame.planes, planes, strict=True):
        lines(plane, array.dtype)[:, : array.shape[1]] = array
    frame.color_primaries = frame.color_trc = BT709
    return frame


def _coding(bits: int) -> Coding:
    return coding_of(BT709, False, bits, 0)


def _planar(frame: Any) -> Any:
    """A frame with a plane for each channel, the numbers as they are."""
    name = frame.format.name
    if any(re.fullmatch(form, name) for form in (_RGB, _YUV, _GREY)):
        return frame
    deep = depth_of(frame) > 8
    if name in _SAME:
        wanted = _SAME[name]
    elif frame.format.is_rgb or frame.format.has_palette or name.startswith(("ya", "mono")):
        wanted = ("gbrap" if has_alpha(frame) else "gbrp") + "16le" * deep
    else:
        wanted = "yuva444p16le" if has_alpha(frame) else "yuv444p16le"
    full = frame.color_range or 1
    tagged = 5 if frame.colorspace == UNSPECIFIED else frame.colorspace
    if wanted.startswith("yuv"):  # the same matrix and range on both sides: nothing is converted
        made = frame.reformat(
            format=wanted,
            src_colorspace=tagged, dst_colorspace=tagged, src_color_range=full, dst_color_range=full,
        )  # fmt: skip
    else:
        made = frame.reformat(format=wanted)
    made.colorspace, made.color_range = frame.colorspace, frame.color_range
    return made


def _array(frame: Any, index: int) -> NDArray[Any]:
    plane = frame.planes[index]
    deep = depth_of(frame) > 8
    array: NDArray[Any] = lines(plane, np.dtype(np.uint16 if deep else np.uint8))[:, : plane.width]
    return array


def lines(plane: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    """A plane's memory as it is, with what stands behind every line."""
    memory: NDArray[Any] = np.frombuffer(plane, dtype)
    return memory.reshape(int(plane.height), -1)


def _enlarged(plane: NDArray[Any], height: int, width: int) -> NDArray[Any]:
    """A plane of colours at the size of that of the brightness."""
    down, across = _steps(plane.shape[0], height), _steps(plane.shape[1], width)
    if (down, across) == (1, 1):
        return plane
    # Of every column of the result the place in the plane: x / 2, and of every row (y + 1/2) / 2 - 1/2.
    places = np.array([[1 / across, 0, 0], [0, 1 / down, (1 / down - 1) / 2]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(plane, places, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _reduced(plane: NDArray[Any], form: Any) -> NDArray[Any]:
    """A plane of colours with as many samples as a pixel format has: the mean of what each stands for."""
    height, width = plane.shape
    chroma = form.components[1]
    down, across = _steps(chroma.height, height), _steps(chroma.width, width)
    if across == 2:
        plane = cv2.sepFilter2D(plane, -1, np.array([0.25, 0.5, 0.25]), np.ones(1), borderType=cv2.BORDER_REPLICATE)
        plane = plane[:, ::2]
    return plane if down == 1 else (plane[::2] + plane[1::2]) / 2


def _steps(part: int, whole: int) -> int:
    return 1 if part == whole else round(whole / part)


def _rounded(share: NDArray[Any], bits: int) -> NDArray[Any]:
    return _whole(share * (2**bits - 1), bits)


def _whole(codes: NDArray[Any], bits: int) -> NDArray[Any]:
    whole: NDArray[Any] = np.clip(np.rint(codes), 0, 2**bits - 1).astype(np.uint8 if bits == 8 else np.uint16)
    return whole

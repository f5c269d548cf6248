"""What the numbers of a picture mean as light, where a file says so without an ICC profile.

Coding-independent code points (Rec. ITU-T H.273, in PNG's cICP and AVIF's and HEIC's nclx), PNG's gAMA and
cHRM, and EXIF's Adobe RGB. All become sRGB (IEC 61966-2-1). What is brighter than a sheet of white paper, or
more colourful than sRGB, is drawn in: a picture is painted, not projected.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impasto.pictures.profiles import Array

Floats = NDArray[Any]
Chromaticities = tuple[float, float, float, float, float, float, float, float]
"""x and y of red, green, blue and white."""

D65 = (0.3127, 0.3290)
_SRGB: Chromaticities = (0.640, 0.330, 0.300, 0.600, 0.150, 0.060, *D65)

PRIMARIES: dict[int, Chromaticities] = {
    1: _SRGB,
    2: _SRGB,  # unspecified
    4: (0.67, 0.33, 0.21, 0.71, 0.14, 0.08, 0.310, 0.316),
    5: (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, *D65),
    6: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *D65),
    7: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *D65),
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *D65),
    11: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.314, 0.351),
    12: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *D65),
    22: (0.630, 0.340, 0.295, 0.605, 0.155, 0.077, *D65),
}
"""By their code points: H.273, table 2."""

_ADOBE_RGB: Chromaticities = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, *D65)

SRGB, LINEAR, PQ, HLG = "sRGB", "linear", "PQ", "HLG"

TRANSFERS: dict[int, str | float] = {
    # The curves of video cameras, 1, 6, 14 and 15, are shown by screens as sRGB's own is, and so by browsers.
    **dict.fromkeys((1, 2, 6, 13, 14, 15), SRGB),
    **{4: 2.2, 5: 2.8, 8: LINEAR, 16: PQ, 18: HLG},
}
"""By their code points: H.273, table 3. A number is the exponent of a power."""

_PAPER = 203.0
"""Candela per square metre of diffuse white in pictures of a high dynamic range: ITU-R BT.2408, table 1."""
_HLG_PEAK, _HLG_GAMMA = 1000.0, 1.2
"""ITU-R BT.2100, table 5: the screen for which HLG is defined, and its exponent."""
_KNEE = 0.6
"""The share of paper white up to which tones stay as they are."""


@dataclass(frozen=True)
class Encoding:
    """How light was made numbers: chromaticities, a curve (one of `SRGB`, `LINEAR`, `PQ`, `HLG`, or a power's
    exponent), and whether black and white are at 16 and 235 of 255 as in video.
    """

    primaries: Chromaticities = _SRGB
    transfer: str | float = SRGB
    narrow: bool = False

    @property
    def is_srgb(self) -> bool:
        return not self.narrow and self.transfer == SRGB and np.allclose(self.primaries, _SRGB, atol=2e-3)

    @property
    def is_bright(self) -> bool:
        """Whether it goes beyond paper white."""
        return self.transfer in (PQ, HLG)


ADOBE_RGB = Encoding(_ADOBE_RGB, 563 / 256)
"""Adobe RGB (1998), section 4.3."""


def of_code_points(primaries: int, transfer: int, narrow: bool = False) -> Encoding | None:
    """The encoding of H.273's code points, None if it is not known here."""
    if primaries not in PRIMARIES or transfer not in TRANSFERS:
        return None
    return Encoding(PRIMARIES[primaries], TRANSFERS[transfer], narrow)


def of_gamma(gamma: float | None, primaries: Chromaticities | None) -> Encoding | None:
    """The encoding of PNG's gAMA and cHRM (PNG, 3rd edition, 11.3.2). A power within 5 % of 1/2.2 is sRGB's
    curve; None for numbers that make no sense.
    """
    found = primaries or _SRGB
    usual = gamma is None or abs(gamma * 2.2 - 1) < 0.05
    if not usual and not 0.05 <= (gamma or 0) <= 20:
        return None
    try:
        if not np.isfinite(_to_xyz(found)).all():
            return None
    except np.linalg.LinAlgError:
        return None
    return Encoding(found, SRGB if usual else 1 / (gamma or 1))


def to_srgb(array: Array, encoding: Encoding) -> Array:
    """uint8 or uint16 pixels (H, W), (H, W, 3) or (H, W, 4) in sRGB, of the same depth; alpha stays.

    Pictures beyond paper white are drawn in: up to `_KNEE` of it nothing changes, above it the brightest of
    the three colours follows an exponential towards 1, and the others keep their ratio to it, so that hues
    stay.
    """
    result = np.empty((*array.shape[:2], max(3, array.shape[2] if array.ndim == 3 else 3)), array.dtype)
    peak = np.iinfo(array.dtype).max
    for top in range(0, len(array), 64):
        strip = array[top : top + 64]
        planes = strip if strip.ndim == 3 else np.repeat(strip[..., None], 3, 2)
        result[top : top + 64, :, :3] = _strip(planes[..., :3], encoding, peak)
        result[top : top + 64, :, 3:] = planes[..., 3:]
    return result


def _strip(pixels: Array, encoding: Encoding, peak: int) -> Array:
    matrix = _matrix(encoding.primaries)
    light = _curve(encoding.transfer, encoding.narrow, peak)[pixels]
    if encoding.transfer == HLG:  # BT.2100, table 5: the screen's exponent is of luminance
        luminance = light @ _to_xyz(encoding.primaries)[1].astype(np.float32)
        light *= (np.maximum(luminance, 1e-6) ** (_HLG_GAMMA - 1) * _HLG_PEAK / _PAPER)[..., None]
    light = light @ matrix.T
    if encoding.is_bright:
        most = np.maximum(light.max(-1, keepdims=True), 1e-6)
        above = _KNEE + (1 - _KNEE) * -np.expm1(-(np.maximum(most, _KNEE) - _KNEE) / (1 - _KNEE))
        light *= np.where(most > _KNEE, above / most, 1)
    return (coded(light.clip(0, 1)) * peak).round()


def coded(light: Floats) -> Floats:
    """sRGB's values in [0, 1] for light in [0, 1]."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


@cache
def _curve(transfer: str | float, narrow: bool, peak: int) -> Floats:
    """The light of every value from 0 to ``peak``; of PQ in units of paper white."""
    value = np.arange(peak + 1) / peak
    if narrow:  # H.273, 8.3: 16 and 235, with zeros behind where there are more bits
        value = ((np.arange(peak + 1) * 256 / (peak + 1) - 16) / 219).clip(0, 1)
    match transfer:
        case "sRGB":
            light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
        case "linear":
            light = value
        case "PQ":  # SMPTE ST 2084
            root = value ** (32 / 2523)
            light = (
                10000 / _PAPER * (np.maximum(root - 107 / 128, 0) / (2413 / 128 - 2392 / 128 * root)) ** (8192 / 1305)
            )
        case "HLG":  # BT.2100, table 5: what the camera saw
            light = np.where(value <= 0.5, value**2 / 3, (np.exp((value - 0.55991073) / 0.17883277) + 0.28466892) / 12)
        case _:
            light = value ** float(transfer)
    return light.astype(np.float32)


@cache
def _matrix(primaries: Chromaticities) -> Floats:
    """From light in these primaries to light in sRGB's."""
    own = _to_xyz(primaries)
    return (_from_xyz(tuple(own.sum(1))) @ own).astype(np.float32)


@cache
def _to_xyz(primaries: Chromaticities) -> NDArray[np.float64]:
    """From light in these primaries to XYZ, of a white with Y = 1 (SMPTE RP 177)."""
    x, y = np.array(primaries).reshape(4, 2).T
    columns = np.stack([x, y, 1 - x - y]) / y
    result: NDArray[np.float64] = columns[:, :3] * np.linalg.solve(columns[:, :3], columns[:, 3])
    return result


@cache
def _from_xyz(white: tuple[float, float, float]) -> NDArray[np.float64]:
    """From XYZ under a white to light in sRGB's primaries, of which it is the white: by Bradford's method
    (ICC.1:2022, annex E).
    """
    cone = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    own, wanted = cone @ white, cone @ _to_xyz(_SRGB).sum(1)
    result: NDArray[np.float64] = np.linalg.inv(_to_xyz(_SRGB)) @ np.linalg.inv(cone) @ np.diag(wanted / own) @ cone
    return result


_D50 = (0.9642, 1.0, 0.8249)


def lab_to_srgb(lab: Floats) -> Floats:
    """CIELAB under D50 (CIE 15, 8.2.1), (…, 3), L from 0 to 100, as sRGB in [0, 1], where it has them."""
    lightness = (lab[..., 0] + 16) / 116
    f = np.stack([lightness + lab[..., 1] / 500, lightness, lightness - lab[..., 2] / 200], -1)
    xyz = np.where(f > 6 / 29, f**3, (f - 4 / 29) * 3 * (6 / 29) ** 2) * _D50
    return coded((xyz @ _from_xyz(_D50).T).clip(0, 1).astype(np.float32))

"""A TIFF's samples, whatever they are, as the pixels of a picture: 8 or 16 bits, grey, RGB or CMYK."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from impasto.errors import ImageError
from impasto.pictures.encodings import lab_to_srgb
from impasto.pictures.picture import STRIP
from impasto.pictures.profiles import Array

log = logging.getLogger("impasto")

WHITE_IS_ZERO, GREY, RGB, PALETTE, INKS, YCBCR, CIELAB, ICCLAB = 0, 1, 2, 3, 5, 6, 8, 9
LAB = (CIELAB, ICCLAB)
LUMA = (0.299, 0.587, 0.114)
"""How light red, green and blue are in Y, where nothing else is said (ITU-R BT.601)."""
Pairs = tuple[tuple[float, float], ...]
_COLOURS = {WHITE_IS_ZERO: 1, GREY: 1, RGB: 3, PALETTE: 1, INKS: 4, YCBCR: 3, CIELAB: 3, ICCLAB: 3}
"""PhotometricInterpretation, and how many channels each has before the extra ones."""
_NAMES = {4: "a mask", 10: "ITU L*a*b*", 32844: "LogL", 32845: "LogLuv", 34892: "a sensor's"}
NUMBERS = {
    1: "integers without a sign",
    2: "signed integers",
    3: "floats",
    4: "of no kind",
    5: "complex integers",
    6: "complex numbers",
}
"""SampleFormat."""
_PREMULTIPLIED, _ALPHA = 1, 2
"""ExtraSamples: alpha by which the colours are multiplied, and alpha for itself."""


_LABELS = 255
"""The largest number that maps of labels have."""


@dataclass
class Samples:
    """(H, W, channels) of a TIFF, with the tags that say what they are."""

    canvas: Array
    bits: int
    format: int
    photometric: int
    extra: tuple[int, ...]
    palette: Array | None
    ink_set: int
    ends: Pairs = ()
    """The numbers that are black and white in each channel (ReferenceBlackWhite), or no ink and all
    (DotRange), where they are not the least and the most."""
    luma: tuple[float, ...] = ()
    """What is there in place of `LUMA`."""

    def picture(self) -> Image.Image | Array:
        """A Pillow image, L, LA, RGB, RGBA or CMYK, of what has 8 bits or less; else an array of uint16, (H,
        W), (H, W, 2), (H, W, 3) or (H, W, 4). Raises ImageError, naming what it is, for what has no one right
        reading.
        """
        count = self.canvas.shape[2]
        colours = _COLOURS.get(self.photometric)
        if colours is None or (self.photometric == INKS and self.ink_set != 1):
            name = (
                "inks of its own"
                if self.photometric == INKS
                else _NAMES.get(self.photometric, f"no. {self.photometric}")
            )
            raise ImageError(f"its colours are {name}: convert it to RGB first.")
        if count < colours:
            raise ImageError(f"it has {count} channels where its colours need {colours}: save it again as RGB.")
        if self.format not in (1, 3):
            raise ImageError(
                f"its pixels are {NUMBERS.get(self.format, 'of an unknown kind')} of {self.bits} bits, of which no file "
                "says which is black or white: convert it to 8 or 16 bits without a sign."
            )
        extra = (*self.extra, *[0] * count)[: count - colours]
        alphas = [place for place, kind in enumerate(extra) if kind in (_PREMULTIPLIED, _ALPHA)]
        if len(extra) > len(alphas[:1]):
            log.warning(
                "%d channels that are neither colour nor transparency are left out.", len(extra) - len(alphas[:1])
            )
        alpha = _scaled(self.canvas[..., colours + alphas[0]], self.bits, self.format) if alphas else None
        pixels = self._pixels(colours)
        if alpha is not None and self.photometric == INKS:
            log.warning("The transparency of a picture in CMYK is left out.")
            alpha = None
        if alpha is not None:
            pixels = _of_depth(pixels, alpha.dtype)
            if extra[alphas[0]] == _PREMULTIPLIED:
                pixels = _divided(pixels, alpha)
        return _joined(pixels, alpha)

    def _pixels(self, colours: int) -> Array:
        """uint8 or uint16 of (H, W, 1), (H, W, 3), or of (H, W, 4) for inks."""
        raw = self.canvas[..., :colours]
        if self.photometric == PALETTE:
            return self._looked_up(raw[..., 0])
        if self.photometric in LAB:
            return self._from_lab(raw)
        pixels = _scaled(raw, self.bits, self.format)
        if self.bits >= 16 and self.format == 1 and self.photometric in (GREY, RGB):
            tell_of_few_bits(raw, self.bits)
        if self.photometric == WHITE_IS_ZERO:
            return np.invert(pixels)
        if self.photometric == YCBCR:
            if self.ends or self.luma:
                return self._from_ycbcr(pixels)
            return np.asarray(Image.fromarray(_of_depth(pixels, np.uint8), "YCbCr").convert("RGB"))
        if self.ends and self.format == 1:
            peak = np.iinfo(pixels.dtype).max
            pixels = _by_strips(pixels, lambda strip: self._between_ends(strip / peak, 0) * peak)
        return _of_depth(pixels, np.uint8) if self.photometric == INKS else pixels

    def _looked_up(self, places: Array) -> Array:
        palette = self.palette
        if palette is None or palette.ndim != 2 or len(palette) != 3 or self.format != 1 or self.bits > 16:
            raise ImageError("its palette is damaged: save it again as RGB.")
        if palette.max(initial=0) > 255:  # some write 8 bits where there are to be 16, which libtiff heeds, too
            palette = palette >> 8
        table = np.zeros((2**self.bits, 3), np.uint8)
        table[: palette.shape[1]] = palette.T[: len(table)]
        return table[places.astype(np.uint16)]

    def _between_ends(self, values: Array, zero: float) -> Array:
        """Shares of the largest number as shares of the way from black to white, of channels after the first
        from ``zero`` on.
        """
        black, white = np.array(self.ends).T / (2.0**self.bits - 1)
        shares: Array = (values - black) / (white - black)
        return shares.clip(np.array([0] + [zero] * (len(black) - 1)), 1)

    def _from_ycbcr(self, pixels: Array) -> Array:
        """TIFF 6.0, section 21: colour differences of 127 are the most there are."""
        peak, most = float(np.iinfo(pixels.dtype).max), 2.0**self.bits - 1
        samples = replace(self, ends=self.ends or ((0, most), *[((most + 1) / 2, most)] * 2))
        red, green, blue = self.luma or LUMA
        step = (most - 1) / most

        def coloured(strip: Array) -> Array:
            light, of_blue, of_red = np.moveaxis(samples._between_ends(strip / peak, -1), -1, 0)
            reds, blues = light + step * (1 - red) * of_red, light + step * (1 - blue) * of_blue
            return np.stack([reds, (light - red * reds - blue * blues) / green, blues], -1).clip(0, 1) * peak

        return _by_strips(pixels, coloured)

    def _from_lab(self, raw: Array) -> Array:
        if self.bits not in (8, 16) or self.format != 1:
            raise ImageError(f"its colours are L*a*b* of {self.bits} bits: convert it to RGB first.")
        step = 1.0 if self.bits == 8 else 256.0
        # TIFF 6.0, section 23: a and b with a sign. Adobe's technical note 4: with an offset, as ICC.1 has
        # it.
        white = 255 * step if self.photometric == ICCLAB else 2.0**self.bits - 1
        peak, result = 2**self.bits - 1, np.empty(raw.shape, raw.dtype)
        for top in range(0, len(raw), STRIP):
            strip = raw[top : top + STRIP]
            if self.photometric == ICCLAB:
                chroma = strip[..., 1:] / step - 128
            else:
                chroma = np.ascontiguousarray(strip[..., 1:]).view(f"i{self.bits // 8}") / step
            lab = np.concatenate([strip[..., :1] * (100 / white), chroma], -1)
            result[top : top + STRIP] = (lab_to_srgb(lab.astype(np.float32)) * peak).round()
        return result


def _scaled(samples: Array, bits: int, kind: int) -> Array:
    """Numbers without a sign or floats, of any depth: uint8 up to 8 bits, uint16 above. Raises ImageError."""
    if kind == 3:
        least, most = float(samples.min()), float(samples.max())
        if not (least >= 0 and most <= 1):
            given = (
                f"from {least:.7g} to {most:.7g}"
                if np.isfinite([least, most]).all()
                else "of which some are no numbers"
            )
            raise ImageError(f"its pixels are floats {given}, where 0 to 1 is expected: map its tones to that first.")
        return np.concatenate(
            [
                (samples[top : top + STRIP] * np.float64(65535)).round().astype(np.uint16)
                for top in range(0, len(samples), STRIP)
            ]
        )
    if samples.dtype == bool:
        return samples.astype(np.uint8) * np.uint8(255)
    if bits in (8, 16):
        return samples
    if bits > 16:
        highest: Array = samples >> np.array(bits - 16, samples.dtype)
        return highest.astype(np.uint16)
    depth, peak = (np.uint8, 255) if bits < 8 else (np.uint16, 65535)
    table = (np.arange(2**bits) * (peak / (2**bits - 1))).round().astype(depth)
    scaled: Array = table[samples]
    return scaled


def tell_of_few_bits(pixels: Array, bits: int = 16) -> None:
    """A word on numbers of so many bits that look as if they had four fewer, or less: programs differ in
    whether they scale what cameras, scanners and microscopes give. Labels are fewer still.
    """
    most = int(pixels.max(initial=0))
    if _LABELS < most < 2 ** (bits - 4):
        log.warning(
            "The picture is nearly black: its largest number is %d, and white is %d. If it has %d bits, stretch them to %d first.",
            most, 2**bits - 1, most.bit_length(), bits,
        )  # fmt: skip


def widened(pixels: Array, bits: int) -> Array:
    """Numbers of so many bits as numbers of 16."""
    wide: Array = (np.arange(2**bits) * (65535 / (2**bits - 1))).round().astype(np.uint16)[pixels]
    return wide


def _of_depth(pixels: Array, depth: np.typing.DTypeLike) -> Array:
    """uint8 and uint16 into one another."""
    if pixels.dtype == depth:
        return pixels
    if depth == np.uint16:
        return pixels.astype(np.uint16) * np.uint16(257)
    less: Array = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return less


def _by_strips(pixels: Array, changed: Callable[[Array], Array]) -> Array:
    """What a function makes of rows of pixels, rounded to numbers like theirs."""
    result = np.empty_like(pixels)
    for top in range(0, len(pixels), STRIP):
        result[top : top + STRIP] = changed(pixels[top : top + STRIP]).round()
    return result


def _divided(pixels: Array, alpha: Array) -> Array:
    """Colours that alpha has been taken out of."""
    peak, result = np.iinfo(pixels.dtype).max, np.empty_like(pixels)
    for top in range(0, len(pixels), STRIP):
        share = np.maximum(alpha[top : top + STRIP, :, None], 1).astype(np.float32) / peak
        result[top : top + STRIP] = (pixels[top : top + STRIP] / share).clip(0, peak).round()
    return result


def _joined(pixels: Array, alpha: Array | None) -> Image.Image | Array:
    if pixels.dtype == np.uint8:
        flat = pixels[..., 0] if pixels.shape[2] == 1 else pixels
        image = Image.fromarray(np.ascontiguousarray(flat), "CMYK" if pixels.shape[2] == 4 else None)
        if alpha is not None:
            image.putalpha(Image.fromarray(np.ascontiguousarray(alpha)))
        return image
    if alpha is not None:
        return np.concatenate([pixels, alpha[..., None]], -1)
    return pixels[..., 0] if pixels.shape[2] == 1 else pixels

"""The passes over maps between the convolutions, in C (`passes.c`, `moments.c`), where there is a compiler.

Most of what a step does besides its convolutions waits for memory. Written with torch, a pooling is six
operations that each read and write whole maps, and to compare two maps takes ten; here either is one. What
they compute is what `kernels` and `by_hand` compute without them: copies and masks to the bit, sums to the
rounding of float32.
"""

import ctypes
import functools
import logging
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from impasto.errors import SettingsError, briefly
from impasto.machine.compiler import FailedError, NotCompiledError, library

log = logging.getLogger("impasto")

Compile = Literal["auto", "on", "off"]

_SOURCES = [Path(__file__).with_name(name) for name in ("passes.c", "moments.c", "numbers.h")]
_DEFINES = {torch.float32: (), torch.bfloat16: ("NARROW",)}
_P, _N = ctypes.c_void_p, ctypes.c_long
_FUNCTIONS = {
    "pool": (_P, _N, _N, _N, _N, _P, _P),
    "unpool": (_P, _N, _P, _N, _N, _N, _P, _N),
    "gate": (_P, _N, _P, _N, _N, _N, _P, _N),
    "add": (_P, _N, _P, _N, _N, _N, _N, _N, _N),
    "products": (_P, _P, _N, _N, _P),
    "mix": (_P, _P, _P, _N, _N, _P),
    "moments": (_P, _N, _N, _N, _P, _P),
    "largest": (_P, _N, _N, _P, _P),
}
"""What each function takes after the number of threads: maps, and numbers."""
_LONGEST, _SEVERAL = 2**13, 32
"""So many positions at most are added up by themselves, before their sum is added to others'; and in so many
parts at least, for as many threads."""


def passes(compile: Compile, device: torch.device, dtype: torch.dtype) -> "Passes | None":
    """Those for maps of a ``dtype`` on a ``device``; None where torch alone has to do.

    Raises SettingsError where `compile` is on and they cannot be had.
    """
    if compile == "off":
        return None
    elsewhere = Missing(f"{device.type} is no processor that C is compiled for")
    found = compiled(dtype) if device.type == "cpu" else elsewhere
    if isinstance(found, Passes):
        return found
    if compile == "on":
        raise SettingsError(f"`compile` on cannot be had, for {found.why}; auto does without.")
    _tell(found)
    return None


@functools.cache
def _tell(missing: "Missing") -> None:
    """Say once why there are none: aloud where there should be, for a compiler that fails can be mended."""
    if missing.failed:
        log.warning("Every step takes longer, for %s: mend that, or choose `compile` off.", missing.why)
    else:
        log.debug("The passes between the convolutions are torch's, for %s.", missing.why)


class Missing(NamedTuple):
    """Why there are no passes; ``failed``: there is a compiler, and they should be there."""

    why: str
    failed: bool = False


class Passes:
    """The compiled passes, for maps (N, C, H, W) of one type whose channels lie last, as `fit` tells."""

    def __init__(self, library: ctypes.CDLL, dtype: torch.dtype) -> None:
        self._library, self.dtype = library, dtype
        for name, takes in _FUNCTIONS.items():
            function = getattr(library, name)
            function.argtypes, function.restype = (ctypes.c_int, *takes), None

    def fit(self, *maps: Tensor) -> bool:
        """Whether maps, or windows of maps, lie as is asked for here."""
        return all(x.dtype == self.dtype and x.device.type == "cpu" and _lies(x) for x in maps)

    def fitting(self, x: Tensor) -> Tensor:
        """A map as it is, or so that it lies as is asked for."""
        return x if self.fit(x) else x.contiguous(memory_format=torch.channels_last)

    def pool(self, x: Tensor, pooled: Tensor, which: Tensor) -> None:
        """The 2×2 max pooling into ``pooled``, and into ``which`` (uint8) the place of the first largest in
        its window, 0 to 3 in reading order; 4 where it is not above 0.
        """
        channels, height, width = pooled.shape[1:]
        self._call("pool", x, x.stride(2), height, width, channels, pooled, which)

    def unpool(self, gradient: Tensor, which: Tensor, x: Tensor) -> None:
        """The gradient of `pool`'s input, with zeros where ``which`` is 4, into the windows of ``x``."""
        channels, height, width = which.shape[1:]
        self._call("unpool", gradient, gradient.stride(2), which, height, width, channels, x, x.stride(2))

    def gate(self, gradient: Tensor, y: Tensor, out: Tensor) -> None:
        """The ``gradient`` where ``y`` is above 0, else 0, into ``out``."""
        channels, height, width = y.shape[1:]
        rows = gradient.stride(2), y.stride(2), out.stride(2)
        self._call("gate", gradient, rows[0], y, rows[1], height, width * channels, out, rows[2])

    def add(self, band: Tensor, more: Tensor, side: int, top: int) -> None:
        """To a ``band`` add the rows of ``more`` that begin ``top`` rows below its first, of which each
        position counts for a square of ``side`` × ``side``, a power of two, and is shared out among them.
        """
        channels, height, width = band.shape[1:]
        self._call("add", band, band.stride(2), more, more.stride(2), top, height, width, channels, side)

    def products(self, f: Tensor, t: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Of every position ‖f‖², ‖t‖², f·t and ‖f - t‖² (N, 1, H, W), float32."""
        channels, height, width = f.shape[1:]
        out = _floats(len(f), 4, height, width)
        self._call("products", f, t, height * width, channels, out)
        own, others, both, apart = torch.split(out, 1, 1)
        return own, others, both, apart

    def mix(self, f: Tensor, t: Tensor, of_f: Tensor, of_t: Tensor, of_both: Tensor) -> Tensor:
        """of_f · f + of_t · t + of_both · (f - t), by the shares of every position (N, 1, H, W), float32."""
        channels, height, width = f.shape[1:]
        out, shares = torch.empty_like(f), torch.cat([of_f, of_t, of_both], 1).float().contiguous()
        self._call("mix", f, t, shares, height * width, channels, out)
        return out

    def moments(self, rows: Tensor) -> tuple[Tensor, Tensor] | None:
        """The sums over positions of f fᵀ and of f, of positions × channels (N, M, C): (N, C, C) and (N, C),
        float32. None for such channels as torch is to be asked for.
        """
        _, positions, channels = rows.shape
        if rows.dtype != self.dtype or not rows.is_contiguous() or channels % 32 or channels > self._library.widest():
            return None
        block = max(2**17 // channels, min(_LONGEST, -(-positions // _SEVERAL)))
        count = -(-positions // block)
        grams, totals = _floats(len(rows), count, channels, channels), _floats(len(rows), count, channels)
        self._call("moments", rows, positions, channels, block, grams, totals)
        gram = grams.sum(1).triu()
        return gram + gram.triu(1).mT, totals.sum(1)

    def largest(self, scores: Tensor) -> tuple[Tensor, Tensor]:
        """Of every row (M, K) the largest, float32, and where it is first: (M,) twice."""
        rows, columns = scores.shape
        values = _floats(1, rows)
        index = torch.empty_like(values, dtype=torch.long)
        self._call("largest", scores[None], rows, columns, values, index)
        return values[0], index[0]

    def _call(self, name: str, *given: Tensor | int) -> None:
        """For every picture of the batch."""
        function, threads = getattr(self._library, name), torch.get_num_threads()
        for n in range(next(len(x) for x in given if isinstance(x, Tensor))):
            function(threads, *(_address(x, n) if isinstance(x, Tensor) else x for x in given))


def _floats(*shape: int) -> Tensor:
    """Room for numbers as C writes them, whatever a program's defaults are."""
    return torch.empty(shape, dtype=torch.float32, device="cpu")


def _address(x: Tensor, n: int) -> int:
    return x.data_ptr() + n * x.stride(0) * x.element_size()


def _lies(x: Tensor) -> bool:
    """Whether channels lie side by side, and so do the positions of a row."""
    channels, _, width = x.shape[1:]
    return (channels == 1 or x.stride(1) == 1) and (width == 1 or x.stride(3) == channels)


@functools.cache
def compiled(dtype: torch.dtype) -> Passes | Missing:
    """The passes for a type, or why there are none."""
    if dtype not in _DEFINES:
        return Missing(f"{dtype} is no type that it is compiled for")
    try:
        return Passes(library(_SOURCES, *_DEFINES[dtype]), dtype)
    except NotCompiledError as error:
        return Missing(str(error), failed=isinstance(error, FailedError))
    except OSError as error:  # of the source or of a folder, which are no reason not to paint
        return Missing(briefly(error))

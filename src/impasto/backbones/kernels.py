"""The work of single layers, forwards and backwards, written out by hand.

Autograd would keep the input of every convolution for a weight gradient that frozen weights never need, eight
bytes of index for every pooled value, and run every ReLU, sum and border as a pass of its own over tensors
far larger than a processor's cache. Here a layer yields the `Rows` of its result on demand, and the largest
maps (the ReLU before a pooling, and its gradient) exist only as the band that is being worked on. `features`
chains the layers.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Literal

import torch
import torch.nn.functional as nn
from torch import Tensor

from impasto.backbones import winograd
from impasto.backbones.passes import Passes
from impasto.backbones.rows import Backward, Rows, order
from impasto.backbones.winograd import Convolve

Padding = Literal["zeros", "replicate"]
Pooling = Literal["max", "average"]


class Convolution:
    """A 3×3 convolution with frozen weights, stride 1 and an output as large as its input, and its gradient.

    The gradient with respect to the input is itself a convolution, with the kernels mirrored and the two
    channel dimensions exchanged. Both sets of weights are brought into the processor's own order once, for
    maps of every order that `winograd.layout` may choose.
    """

    def __init__(self, weight: Tensor, bias: Tensor, padding: Padding) -> None:
        self._outputs, self._inputs = weight.shape[:2]
        self._padding = padding
        mirrored = weight.flip(2, 3).transpose(0, 1)
        self._both = {torch.channels_last: (convolve(weight, bias), convolve(mirrored, None))}
        if winograd.here(weight.device.type, weight.dtype):
            self._both[torch.contiguous_format] = winograd.convolve(weight, bias), winograd.convolve(mirrored, None)

    def __call__(self, x: Tensor, relu: bool) -> tuple[Rows, Backward]:
        """(N, C, H, W) -> (N, C', H, W), in one pass together with the ReLU that follows, if one does; and
        its own backward, without the ReLU's.
        """
        height, lies = x.shape[2], order(x)
        convolved, back = self._both[lies]

        def take(top: int, bottom: int) -> Tensor:
            first, last = max(0, top - 1), min(height, bottom + 1)
            band = x[:, :, first:last]
            if self._padding == "zeros":
                return convolved(band, 1, relu)[:, :, top - first : bottom - first]
            border = (1, 1, int(top == 0), int(bottom == height))
            return convolved(nn.pad(band, border, mode="replicate"), 0, relu)

        # The backward must not hold the input, which nothing else needs any more.
        return Rows.of(x).derived(self._outputs, take), lambda gradient: self._backward(gradient, back, lies)

    def _backward(self, gradient: Rows, back: Convolve, lies: torch.memory_format) -> Rows:
        """(N, C', H, W) -> (N, C, H, W)."""
        height = gradient.shape[2]
        rim = 0 if self._padding == "zeros" else 1

        def take(top: int, bottom: int) -> Tensor:
            first, last = max(0, top - 1), min(height, bottom + 1)
            band = gradient.take(first, last).contiguous(memory_format=lies)
            padded = back(band, 1 + rim, False)
            if rim:
                # What falls on the rim of the padded picture belongs to the pixels that the rim repeats.
                if top == 0:
                    padded[:, :, 1] += padded[:, :, 0]
                if bottom == height:
                    padded[:, :, -2] += padded[:, :, -1]
                padded[:, :, :, 1] += padded[:, :, :, 0]
                padded[:, :, :, -2] += padded[:, :, :, -1]
                padded = padded[:, :, :, 1:-1]
            return padded[:, :, top - first + rim : bottom - first + rim]

        return gradient.derived(self._inputs, take)


def convolve(weight: Tensor, bias: Tensor | None, stride: int = 1) -> Convolve:
    """The convolution with frozen weights (C', C, k, k), brought into the processor's own order once."""
    # Channels-last is the layout in which convolutions run fastest on CPUs and on tensor cores alike.
    weight = weight.contiguous(memory_format=torch.channels_last)
    if not _fuses(weight.device.type, weight.dtype):

        def plain(x: Tensor, padding: int, relu: bool) -> Tensor:
            y = nn.conv2d(x, weight, bias, stride, padding)
            return y.relu_() if relu else y

        return plain
    packed = _pack(weight, stride)
    return lambda x, padding, relu: _fused(x, packed, bias, stride=stride, padding=padding, relu=relu)


def _pack(weight: Tensor, stride: int) -> Tensor:
    # The order depends on the channels and hardly on the picture: an order made for one size serves all of
    # them.
    size = [1, weight.shape[1], 128, 128]
    return torch.ops.mkldnn._reorder_convolution_weight(  # type: ignore[no-any-return]
        weight, [0, 0], [stride] * 2, [1, 1], 1, size
    )


def _fused(x: Tensor, packed: Tensor, bias: Tensor | None, *, stride: int, padding: int, relu: bool) -> Tensor:
    after = "relu" if relu else "none"
    return torch.ops.mkldnn._convolution_pointwise(  # type: ignore[no-any-return]
        x, packed, bias, [padding] * 2, [stride] * 2, [1, 1], 1, after, [], ""
    )


def affine(rows: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Rows (M, C) times ``weight`` (C', C) transposed, plus ``bias`` (C'): in one pass where convolutions and
    their ReLU are one too. torch's own would first write the bias into every row, and read it again.
    """
    if _fuses(rows.device.type, rows.dtype):
        return torch.ops.mkldnn._linear_pointwise(rows, weight, bias, "none", [], "")  # type: ignore[no-any-return]
    return nn.linear(rows, weight, bias)


@functools.cache
def _fuses(device: str, dtype: torch.dtype) -> bool:
    """Whether oneDNN's fused operators are here, right and fast: torch's own compiler emits them, but
    promises them to nobody.

    Without AVX-512, oneDNN orders float32 weights differently for different sizes, and weights in the order
    of another size cost up to ten times as much: a step of 192 pixels took 1.2 s on an EPYC 7003, where plain
    convolutions take 0.5 s. In bfloat16, which such a processor has to emulate, the plain ones are the slow
    ones.
    """
    if device != "cpu" or dtype not in (torch.float32, torch.bfloat16):
        return False
    if dtype == torch.float32 and not torch.cpu.get_capabilities().get("avx512_f"):
        return False
    generator = torch.Generator().manual_seed(0)
    weight, x = (torch.randn(16, 16, n, n, generator=generator).to(dtype) for n in (3, 9))
    weight, x = weight.contiguous(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
    bias = weight[:, 0, 0, 0].contiguous()
    try:
        with_all = _fused(x, _pack(weight, 1), bias, stride=1, padding=1, relu=True)
        strided = _fused(x, _pack(weight, 2), None, stride=2, padding=0, relu=False)
        rows, square = x[0, :, 0].mT.contiguous(), weight[:, :, 0, 0].contiguous()
        shifted = torch.ops.mkldnn._linear_pointwise(rows, square, bias, "none", [], "")
    except (AttributeError, RuntimeError, TypeError):
        return False
    x, weight = x.float(), weight.float()
    for found, expected in (
        (with_all, nn.conv2d(x, weight, bias.float(), padding=1).relu()),
        (strided, nn.conv2d(x, weight, stride=2)),
        (shifted, nn.linear(rows.float(), square.float(), bias.float())),
    ):
        if not torch.allclose(found.float(), expected, rtol=1e-2, atol=1e-2 * float(expected.abs().max())):
            return False
    return True


def relu_backward(y: Tensor, kept: bool = True, passes: Passes | None = None) -> Backward:
    """The backward of y = relu(x): the gradient passes where y is positive.

    It is computed once and kept, or, where it is asked for only once, band by band as it is asked for.
    """

    def stop(gradient: Tensor, here: Tensor, out: Tensor) -> Tensor:
        if passes is not None and passes.fit(gradient, here, out):
            passes.gate(gradient, here, out)
            return out
        return torch.ops.aten.threshold_backward.grad_input(gradient, here, 0, grad_input=out)  # type: ignore[no-any-return]

    if not kept:

        def take(gradient: Rows, top: int, bottom: int) -> Tensor:
            here = y[:, :, top:bottom]
            return stop(gradient.take(top, bottom), here, torch.empty_like(here))

        return lambda gradient: gradient.derived(y.shape[1], functools.partial(take, gradient))

    def backward(gradient: Rows) -> Rows:
        result = torch.empty_like(y)
        for top, bottom in gradient.bands():
            stop(gradient.take(top, bottom), y[:, :, top:bottom], result[:, :, top:bottom])
        return Rows.of(result)

    return backward


def max_pool(x: Rows, passes: Passes | None = None) -> tuple[Tensor, Backward]:
    """The 2×2 max pooling of a ReLU's output, and the backward of both.

    Of equal values the first one in reading order gets the gradient, as in torch. A window of zeros gets
    none, for the ReLU in front would stop it: so that ReLU needs no backward of its own, and its output need
    not be kept.
    """
    if passes is not None and x.dtype == passes.dtype and x.order == torch.channels_last:
        return _compiled_max_pool(x, passes)
    shape, height, width = x.shape, x.shape[2] // 2, x.shape[3] // 2
    pooled, is_a, is_c, is_upper = (x.empty(height, width) for _ in range(4))
    for top, bottom in x.bands():
        band = slice(top // 2, bottom // 2)
        a, b, c, d = _quarters(x.take(top, bottom))
        upper, lower = torch.maximum(a, b), torch.maximum(c, d)
        torch.maximum(upper, lower, out=pooled[:, :, band])
        # Masks of ones and zeros in the map's own type, for which comparing and multiplying are vectorised.
        for mask, pair in ((is_a, (a, b)), (is_c, (c, d)), (is_upper, (upper, lower))):
            torch.ge(*pair, out=mask[:, :, band])

    def backward(gradient: Rows) -> Rows:
        positive = relu_backward(pooled)(gradient)

        def fill(result: Tensor, band: slice) -> None:
            a, b, c, d = _quarters(result)
            here = positive.take(band.start, band.stop)
            upper = here * is_upper[:, :, band]
            lower = here - upper
            torch.sub(upper, torch.mul(upper, is_a[:, :, band], out=a), out=b)
            torch.sub(lower, torch.mul(lower, is_c[:, :, band], out=c), out=d)

        return _unpooled(positive, shape, fill)

    return pooled, backward


def _compiled_max_pool(x: Rows, passes: Passes) -> tuple[Tensor, Backward]:
    shape = x.shape
    pooled = x.empty(shape[2] // 2, shape[3] // 2)
    which = torch.empty_like(pooled, dtype=torch.uint8)
    for top, bottom in x.bands():
        band = slice(top // 2, bottom // 2)
        passes.pool(passes.fitting(x.take(top, bottom)), pooled[:, :, band], which[:, :, band])

    def backward(gradient: Rows) -> Rows:
        kept = Rows.of(passes.fitting(gradient.joined()))

        def fill(result: Tensor, band: slice) -> None:
            passes.unpool(kept.take(band.start, band.stop), which[:, :, band], result)

        return _unpooled(kept, shape, fill)

    return pooled, backward


def average_pool(x: Rows, passes: Passes | None = None) -> tuple[Tensor, Backward]:
    """The 2×2 average pooling and its backward."""
    shape = x.shape

    def backward(gradient: Rows) -> Rows:
        share = Rows.of(gradient.whole() / 4)

        def fill(result: Tensor, band: slice) -> None:
            for quarter in _quarters(result):
                quarter.copy_(share.take(band.start, band.stop))

        return _unpooled(share, shape, fill)

    return nn.avg_pool2d(x.whole(), 2), backward


def _unpooled(pooled: Rows, shape: torch.Size, fill: Callable[[Tensor, slice], None]) -> Rows:
    """The rows of a map of ``shape`` whose windows ``fill`` writes, given the rows that were pooled from
    them.
    """

    def take(top: int, bottom: int) -> Tensor:
        band = slice(top // 2, min((bottom + 1) // 2, pooled.shape[2]))
        result = pooled.empty(max(2 * band.stop, bottom) - 2 * band.start, shape[3])
        fill(result, band)
        result[:, :, 2 * (band.stop - band.start) :] = 0  # an odd last row or column belongs to no window
        result[:, :, :, shape[3] // 2 * 2 :] = 0
        return result[:, :, top - 2 * band.start : bottom - 2 * band.start]

    return pooled.derived(shape[1], take, *shape[2:])


def _quarters(x: Tensor) -> Sequence[Tensor]:
    """The four places of every 2×2 window in reading order, as views."""
    height, width = x.shape[2] // 2 * 2, x.shape[3] // 2 * 2
    return [x[:, :, row:height:2, column:width:2] for row in (0, 1) for column in (0, 1)]

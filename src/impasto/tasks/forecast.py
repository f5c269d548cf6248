"""What a run will do, and roughly how long it will take: known before its first step."""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from impasto.architecture import ARCHITECTURES, BACKBONE
from impasto.losses.objective import Objective
from impasto.losses.sections import multiplications
from impasto.pictures.picture import Size, long_side, resize
from impasto.solver.solve import Stage
from impasto.tasks.budget import Fit
from impasto.tasks.inputs import MIN_SIDE
from impasto.tasks.problem import Problem


def plan(schedule: Sequence[Stage], fit: Fit) -> dict[str, Any]:
    """What it will do, for people to read."""
    return {
        "scales": [
            f"{stage.size[1]}x{stage.size[0]}: {stage.iterations} iterations{', last pass' if stage.last else ''}"
            for stage in schedule
        ],
        "tiles": f"{fit.tile}x{fit.tile}{f', cut at {fit.cut}' if fit.cut else ''}"
        if fit.tile
        else "none, the picture is seen whole",
        "history": fit.history,
    }


def seconds(problem: Problem, fit: Fit, start: Tensor, objective_at: Callable[[Stage, Tensor], Objective]) -> float:
    """Roughly how long it will take, by timing a small scale: its targets, and one evaluation."""
    # Much less is mostly the fixed cost of a step; a search is long.
    length, long = 128 if problem.settings.places_weight > 0 else 256, max(problem.frame.size)
    length = max(length, math.ceil(MIN_SIDE * long / min(problem.frame.size)))  # of a strip, something is to be seen
    size = long_side(problem.frame.size, min(length, long))
    pixels = resize(start, size)
    began = time.perf_counter()
    objective = objective_at(Stage(size, 1), pixels)
    targets = time.perf_counter() - began
    took = []
    for _ in range(4):  # the first ones still find their memory
        began = time.perf_counter()
        objective.value_and_grad(pixels)
        took.append(time.perf_counter() - began)

    def work(scale: Size) -> float:
        return math.prod(scale) * max(1.0, multiplications(ARCHITECTURES[BACKBONE], problem.layers(scale)))

    of_all = ((targets + min(took) * fit.slower * stage.iterations) * work(stage.size) for stage in problem.schedule)
    return sum(of_all) / work(size)

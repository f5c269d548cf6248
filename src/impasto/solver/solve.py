"""The loop: from a start to a picture, scale by scale, as a generator of steps.

Whoever wants to show, save, count or stop does so in a ``for step in solve(…)``; closing the generator stops
the work.
"""

import itertools
import math
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor

from impasto.errors import SolverError
from impasto.losses.objective import TOTAL, Objective
from impasto.machine.checkpoint import State
from impasto.pictures.picture import Size, resize
from impasto.solver.optimizers import Adam, Optimizer, restored, state_of

_Move = Literal["go on", "shorten", "start afresh", "take Adam"]
_SHORTEN: tuple[_Move, ...] = ("shorten",) * 4
_LADDER: tuple[_Move, ...] = ("go on", *_SHORTEN, "start afresh", *_SHORTEN, "take Adam")
"""How to move on from the last good picture after no, one, two … steps in a row that went astray."""
_THEN: tuple[_Move, ...] = (*_SHORTEN, "take Adam")
"""What is left to do, again and again, at the end of the ladder."""
_STALL_STEPS, _STALL_GAIN = 12, 1e-5
"""So many iterations that together improve the loss by less than this fraction are a stall."""
_NOISE = 1.01
"""When even the shortest step raises the loss by less than this factor, the rest is rounding: the scale is
done."""
_EXPLOSION = 2.0
"""A loss that grows by this factor in one step is reported; less is only mended."""


@dataclass(frozen=True)
class Stage:
    """One scale of the schedule: the picture's height and width there, and the iterations to spend.

    ``last`` tells the objective that this is the last pass, over a picture that is finished but for its
    surface.
    """

    size: Size
    iterations: int
    last: bool = False


@dataclass(frozen=True, eq=False)
class Step:
    """The state after ``iteration`` iterations. An iteration is one evaluation of the objective with its
    gradient.

    ``losses`` are every term's unweighted value and their weighted ``total`` at the last good picture;
    ``pixels`` is that picture, or the running average of the iterates where averaging is on: (1, 3, H, W) in
    [0, 1], not to be modified. ``elapsed`` counts the seconds spent in the solver since it was ready for the
    first step, not those the caller takes between steps. ``event`` says in a few words what the solver
    noticed and did, and is empty when all went well. ``state`` gives all that `solve` needs to go on from
    here, as `checkpoint.State`; it has to be called before the next step is asked for. Nothing goes on from a
    pickled step, nor from one that ends it all early: they have none.
    """

    iteration: int
    iterations: int
    scale: int
    scales: int
    losses: dict[str, float]
    pixels: Tensor
    elapsed: float
    event: str = ""
    state: Callable[[], State] = field(default=dict, repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"state": dict}


def solve(
    objective_at: Callable[[Stage, Tensor], Objective],
    start: Tensor,
    schedule: Sequence[Stage],
    make_optimizer: Callable[[], Optimizer],
    *,
    averaging: float = 0.0,
    state: State | None = None,
) -> Generator[Step, None, None]:
    """Minimise an objective over pixels, coarse to fine.

    ``objective_at`` gives the objective of a stage and the picture that it starts from, and is called once
    per stage; ``start`` (1, 3, H, W) is resized to the first stage, and each stage's result to the next.
    ``averaging`` in [0, 1) is the decay of an exponential average of the iterates, which takes the jitter out
    of Adam; 0 keeps the iterates themselves.

    Yields iteration 0 (the start), then one step per iteration; the last step is the result. With the
    ``state`` of a step, taken with the same arguments, that step comes first, without its event, and the
    following ones as they would have followed it. A loss that is not finite or explodes takes the picture
    back to the last good one with a shorter step, then with an optimiser that has forgotten its memory, then
    with Adam. A stall of L-BFGS ends the scale early, and the count goes on with the next scale's. Raises
    SolverError if not even the start has a finite loss.
    """
    iterations = sum(stage.iterations for stage in schedule)
    optimizer = restored(state["optimizer"], make_optimizer()) if state else make_optimizer()
    first, reached = state["at"] if state else (0, 0)
    pixels, elapsed = (state["before"], state["elapsed"]) if state else (start, 0.0)
    step: Step | None = None
    for index in range(first, len(schedule)):
        stage = schedule[index]
        done = sum(earlier.iterations for earlier in schedule[:index])
        if state is None:
            optimizer.resized(stage.size)
        began = time.perf_counter()
        resized = resize(pixels, stage.size)
        descent = _Descent(objective_at(stage, resized), optimizer, resized, averaging)
        del resized
        if step is not None:  # what comes before the first step is no part of the steps
            elapsed += time.perf_counter() - began
        # n iterations make n new pictures. The first picture of a later scale is the last one of the scale
        # before, resized.
        for count in range(reached, stage.iterations + (index == len(schedule) - 1)):
            began = time.perf_counter()
            try:
                if state is not None:
                    event = descent.restore(state["descent"])
                    state = None
                else:
                    event = descent.step() if count else descent.begin()
            except SolverError as error:
                if step is None:
                    raise
                said = f"{error} The picture of the scale before is the result."
                yield replace(step, event=said, state=dict)  # what it knew has been let go of
                return
            elapsed += time.perf_counter() - began
            now = partial(_state, [index, count], elapsed, pixels, descent)
            step = Step(
                done + count, iterations, index, len(schedule), descent.losses, descent.picture, elapsed, event, now
            )
            yield step
            if descent.finished:
                break
        pixels, optimizer, reached = descent.picture, descent.optimizer, 0
        if index + 1 < len(schedule):
            descent.leave()


def _state(at: list[int], elapsed: float, before: Tensor, descent: "_Descent") -> State:
    # The picture of the scale before, for the objective may depend on it.
    return {
        "at": at,
        "elapsed": elapsed,
        "before": before,
        "optimizer": state_of(descent.optimizer),
        "descent": descent.state(),
    }


class _Descent:
    """One scale: the last good picture, the optimiser, and what to do when a step goes astray."""

    _STATE = (
        "_candidate", "_good", "picture", "losses", "_gradient", "_averaged", "_failures", "_total", "_restarted", "finished",
    )  # fmt: skip

    def __init__(self, objective: Objective, optimizer: Optimizer, pixels: Tensor, averaging: float) -> None:
        self._objective = objective
        self.optimizer = optimizer
        self._candidate = self._good = self.picture = pixels
        self._averaging, self._averaged = averaging, 0
        self._failures, self._total = 0, math.nan
        self._totals: deque[float] = deque(maxlen=_STALL_STEPS)
        self._restarted = False
        self._awaited: str | None = None
        """What was noticed on the way to the candidate, while it is still to be evaluated; None otherwise."""
        self.finished = False

    def begin(self) -> str:
        """Evaluate the first picture. Returns the event, and raises SolverError when there is nothing to
        start from.
        """
        losses, gradient = self._objective.value_and_grad(self._candidate)
        if not _finite(losses, gradient):
            raise SolverError(
                f"The loss at the start of a scale is not finite ({losses}): choose other weights, another start, "
                "or `precision` float32."
            )
        self._accept(losses, gradient)
        return ""

    def state(self) -> State:
        """All it knows, for a checkpoint."""
        known = {name: getattr(self, name) for name in self._STATE}
        return known | {"awaited": self._awaited, "totals": list(self._totals)}

    def restore(self, state: State) -> str:
        """Take over a `state`. Returns the event: none."""
        for name in self._STATE:
            setattr(self, name, state[name])
        self._awaited = state.get("awaited")  # which the first ones do not tell
        self._totals.extend(state["totals"])
        return ""

    def leave(self) -> None:
        """Let go of what the next scale needs the room of, though the last step still knows this one: should
        the first step there be interrupted, the picture is enough to go on to it.
        """
        del self._objective
        self._gradient = self._candidate = self._good = self.picture
        self.finished = True

    def step(self) -> str:
        """Move on and evaluate. Returns the event, empty when all went well."""
        if self._awaited is None:  # else its evaluation was interrupted, and to move once more would be another step
            self._awaited = self._move()
        losses, gradient = self._objective.value_and_grad(self._candidate)
        event, self._awaited = self._awaited, None
        self._total = losses[TOTAL]
        if not _finite(losses, gradient):
            self._failures += 1
            return event or "the loss is not finite: back to the last good picture"
        growth = losses[TOTAL] / self.losses[TOTAL] if self.losses[TOTAL] else math.inf
        if growth > self.optimizer.growth and losses[TOTAL] > self.losses[TOTAL]:
            self._failures += 1
            if self._failures == len(_LADDER) - 1 and growth < _NOISE:
                self.finished = True
                return "no more progress: this scale ends early"
            # A small rise is the everyday business of a solver without a line search, and not worth a word.
            return event or ("the loss exploded: back to the last good picture" if growth > _EXPLOSION else "")
        self._accept(losses, gradient)
        return self._watch_for_stall() or event

    def _accept(self, losses: dict[str, float], gradient: Tensor) -> None:
        self._good, self.losses, self._gradient = self._candidate, losses, gradient
        self._failures = 0
        self._averaged += 1
        # The exponential average, without the bias towards its first value (as in Adam).
        share = (1 - self._averaging) / (1 - self._averaging**self._averaged)
        self.picture = torch.lerp(self.picture, self._good, share) if self._averaging else self._good

    def _move(self) -> str:
        move = next(itertools.islice(itertools.chain(_LADDER, itertools.cycle(_THEN)), self._failures, None))
        if move == "shorten":
            self._candidate = torch.lerp(self._good, self._candidate, self._shortening())
            return ""
        event = ""
        if move == "start afresh":
            self.optimizer.reset()
            event = "the optimiser starts afresh from the last good picture"
        elif move == "take Adam":
            self.optimizer = Adam(learning_rate=0.005)
            event = "Adam takes over from the last good picture"
        self._candidate = self.optimizer.propose(self._good, self._gradient)
        return event

    def _shortening(self) -> float:
        """Where the parabola through the two losses and the slope between them is lowest (Nocedal and Wright
        2006, 3.58).
        """
        slope = torch.dot(self._gradient.flatten(), (self._candidate - self._good).flatten()).item()
        rise = self._total - self.losses[TOTAL]
        return min(0.5, max(0.05, -slope / (2 * (rise - slope)))) if math.isfinite(rise) and rise > slope else 0.1

    def _watch_for_stall(self) -> str:
        if self.optimizer.growth > 1:
            return ""
        self._totals.append(self.losses[TOTAL])
        if len(self._totals) < _STALL_STEPS or self._totals[0] - min(self._totals) > _STALL_GAIN * self._totals[0]:
            return ""
        self._totals.clear()
        self.finished = self._restarted
        if self.finished:
            return "no more progress: this scale ends early"
        self._restarted = True
        self.optimizer.reset()
        return "no progress: the optimiser starts afresh"


def _finite(losses: dict[str, float], gradient: Tensor) -> bool:
    # One senseless number makes the sum senseless, and unlike a test of each it takes no memory.
    return math.isfinite(losses[TOTAL]) and math.isfinite(gradient.sum().item())

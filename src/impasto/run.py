"""A run: a task made ready, and carried out step by step."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from impasto import images, memory
from impasto.devices import DTYPES, convolving
from impasto.features import Backbone
from impasto.images import Picture, Size
from impasto.losses import Term
from impasto.objective import Kept, Objective, TermObjective
from impasto.optimizers import LBFGS, Adam, Optimizer
from impasto.plan import fit, tile_at
from impasto.result import Prepared, Result
from impasto.settings import Settings
from impasto.solve import Stage, Step, solve
from impasto.style_losses import STYLE_LOSSES


class Run(Prepared):
    """An optimisation made ready. `result` can be had at any time after the first step."""

    def __init__(
        self,
        task: str,
        *,
        recipe: str,
        settings: Settings,
        frame: Picture,
        start: Picture | None,
        schedule: list[Stage],
        terms_at: Callable[[Backbone, Size, int | None], list[Term]],
        kept: Tensor | None = None,
    ) -> None:
        """``frame`` lends the result its size, depth and transparency; no ``start`` means noise.

        ``kept`` (1, 1, H, W) is the share of every pixel that stays the frame's.
        """
        super().__init__(task, recipe, settings, frame.size)
        self.schedule = schedule
        tileable = settings.style_weight == 0 or STYLE_LOSSES[settings.style_loss](True).additive
        self.fit = fit(frame.size, settings, self.precision, self.device, tileable=tileable)
        self._kept = kept
        self._frame, self._start, self._terms_at = frame, start, terms_at
        self._backbone: Backbone | None = None
        self._first: dict[str, float] = {}
        self._last: Step | None = None
        self._complete = False
        self._startup = 0.0
        self._final_scale: list[float] = []
        self._events: list[str] = []

    def steps(self) -> Iterator[Step]:
        """Compute, yielding the state after every iteration; see `solve.solve`. Close the generator to stop."""
        with memory.kept(), convolving(self.precision):
            start = self._start_pixels()
            for step in solve(self._objective_at, start, self.schedule, self._make_optimizer, self.settings.averaging):
                if self._last is None:
                    self._first = step.losses
                    self._startup = time.perf_counter() - self.started_at - step.elapsed
                if step.scale == step.scales - 1:
                    self._final_scale.append(step.elapsed)
                if step.event:
                    self._events.append(f"{step.iteration}: {step.event}")
                self._last = step
                yield step
        self._complete = True

    @property
    def iterations(self) -> int:
        """Over all scales."""
        return sum(stage.iterations for stage in self.schedule)

    @property
    def has_picture(self) -> bool:
        return self._last is not None

    @property
    def last(self) -> Step | None:
        """The latest step, None before the first."""
        return self._last

    def picture(self, step: Step) -> Picture:
        """The picture of a step at the final size, with the content's transparency."""
        pixels = images.resize(step.pixels.cpu(), self.size)
        if self._kept is not None:
            pixels = torch.lerp(pixels, self._frame.pixels, self._kept)
        return replace(self._frame, pixels=pixels)

    def result(self) -> Result:
        """The picture so far and its record. Call it after the first step."""
        assert self._last is not None, "steps() has not been started"
        picture = self.picture(self._last)
        timed = len(self._final_scale) - 1
        per_step = (self._final_scale[-1] - self._final_scale[0]) / timed if timed > 0 else None
        return Result(
            picture,
            self._described("vgg19")
            | {
                "scales": [[stage.size[1], stage.size[0], stage.iterations] for stage in self.schedule],
                "steps": self._last.iteration,
                "complete": self._complete,
                "losses": {name: [first, self._last.losses[name]] for name, first in self._first.items()},
                "events": self._events,
                "elapsed_s": self._last.elapsed,
                "startup_s": self._startup,
                "seconds_per_step": per_step,
                "tile": self.fit.tile,
                "history": self.fit.history,
            },
        )

    def progress(self, step: Step) -> tuple[float, str]:
        """The share of the work that is done after a step, counted in pixels, and what to say of it."""
        stages = [stage.iterations * _area(stage.size) for stage in self.schedule]
        before = sum(stage.iterations for stage in self.schedule[: step.scale])
        height, width = self.schedule[step.scale].size
        done = sum(stages[: step.scale]) + (step.iteration - before) * height * width
        losses = "  ".join(f"{name} {value:.3g}" for name, value in step.losses.items())
        return done / sum(stages), f"{step.iteration}/{step.iterations} at {width}×{height}  {losses}"

    def plan(self) -> dict[str, Any]:
        """What `steps` will do, for people to read."""
        return {
            "scales": [f"{stage.size[1]}x{stage.size[0]}: {stage.iterations} iterations" for stage in self.schedule],
            "tiles": f"{self.fit.tile}x{self.fit.tile}" if self.fit.tile else "none, the picture is seen whole",
            "history": self.fit.history,
        }

    def estimate(self) -> tuple[float, float]:
        """Roughly the seconds and the bytes that the run will take, by timing one evaluation at a small scale."""
        size = images.long_side(self.size, min(256, max(self.size)))  # much less is mostly the fixed cost of a step
        pixels = images.resize(self._start_pixels(), size)
        with memory.kept(), convolving(self.precision):
            objective = self._objective_at(size)
            took = []
            for _ in range(4):  # the first ones still find their memory
                began = time.perf_counter()
                objective.value_and_grad(pixels)
                took.append(time.perf_counter() - began)
            per_pixel = min(took) / _area(size) * self.fit.slower
        work = sum(stage.iterations * _area(stage.size) for stage in self.schedule)
        return per_pixel * work, self.fit.bytes

    def _objective_at(self, size: Size) -> Objective:
        if self._backbone is None:
            self._backbone = Backbone.pretrained(
                "vgg19",
                pooling=self.settings.pooling,
                padding=self.settings.padding,
                dtype=DTYPES[self.precision],
                device=self.device,
            )
        memory.release()
        tile = tile_at(size, self.settings, self.precision, self.fit)
        with torch.no_grad():
            terms = self._terms_at(self._backbone, size, tile)
        memory.release()
        objective = TermObjective(self._backbone, terms, tile)
        if self._kept is None:
            return objective
        frame = self._frame.resized(size).pixels.to(self.device)
        return Kept(objective, frame, images.resize(self._kept, size).clamp(0, 1).to(self.device))

    def _start_pixels(self) -> Tensor:
        if self._start is not None:
            return self._start.fitted(self.size).pixels.to(self.device)
        generator = torch.Generator().manual_seed(self.settings.seed)
        return torch.rand(1, 3, *self.schedule[0].size, generator=generator).to(self.device)

    def _make_optimizer(self) -> Optimizer:
        settings = self.settings
        if settings.optimizer == "lbfgs":
            return LBFGS(self.fit.history)
        return Adam(settings.learning_rate, settings.adam_beta1, epsilon=settings.adam_epsilon)


def _area(size: Size) -> int:
    return size[0] * size[1]

"""A run: a task made ready, carried out step by step, and taken up again from a checkpoint."""

import dataclasses
import itertools
import math
import time
from collections.abc import Generator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from impasto import weights
from impasto._version import __version__
from impasto.architecture import BACKBONE
from impasto.backbones.features import Backbone
from impasto.backbones.passes import passes
from impasto.colour import transfer
from impasto.colour.grey import greyed
from impasto.errors import NotReadyError, SettingsError
from impasto.losses.narrowed import Colourless, PartlyFixed
from impasto.losses.objective import Objective, TermObjective
from impasto.machine import checkpoint, memory
from impasto.machine.checkpoint import State
from impasto.machine.devices import DTYPES, convolving
from impasto.pictures.picture import Picture, resize
from impasto.places.gallery import Memory
from impasto.progress import Progress
from impasto.settings.fields import MACHINES, Settings
from impasto.solver.optimizers import LBFGS, Adam, Optimizer
from impasto.solver.solve import Stage, Step, solve
from impasto.tasks import forecast
from impasto.tasks.budget import fit, fit_at
from impasto.tasks.problem import Problem
from impasto.tasks.result import Prepared, Result
from impasto.tasks.resuming import taken_up


class Eyes(NamedTuple):
    """What a run sees with: the network, and what it remembers of the paintings. Runs of the same settings
    can share them, as those of a film's frames do.
    """

    backbone: Backbone
    memory: Memory


class Run(Prepared):
    """An optimisation made ready. `result` can be had at any time after the first step."""

    def __init__(
        self, problem: Problem, recipe: str, settings: Settings, start: Picture | None, *, follows: bool = False
    ) -> None:
        """``settings`` are those of the record, which the problem's have been worked out from; no ``start``
        means noise. It ``follows`` from the problem and the settings where it was computed from them.
        """
        _refuse_inference()
        super().__init__(problem.task, recipe, settings, problem.frame.size)
        self.problem, self.schedule = problem, problem.schedule
        self.fit = fit(problem, self.precision, self.device)
        passes(settings.compile, self.device, DTYPES[self.precision])  # what cannot be had is refused at once
        self._start = start and start.fitted(self.schedule[0].size)
        self._follows = follows
        self._grey = problem.is_grey(start)
        self._first: dict[str, float] = {}
        self._last: Step | None = None
        self._complete = False
        self._startup = 0.0
        self._final_scale: list[float] = []
        self._events: list[str] = []
        self._resumed: list[int] = []
        self._smaller: list[int] = []
        self._tile = self.fit.tile
        self._waiting: list[State] = []

    def steps(self) -> Generator[Progress, None, None]:
        """Compute, telling how far it is after every iteration; `last` has the solver's own step. Close the
        generator to stop; another one goes on.
        """
        _refuse_inference()
        if self._complete:
            return
        begun = self._last.state() if self._last else None
        state = self._waiting[0] if self._waiting else begun
        with memory.reused(), convolving(self.precision):
            start = self._start_pixels()
            for step in solve(
                self._objective_at,
                start,
                self.schedule,
                self._make_optimizer,
                averaging=self.settings.averaging,
                state=state,
            ):
                for name, value in step.losses.items():  # a term may begin at a later scale
                    self._first.setdefault(name, value)
                if self._last is None:
                    self._startup = time.perf_counter() - self.started_at - (0 if self._resumed else step.elapsed)
                if state:  # this step has been told
                    self._last, state = step, None
                    self._waiting.clear()
                    continue
                if step.scale == step.scales - 1:
                    self._final_scale.append(step.elapsed)
                for tile in self._smaller:
                    self._tile = tile
                    self._events.append(f"{step.iteration}: not enough memory: going on with tiles of {tile} pixels")
                self._smaller.clear()
                if step.event:
                    self._events.append(f"{step.iteration}: {step.event}")
                self._last = step
                yield self._progress(step)
        self._complete = True

    def checkpoint(self, path: Path) -> None:
        step = self._begun()
        solver = step.state()
        if not solver:
            return  # nothing goes on from here: what is there already stays
        state = {
            "made": self._made(),
            "memory": self.settings.memory,
            "fit": dataclasses.asdict(self.fit),
            "solver": solver,
            "told": [self._first, self._events, self._final_scale, [*self._resumed, step.iteration]],
        }
        checkpoint.save(path, state)

    def resume(self, path: Path, *, exact: bool = False) -> int:
        taken = taken_up(path, checkpoint.load(path, self.device), self._made(), self.schedule, exact=exact)
        if taken.memory == self.settings.memory:
            self.fit = taken.fit  # what is free differs from day to day
            self._tile = self.fit.tile
        self._first, self._events, self._final_scale, self._resumed = taken.told
        self._waiting = [taken.solver]
        return self._resumed[-1]

    def _made(self) -> State:
        """What decides the result, but for the memory and how it is computed."""
        own = self.settings.dictionary()
        own = {name: value for name, value in own.items() if name not in MACHINES} | {"precision": self.precision}
        scales = [[*stage.size, stage.iterations, stage.last] for stage in self.schedule]
        return {
            "impasto": __version__,
            "task": self.task,
            "settings": own,
            "scales": scales,
            "pictures": self._digest,
        }

    @cached_property
    def _digest(self) -> str:
        # What was computed differs by rounding where it is computed in tiles, or on another device.
        start = None if self._start is None or self._follows else self._start.pixels
        zones = itertools.chain.from_iterable(zone.parts() for zone in self.problem.zones)
        return checkpoint.digest(
            [
                self.problem.frame.pixels,
                self.problem.frame.alpha,
                self.problem.fixed,
                self.problem.protected,
                start,
                *zones,
                *(part for each in self.problem.held for part in (each.pixels, each.trust, each.weight)),
            ]
        )

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

    def picture(self) -> Picture:
        """The picture so far at the final size, with the content's transparency. Raises NotReadyError before
        the first step.
        """
        step = self._begun()
        pixels = resize(step.pixels.cpu(), self.size)
        if self.settings.keep_colour == "luminance":
            pixels = transfer.tinted(pixels, self.problem.frame.pixels)
        if self.problem.fixed is not None:
            pixels = torch.lerp(pixels, self.problem.frame.pixels, self.problem.fixed)
        return replace(self.problem.frame, pixels=greyed(pixels) if self._grey else pixels)

    def result(self) -> Result:
        """The picture so far and its record. Call it after the first step."""
        step, picture = self._begun(), self.picture()
        timed = len(self._final_scale) - 1
        per_step = (self._final_scale[-1] - self._final_scale[0]) / timed if timed > 0 else None
        return Result(
            picture,
            self._described(BACKBONE, weights.entry(BACKBONE).sha256)
            | {
                "scales": [[stage.size[1], stage.size[0], stage.iterations] for stage in self.schedule],
                "steps": step.iteration,
                "complete": self._complete,
                "losses": {name: [self._first[name], value] for name, value in step.losses.items()},
                "events": [*self._events],
                "elapsed_s": step.elapsed,
                "startup_s": self._startup,
                "seconds_per_step": per_step,
                "tile": self._tile,
                "history": self.fit.history,
                "compiled": self.eyes.backbone.passes is not None,
            }
            | ({"resumed": [*self._resumed]} if self._resumed else {}),
        )

    def _begun(self) -> Step:
        if self._last is None:
            raise NotReadyError("There is no picture yet: take a step of steps() first.")
        return self._last

    def _progress(self, step: Step) -> Progress:
        """How far the run is after a step, counted in pixels."""
        stages = [stage.iterations * math.prod(stage.size) for stage in self.schedule]
        before = sum(stage.iterations for stage in self.schedule[: step.scale])
        height, width = self.schedule[step.scale].size
        done = (sum(stages[: step.scale]) + (step.iteration - before) * height * width) / sum(stages)
        losses = "  ".join(f"{name} {value:.3g}" for name, value in step.losses.items())
        text = f"{step.iteration}/{step.iterations} at {width}×{height}  {losses}"
        own = {"iteration": step.iteration, "losses": step.losses, "width": width, "height": height}
        return self._told(done, step.elapsed, text, event=step.event, **own)

    def plan(self) -> dict[str, Any]:
        return forecast.plan(self.schedule, self.fit)

    def estimate(self) -> tuple[float, float]:
        _ = self.eyes  # are made before anything is timed
        with memory.reused(), convolving(self.precision):
            seconds = forecast.seconds(self.problem, self.fit, self._start_pixels(), self._objective_at)
        return seconds, self.fit.bytes

    @cached_property
    def eyes(self) -> Eyes:
        """Made at need. Those of another run may take their place before this one begins."""
        backbone = Backbone.pretrained(
            pooling=self.settings.pooling,
            padding=self.settings.padding,
            dtype=DTYPES[self.precision],
            device=self.device,
            compile=self.settings.compile,
        )
        return Eyes(backbone, Memory(self.fit.kept))

    def _objective_at(self, stage: Stage, pixels: Tensor) -> Objective:
        memory.release()
        backbone, seen = self.eyes
        seen.limit(self.fit.kept)  # for they may be another run's, or this one goes on by an earlier plan
        how = fit_at(self.problem, stage.size, self.precision, self.fit)
        if how.tile is not None:
            memory.return_large()
        with torch.no_grad():
            terms = self.problem.terms(backbone, stage, pixels, how.tile, memory=seen, cut=how.cut)
        memory.release()
        objective: Objective = TermObjective(backbone, terms, how.tile, how.cut, smaller=self._smaller.append)
        if self.problem.fixed is not None:
            assert self.problem.photo is not None, "what stays, stays the photograph's"
            frame = self.problem.photo.resized(stage.size).pixels.to(self.device)
            fixed = resize(self.problem.fixed, stage.size).clamp(0, 1).to(self.device)
            objective = PartlyFixed(objective, frame, fixed)
        return Colourless(objective) if self._grey else objective

    def _start_pixels(self) -> Tensor:
        size, seeded = self.schedule[0].size, torch.Generator().manual_seed(self.settings.seed)
        pixels = self._start.pixels if self._start else torch.rand(1, 3, *size, generator=seeded)
        return (greyed(pixels) if self._grey else pixels).to(self.device)

    def _make_optimizer(self) -> Optimizer:
        settings = self.settings
        if settings.optimizer == "lbfgs":
            return LBFGS(self.fit.history)
        return Adam(settings.learning_rate, settings.adam_beta1, epsilon=settings.adam_epsilon)


def _refuse_inference() -> None:
    """Raises SettingsError where torch keeps nothing that gradients are made of: not under ``no_grad``."""
    if torch.is_inference_mode_enabled():
        raise SettingsError(
            "The optimiser needs gradients: prepare it and take its steps outside of torch.inference_mode()."
        )

"""The loop that trains a network: draw, paint, be told the gradient, step; told step by step.

The painted pictures are held to the very terms of the optimiser, whose gradient with respect to the pixels is
propagated on into the network's weights (Johnson, Alahi and Fei-Fei 2016, section 3). The kinds differ in
where the style comes from:

- ``single`` and ``multi``: γ and β of one or more paintings are learnt as a table (Dumoulin, Shlens and
  Kudlur 2017, section 2);
- ``any``: an encoder predicts them from the painting of each draw (Ghiasi et al. 2017, section 2.2).

Every `pictures.OWN`-th draw is to be painted in the photograph's own style. A table has one more row for it:
mixing a style with it weakens the style.
"""

import contextlib
import math
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from impasto.backbones.features import Backbone
from impasto.errors import SettingsError, SolverError
from impasto.losses.objective import TOTAL
from impasto.machine import checkpoint, interrupts, memory
from impasto.machine.devices import DTYPES, choose_device, choose_precision, convolving
from impasto.networks.contract import Network
from impasto.pictures import codecs
from impasto.progress import Progress
from impasto.settings import whole
from impasto.settings.fields import Settings
from impasto.training import beginnings, held_out, motion
from impasto.training.course import Course, Kind
from impasto.training.learner import Learner
from impasto.training.pictures import Drawn, Draws, batches
from impasto.training.resuming import check_state, identity
from impasto.training.sharing import Circle
from impasto.training.teacher import Teacher

_RAMP, _LEAST = 300, 0.01
"""Steps in which the style's weight rises from that share of it: a network that cannot paint yet learns from
the photograph."""
_MOST_SKIPPED = 20
_WORTHWHILE, _FAR = 0.98, 2.0
"""γ and β alone are enough as long as every validation is below that share of the one before; a network whose
loss is so many times that of the untrained one has lost its way."""


@dataclass(frozen=True)
class Reached:
    """How far a training has come: its steps and seconds, and of the last step the losses by name, averaged
    over the batch, the learning rate, and the losses on pictures held out if they were looked at.
    """

    steps: int = 0
    seconds: float = 0.0
    losses: Mapping[str, float] = field(default_factory=dict)
    learning_rate: float = 0.0
    validation: Mapping[str, float] = field(default_factory=dict)


class Training:
    """A training made ready. `steps` trains; `result`, `sheet` and `checkpoint` may be had in between."""

    def __init__(
        self,
        kind: Kind,
        photos: Sequence[Path],
        paintings: Sequence[Path],
        settings: Settings,
        course: Course,
        *,
        start: Network | None = None,
    ) -> None:
        """Read the paintings and look at them. A single style is fitted to the network ``start``, whose
        convolutions stay as they are while that helps; other kinds go on from the convolutions of ``start``,
        and any style from all of it. With torch.distributed initialised, the processes share every batch.

        Raises SettingsError, ImageError and WeightsError.
        """
        if kind == "single" and len(paintings) != 1:
            raise SettingsError(f"A single network learns one painting, and {len(paintings)} were given: train multi.")
        whole.check_training(settings, kind, looks=kind == "any" or (start is not None and start.encoder is not None))
        self._circle = Circle(course.batch)
        self.kind, self.settings, self.course = kind, settings, course
        self.device = choose_device(settings.device)
        self.precision = choose_precision(settings.precision, self.device)
        with self._looking():
            self._photos, held_photos = held_out.parted(photos, settings.seed)
            self._paintings, held_paintings = (
                held_out.parted(paintings, settings.seed) if kind == "any" else ([*paintings], [*paintings])
            )
        backbone = Backbone.pretrained(
            pooling=settings.pooling,
            padding=settings.padding,
            dtype=DTYPES[self.precision],
            device=self.device,
            compile=settings.compile,
        )
        self._teacher = Teacher(backbone, settings)
        self._held = held_out.HeldOut(held_photos, held_paintings, self._teacher, settings.palette, course.steady)
        fitting = start is not None and kind == "single"
        palette = start.design.palette if start and fitting else settings.palette
        with self._looking():
            design = beginnings.design(kind, self._paintings, palette)
        self.network = beginnings.from_nothing(design, settings.seed, self.device)
        with memory.reused(), self._looking():
            descriptions = beginnings.acquaint(
                self._teacher, self._photos, self._paintings, course.crop, table=self.network.encoder is None
            )
            if start is not None:
                beginnings.take_over(self.network, start, self._teacher, descriptions, held_photos[0])
            elif self.network.encoder is not None:
                self.network.encoder.standardise(descriptions)
        self._begins, self._skipped = start is None, 0
        self._start = checkpoint.digest(start.state_dict().values())[:12] if start else "none"
        # Going on, it is to see other crops than those that it has learnt from, however often it has gone on.
        before = start.design.card if start else {}
        self._draws_seed: int = settings.seed + before.get("draws_seed", 0) + before.get("steps", 0)
        self._learner = Learner(self.network, fitting=fitting)
        self._validation: Mapping[str, float] = {}
        self._untrained = math.inf  # its loss before anything was learnt
        self.last = Reached()
        """How far it has come."""

    @property
    def fitting(self) -> bool:
        """Whether γ and β alone are being learnt."""
        return self._learner.fitting

    def steps(self) -> Generator[Progress, None, None]:
        """Train until the budget is spent, and tell of every step; `last` tells more of it. Close the
        generator to stop, call again to go on. Raises KeyboardInterrupt after the step at which any of the
        processes that share the training has been asked to stop.
        """
        course, circle = self.course, self._circle
        draws = Draws(
            self._photos,
            self._paintings,
            course.crop,
            self._draws_seed,
            any_style=self.network.encoder is not None,
            shown=self.settings.places_weight > 0,
            moving=course.steady > 0,
            palette=self.settings.palette,
            truncated=self.settings.allow_truncated,
        )
        source = batches(
            draws, self.last.steps, course.batch, workers=course.workers, rank=circle.rank, world=circle.world
        )
        if not self.last.steps:
            self._untrained, _ = self._judged()
        began = time.perf_counter() - self.last.seconds
        with memory.reused(), convolving(self.precision), interrupts.patient():
            while not self._spent() >= 1:
                losses, event = self._learn(next(source))
                steps = self.last.steps + 1
                validation = self.validate() if steps % course.validate_every == 0 else {}
                if validation:
                    event = event or self._stalled(validation)
                    self._validation = validation
                spent = time.perf_counter() - began
                seconds, asked = circle.agreed([spent, float(interrupts.asked())], self.device)
                self.last = Reached(steps, seconds, losses, self._rate(), validation)
                yield self._told(event)
                if asked:
                    raise KeyboardInterrupt

    def _told(self, event: str) -> Progress:
        last, done = self.last, min(1.0, self._spent())
        pace = last.steps * self.course.batch / max(last.seconds, 1e-9) * 3600
        shown = " ".join(f"{name} {value:.3f}" for name, value in (last.validation or last.losses).items())
        text = f"step {last.steps} {'held out: ' if last.validation else ''}{shown} · {pace:.0f} images/h"
        left = last.seconds / done - last.seconds if done else None
        return Progress(done, text, event, last.steps, last.losses, left)

    @torch.enable_grad()  # whatever the caller has switched off
    def _learn(self, drawn: Drawn) -> tuple[dict[str, float], str]:
        """One step of Adam, and the losses before it; none if they or their gradient are not finite."""
        teacher, circle, learner = self._teacher, self._circle, self._learner
        photos, paintings = drawn.photo.to(self.device), drawn.painting.to(self.device)
        style, goal = teacher.meant(self.network, drawn.style, photos if self.network.encoder is None else paintings)
        painted = teacher.painted(self.network, photos, style, drawn.colours)
        share = min(1.0, _LEAST ** (1 - self.last.steps / _RAMP)) if self._begins else 1.0
        objective = teacher.objective(drawn.content.to(self.device), goal, paintings, share)
        losses, gradient = objective.value_and_grad(painted.detach())
        learner.forget_gradient()
        slope = (painted * gradient).sum()  # a number whose gradient is the objective's
        if weight := self.course.steady:
            unsteady = teacher.unsteadiness(self.network, painted, (drawn.moved, drawn.motion), style, drawn.colours)
            losses, slope = motion.joined(losses, unsteady.item(), weight), slope + weight * unsteady
        slope.backward()  # type: ignore[no-untyped-call]
        losses = dict(zip(losses, circle.agreed(list(losses.values()), self.device), strict=True))
        circle.share_gradients(learner.parameters)
        norm = learner.clip_gradient()
        if not math.isfinite(losses[TOTAL]) or not bool(norm.isfinite()):
            self._skipped += 1
            if self._skipped >= _MOST_SKIPPED:
                raise SolverError(
                    f"The losses of {_MOST_SKIPPED} steps on end were not finite: give a smaller `learning_rate`."
                )
            return losses, "skipped, for the losses or their gradient were not finite"
        self._skipped = 0
        learner.step(self._rate(), self.last.steps)
        return losses, ""

    def _spent(self) -> float:
        return self.course.spent(self.last.steps, self.last.seconds)

    def _rate(self) -> float:
        return self.course.rate(self.last.steps, self.last.seconds)

    def _stalled(self, validation: Mapping[str, float]) -> str:
        """Let go of the convolutions when γ and β alone bring no more; what to say of it."""
        before = self._validation.get(TOTAL, math.inf)
        if not self.fitting or validation[TOTAL] < _WORTHWHILE * before:
            return ""
        self._learner.let_go()
        return "γ and β alone bring no more: all weights are learnt from here"

    def result(self) -> Network:
        """The network as it is now, by the running mean of its weights, with its card."""
        card = {
            "kind": self.kind,
            "steps": self.last.steps,
            "minutes": round(self.last.seconds / 60, 1),
            "photographs": len(self._photos),
            "paintings": len(self._paintings),
            "course": asdict(self.course),
            "precision": self.precision,
            "device": str(self.device),
            "settings": self.settings.dictionary(),
            "draws_seed": self._draws_seed,
            "losses": dict(self.last.losses),
            "validation": dict(self._validation),
        }
        network = self._learner.kept()
        network.design = replace(network.design, card=card)
        return network

    def validate(self) -> dict[str, float]:
        """The losses on squares from the middle of pictures that are not trained on."""
        with self._looking():
            return self._held.losses(self.result(), self.course.crop)

    def check_sound(self) -> None:
        """Raises SolverError when the network is not worth keeping, for it has lost what it once could."""
        if why := self._judged(_FAR * self._untrained)[1]:
            raise SolverError(
                f"The training has gone astray by step {self.last.steps}: {why}. What was saved before is as it was; "
                "begin anew with a smaller `learning_rate`."
            )

    def _judged(self, most: float = math.inf) -> tuple[float, str]:
        with self._looking():
            return self._held.judged(self.result(), self.course.crop, most)

    def sheet(self) -> Image.Image:
        """Photographs that are not trained on, painted in some of the styles."""
        with self._looking():
            return self._held.sheet(self.result())

    @contextlib.contextmanager
    def _looking(self) -> Iterator[None]:
        """Within it pictures are read and looked at as the settings have it."""
        with convolving(self.precision), codecs.truncation(self.settings.allow_truncated):
            yield

    def checkpoint(self, path: Path) -> None:
        """Write all that is needed to go on from here as if nothing had happened. Raises OutputError."""
        state = {
            "training": self._identity(),
            "step": self.last.steps,
            "elapsed": self.last.seconds,
            "validation": dict(self._validation),
            "untrained": self._untrained,
        }
        checkpoint.save(path, state | self._learner.state())

    def resume(self, path: Path) -> int:
        """Take up a checkpoint, and give its step. Raises CheckpointError when it is of another training, or
        damaged.
        """
        state = checkpoint.load(path, self.device)
        check_state(path, state, self._identity(), self.network.state_dict(), self._learner.parameters)
        self._learner.take_up(state)
        self._validation = state["validation"]
        self._untrained = state.get("untrained", math.inf)  # the first ones do not tell it
        self.last = Reached(state["step"], state["elapsed"])
        return self.last.steps

    def _identity(self) -> dict[str, Any]:
        return identity(
            self.kind,
            self._start,
            course=self.course,
            photos=self._photos,
            paintings=self._paintings,
            settings=self.settings,
        )

"""The loop that trains a network: draw, paint, be told the gradient, step; yielded step by step.

The painted pictures are held to the very terms of the optimiser, whose gradient with respect to the pixels is propagated on
into the network's weights (Johnson, Alahi and Fei-Fei 2016, section 3). The kinds differ in where the style comes from:

- ``single`` and ``multi``: γ and β of one or more paintings are learnt as a table (Dumoulin, Shlens and Kudlur 2017, section 2);
- ``any``: an encoder predicts them from the painting of each draw (Ghiasi et al. 2017, section 2.2).

Every `pictures.OWN`-th draw is to be painted in the photograph's own style. A table has one more row for it: mixing a style
with it weakens the style.

The colours of a painting need not be learnt: what the network paints is moved towards them, in training as later.
"""

import copy
import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
import torch.distributed
from PIL import Image
from torch import Tensor, nn

from impasto.backbones.features import Backbone
from impasto.colour import transfer
from impasto.errors import CheckpointError, SettingsError
from impasto.losses.objective import TOTAL
from impasto.machine import checkpoint, memory
from impasto.machine.devices import DTYPES, choose_device, choose_precision, convolving
from impasto.networks import encoder
from impasto.networks.cin import Architecture
from impasto.networks.contract import Design, Network
from impasto.networks.encoder import EncoderShape
from impasto.pictures import codecs
from impasto.pictures.picture import Picture
from impasto.pictures.sheet import contact_sheet
from impasto.settings.fields import Settings
from impasto.training.pictures import STYLE_LENGTH, Drawn, Draws, batches, colours_of
from impasto.training.teacher import Goal, Teacher

Kind = Literal["single", "multi", "any"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_CONTRACT, _BLOCKS, _EXPAND = (32, 64, 128), 5, (32, 16)
_CODES, _HIDDEN = 64, 128
_SIZES = ("contract", "blocks", "expand", "biased")
_WARM_UP, _COOL_DOWN = 50, 0.4
"""Steps in which the learning rate rises, and the last share of the budget, in which it falls to nothing (Hägele et al. 2024)."""
_RAMP, _LEAST = 300, 0.01
"""Steps in which the style's weight rises from that share of it: a network that cannot paint yet learns from the photograph."""
_AVERAGED = 0.995
"""Decay of the running mean of the weights, which is what is kept."""
_LARGEST_GRADIENT = 1.0
_MOST_SKIPPED = 20
_WORTHWHILE = 0.98
"""γ and β alone are enough as long as every validation is below that share of the one before."""
_DESCRIBED = 64
"""How many pictures are looked at, about, to learn what descriptions of paintings and contents of photographs are like."""
_HELD_OUT, _EIGHTH = 4, 8
_SHOWN, _SHEET_SIZE = 4, 320


@dataclass(frozen=True)
class Course:
    """How a training goes: its budget, whichever ends first, and its portions. Raises SettingsError.

    ``crop``: side of the squares that are learnt from, in pixels. ``workers``: processes that decode and crop pictures.
    ``validate_every``: steps from one look at the pictures held out to the next.
    """

    steps: int | None = None
    minutes: float | None = None
    batch: int = 4
    crop: int = 256
    learning_rate: float = 1e-3
    workers: int = 1
    validate_every: int = 500

    def __post_init__(self) -> None:
        if self.steps is None and self.minutes is None:
            raise SettingsError("A training needs a budget: give --steps or --minutes.")
        for name, least in {
            "steps": 1,
            "minutes": 0,
            "batch": 1,
            "crop": 64,
            "workers": 0,
            "validate_every": 1,
        }.items():
            value = getattr(self, name)
            if value is not None and not least <= value < math.inf:
                raise SettingsError(f"--{name.replace('_', '-')} must be at least {least}, not {value}.")
        if not 0 < self.learning_rate <= 1:
            raise SettingsError(f"--learning-rate must be above 0 and at most 1, not {self.learning_rate}.")


@dataclass(frozen=True)
class TrainStep:
    """The state after a step: its losses by name, averaged over the batch, and the validation's if there was one."""

    step: int
    losses: Mapping[str, float]
    learning_rate: float
    elapsed: float
    validation: Mapping[str, float] = field(default_factory=dict)
    event: str = ""


class Training:
    """A training made ready. `steps` trains; `result`, `sheet` and `checkpoint` may be asked for at any time in between."""

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
        """Read the paintings and look at them. A single style is fitted to the network ``start``, whose convolutions stay as they
        are while that helps; other kinds go on from the convolutions of ``start``, and any style from all of it. With torch.distributed initialised, the processes share every batch.

        Raises SettingsError, ImageError and WeightsError.
        """
        if kind == "single" and len(paintings) != 1:
            raise SettingsError(f"A single network learns one painting, and {len(paintings)} were given: train multi.")
        self._rank, self._world = (
            (torch.distributed.get_rank(), torch.distributed.get_world_size())
            if torch.distributed.is_initialized()
            else (0, 1)
        )
        if course.batch % self._world:
            raise SettingsError(f"A batch of {course.batch} cannot be shared evenly by {self._world} processes.")
        self.kind, self.settings, self.course = kind, settings, course
        self.device = choose_device(settings.device)
        self.precision = choose_precision(settings.precision, self.device)
        self._dtype = DTYPES[self.precision]
        self._photos, self._held_photos = _held_out(photos, settings.seed)
        self._paintings, self._held_paintings = (
            _held_out(paintings, settings.seed) if kind == "any" else (list(paintings), list(paintings)[:_SHOWN])
        )
        backbone = Backbone.pretrained(
            pooling=settings.pooling, padding=settings.padding, dtype=self._dtype, device=self.device
        )
        self._teacher = Teacher(backbone, settings)
        torch.manual_seed(settings.seed)
        self.fitting = start is not None and kind == "single"
        """Whether γ and β alone are being learnt."""
        self._palette = start.design.palette if start and self.fitting else settings.palette
        self.network = Network(_design(kind, self._paintings, self._palette)).to(self.device)
        self._table: Goal | None = None
        with memory.kept(), convolving(self.precision):
            some = self._paintings if self.network.encoder is None else _some(self._paintings)
            descriptions, goals = zip(*map(self._teacher.seen, self._looked_at(some)), strict=True)
            self._teacher.acquaint((_middle(path, course.crop).to(self.device) for path in _some(self._photos)), goals)
            if self.network.encoder is None:
                self._table = Goal.joined(goals)
            if start is None:
                self._begin_afresh(torch.cat(descriptions))
            else:
                self._begin_from(start, torch.cat(descriptions))
        self._begins = start is None
        self._start = checkpoint.digest(start.state_dict().values())[:12] if start else "none"
        # Going on, it is to see other crops than those that it has learnt from, however often it has gone on.
        before = start.design.card if start else {}
        self._draws_seed: int = settings.seed + before.get("draws_seed", 0) + before.get("steps", 0)
        self._average = {name: tensor.clone() for name, tensor in self.network.state_dict().items()}
        self._parameters = list(self.network.parameters())
        self._freeze()
        self._optimizer = torch.optim.Adam(self._parameters, lr=course.learning_rate)
        self._last = TrainStep(0, {}, 0.0, 0.0)
        self._validation: Mapping[str, float] = {}
        self._skipped = 0

    def steps(self) -> Iterator[TrainStep]:
        """Train until the budget is spent. Close the generator to stop, call again to go on."""
        course, last = self.course, self._last
        settings, any_style = self.settings, self._table is None
        draws = Draws(
            self._photos, self._paintings, course.crop, self._draws_seed, any_style=any_style, palette=settings.palette
        )
        source = batches(draws, last.step, course.batch, workers=course.workers, rank=self._rank, world=self._world)
        began = time.perf_counter() - last.elapsed
        with memory.kept(), convolving(self.precision):
            while not self.progress(self._last) >= 1:
                losses, event = self._learn(next(source))
                step = self._last.step + 1
                validation = self.validate() if step % course.validate_every == 0 else {}
                if validation:
                    event = event or self._stalled(validation)
                    self._validation = validation
                elapsed = self._agreed([time.perf_counter() - began])[0]
                self._last = TrainStep(step, losses, self._rate(), elapsed, validation, event)
                yield self._last

    def _stalled(self, validation: Mapping[str, float]) -> str:
        """Let go of the convolutions when γ and β alone bring no more; what to say of it."""
        before = self._validation.get(TOTAL, math.inf)
        if not self.fitting or validation[TOTAL] < _WORTHWHILE * before:
            return ""
        self.fitting = False
        self._freeze()
        return "γ and β alone bring no more: all weights are learnt from here"

    def _freeze(self) -> None:
        for name, parameter in self.network.named_parameters():
            parameter.requires_grad_(not self.fitting or ".heads." in name)

    def progress(self, step: TrainStep) -> float:
        """The share of the budget that is spent after a step."""
        course = self.course
        shares = [0.0]
        if course.steps is not None:
            shares.append(step.step / course.steps)
        if course.minutes is not None:
            shares.append(step.elapsed / 60 / course.minutes if course.minutes else 1)
        return max(shares)

    def result(self) -> Network:
        """The network as it is now, by the running mean of its weights, with its card."""
        design = self.network.design
        card = {
            "kind": self.kind,
            "steps": self._last.step,
            "minutes": round(self._last.elapsed / 60, 1),
            "photographs": len(self._photos),
            "paintings": len(self._paintings),
            "course": asdict(self.course),
            "precision": self.precision,
            "device": str(self.device),
            "settings": self.settings.dictionary(),
            "draws_seed": self._draws_seed,
            "losses": dict(self._last.losses),
            "validation": dict(self._validation),
        }
        network = Network(replace(design, card=card)).to(self.device)
        network.load_state_dict(self._average)
        return network.eval().requires_grad_(False)

    def validate(self) -> dict[str, float]:
        """The losses on squares from the middle of pictures that are not trained on."""
        network = self.result()
        found: list[dict[str, float]] = []
        for photo_path in self._held_photos:
            photo = _middle(photo_path, self.course.crop).to(self.device)
            for number, painting_path in enumerate(self._held_paintings[:_SHOWN]):
                painting = _middle(painting_path, self.course.crop).to(self.device)
                style, goal = self._meant(network, torch.tensor([number]), painting)
                colours = transfer.of(painting)
                painted = self._painted(network, photo, style, colours)
                content = transfer.towards(photo, colours, self.settings.palette)
                found.append(self._teacher.objective(content, goal).value_and_grad(painted)[0])
        return {name: math.fsum(each[name] for each in found) / len(found) for name in found[0]}

    @torch.no_grad()
    def sheet(self) -> Image.Image:
        """Photographs that are not trained on, painted in some of the styles."""
        network = self.result()
        styles: list[tuple[Picture, Tensor, Tensor]] = []
        with convolving(self.precision):
            for number, path in enumerate(self._held_paintings[:_SHOWN]):
                painting = codecs.load(path).fitted(STYLE_LENGTH)
                seen = painting.pixels.to(self.device)
                styles.append((painting, self._meant(network, torch.tensor([number]), seen)[0], transfer.of(seen)))
            rows = [
                [
                    ("", Image.new("RGB", (1, 1), "white")),
                    *((f"{i + 1}", each.image()) for i, (each, *_) in enumerate(styles)),
                ]
            ]
            for path in self._held_photos:
                photo = codecs.load(path).fitted(_SHEET_SIZE)
                pixels = photo.pixels.to(self.device)
                painted = [Picture(self._painted(network, pixels, *style).cpu()) for _, *style in styles]
                rows.append(
                    [("photograph", photo.image()), *((f"{i + 1}", each.image()) for i, each in enumerate(painted))]
                )
        return contact_sheet(rows, cell=(_SHEET_SIZE, _SHEET_SIZE))

    def checkpoint(self, path: Path) -> None:
        """Write all that is needed to go on from here as if nothing had happened. Raises OutputError."""
        moments = self._optimizer.state_dict()["state"]
        state = {
            "training": self._identity(),
            "step": self._last.step,
            "elapsed": self._last.elapsed,
            "network": self.network.state_dict(),
            "average": self._average,
            "adam": [moments.get(index) for index in range(len(self._parameters))],
            "validation": dict(self._validation),
            "fitting": self.fitting,
        }
        checkpoint.save(path, state)

    def resume(self, path: Path) -> int:
        """Take up a checkpoint, and give its step. Raises CheckpointError when it is of another training, or damaged."""
        state = checkpoint.load(path, self.device)
        try:
            theirs, ours = state["training"], self._identity()
            for name, value in ours.items():
                if theirs[name] != value:
                    raise CheckpointError(
                        f"The checkpoint {path} is of a training with another {name} ({theirs[name]}, not {value}): "
                        "give what it was begun with, or leave out --resume."
                    )
            self.network.load_state_dict(state["network"])
            self._average = state["average"]
            known = self._optimizer.state_dict()
            known["state"] = {index: entry for index, entry in enumerate(state["adam"]) if entry is not None}
            self._optimizer.load_state_dict(known)
            self._validation, self.fitting = state["validation"], state["fitting"]
            self._freeze()
            self._last = TrainStep(state["step"], {}, 0.0, state["elapsed"])
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise CheckpointError(
                f"{path} is no checkpoint of a training ({error}): leave out --resume, or name the network that was cut off."
            ) from error
        return self._last.step

    def _identity(self) -> dict[str, Any]:
        """What must be the same for a training to go on."""
        course, digest = self.course, checkpoint.digest
        return {
            "kind": self.kind,
            "network to begin from": self._start,
            "batch": course.batch,
            "crop": course.crop,
            "learning rate": course.learning_rate,
            "set of photographs": digest(torch.tensor(list(path.name.encode())) for path in self._photos),
            "set of paintings": digest(torch.tensor(list(path.name.encode())) for path in self._paintings),
            # As plain as it will be after JSON.
            "settings": {name: repr(value) for name, value in self.settings.dictionary().items()},
        }

    def _looked_at(self, paintings: Iterable[Path]) -> Iterator[Tensor]:
        """Paintings (1, 3, h, w) at the size at which they are looked at."""
        return (codecs.load(path).fitted(STYLE_LENGTH).pixels.to(self.device) for path in paintings)

    @torch.no_grad()
    def _begin_afresh(self, descriptions: Tensor) -> None:
        """γ = 1 and β = 0 for every style, or nearly so, and an encoder that knows what ``descriptions`` of paintings are like."""
        heads = self.network.stylizer.heads
        gammas = heads.out_features // 2
        constant = heads.weight if heads.bias is None else heads.bias
        if heads.bias is not None:
            heads.weight.normal_(0, 0.01)
        constant[:gammas], constant[gammas:] = 1, 0
        if self.network.encoder is not None:
            self.network.encoder.standardise(descriptions)

    @torch.no_grad()
    def _begin_from(self, start: Network, descriptions: Tensor) -> None:
        """The convolutions of another network, and its γ and β as far as it has any for paintings of these ``descriptions``.

        Raises SettingsError.
        """
        theirs, ours = start.design, self.network.design
        if any(getattr(theirs.architecture, name, None) != getattr(ours.architecture, name) for name in _SIZES):
            raise SettingsError(
                "That network has other sizes than those trained here: start from any, or from one that was trained here."
            )
        if ours.encoder:
            if theirs.encoder != ours.encoder:
                raise SettingsError("A network for any style goes on from another one for any style: leave out --from.")
            self.network.load_state_dict(start.state_dict())
            return
        heads = self.network.stylizer.heads
        start = copy.deepcopy(start).to(self.device)
        convolutions = {name: own for name, own in start.stylizer.state_dict().items() if not name.startswith("heads.")}
        self.network.stylizer.load_state_dict(convolutions, strict=False)
        if start.encoder is not None:
            (photo,) = self._looked_at(self._held_photos[:1])
            codes = start.encoder(torch.cat([descriptions, self._teacher.seen(photo)[0]]))
        else:
            # A style of the same name goes on, a new one begins as the mean of those learnt; the photograph's own is the last.
            learnt = torch.eye(start.stylizer.heads.in_features, device=self.device)
            known, mean = dict(zip(theirs.styles, learnt[:-1], strict=True)), learnt[:-1].mean(0)
            codes = torch.stack([*(known.get(name, mean) for name in ours.styles), learnt[-1]])
        heads.weight.copy_(start.stylizer.style(codes).T)

    def _meant(self, network: Network, numbers: Tensor, paintings: Tensor | None) -> tuple[Tensor, Goal]:
        """γ and β of a batch, and what is to be met, by the numbers of its styles, or by the paintings themselves."""
        if network.encoder is not None:
            assert paintings is not None
            description, goal = self._teacher.seen(paintings)
            return network.stylizer.style(network.encoder(description)), goal
        assert self._table is not None
        code = nn.functional.one_hot(numbers.to(self.device), network.stylizer.heads.in_features).float()
        chosen = [
            self._table.of(number) if number < len(self._paintings) else self._teacher.seen(paintings[place, None])[1]  # type: ignore[index]
            for place, number in enumerate(numbers.tolist())
        ]
        return network.stylizer.style(code), Goal.joined(chosen)

    def _learn(self, drawn: Drawn) -> tuple[dict[str, float], str]:
        """One step of Adam, and the losses before it; none if they or their gradient are not finite."""
        photos = drawn.photo.to(self.device)
        seen = photos if self._table else drawn.painting.to(self.device)
        style, goal = self._meant(self.network, drawn.style, seen)
        # The processor paints pictures one by one as fast as together, and holds less.
        portion = 1 if self.device.type == "cpu" else len(photos)
        parts = (torch.split(each, portion) for each in (photos, style, drawn.colours))
        painted = torch.cat([self._painted(self.network, *part) for part in zip(*parts, strict=True)])
        share = min(1.0, _LEAST ** (1 - self._last.step / _RAMP)) if self._begins else 1.0
        content = drawn.content.to(self.device)
        losses, gradient = self._teacher.objective(content, goal, share).value_and_grad(painted.detach())
        self._optimizer.zero_grad(set_to_none=True)
        painted.backward(gradient)  # type: ignore[no-untyped-call]
        losses = dict(zip(losses, self._agreed(list(losses.values())), strict=True))
        self._share_gradients()
        norm = nn.utils.clip_grad_norm_(self._parameters, _LARGEST_GRADIENT)
        if not math.isfinite(losses[TOTAL]) or not bool(norm.isfinite()):
            self._skipped += 1
            if self._skipped >= _MOST_SKIPPED:
                raise SettingsError(
                    f"The losses of {_MOST_SKIPPED} steps on end were not finite: give a smaller --learning-rate."
                )
            return losses, "skipped, for the losses or their gradient were not finite"
        self._skipped = 0
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate()
        self._optimizer.step()
        follow = max(1 - _AVERAGED, 1 / (1 + self._last.step))
        for name, tensor in self.network.state_dict().items():
            self._average[name].lerp_(tensor, follow)
        return losses, ""

    def _rate(self) -> float:
        """The learning rate after the steps so far."""
        left = 1 - self.progress(self._last)
        return self.course.learning_rate * min(1.0, (self._last.step + 1) / _WARM_UP, left / _COOL_DOWN)

    def _painted(self, network: Network, pixels: Tensor, style: Tensor, colours: Tensor) -> Tensor:
        """Photographs (N, 3, H, W) as the network paints them, moved to the colours (N, 12) of their styles. Differentiable."""
        prepared = pixels.to(self._dtype, memory_format=torch.channels_last)
        painted: Tensor = network.stylizer(prepared, style).float()
        if not self._palette or not bool(painted.isfinite().all()):  # such a step will be skipped
            return painted
        pairs = zip(torch.split(painted, 1), torch.split(colours, 1), strict=True)
        return torch.cat([transfer.towards(picture, wanted, self._palette) for picture, wanted in pairs])

    def _agreed(self, values: list[float]) -> list[float]:
        """The mean over the processes, so that all decide alike."""
        if self._world == 1:
            return values
        # Gloo and NCCL both sum float32.
        shared = torch.tensor(values, device=self.device)
        torch.distributed.all_reduce(shared)
        return (shared / self._world).tolist()

    def _share_gradients(self) -> None:
        """The gradients' mean over the processes: that of the whole batch, as their parts of it are of one size."""
        if self._world == 1:
            return
        gradients = [each.grad for each in self._parameters if each.grad is not None]
        together = torch.cat([each.flatten() for each in gradients])
        torch.distributed.all_reduce(together)
        for gradient, part in zip(gradients, torch.split(together, [each.numel() for each in gradients]), strict=True):
            gradient.copy_((part / self._world).view_as(gradient))


def _held_out(paths: Sequence[Path], seed: int) -> tuple[list[Path], list[Path]]:
    """What is learnt from and what is held out for looking: an eighth and four at the most; of very few, the first is both."""
    count = min(_HELD_OUT, len(paths) // _EIGHTH)
    order = np.random.default_rng(seed).permutation(len(paths)).tolist()
    held = [paths[index] for index in sorted(order[:count])]
    return [paths[index] for index in sorted(order[count:])], held or [paths[0]]


def _some(paths: Sequence[Path]) -> Sequence[Path]:
    return paths[:: 1 + len(paths) // _DESCRIBED]


def _design(kind: Kind, paintings: Sequence[Path], palette: float) -> Design:
    if kind == "any":
        inputs = 2 * sum(encoder.CHANNELS)
        architecture = Architecture(_CONTRACT, _BLOCKS, _EXPAND, _CODES, constant=True)
        return Design(architecture, EncoderShape(inputs, _HIDDEN, _CODES), palette=palette)
    architecture = Architecture(_CONTRACT, _BLOCKS, _EXPAND, len(paintings) + 1)
    colours = tuple(tuple(colours_of(path)[0].tolist()) for path in paintings) if palette else ()
    return Design(architecture, None, tuple(path.stem for path in paintings), palette=palette, colours=colours)


def _middle(path: Path, side: int) -> Tensor:
    """The largest square in the middle of a picture, at ``side`` × ``side``: (1, 3, side, side)."""
    picture = codecs.load(path)
    height, width = picture.size
    square = min(height, width)
    top, left = (height - square) // 2, (width - square) // 2
    return Picture(picture.pixels[:, :, top : top + square, left : left + square]).resized((side, side)).pixels

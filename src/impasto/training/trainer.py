"""The loop that trains a network: draw, paint, be told the gradient, step; yielded step by step.

The painted pictures are held to the very terms of the optimiser, whose gradient with respect to the pixels is propagated on
into the network's weights (Johnson, Alahi and Fei-Fei 2016, section 3). What differs between the kinds is where the style comes from:

- ``single`` and ``multi``: γ and β of N paintings are learnt as a table (Dumoulin, Shlens and Kudlur 2017, section 2);
- ``any``: an encoder predicts them from the painting of each draw (Ghiasi et al. 2017, section 2.2).
"""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
import torch.distributed
from torch import Tensor, nn

from impasto import checkpoint, images, memory
from impasto.devices import DTYPES, choose_device, choose_precision, convolving
from impasto.errors import CheckpointError, SettingsError, SolverError
from impasto.features import Backbone
from impasto.networks.cin import Architecture
from impasto.networks.encoder import EncoderShape
from impasto.networks.network import Design, Network
from impasto.objective import TOTAL
from impasto.settings import Settings
from impasto.training.pictures import STYLE_LENGTH, Drawn, Draws, batches, pictures_of
from impasto.training.teacher import Targets, Teacher

Kind = Literal["single", "multi", "any"]


@dataclass(frozen=True)
class Course:
    """How long, and in what portions."""

    steps: int | None = None
    minutes: float | None = None
    batch: int = 4
    crop: int = 256
    learning_rate: float = 1e-3
    workers: int = 1
    width: tuple[int, int, int] = (32, 64, 128)
    blocks: int = 5
    expand: tuple[int, int] = (32, 16)


@dataclass(frozen=True)
class TrainStep:
    """The state after a step: every loss by name, of its batch."""

    step: int
    losses: dict[str, float]
    learning_rate: float
    elapsed: float
    event: str = ""


class Training:
    def __init__(self, kind: Kind, photos: Path, styles: Path, settings: Settings, course: Course) -> None:
        self.kind, self.settings, self.course = kind, settings, course
        self.device = choose_device(settings.device)
        self.precision = choose_precision(settings.precision, self.device)
        self._dtype = DTYPES[self.precision]
        self._photos = pictures_of(photos, "photographs", course.crop)
        self._paintings = pictures_of(styles, "paintings", 64)
        backbone = Backbone.pretrained(pooling=settings.pooling, padding=settings.padding, dtype=self._dtype, device=self.device)
        self._teacher = Teacher(backbone, settings)
        torch.manual_seed(settings.seed)
        any_style = kind == "any"
        codes = 64 if any_style else len(self._paintings)
        architecture = Architecture(course.width, course.blocks, course.expand, codes, constant=any_style)
        encoder = EncoderShape(2944, 128, codes) if any_style else None
        names = () if any_style else tuple(path.stem for path in self._paintings)
        self.network = Network(Design(architecture, encoder, names)).to(self.device)
        _begin(self.network)
        self._table: Targets | None = None
        with memory.kept(), convolving(self.precision):
            if any_style:
                self._standardise()
            else:
                self._table = self._remembered()
        self.average = {name: tensor.clone() for name, tensor in self.network.state_dict().items()}
        self._parameters = list(self.network.parameters())
        self._optimizer = torch.optim.Adam(self._parameters, lr=course.learning_rate)
        self._step = 0
        self.elapsed = 0.0
        self._skipped = 0

    def _remembered(self) -> Targets:
        found = []
        for path in self._paintings:
            picture = images.load(path).fitted(STYLE_LENGTH)
            found.append(self._teacher.remembered(picture.pixels.to(self.device)))
        return {layer: tuple(torch.cat(each) for each in zip(*(t[layer] for t in found), strict=True)) for layer in found[0]}

    def _standardise(self) -> None:
        described = []
        for path in self._paintings:
            picture = images.load(path).fitted(STYLE_LENGTH)
            described.append(self._teacher.seen(picture.pixels.to(self.device))[0])
        assert self.network.encoder is not None
        self.network.encoder.standardise(torch.cat(described))

    def _held(self, drawn: Drawn) -> tuple[Tensor, Targets]:
        """γ and β for a batch, and what is to be met."""
        network = self.network
        if self._table is None:
            description, targets = self._teacher.seen(drawn.painting.to(self.device))
            assert network.encoder is not None
            return network.stylizer.style(network.encoder(description)), targets
        index = drawn.style.to(self.device)
        code = nn.functional.one_hot(index, len(self._paintings)).float()
        targets = {layer: tuple(entry[index] for entry in stat) for layer, stat in self._table.items()}
        return network.stylizer.style(code), targets

    def steps(self) -> Iterator[TrainStep]:
        course = self.course
        draws = Draws(self._photos, self._paintings, course.crop, self.settings.seed, any_style=self.kind == "any")
        source = batches(draws, self._step, course.batch, workers=course.workers)
        began = time.perf_counter() - self.elapsed
        with memory.kept(), convolving(self.precision):
            for drawn in source:
                if course.steps is not None and self._step >= course.steps:
                    break
                losses, event = self._learn(drawn)
                self._step += 1
                self.elapsed = time.perf_counter() - began
                yield TrainStep(self._step, losses, self._rate(), self.elapsed, event)
                if course.minutes is not None and self.elapsed >= 60 * course.minutes:
                    break

    def _learn(self, drawn: Drawn) -> tuple[dict[str, float], str]:
        photos = drawn.photo.to(self.device)
        style, targets = self._held(drawn)
        singly = 1 if self.device.type == "cpu" else len(photos)
        painted = [
            self.network.stylizer(photo.to(self._dtype, memory_format=torch.channels_last), each).float()
            for photo, each in zip(photos.split(singly), style.split(singly), strict=True)
        ]
        pixels = torch.cat(painted)
        losses, gradient = self._teacher.objective(photos, targets, self._ramp()).value_and_grad(pixels.detach())
        self._optimizer.zero_grad(set_to_none=True)
        pixels.backward(gradient)
        norm = nn.utils.clip_grad_norm_(self._parameters, 1.0)
        losses["norm"]=float(norm)
        if not math.isfinite(losses[TOTAL]) or not bool(norm.isfinite()):
            self._skipped += 1
            return losses, "skipped"
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate()
        self._optimizer.step()
        share = max(1 - 0.999, 1 / (1 + self._step))
        for name, tensor in self.network.state_dict().items():
            self.average[name].lerp_(tensor, share)
        return losses, ""

    def _ramp(self) -> float:
        return min(1.0, 0.01 * 100 ** (self._step / 300))

    def _rate(self) -> float:
        warm, hold = 50, 2000
        return self.course.learning_rate * min(1, (self._step + 1) / warm, (hold / (self._step + 1)) ** 0.5)


def _begin(network: Network) -> None:
    """γ = 1 and β = 0 for every style, or nearly so."""
    heads = network.stylizer.heads
    gammas = heads.out_features // 2
    with torch.no_grad():
        if heads.bias is not None:
            heads.weight.normal_(0, 0.01)
            heads.bias[:gammas], heads.bias[gammas:] = 1, 0
        else:
            heads.weight[:gammas], heads.weight[gammas:] = 1, 0

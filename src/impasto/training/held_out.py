"""Pictures that are not trained on: how well a network paints them, in numbers and on a sheet."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from impasto.colour import transfer
from impasto.losses.objective import TOTAL
from impasto.networks.contract import Network
from impasto.networks.encoder import STYLE_LENGTH
from impasto.pictures import codecs
from impasto.pictures.picture import Picture
from impasto.pictures.sheet import contact_sheet
from impasto.training import motion
from impasto.training.pictures import loaded, of_one_colour
from impasto.training.teacher import Teacher

_HELD_OUT, _EIGHTH = 4, 8
_SHOWN, _SHEET_SIZE = 4, 320
_FAINT = 0.1
"""Of the spread that there should be: less is as good as nothing. What untrained networks paint has nine
tenths of the photograph's, and differs between photographs by more than it varies within one."""


def parted(paths: Sequence[Path], seed: int) -> tuple[list[Path], list[Path]]:
    """What is learnt from and what is held out for looking, which can be read: an eighth and four at the
    most; of very few, the first is both. Raises ImageError where none can be read.
    """
    count = min(_HELD_OUT, len(paths) // _EIGHTH)
    order = np.random.default_rng(seed).permutation(len(paths)).tolist()
    held = {path for path, _ in itertools.islice(loaded(paths[index] for index in order), count)}
    looked_at = [path for path in paths if path in held] or [path for path, _ in itertools.islice(loaded(paths), 1)]
    if not looked_at:
        codecs.load(paths[0])  # which says why not
    return [path for path in paths if path not in held], looked_at


def middle(picture: Picture, side: int) -> Tensor:
    """The largest square in the middle of a picture, at ``side`` × ``side``: (1, 3, side, side)."""
    height, width = picture.size
    square = min(height, width)
    top, left = (height - square) // 2, (width - square) // 2
    return Picture(picture.pixels[:, :, top : top + square, left : left + square]).resized((side, side)).pixels


def _lost(photos: Sequence[Tensor], painted: Sequence[Tensor], painting: Tensor) -> str:
    """Why two photographs (1, 3, H, W) are not to be seen any more in what a network has painted of them;
    nothing if they are. The pictures are flat, or are one picture, where the photographs are neither.
    """
    if not all(bool(each.isfinite().all()) for each in painted):
        return "what it paints is not finite"
    if of_one_colour(photos[0]):
        return ""
    spread = _spread(painted[0])
    if of_one_colour(painted[0]) or spread < _FAINT * min(_spread(photos[0]), _spread(painting)):
        return "all that it paints is of one colour, or nearly so"
    if (
        _spread(photos[0] - photos[1]) > _FAINT * _spread(photos[0])
        and _spread(painted[0] - painted[1]) < _FAINT * spread
    ):
        return "it paints the same picture of every photograph"
    return ""


def _spread(pixels: Tensor) -> float:
    """The standard deviation within the channels of a picture (1, 3, H, W)."""
    return pixels.var((2, 3)).mean().sqrt().item()


@dataclass(frozen=True)
class HeldOut:
    """Photographs that are held out, and paintings, of which the first few are looked at: of a table, those
    it learns.
    """

    photos: Sequence[Path]
    paintings: Sequence[Path]
    teacher: Teacher
    palette: float
    """`Settings.palette`."""
    steady: float
    """`Course.steady`."""

    def losses(self, network: Network, crop: int) -> dict[str, float]:
        """The mean losses by name, on squares of ``crop`` from the middle of the pictures."""
        found: list[dict[str, float]] = []
        random = np.random.default_rng(0)  # the same motions at every look
        for photo_path in self.photos:
            photo = middle(codecs.load(photo_path), crop).to(self.teacher.device)
            for number, painting_path in enumerate(self.paintings[:_SHOWN]):
                painting = middle(codecs.load(painting_path), crop).to(self.teacher.device)
                style, goal = self.teacher.meant(network, torch.tensor([number]), painting)
                colours = transfer.of(painting)
                painted = self.teacher.painted(network, photo, style, colours)
                content = transfer.towards(photo, colours, self.palette)
                losses = self.teacher.objective(content, goal, painting).value_and_grad(painted)[0]
                if self.steady:
                    seen = motion.seen_anew(photo.cpu(), random)
                    unsteady = self.teacher.unsteadiness(network, painted, seen, style, colours)
                    losses = motion.joined(losses, unsteady.item(), self.steady)
                found.append(losses)
        return {name: math.fsum(each[name] for each in found) / len(found) for name in found[0]}

    def judged(self, network: Network, crop: int, most: float) -> tuple[float, str]:
        """The loss of one photograph in one style, and what is amiss with it or with what is painted in the
        first styles; nothing if all is well. The loss is to be ``most`` at the most.
        """
        if not all(bool(each.half().isfinite().all()) for each in network.state_dict().values()):  # as in its file
            return math.inf, "its weights are not finite"
        photo, *others = (middle(codecs.load(path), crop).to(self.teacher.device) for path in self.photos[:2])
        another = others[0] if others else photo.flip(2, 3)
        for number in reversed(range(len(self.paintings[:_SHOWN]))):
            painting = middle(codecs.load(self.paintings[number]), crop).to(self.teacher.device)
            style, goal = self.teacher.meant(network, torch.tensor([number]), painting)
            with torch.no_grad():
                painted = [network.stylizer(each, style) for each in (photo, another)]
            if amiss := _lost((photo, another), painted, painting):
                return math.inf, amiss
        colours = transfer.of(painting)
        with torch.no_grad():
            shown = self.teacher.painted(network, photo, style, colours)
        content = transfer.towards(photo, colours, self.palette)
        loss = self.teacher.objective(content, goal, painting).value_and_grad(shown)[0][TOTAL]
        well = math.isfinite(loss) and loss <= most
        return loss, "" if well else f"its loss is {loss:.3g}, where {most:.3g} would be far too much"

    @torch.no_grad()
    def sheet(self, network: Network) -> Image.Image:
        """The photographs, painted in some of the styles."""
        styles: list[tuple[Picture, Tensor, Tensor]] = []
        for number, path in enumerate(self.paintings[:_SHOWN]):
            painting = codecs.load(path).fitted(STYLE_LENGTH)
            seen = painting.pixels.to(self.teacher.device)
            style, _ = self.teacher.meant(network, torch.tensor([number]), seen)
            styles.append((painting, style, transfer.of(seen)))
        names = network.design.styles or [str(number) for number in range(1, len(styles) + 1)]
        shown = [(name, painting.image()) for name, (painting, *_) in zip(names, styles, strict=False)]
        rows = [[("", Image.new("RGB", (1, 1), "white")), *shown]]
        for path in self.photos:
            photo = codecs.load(path).fitted(_SHEET_SIZE)
            pixels = photo.pixels.to(self.teacher.device)
            painted = [Picture(self.teacher.painted(network, pixels, *style).cpu()) for _, *style in styles]
            shown = [(name, each.image()) for name, each in zip(names, painted, strict=False)]
            rows.append([("photograph", photo.image()), *shown])
        return contact_sheet(rows, cell=(_SHEET_SIZE, _SHEET_SIZE))

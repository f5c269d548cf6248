"""What of a picture is known already, as of a frame of a film from those before: it is held to that.

    weight · mean over all positions of trust · (pixels − known)²

(Ruder, Dosovitskiy and Brox 2016, equation 7, with the trust of the flow as its occlusion weights, and the
mean over the three colours as well.)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from impasto.losses.content import ContentLoss
from impasto.losses.term import Term
from impasto.pictures.picture import Size, resize


@dataclass(frozen=True)
class Held:
    """Pixels (1, 3, H, W) in [0, 1], how far each is to be trusted (1, 1, H, W) in [0, 1], and the weight of
    the term.
    """

    pixels: Tensor
    trust: Tensor
    weight: float


def terms(held: Sequence[Held], size: Size, device: torch.device) -> Iterator[Term]:
    """A term for each, at a scale."""
    loss = ContentLoss(relative=False)
    for each in held:
        trust = resize(each.trust, size).clamp(0, 1)
        area = trust.mean().item()
        if each.weight * area > 0:
            known = resize(each.pixels, size).to(device)
            counts = (trust / trust.sum()).to(device)
            targets = {"pixels": loss.target(known, counts)}
            yield Term("steady", loss, each.weight * area, {"pixels": 1.0}, targets, {"pixels": counts})

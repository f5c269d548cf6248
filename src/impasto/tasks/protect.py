"""Protection: parts of the photograph whose drawing is kept, however the rest is painted.

It is a content term of the layers that hold lines and small forms, counted by a mask. Its weight is in
proportion to what the style would gain by painting the photograph over, so that an amount means the same for
every recipe, strength and style loss.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from impasto.backbones.features import Backbone
from impasto.errors import ImageError
from impasto.losses.content import ContentLoss
from impasto.losses.objective import TOTAL, TermObjective, remember
from impasto.losses.term import Term
from impasto.masks import naming, regions
from impasto.pictures.picture import Picture, Size

log = logging.getLogger("impasto")

LAYERS = {"relu3_1": 1.0, "relu4_1": 1.0}
"""Those that hold the form of eyes, mouths and letters; earlier ones would keep the skin as smooth as it was
photographed."""

_MOST = 1.6
"""What an amount of 1 weighs, over what the style would gain. From looking: at 0.1 eyes lose their form, from
2 on a face is as photographed and the rest needs more steps."""


def protected(
    amounts: Mapping[str, float], own: Picture, wanted: int | Size, level: int = logging.WARNING
) -> Tensor | None:
    """How strongly every pixel is protected (1, 1, H, W), from 0 to 1, for the setting ``protect``; None for
    none.

    ``own`` is the photograph as it is given, ``wanted`` the size it is brought to. Where masks overlap the
    stronger one counts; faces, or people, of which there are none need no protection, and are told with
    ``level``. Raises ImageError for a mask that cannot be used, and as `naming.sought`.
    """
    weights = []
    for name, amount in amounts.items():
        if amount > 0:
            mask = naming.sought(name, own)
            if mask is None:
                log.log(level, "No %s were found in the content picture: none are protected.", name)
                continue
            white = regions.white(mask, own.size, wanted, f"mask {name}")
            if white.max() < 1e-3:
                raise ImageError(f"The mask {name} is black all over: paint white what shall be protected.")
            weights.append(white * amount**2)
    return torch.stack(weights).amax(0) if weights else None


def protects(amounts: Mapping[str, float], own: Picture) -> bool:
    """Whether `protected` gives anything: known before it takes memory. Raises as that does."""
    return any(amount > 0 and naming.sought(name, own) is not None for name, amount in amounts.items())


def term(
    weight: Tensor,
    photo: Picture,
    others: Sequence[Term],
    backbone: Backbone,
    tile: int | None,
    *,
    layers: Mapping[str, float] = LAYERS,
    cut: str = "",
) -> Iterator[Term]:
    """The term that keeps the features of ``photo`` in some ``layers`` by a ``weight`` of its
    pixels (1, 1, H, W) against the ``others``, which paint.

    There is none where they have nothing to gain, or where the scale is so coarse that hardly a pixel is
    protected.
    """
    visible = torch.ones_like(weight) if photo.alpha is None else photo.alpha
    weight = weight * visible
    with torch.enable_grad():
        gain = TermObjective(backbone, others, tile, cut).value_and_grad(photo.pixels.to(backbone.device))[0][TOTAL]
    if gain > 0 and weight.sum() > 1:
        loss, where = ContentLoss(), regions.counts(weight / weight.max(), layers, backbone)
        target = remember(backbone, loss, photo.pixels.to(backbone.device), layers, tile=tile, where=where)
        share = (weight.mean() / visible.mean()).item()
        yield Term.towards("protect", loss, _MOST * gain * share, layers, [(target, 1.0)], where=where)

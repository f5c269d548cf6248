"""The terms of settings, put together once: the optimiser's objective and the teacher of networks are made of
the same.
"""

from collections.abc import Iterator

from impasto.losses.content import TotalVariationLoss
from impasto.losses.style import CALIBRATION, STYLE_LOSSES
from impasto.losses.term import Loss, Term
from impasto.settings.fields import Settings


def style(settings: Settings) -> tuple[Loss, float]:
    """The style loss, and its weight: calibrated where it is relative, so that one loss takes another's place
    at the same weight.
    """
    relative = settings.normalization == "relative"
    return STYLE_LOSSES[settings.style_loss](relative), settings.style_weight * (
        CALIBRATION[settings.style_loss] if relative else 1
    )


def smoothness(settings: Settings) -> Iterator[Term]:
    """Total variation of the pixels, where it counts."""
    if settings.tv_weight > 0:
        yield Term("tv", TotalVariationLoss(settings.tv_norm), settings.tv_weight, {"pixels": 1.0}, {"pixels": ()})

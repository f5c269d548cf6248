"""The course of a training: its budget, whichever ends first, its portions, and the learning rate over it."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from impasto.errors import SettingsError

Kind = Literal["single", "multi", "any"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_WARM_UP, _COOL_DOWN = 50, 0.4
"""Steps in which the learning rate rises, and the last share of the budget, in which it falls to nothing
(Hägele et al. 2024)."""
_LEAST = {"steps": 1, "minutes": 0, "batch": 1, "crop": 64, "workers": 0, "validate_every": 1, "steady": 0}


@dataclass(frozen=True)
class Course:
    """How a training goes: its budget, whichever ends first, and its portions. Raises SettingsError.

    ``crop``: side of the squares that are learnt from, in pixels. ``workers``: processes that decode and crop
    pictures. ``validate_every``: steps from one look at the pictures held out to the next. ``steady``: the
    weight of keeping still for films (`motion.unsteadiness`); 0 for none.
    """

    steps: int | None = None
    minutes: float | None = None
    batch: int = 4
    crop: int = 256
    learning_rate: float = 1e-3
    workers: int = 1
    validate_every: int = 500
    steady: float = 0.0

    def __post_init__(self) -> None:
        if self.steps is None and self.minutes is None:
            raise SettingsError("A training needs a budget: give `steps` or `minutes`.")
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is not None and not least <= value < math.inf:
                raise SettingsError(f"`{name}` must be at least {least}, not {value}.")
        if self.minutes == 0:
            raise SettingsError("`minutes` must be above 0: in none nothing is learnt.")
        if not 0 < self.learning_rate <= 1:
            raise SettingsError(f"`learning_rate` must be above 0 and at most 1, not {self.learning_rate}.")

    def spent(self, steps: int, seconds: float) -> float:
        """The share of the budget that is spent after so many steps and seconds; above 1 when it is
        overdrawn.

        >>> Course(steps=10, minutes=1).spent(2, 30)
        0.5
        """
        shares = [0.0]
        if self.steps is not None:
            shares.append(steps / self.steps)
        if self.minutes is not None:
            shares.append(seconds / 60 / self.minutes)
        return max(shares)

    def rate(self, steps: int, seconds: float) -> float:
        """The learning rate after so many steps and seconds."""
        left = 1 - self.spent(steps, seconds)
        return self.learning_rate * min(1.0, (steps + 1) / _WARM_UP, left / _COOL_DOWN)

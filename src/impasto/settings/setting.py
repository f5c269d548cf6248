"""How a setting is declared: its value, what it is, and what it applies to."""

from dataclasses import field
from typing import Any

WAYS = ("iterative", "refine", "fast", "texture", "reconstruct", "train", "video", "optimised-video")
"""The ways in which settings are used: the methods of `stylize`, the other tasks, training, and moving
pictures, by a network or by the optimiser."""

STYLIZE = WAYS[:3]
BATCH = (*STYLIZE, "video", "optimised-video")
"""The ways of what may be one of many."""

EVERY = " ".join(WAYS)
OPTIMISED = "iterative optimised-video refine texture reconstruct"
PAINTED = "iterative optimised-video refine texture"

INPUTS = ("regions",)
"""What is no setting, and yet some settings need it."""

LOOK, RUN = "Look", "Run"
"""The two groups of settings: what the picture looks like, and how it is computed."""


def setting(
    default: Any,
    help: str,
    group: str = LOOK,
    *,
    of: str,
    needs: str = "",
    least: float | None = None,
    most: float | None = None,
    repeats: str | None = None,
    machines: bool = False,
) -> Any:
    """A dataclass field with its help text, its group, and the bounds, inclusive, of its value.

    ``of`` are the `WAYS` in which it has an effect. There it ``needs`` something of other settings, and after
    every comma something more: ``optimizer=adam`` that value, ``scales!=single`` any other, ``tv_weight``
    that it is above 0. A way or one of `INPUTS` may stand for a setting, and "or" between two of which one is
    enough.
    ``repeats`` is what each of the values is like, of an option that may be given again for another.
    ``machines`` are settings that fit a run to a machine: what is made differs by rounding at most.
    """
    described = {"help": help, "group": group, "least": least, "most": most, "repeats": repeats, "machines": machines}
    wanted = [need.split(" or ") for need in needs.split(", ") if need]
    return field(default=default, metadata=described | {"of": of.split(), "needs": wanted})

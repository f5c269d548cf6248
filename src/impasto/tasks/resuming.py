"""What of a checkpoint a run goes on from, once it is known to be of this run, and whole."""

import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impasto._version import __version__
from impasto.errors import CheckpointError, briefly
from impasto.losses.sections import CUTS
from impasto.machine.checkpoint import State
from impasto.solver.resuming import check_state
from impasto.solver.solve import Stage
from impasto.tasks.budget import Fit

log = logging.getLogger("impasto")


@dataclass(frozen=True)
class Taken:
    """The parts of a checkpoint, as `tasks.run.Run` keeps them."""

    memory: Any
    """The setting by which ``fit`` was found."""
    fit: Fit
    solver: State
    told: tuple[dict[str, float], list[str], list[float], list[int]]
    """The first losses, the events, the seconds in the last scale, and the iterations gone on from."""


def taken_up(path: Path, state: State, own: State, schedule: Sequence[Stage], *, exact: bool = False) -> Taken:
    """The parts of a loaded checkpoint, for a run that is known by ``own``. Raises CheckpointError where it
    is of another run, or makes no sense.

    One by another version of Impasto is taken up with a warning, unless it is to be ``exact``.
    """
    try:
        made = state["made"]
        if made["task"] != own["task"]:
            raise _another(path, "another task")
        for name, value in own["settings"].items():
            # A setting that it does not tell of is younger than it, and is as if it were not there.
            theirs = made["settings"].get(name, value)
            if theirs != value:
                raise CheckpointError(
                    f"The checkpoint {path} is of a run with `{name}` {briefly(theirs)}, not {value}: "
                    "ask for the same, or leave out `resume`."
                )
        if (made["scales"], made["pictures"]) != (own["scales"], own["pictures"]):
            raise _another(path, "other pictures")
        check_state(state["solver"], schedule)
        first, events, seconds, resumed = state["told"]
        fit = Fit(**state["fit"])
        if (
            [type(each) for each in (events, seconds, resumed)] != [list] * 3
            or not first.keys() <= state["solver"]["descent"]["losses"].keys()
            or not (_numbers([*first.values(), *seconds], float) and _numbers(resumed) and min(resumed) >= 0)
            or not (all(type(each) is str for each in events) and _makes_sense(fit))
        ):
            raise ValueError("what it tells of the run cannot be read")
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise CheckpointError(
            f"{path} is no checkpoint of a picture ({briefly(error)}): leave out `resume`, or name the output that was cut off."
        ) from error
    if made.get("impasto") != __version__:
        if exact:
            raise _another(path, "another version of Impasto")
        log.warning(
            "%s was written by Impasto %s, and %s goes on with it: the picture will be another in small things.",
            path, briefly(made.get("impasto")), __version__,
        )  # fmt: skip
    return Taken(state["memory"], fit, state["solver"], (first, events, seconds, resumed))


def _makes_sense(fit: Fit) -> bool:
    """Whether a plan could be one of `budget`."""
    sides = [] if fit.tile is None else [fit.tile]
    right = _numbers([*sides, fit.history, fit.bytes, fit.kept]) and _numbers([fit.slower], float)
    return right and min(*sides, fit.history, fit.slower) > 0 and 0 <= fit.kept <= fit.bytes and fit.cut in CUTS


def _numbers(found: Iterable[Any], *kinds: type) -> bool:
    """Whether all are whole numbers, or finite ones of other ``kinds``."""
    return all(type(each) in (int, *kinds) and math.isfinite(each) for each in found)


def _another(path: Path, what: str) -> CheckpointError:
    return CheckpointError(f"The checkpoint {path} is of {what}: give it the same, or leave out `resume`.")

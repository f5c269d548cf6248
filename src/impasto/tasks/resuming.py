"""What of a checkpoint a run goes on from, once it is known to be of this run, and whole."""

import logging
from collections.abc import Sequence
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
        kinds = [type(each) for each in (first, events, seconds, resumed, fit.history, *resumed[-1:])]
        if (
            kinds != [dict, list, list, list, int, int]
            or type(fit.tile) not in (int, type(None))
            or fit.cut not in CUTS
        ):
            raise ValueError("what it tells of the run cannot be read")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
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


def _another(path: Path, what: str) -> CheckpointError:
    return CheckpointError(f"The checkpoint {path} is of {what}: give it the same, or leave out `resume`.")

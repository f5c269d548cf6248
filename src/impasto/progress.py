"""Progress: the one thing that every long work tells of itself, to whoever shows, logs or sends it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Progress:
    """How far a work is.

    ``done`` is the share of it that is done, from 0 to 1, counted in work and not in steps, and ``text`` what
    to say of that. ``event`` says in a few words what happened just now that is worth a line for itself, and
    is empty otherwise. ``iteration`` and ``losses`` (every term's unweighted value, and their weighted
    ``total``) are told where there are any. ``seconds_left`` is an estimate, None as long as there is none.
    ``width`` and ``height`` are those of the scale that is worked at, 0 where there are no scales.
    ``counts`` are what has been counted so far, and the seconds that were taken for it, by name.

    >>> Progress(0.5, "tile 1/2").dictionary()["done"]
    0.5
    """

    done: float
    text: str = ""
    event: str = ""
    iteration: int = 0
    losses: Mapping[str, float] = field(default_factory=dict)
    seconds_left: float | None = None
    width: int = 0
    height: int = 0
    counts: Mapping[str, float] = field(default_factory=dict)

    def dictionary(self) -> dict[str, Any]:
        """As plain values for JSON; ``Progress(**dictionary)`` is the same again."""
        return asdict(self) | {"losses": dict(self.losses), "counts": dict(self.counts)}

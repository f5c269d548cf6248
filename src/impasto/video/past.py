"""What the frames of a shot are held to: the frame before, and an older one, the anchor."""

from typing import Any, Generic, NamedTuple, TypeVar

import torch

EVERY = 8
"""Every eighth frame of a shot is the anchor of the following ones. Measured: docs/video.md."""

Kept = TypeVar("Kept", bound=NamedTuple)


class Past(Generic[Kept]):
    """The frames of a shot, one after the other, of which two are kept."""

    def __init__(self, kind: type[Kept], state: dict[str, Any] | None = None) -> None:
        """What is kept of a frame is a ``kind``, a named tuple of arrays. ``state`` is one of `state`'s."""
        self._count: int = state["count"] if state else 0
        kept = state["kept"] if state else []
        self.kept: list[Kept] = [kind(*(each.numpy() for each in frame)) for frame in kept]
        """The frame before and the anchor; of the first frame of a shot, none."""

    def begin(self) -> None:
        """A shot begins."""
        self._count, self.kept = 0, []

    def keep(self, frame: Kept) -> None:
        """One more frame of the shot."""
        self.kept = [frame, frame if self._count % EVERY == 0 else self.kept[-1]]
        self._count += 1

    def state(self) -> dict[str, Any]:
        """What `Past` goes on from."""
        return {"count": self._count, "kept": [[torch.from_numpy(each) for each in frame] for frame in self.kept]}

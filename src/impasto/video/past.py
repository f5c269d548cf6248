"""What the frames of a shot are held to: the frame before, and an older one, the anchor."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from impasto.video import flow
from impasto.video.colour import Floats
from impasto.video.flow import Flow, Ways
from impasto.video.framing import scaled
from impasto.video.geometry import Size

EVERY = 8
"""Every eighth frame of a shot is the anchor of the following ones. Measured: docs/video.md."""

_OTHER = 0.3
"""The share of another region at which a place is mostly that one's."""

Kept = TypeVar("Kept", bound=tuple[NDArray[Any], ...])


@dataclass(frozen=True)
class Seen:
    """A frame of the clip: as `flow.grey` sees it, and which of the film's regions every pixel is of, (H, W),
    counted from 1, between two at soft edges.
    """

    grey: NDArray[np.uint8]
    region: Floats

    @classmethod
    def of(cls, pixels: Floats, shares: Sequence[Floats], size: Size) -> "Seen":
        """A frame with its regions' shares, for pictures of a size."""
        region = np.zeros(size, np.float32)
        for number, share in enumerate(shares, 1):
            region += number * scaled(share, size)
        return cls(flow.grey(pixels), region)


class Past(Generic[Kept]):
    """The frames of a shot, one after the other, of which two are kept."""

    def __init__(self, kind: Callable[..., Kept], state: dict[str, Any] | None = None) -> None:
        """What is kept of a frame is a ``kind``, a named tuple of arrays. ``state`` is one of `state`'s."""
        self._count: int = state["count"] if state else 0  # of frames since the anchor
        self._seen = [Seen(*_arrays(frame)) for frame in state["seen"]] if state else []
        self.kept: list[Kept] = [kind(*_arrays(frame)) for frame in state["kept"]] if state else []
        """Of the frame before, and of the anchor; of the first frame of a shot, nothing."""
        self._ways: Ways | None = Ways(*_arrays(state["ways"])) if state and state["ways"] else None
        """From the frame last seen to the anchor, unless the frame before is the anchor."""

    def begin(self) -> None:
        """A shot begins."""
        self._count, self._seen, self.kept, self._ways = 0, [], [], None

    @property
    def before(self) -> Seen:
        """The frame before."""
        return self._seen[0]

    def flows(self, seen: Seen, guess: Ways | None = None) -> tuple[Flow, Flow]:
        """From the shot's next frame to the frame before, near a ``guess``, and to the anchor. What has come
        to another region since is not to be trusted, for it has another style.
        """
        before, anchor = self._seen
        near = far = flow.ways(seen.grey, before.grey, guess)
        if self._ways:
            far = flow.ways(seen.grey, anchor.grey, near.after(self._ways))
        self._next = far
        to_before = trusted(seen, before, near)
        return to_before, to_before if far is near else trusted(seen, anchor, far)

    def keep(self, seen: Seen, frame: Kept, step: int = 1) -> None:
        """The shot's next frame, so many after the one before, of which `flows` has been asked, unless it is
        the first.
        """
        self._count += step
        is_anchor = not self.kept or self._count >= EVERY
        if is_anchor:
            self._count = 0
        self._ways = None if is_anchor else self._next
        self._seen = [seen, seen if is_anchor else self._seen[-1]]
        self.kept = [frame, frame if is_anchor else self.kept[-1]]

    def state(self) -> dict[str, Any]:
        """What `Past` goes on from."""
        ways = [self._ways.there, self._ways.back] if self._ways else []
        kept = [_tensors(frame) for frame in self.kept]
        return {
            "count": self._count,
            "seen": [_tensors((each.grey, each.region)) for each in self._seen],
            "kept": kept,
            "ways": _tensors(ways),
        }


def trusted(now: Seen, earlier: Seen, ways: Ways) -> Flow:
    """The flow between two frames, and how far it is to be trusted, also of what has changed its region."""
    size = (now.region.shape[0], now.region.shape[1])
    found = flow.between(now.grey, earlier.grey, ways, size)
    if not (now.region.any() or earlier.region.any()):
        return found
    other = found.warped(earlier.region, cv2.INTER_LINEAR) - now.region
    return replace(found, trust=found.trust * np.exp(-((other / _OTHER) ** 2)))


def _tensors(arrays: Iterable[NDArray[Any]]) -> list[Tensor]:
    return [torch.from_numpy(each) for each in arrays]


def _arrays(tensors: Iterable[Tensor]) -> list[NDArray[Any]]:
    return [each.numpy() for each in tensors]

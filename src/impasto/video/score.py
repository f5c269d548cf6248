"""How steady a film is, and what that has cost.

Everything is asked of what is on the screen, frame by frame, where the *clip's* own flow says what went
where: `flow.between` of the clip, never of the film, which might move by itself.
"""

import functools
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from impasto.errors import VideoError
from impasto.machine.files import at_home
from impasto.pictures import codecs
from impasto.video import flow, framing
from impasto.video.clip import Clip
from impasto.video.colour import Floats
from impasto.video.folder import Folder
from impasto.video.shots import Cuts
from impasto.video.source import Source

_APART, _MOST = 24, 4
"""Frames from one that is compared with a painting to the next at least, and how many there are at most."""
NEAR, FAR = 1, 8
"""Frames from one to the other over which a film is compared with itself."""


class _Flows:
    """The clip's flows, frame by frame of a shot."""

    def __init__(self) -> None:
        self._seen: deque[NDArray[np.uint8]] = deque(maxlen=FAR)
        self._steps: deque[flow.Ways] = deque(maxlen=FAR)

    def of(self, frame: Floats, *, begins: bool) -> dict[int, flow.Flow]:
        """From one more frame to those of its shot that are so many before. ``begins``: it is the first."""
        if begins:
            self._seen.clear()
            self._steps.clear()
        grey, found = flow.grey(frame), dict[int, flow.Flow]()
        if self._seen:
            self._steps.append(flow.ways(grey, self._seen[-1]))
        for distance in (NEAR, FAR):
            if len(self._seen) >= distance:
                ways = functools.reduce(flow.Ways.after, [*self._steps][: -distance - 1 : -1])
                if distance > 1:
                    ways = flow.ways(grey, self._seen[-distance], ways)
                found[distance] = flow.between(grey, self._seen[-distance], ways, (frame.shape[0], frame.shape[1]))
        self._seen.append(grey)
        return found


class _Measures:
    """Sums over the frames of one film."""

    def __init__(self) -> None:
        self.errors: dict[int, list[float]] = {NEAR: [], FAR: []}
        self.bright: list[float] = []
        self.fine: list[float] = []
        self.past: deque[Floats] = deque(maxlen=FAR)

    def take(self, frame: Floats, flows: dict[int, flow.Flow]) -> None:
        """One more frame, with the clip's flows to earlier ones."""
        for distance, found in flows.items():
            off = ((found.warped(self.past[-distance]) - frame) ** 2).mean(-1)
            if (trusted := float(found.trust.sum())) > 0:
                self.errors[distance].append(float((off * found.trust).sum()) / trusted)
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        self.bright.append(float(grey.mean()))
        self.fine.append(float(((grey - cv2.GaussianBlur(grey, (0, 0), 1)) ** 2).mean()))
        self.past.append(frame)

    def told(self) -> dict[str, float]:
        """Warping errors are roots of mean squares, of the whole range; the drift of brightness is from the
        first tenth of the film to the last.
        """
        errors = {
            f"warping_{distance}": float(np.sqrt(np.mean(each))) if each else 0.0
            for distance, each in self.errors.items()
        }
        part = max(1, len(self.bright) // 10)
        drift = float(np.mean(self.bright[-part:]) - np.mean(self.bright[:part]))
        return errors | {"brightness_drift": drift, "fine_energy": float(np.mean(self.fine))}


def score_video(
    clip: str | Path, film: str | Path, against: str | Path | None = None, style: str | Path | None = None
) -> dict[str, Any]:
    """Warping errors at two distances, drift of brightness and energy of what is fine, of the ``film`` that
    was painted of a ``clip``, of the clip itself, and of another film, ``against``, that was painted frame by
    frame, say; to the latter, ratios. With a ``style`` the distance to it on held-out
    layers (`judge.scores`), of a frame in 24, four at the most.

    All are compared at the film's size. Raises VideoError and ImageError.
    """
    sources = {"clip": _source(clip), "film": _source(film)} | ({"against": _source(against)} if against else {})
    size = sources["film"].facts.size
    measures = {name: _Measures() for name in sources}
    cuts, flows = Cuts(), _Flows()
    counted = len(sources["film"].facts.times)
    looked_at = range(0, counted, max(_APART, -(-counted // _MOST))) if style is not None else range(0)
    count, glances = 0, dict[str, list[Floats]]()
    for frames in _together(sources):
        fitted = {name: framing.fitted(frame, size) for name, frame in frames.items()}
        found = flows.of(fitted["clip"], begins=cuts.is_cut(fitted["clip"]))
        for name, frame in fitted.items():
            measures[name].take(np.ascontiguousarray(frame), found)
            if count in looked_at:
                glances.setdefault(name, []).append(frame)
        count += 1
    if count == 0:
        raise VideoError("The films have no frame in common that can be decoded: give what was painted of the clip.")
    told: dict[str, Any] = {"frames": count} | {name: each.told() for name, each in measures.items()}
    if style is not None:
        for name, some in glances.items():
            told[name]["style"] = _style(some, glances["clip"], style)
    if against:
        told["film_over_against"] = {
            name: value / told["against"][name]
            for name, value in told["film"].items() if name != "brightness_drift" and told["against"][name]
        }  # fmt: skip
    return told


def _source(path: str | Path) -> Source:
    path = at_home(path)
    kind = Folder if path.is_dir() else Clip
    return kind(path, allow_truncated=codecs.truncation_allowed())


def _together(sources: dict[str, Source]) -> Iterator[dict[str, Floats]]:
    """The frames of several that belong together. Raises VideoError where they have not as many."""
    counts = {name: len(each.facts.times) for name, each in sources.items()}
    if len({*counts.values()}) > 1 and not codecs.truncation_allowed():
        listed = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise VideoError(f"The films have not as many frames ({listed}): give what was painted of all of the clip.")
    readers = {name: each.frames() for name, each in sources.items()}
    now = {name: next(reader, None) for name, reader in readers.items()}
    while frames := {name: frame for name, frame in now.items() if frame is not None}:
        if len(frames) < len(now):  # one ends here that is cut off, or cannot be decoded any more
            return
        latest = max(frame.number for frame in frames.values())
        behind = [name for name, frame in frames.items() if frame.number < latest]  # than one with a gap
        if not behind:
            yield {name: frame.pixels for name, frame in frames.items()}
        now |= {name: next(readers[name], None) for name in behind or readers}


def _style(frames: list[Floats], originals: list[Floats], style: str | Path) -> float:
    """The mean distance of a few frames to a painting."""
    from impasto.judge.scores import score

    def plain(frame: Floats) -> Any:
        return np.rint(np.clip(frame, 0, 1) * 255).astype(np.uint8)

    pairs = zip(originals, frames, strict=True)
    return float(np.mean([score(plain(own), style, plain(each))["style"]["held_out"] for own, each in pairs]))

"""Clips: what is known of one without decoding more than three of its frames, single frames, and what a film
of it will take.
"""

import bisect
import functools
from pathlib import Path
from typing import Any

import torch

from impasto.errors import SettingsError, VideoError
from impasto.machine.files import sha256_of
from impasto.pictures.codecs import save
from impasto.pictures.picture import Picture
from impasto.tasks.inputs import check_side
from impasto.video import told
from impasto.video.clip import Clip
from impasto.video.forms import packing
from impasto.video.framing import filled
from impasto.video.job import VideoJob
from impasto.video.joining import check_streams
from impasto.video.source import Frame
from impasto.video.times import written
from impasto.video.work import plan
from impasto.web.desk.showing import encoded
from impasto.web.desk.taking import made
from impasto.web.models import Edge

_ENDINGS = (".mp4", ".webm")
"""Of what browsers play, best first."""
_SECONDS, _PIXELS = 3600, 4096 * 2304
"""The most of a clip."""
_SIDE = 1024
"""The long side of its first, middle and last frame as they are kept."""


def take(file: str, to: list[str], most_frames: int) -> tuple[dict[str, Any], bytes]:
    """Look at the clip in ``file``, write its first, middle and last frame ``to`` three PNG files, and tell
    what it is. Raises VideoError, and ImageError for one that is too small.
    """
    try:
        return _taken(Clip(file), to, most_frames), b""
    except VideoError as error:
        raise VideoError(str(error).replace(file, "The clip")) from error


def _taken(clip: Clip, to: list[str], most_frames: int) -> dict[str, Any]:
    facts = clip.facts
    height, width = facts.size
    check_side(facts.size, "clip's")
    frames, seconds = len(facts.times), float(facts.end - facts.times[0])
    if frames > most_frames:
        raise VideoError(f"The clip has {frames} frames, and {most_frames} are the most here: send a part of it.")
    if seconds > _SECONDS:
        raise VideoError(f"The clip lasts {seconds:.0f} s, and {_SECONDS} are the most here: send a part of it.")
    if height * width > _PIXELS:
        raise VideoError(f"The clip has {width}×{height} pixels, and 4096×2304 are the most here: make it smaller.")
    ending = _ending(clip, facts.alpha)
    for number, path in zip((0, frames // 2, frames - 1), to, strict=True):
        save(_picture(clip.frame(number)), Path(path), force=True)
    known = {"width": width, "height": height, "transparent": facts.alpha, "stored": sha256_of(Path(to[0]))}
    moving = {
        "frames": frames, "begins": round(float(facts.times[0]), 3), "seconds": round(seconds, 3),
        "rate": round(float(facts.rate), 3), "ending": ending,
    }  # fmt: skip
    return known | {"moving": moving, "made": made(lambda: told.carried(clip), VideoJob.of)}


def estimate(job: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """What a film will be, and roughly what it costs. Raises what `video.work.plan` raises."""
    planned = plan(VideoJob.of(job))
    named = {"painting_s": "estimated_s", "bytes": "film_bytes"}
    known = {name: planned[named.get(name, name)] for name in ("frames", "seconds", "width", "height", *named)}
    return known, b""


def moment(file: str, time: float, side: int, edge: Edge | None = None) -> tuple[dict[str, Any], bytes]:
    """The frame of the clip in ``file`` that is shown at a time, in seconds, its long side ``side`` at the
    most; or the first or last one of a film that would ``start`` or ``end`` there. Raises VideoError.
    """
    clip = _clip(file)
    facts = clip.facts
    if edge == "start":
        number = next(iter(facts.between(time, None)), len(facts.times) - 1)
    elif edge == "end":
        number = next(iter(facts.between(0, time)[::-1]), 0)
    else:
        number = max(0, bisect.bisect_right(facts.times, written(time)) - 1)
    picture = _picture(clip.frame(number))
    return encoded(picture.fitted(side) if side < max(picture.size) else picture)


@functools.lru_cache(4)
def _clip(file: str) -> Clip:
    """A clip that is kept, whose frames' times are sought once."""
    return Clip(file)


def _ending(clip: Clip, alpha: bool) -> str:
    """That of films of it: the first of `_ENDINGS` that holds its sound and its transparency."""
    for ending in _ENDINGS:
        try:
            check_streams(clip, packing(Path(f"film{ending}"), bits=8, alpha=alpha).form, ending)
        except SettingsError:
            continue
        return ending
    if alpha:
        raise VideoError("The clip's sound fits no WebM, which its transparency needs: write the clip anew, with Opus.")
    raise VideoError("The clip's sound fits neither MP4 nor WebM: write the clip anew, with AAC or Opus.")


def _picture(frame: Frame) -> Picture:
    """A frame as a picture, small; what is behind its transparency is as it is painted."""
    pixels = torch.from_numpy(filled(frame.pixels, frame.alpha).copy()).permute(2, 0, 1)[None]
    picture = Picture(pixels)
    return picture.fitted(_SIDE) if max(picture.size) > _SIDE else picture

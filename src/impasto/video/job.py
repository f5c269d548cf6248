"""A film to be painted, as a value that turns into JSON and back."""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from impasto.errors import RecordError, SettingsError, briefly
from impasto.jobs.job import Job, RegionFiles
from impasto.jobs.plain import known, learnt, understood, weighted
from impasto.machine import formats, strict_json
from impasto.machine.files import at_home, joined
from impasto.settings import names, paths, whole
from impasto.settings.applies import chosen_settings
from impasto.settings.fields import Settings

TASK = "video"
WAYS = {"fast": "video", "iterative": "optimised-video"}
"""The ways of settings, by ``method``."""
_FORM = 1


@dataclass(frozen=True)
class VideoDelivery:
    """What becomes of a film.

    ``output`` is the file, or without a suffix the folder, to write, "" a file that is named after the
    inputs. ``codec`` is one of `forms.CODECS`, "" the usual one of the output's suffix; ``crf`` is how well
    it keeps what was painted, 0 best, None as usual; ``bits`` a channel are 8, 10, or None for as many as the
    clip has. Without ``metadata`` no record is written; with ``sheet`` a sheet of frames before and after is.
    """

    output: str = ""
    codec: str = ""
    crf: int | None = None
    bits: int | None = None
    metadata: bool = True
    sheet: bool = False


@dataclass(frozen=True)
class VideoJob:
    """A ``clip``, a file or a folder of numbered pictures, to be painted from ``start`` to ``end``, seconds.

    ``styles`` are paintings or saved style codes with their weights, or ``style_index`` names learnt styles
    of a network in their place; ``style_at`` are paintings or codes with the times of the film from which
    they are its style, and between two of which it goes from the one to the other; ``strength_at`` are
    strengths with their times likewise, in place of the setting. ``regions`` have styles of their own, by
    masks that are films or folders as long as the clip, or pictures; what they leave stays as it is where
    there is no other style. ``rate`` is how many frames of a folder are
    shown in a second. The settings' ``method`` is fast, unless it is said to be iterative; then a ``recipe``
    may be named. Raises SettingsError, naming the setting, for what makes no sense as a whole.
    """

    WORK: ClassVar[str] = "impasto.video.work:VideoWork.of"
    SHARED: ClassVar[str] = "impasto.video.sharing:SharedWork.of"
    """What makes it with others, as `WORK` alone, in a `Process`."""

    clip: str
    styles: tuple[tuple[str, float], ...] = ()
    style_index: str = ""
    style_at: tuple[tuple[float, str], ...] = ()
    strength_at: tuple[tuple[float, float], ...] = ()
    regions: tuple[RegionFiles, ...] = ()
    start: float = 0.0
    end: float | None = None
    rate: float | None = None
    recipe: str = "default"
    settings: Mapping[str, Any] = field(default_factory=dict)
    delivery: VideoDelivery = field(default_factory=VideoDelivery)

    def __post_init__(self) -> None:
        if not self.clip:
            raise SettingsError("A film needs a `clip`.")
        object.__setattr__(self, "styles", weighted(self.styles))
        if sum(map(bool, (self.styles, self.style_index, self.style_at))) not in ((0, 1) if self.regions else (1,)):
            raise SettingsError(
                "Give one or more style pictures, or a `style_index`, or `style_at` alone, or `regions`."
            )
        chosen = self.chosen()
        plain = chosen.dictionary()
        given = {name: plain[name] for name, value in self.settings.items() if value is not None}
        object.__setattr__(self, "settings", given)
        for path in [self.delivery.output, *self.files()]:
            names.check(path)
        if self.delivery.output and Path(self.delivery.output).name in ("", ".."):
            raise SettingsError(
                f"The `output` of a film is a file, or a new folder of numbered pictures, and not {self.delivery.output}: name one."
            )
        _check_times("style_at", self.style_at)
        _check_times("strength_at", self.strength_at)
        wrong = [number for _, number in self.strength_at if not 0 <= number <= 1]
        if wrong:
            raise SettingsError(f"`strength_at` takes numbers from 0 to 1, not {briefly(wrong[0])}.")
        if self.strength_at and "strength" in given:
            raise SettingsError("Give a `strength` or `strength_at`, not both.")
        if not 0 <= self.start < math.inf:
            raise SettingsError(f"`start` must be at least 0 seconds, not {briefly(self.start)}.")
        if self.end is not None and not self.start < self.end < math.inf:
            raise SettingsError(f"`end` must be after `start`, {self.start:g} s, not {briefly(self.end)}.")
        if self.rate is not None and not 0 < self.rate <= 1000:
            raise SettingsError(f"`rate` must be above 0 and at most 1000, not {briefly(self.rate)}.")
        if self.styles:
            names.normalised([weight for _, weight in self.styles])
        if sought := [each.mask for each in self.regions if each.mask in names.MASKS]:
            raise SettingsError(
                f"The {sought[0]} of a film are not sought: give a mask that moves, a film or a folder of pictures."
            )
        code = bool(self.style_index) or any(map(paths.is_code, self._paintings()))
        styles = None if self.style_at else len(self.styles)
        whole.check(chosen, WAYS[chosen.method], styles=styles, regions=len(self.regions), code=code)

    def chosen(self) -> Settings:
        """Its settings. Raises SettingsError."""
        method = self.settings.get("method") or "fast"
        if method not in WAYS:
            raise SettingsError(f"The `method` of moving pictures is {' or '.join(WAYS)}, not {briefly(method)}.")
        return chosen_settings(
            self.recipe, dict(self.settings) | {"method": method}, WAYS[method], ["regions"] if self.regions else []
        )

    def _paintings(self) -> Iterator[str]:
        yield from (path for path, _ in self.styles)
        yield from (path for _, path in self.style_at)
        yield from (each.style for each in self.regions)

    def files(self) -> Iterator[str]:
        """The paths of the files that it reads, and the words that stand in the place of regions' masks."""
        yield from (self.clip, *(path for path, _ in self.styles), *(path for _, path in self.style_at))
        yield from itertools.chain.from_iterable(each.files() for each in self.regions)
        yield from paths.paths(self.settings)

    @property
    def output(self) -> Path:
        """The file or the folder to write."""
        if self.delivery.output:
            return at_home(self.delivery.output)
        style = next((Path(each).stem for each in self._paintings()), "style")
        return Path(f"{joined([Path(self.clip).stem, style])}.mp4")

    @property
    def inputs(self) -> list[str]:
        """What it is made of, for people to read."""
        weighed = [path if weight == 1 else f"{path}:{names.written(weight)}" for path, weight in self.styles]
        timed = [f"{names.written(time)}:{path}" for time, path in self.style_at]
        learnt = [f"style {self.style_index}"] if self.style_index else []
        return [self.clip, *weighed, *timed, *learnt, *(f"region {each}" for each in self.regions)]

    def moved(self, file: Callable[[str], str]) -> "VideoJob":
        """The same with every path replaced by what ``file`` makes of it."""
        return replace(
            self,
            clip=file(self.clip),
            styles=tuple((file(path), weight) for path, weight in self.styles),
            style_at=tuple((time, file(path)) for time, path in self.style_at),
            regions=tuple(each.moved(file) for each in self.regions),
            settings=paths.moved(self.settings, file),
            delivery=replace(self.delivery, output=self.delivery.output and file(self.delivery.output)),
        )

    def to(self, output: str) -> "VideoJob":
        """The same with another output."""
        return replace(self, delivery=replace(self.delivery, output=output))

    def __hash__(self) -> int:
        return hash(strict_json.dumps(self.dictionary()))

    def dictionary(self) -> dict[str, Any]:
        """As plain values for JSON; `VideoJob.of` makes the same job of them."""
        return {"job": _FORM, "task": TASK, **strict_json.loads(strict_json.dumps(asdict(self)))}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "VideoJob":
        """The job of a `dictionary`. Raises RecordError for what is none, and SettingsError for one that
        makes no sense.
        """
        if not is_film(data):
            raise RecordError('This is no film of Impasto: expected a JSON object with "job" and "task": "video".')
        with understood():
            formats.check_version(data["job"], _FORM, Path("This job"), RecordError)
            given = known(cls, {name: value for name, value in data.items() if name not in ("job", "task")})
            return cls(
                **given
                | {
                    "styles": tuple((str(path), float(weight)) for path, weight in given.get("styles", ())),
                    "style_index": learnt(given.get("style_index", "")),
                    "style_at": tuple((float(time), str(path)) for time, path in given.get("style_at", ())),
                    "strength_at": tuple((float(time), float(number)) for time, number in given.get("strength_at", ())),
                    "regions": tuple(RegionFiles(**known(RegionFiles, each)) for each in given.get("regions", ())),
                    "settings": dict(given.get("settings", {})),
                    "delivery": VideoDelivery(**known(VideoDelivery, given.get("delivery", {}))),
                }
            )


def _check_times(name: str, moments: Sequence[tuple[float, object]]) -> None:
    """Raises SettingsError."""
    times = [time for time, _ in moments]
    if not all(0 <= time < math.inf for time in times) or times != sorted(set(times)):
        raise SettingsError(f"`{name}` takes rising times from 0 on, in seconds, not {briefly(times)}.")


def is_film(data: Any) -> bool:
    """Whether JSON is a film's job."""
    return isinstance(data, Mapping) and data.get("task") == TASK and "job" in data


def job_of(data: Any) -> Job | VideoJob:
    """The job of a `dictionary`, for a film or for a picture. Raises RecordError and SettingsError."""
    return VideoJob.of(data) if is_film(data) else Job.of(data)

"""From what a client asks for to a job with files, and nothing in it that is the client's to name but
pictures of its own.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from impasto.errors import SettingsError, did_you_mean
from impasto.jobs.job import Delivery, Job, RegionFiles
from impasto.settings import names, recipes
from impasto.settings.applies import idle
from impasto.settings.fields import AUTO_SIZE, MACHINES
from impasto.settings.parse import USUAL_AMOUNT
from impasto.video.job import VideoDelivery, VideoJob
from impasto.web.choices import FILMED, OFFERED, WORDS
from impasto.web.models import JobRequest, Moving

CHECKPOINT_EVERY = 20.0
"""Seconds: what a power cut may cost."""
_BITS: Literal[16] = 16
"""Of a result as it is kept: what is downloaded has as many or fewer."""

File = Callable[[str], Path]
"""The file of a picture by its id. Raises SettingsError for one that is not the client's."""


def order(request: JobRequest, file: File, output: Path, *, memory: str = "auto", start: Path | None = None) -> Job:
    """The job that is carried out into ``output``; with a ``start`` it goes on from that picture, at the
    finest scale alone.

    Raises SettingsError for what makes no sense, or is not a client's to decide.
    """
    if bool(request.photo) != (request.task == "stylize") or request.clip:
        raise SettingsError("To stylize takes a `photo`, by its id, and a texture none.")
    if request.start or request.end is not None:
        raise SettingsError("`start` and `end` are of a video: leave them out.")
    settings = _settings(request.settings, file, OFFERED)
    if start is not None:
        settings = _going_on(request, settings, start)
    job = Job(
        request.task,  # type: ignore[arg-type]  # which is none of a film
        content=str(file(request.photo)) if request.photo else "",
        styles=tuple((str(file(each.painting)), each.weight) for each in request.styles),
        style_index=request.style_index,
        regions=tuple(RegionFiles(_mask(each.mask, file), str(file(each.painting))) for each in request.regions),
        recipe=request.recipe,
        settings=_bounded(settings, memory),
    )
    every = CHECKPOINT_EVERY if job.iterations else None
    return Job(**vars(job) | {"delivery": Delivery(str(output), bits=_BITS, checkpoint_every=every)})


def film(
    request: JobRequest, clip: Path, moving: Moving, file: File, output: Path, *, memory: str = "auto"
) -> VideoJob:
    """The film that is carried out into ``output``, by the fast method. Raises SettingsError as `order`."""
    if request.photo or request.regions or request.recipe != "default":
        raise SettingsError("A video takes a `clip`, by its id, and no `photo`, `regions` or `recipe`.")
    if request.settings.get("method") not in (None, "fast"):
        raise SettingsError("A video is painted by `method` fast here: leave it out.")
    ends = moving.begins + moving.seconds
    if request.start >= ends or (request.end is not None and request.end <= moving.begins):
        raise SettingsError(f"There is no frame between `start` and `end`: the clip ends at {ends:.2f} s.")
    settings = {name: each for name, each in request.settings.items() if name != "method"}
    return VideoJob(
        str(clip),
        styles=tuple((str(file(each.painting)), each.weight) for each in request.styles),
        style_index=request.style_index,
        start=request.start,
        end=request.end,
        settings=_bounded(_settings(settings, file, FILMED), memory),
        delivery=VideoDelivery(str(output), bits=8),  # browsers play few films of more
    )


def long_side(job: Job | VideoJob, own: tuple[int, int] | None) -> int:
    """The long side of a job's result, in pixels, for a photograph or clip of its ``own`` size."""
    settings = recipes.recipe(job.recipe).changed(**job.settings)
    if isinstance(settings.size, tuple):
        return max(settings.size)
    if settings.size == "native" or (settings.size == "auto" and isinstance(job, VideoJob)):
        return max(own or (0,))
    if settings.size == "auto" and isinstance(job, Job):
        return AUTO_SIZE[settings.method if job.task == "stylize" else "iterative"]
    return int(settings.size)


def _settings(given: Mapping[str, Any], file: File, offered: tuple[str, ...]) -> dict[str, Any]:
    for name, value in given.items():
        if name in MACHINES:
            raise SettingsError(f"`{name}` is for whoever runs the studio to decide: leave it out.")
        if name not in offered:
            raise SettingsError(f"There is no setting {name!r}: {did_you_mean(name, offered)}")
        if name in WORDS and value is not None and value not in WORDS[name]:
            raise SettingsError(f"`{name}` must be one of {', '.join(WORDS[name])} here, not {value!r}.")
    settings = {name: value for name, value in given.items() if value is not None}
    if "protect" in settings:
        settings["protect"] = _protected(settings["protect"], file)
    return settings


def _bounded(settings: dict[str, Any], memory: str) -> dict[str, Any]:
    """With what a job may take here, if that is said."""
    return settings if memory == "auto" else settings | {"memory": memory}


def protecting(value: Any) -> dict[str, Any]:
    """What `protect` names, with amounts: masks by their words or ids, and never anything that is looked for
    among files. Raises SettingsError.
    """
    texts = [value] if isinstance(value, str) else value
    if not isinstance(value, Mapping):
        if not isinstance(texts, list) or not all(isinstance(each, str) for each in texts):
            raise SettingsError("`protect` takes faces, people, or ids of masks, each with an amount: faces:0.5.")
        pairs = [pair for text in texts for pair in names.listed(text, names.MASKS.__contains__)]
        value = {mask: USUAL_AMOUNT if amount is None else amount for mask, amount in pairs}
    return dict(value)


def _protected(value: Any, file: File) -> dict[str, Any]:
    try:
        return {_mask(mask, file): amount for mask, amount in protecting(value).items()}
    except SettingsError as error:
        raise SettingsError(f"`protect` takes faces, people, or ids of masks: {error}") from None


def _mask(mask: str, file: File) -> str:
    return mask if mask in names.MASKS else str(file(mask))


def _going_on(request: JobRequest, settings: dict[str, Any], start: Path) -> dict[str, Any]:
    """The same settings for the optimiser, as far as they have an effect there, from a picture."""
    settings = {name: value for name, value in settings.items() if name not in ("method", "quality")}
    settings |= {"init": str(start), "scales": "single"}
    way = "iterative" if request.task == "stylize" else request.task
    chosen = recipes.recipe(request.recipe).changed(**settings)
    inputs = ["regions"] if request.regions else []
    return {name: value for name, value in settings.items() if not idle(name, chosen, way, inputs)}

"""A result that is dropped onto the page: the job that it was made by, with its pictures where they are still
here.
"""

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from impasto.errors import ImpastoError
from impasto.jobs.job import Job
from impasto.settings import names
from impasto.video.job import VideoJob, job_of
from impasto.web.choices import ABSENT, FILMED, OFFERED, WORDS
from impasto.web.job_files import START
from impasto.web.models import Held, JobRequest, RegionRequest, Restored, Styled
from impasto.web.naming import shown
from impasto.web.store import Store

Find = Callable[[str, str, Held], str | None]
"""A visitor's picture by the SHA-256 of its file, which is called so, and its kind."""


def restored(made: dict[str, Any], visitor: str, store: Store) -> Restored | None:
    """What the desk has found in a file, in terms of this visitor's pictures; None where it is no job that
    can be asked for here.
    """
    try:
        named, hashed = job_of(made["job"]), job_of(made["hashed"])
        missing: list[str] = []

        def find(sha256: str, name: str, kind: Held) -> str | None:
            found = store.picture_by_hash(visitor, sha256, kind)
            if found is None and kind != "clip":
                found = store.picture_by_hash(visitor, sha256)
            if found is None and shown(name) not in missing:
                missing.append(shown(name))
            return None if found is None else found.id

        if isinstance(named, VideoJob) and isinstance(hashed, VideoJob):
            job = _film(named, hashed, find)
        elif isinstance(named, Job) and isinstance(hashed, Job):
            job = _request(named, hashed, find)
            # A region of a part of a painting alone can be asked for on the command line only.
            missing += {shown(each.style_mask): None for each in named.regions if each.style_mask}
        else:
            job = None
    except (ImpastoError, ValidationError, KeyError):  # it may come from anywhere
        return None
    return None if job is None else Restored(job=job, missing=missing)


def _film(named: VideoJob, hashed: VideoJob, find: Find) -> JobRequest | None:
    """None for a film that only the command line makes."""
    mine, theirs = ((job.style_at, job.strength_at, job.regions, job.rate, job.recipe) for job in (named, hashed))
    settings = {name: value for name, value in named.settings.items() if name not in (*ABSENT, "method")}
    if mine != theirs or mine != ((), (), (), None, "default") or not {*settings} <= {*FILMED}:
        return None
    if len(named.styles) != len(hashed.styles) or settings.get("network", "auto") not in WORDS["network"]:
        return None
    return JobRequest(
        task="video",
        clip=find(hashed.clip, named.clip, "clip"),
        styles=_styled(named, hashed, find),
        style_index=named.style_index,
        settings=settings,
        start=named.start,
        end=named.end,
    )


def _styled(named: Job | VideoJob, hashed: Job | VideoJob, find: Find) -> list[Styled]:
    pairs = zip(hashed.styles, named.styles, strict=True)
    found = [(find(sha256, name, "painting"), weight) for (sha256, weight), (name, _) in pairs]
    return [Styled(painting=id, weight=weight) for id, weight in found if id]


def _request(named: Job, hashed: Job, find: Find) -> JobRequest | None:
    """None for a task that is not one of the studio's, or two jobs that are not the same."""
    if named.task not in ("stylize", "texture") or _shape(named) != _shape(hashed):
        return None
    settings = {name: value for name, value in named.settings.items() if name in OFFERED}
    if settings.get("init") == START:  # it has gone on from another, and is to be painted from the beginning
        settings = {name: value for name, value in settings.items() if name not in ("init", "scales", "iterations")}
    for name, words in WORDS.items():
        if settings.get(name, words[0]) not in words:  # a file
            find(hashed.settings[name], settings.pop(name), "photo")

    def find_mask(sha256: str, mask: str) -> str | None:
        return mask if mask in names.MASKS else find(sha256, mask, "mask")

    if "protect" in settings:
        pairs = zip(hashed.settings["protect"], settings["protect"].items(), strict=True)
        masks = [(find_mask(sha256, mask), amount) for sha256, (mask, amount) in pairs]
        settings["protect"] = {mask: amount for mask, amount in masks if mask}
    regions = [
        (find_mask(ours.mask, theirs.mask), find(ours.style, theirs.style, "painting"))
        for ours, theirs in zip(hashed.regions, named.regions, strict=True)
    ]
    return JobRequest(
        task=named.task,
        photo=find(hashed.content, named.content, "photo") if named.content else None,
        styles=_styled(named, hashed, find),
        style_index=named.style_index,
        regions=[RegionRequest(mask=mask, painting=painting) for mask, painting in regions if mask and painting],
        recipe=named.recipe,
        settings=settings,
    )


def _shape(job: Job) -> tuple[object, ...]:
    """What two forms of the same job have in common."""
    return (
        job.task,
        job.recipe,
        bool(job.content),
        len(job.styles),
        len(job.regions),
        [*job.settings],
        len(job.settings.get("protect", ())),
    )

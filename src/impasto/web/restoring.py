"""A result that is dropped onto the page: the job that it was made by, with its pictures where they are still
here.
"""

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from impasto.errors import ImpastoError
from impasto.jobs.job import Job
from impasto.settings import names
from impasto.web.choices import OFFERED, WORDS
from impasto.web.job_files import START
from impasto.web.models import JobRequest, Kind, RegionRequest, Restored, Styled
from impasto.web.naming import shown
from impasto.web.store import Store


def restored(made: dict[str, Any], visitor: str, store: Store) -> Restored | None:
    """What the desk has found in a file, in terms of this visitor's pictures; None where it is no job that
    can be asked for here.
    """
    try:
        named, hashed = Job.of(made["job"]), Job.of(made["hashed"])
        if named.task not in ("stylize", "texture") or _shape(named) != _shape(hashed):
            return None
        missing: list[str] = []

        def find(sha256: str, name: str, kind: Kind) -> str | None:
            found = store.picture_by_hash(visitor, sha256, kind) or store.picture_by_hash(visitor, sha256)
            if found is None and shown(name) not in missing:
                missing.append(shown(name))
            return None if found is None else found.id

        job = _request(named, hashed, find)
    except (ImpastoError, ValidationError, KeyError):  # it may come from anywhere
        return None
    return Restored(job=job, missing=missing)


def _request(named: Job, hashed: Job, find: Callable[[str, str, Kind], str | None]) -> JobRequest:
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
    styles = [
        (find(sha256, name, "painting"), weight)
        for (sha256, weight), (name, _) in zip(hashed.styles, named.styles, strict=True)
    ]
    return JobRequest(
        task=named.task,  # type: ignore[arg-type]  # which was looked at
        photo=find(hashed.content, named.content, "photo") if named.content else None,
        styles=[Styled(painting=id, weight=weight) for id, weight in styles if id],
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

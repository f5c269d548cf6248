"""Jobs: what is painted, was painted, and waits for it."""

import asyncio
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path as File
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import FileResponse

from impasto.settings.names import as_name
from impasto.web.desk.client import Answer
from impasto.web.folder import is_own, tag
from impasto.web.job_files import FILMS
from impasto.web.models import Download, Estimate, EstimateRequest, GoOn, Job, JobRequest, Move, Problem
from impasto.web.naming import attachment
from impasto.web.refusals import Refused
from impasto.web.routes.here import (
    FOREVER,
    PASSING,
    PICTURE,
    PROBLEMS,
    Here,
    Known,
    Responses,
    Visitor,
    picture,
    unchanged,
)
from impasto.web.routes.pictures import Side

router = APIRouter(prefix="/api/jobs", tags=["jobs"], responses=PROBLEMS)

_FULL: Responses = {429: {"model": Problem, "description": "The queue is full; Retry-After tells when to try again."}}
_STATE: Responses = {409: {"model": Problem, "description": "The job is not in a state for that."}}
_ENDINGS = {"png": ".png", "jpeg": ".jpg", "webp": ".webp", "tiff": ".tiff"}


@router.post("", status_code=201, responses={**_FULL, **_STATE})
async def submit(asked: JobRequest, here: Here, visitor: Visitor) -> Job:
    """Ask for a picture."""
    return here.jobs.submit(visitor, asked)


@router.post(
    "/estimate",
    responses={
        409: {"model": Problem, "description": "A newer one of the same page has come."},
        429: {"model": Problem, "description": "Too many pages ask at once."},
    },
)
async def estimate(asked: EstimateRequest, here: Here, visitor: Visitor) -> Estimate:
    """What a film that is asked for would be, and roughly what it takes; nothing is painted that stays."""
    order = here.jobs.film(visitor, asked).dictionary()

    async def planned() -> Answer:
        with here.painter.aside() if here.easel.ready else nullcontext():
            return await here.easel.ask("estimate", {"job": order}, urgency=1)

    return Estimate.model_validate((await here.previews.ask(visitor, f"estimate {asked.page}", planned)).told)


@router.get("")
async def jobs(here: Here, visitor: Visitor) -> list[Job]:
    """All jobs, newest first: those that wait, run, and have ended."""
    return here.jobs.all(visitor)


@router.get("/{id}")
async def one(id: Known, here: Here, visitor: Visitor) -> Job:
    """A job as it is."""
    return here.jobs.one(visitor, id)


@router.delete("/{id}", status_code=204, responses=_STATE)
async def delete(id: Known, here: Here, visitor: Visitor) -> None:
    """Forget a job that has ended, with its pictures."""
    here.jobs.delete(visitor, id)


@router.post("/{id}/cancel", status_code=202)
async def cancel(id: Known, here: Here, visitor: Visitor) -> Job:
    """End a job; the picture so far stays."""
    return here.jobs.cancel(visitor, id)


@router.post("/{id}/go-on", status_code=201, responses={**_FULL, **_STATE})
async def go_on(id: Known, asked: GoOn, here: Here, visitor: Visitor) -> Job:
    """A new job that starts from the picture of one that has ended, or goes on with its film."""
    return await asyncio.to_thread(here.jobs.go_on, visitor, id, asked.iterations)  # it may have much to copy


@router.post("/{id}/move", responses=_STATE)
async def move(id: Known, asked: Move, here: Here, visitor: Visitor) -> Job:
    """Let a job wait at another position, 0 being next."""
    return here.jobs.move(visitor, id, asked.position)


@router.get("/{id}/picture", response_class=Response, responses=PICTURE)
async def job_picture(
    id: Known, request: Request, here: Here, visitor: Visitor, *, revision: int | None = None, side: Side = None
) -> Response:
    """The picture so far, or the result. What is asked for with its `revision` may be kept for ever."""
    job = here.jobs.one(visitor, id)
    cached = PASSING if revision != job.revision or job.state in ("waiting", "running") else FOREVER
    file, mark = here.jobs.files(id).picture(), tag(id, job.revision, side)
    return await _shown(here, request, file, mark=mark, side=side, cached=cached)


@router.get("/{id}/snapshots/{iteration}", response_class=Response, responses=PICTURE)
async def snapshot(
    id: Known,
    iteration: Annotated[int, Path(ge=0, le=10**7)],
    request: Request,
    here: Here,
    visitor: Visitor,
    *,
    side: Side = None,
) -> Response:
    """The picture as it was at an iteration, one of the job's snapshots."""
    here.jobs.one(visitor, id)
    file, mark = here.jobs.files(id).snapshot(iteration), tag(id, "at", iteration, side)
    return await _shown(here, request, file, mark=mark, side=side)


@router.get("/{id}/download", response_class=Response, responses=PICTURE)
async def download(id: Known, here: Here, visitor: Visitor, *, format: Download = "png") -> Response:
    """The result as a file, with the record of how it was made in it; a TIFF has 16 bits a channel."""
    job = here.jobs.one(visitor, id)
    file = here.jobs.files(id).picture()
    if file is None:
        raise Refused(404, "There is no picture yet.")
    known = here.jobs.names(visitor, job)
    names = {here.folder.picture(id).name: name for id, name in known.items()}
    ending = _ENDINGS[format]
    made = await here.desk.ask("download", {"file": str(file), "ending": ending, "names": names})
    told = {"Content-Disposition": attachment(_made_of(job, known), ending)}
    return Response(made.content, media_type=made.told["type"], headers=told)


@router.get(
    "/{id}/film",
    response_class=Response,
    responses={
        200: {"content": {kind: {} for kind in FILMS.values()}, "description": "The film."},
        206: {"description": "The part of it that was asked for by a `Range`."},
        416: {"description": "There is no such part of it."},
    },
)
async def film(id: Known, request: Request, here: Here, visitor: Visitor, *, save: bool = False) -> Response:
    """The film of a video, or what was painted of it, in ranges of bytes as players ask for them. To ``save``
    it, it comes with a name.
    """
    job = here.jobs.one(visitor, id)
    file = here.jobs.files(id).film() if job.film else None
    if file is None:
        raise Refused(404, "There is no film yet.")
    mark = tag(id, job.revision)
    if (same := unchanged(request, mark, PASSING)) is not None:
        return same
    told = {"ETag": mark, "Cache-Control": PASSING}
    if save:
        told["Content-Disposition"] = attachment(_made_of(job, here.jobs.names(visitor, job)), file.suffix)
    return FileResponse(file, headers=told, media_type=FILMS[file.suffix])


def _made_of(job: Job, known: Mapping[str, str]) -> list[str]:
    """What a result is called after, as the command line's are: the photograph or the clip, and the first
    painting, of those that are ``known`` by their names; or a learnt style.
    """
    asked = job.request
    stems = [File(name).stem for name in known.values()][: 1 if asked.task == "texture" else 2]
    if asked.style_index:
        stems.append(f"style-{as_name(asked.style_index)}")
    return [*stems, "texture"] if asked.task == "texture" else stems


async def _shown(
    here: Here, request: Request, file: File | None, *, mark: str, side: int | None, cached: str = FOREVER
) -> Response:
    if file is None or not is_own(file):
        raise Refused(404, "There is no picture yet.")
    if (same := unchanged(request, mark, cached)) is not None:
        return same
    shown = await here.seen.have(mark, lambda: here.desk.ask("show", {"file": str(file), "side": side}))
    return picture(shown.content, shown.told["type"], mark, cached)

"""How long a batch will take, and how much memory: by what a few of its items say of themselves."""

import contextlib
import tempfile
from collections import defaultdict
from pathlib import Path

from impasto.batch.batch import Batch
from impasto.batch.hearing import about, hearing
from impasto.batch.items import Item
from impasto.batch.stores import Place, fetch
from impasto.machine import memory
from impasto.machine.devices import one_thread
from impasto.video.job import VideoJob

_ASKED = 4
"""Items of each kind that are asked: each takes some seconds, and few photographs differ much in size."""


def estimate(batch: Batch) -> tuple[float, float]:
    """Roughly the seconds and the bytes of memory that all workers of this machine take for what there is to
    do, each by one thread as they are painted. Of all photographs by the fast method, of all by the optimiser
    and of all films some are asked, spread over the batch, and the others taken for the same; what cannot be
    read is left out.
    """
    place, kinds = batch.plan.place, defaultdict[tuple[bool, bool], list[Item]](list)
    for item in batch.plan.to_do:
        kinds[item.pattern.is_film, item.pattern.lasts].append(item)
    memory.shared_by(batch.workers)
    try:
        with one_thread(), hearing(), about([]):  # what is said now will be said again
            known = [_of(items, place) for items in kinds.values()]
    finally:
        memory.shared_by(1)
    seconds = sum(each[0] for each in known) / batch.workers
    longest = max((each[1] for each in known), default=0.0)  # is done by one worker, however many there are
    sizes = [each[2] for each, items in zip(known, kinds.values(), strict=True) for _ in items[: batch.workers]]
    return max(seconds, longest), sum(sorted(sizes)[-batch.workers :])


def _of(items: list[Item], place: Place) -> tuple[float, float, float]:
    """The seconds of all items of a kind, and of the longest one asked, and the most bytes of one."""
    asked = items[:: -(-len(items) // _ASKED)]
    with tempfile.TemporaryDirectory(prefix="impasto-") as copies:
        told = [(0.0, 0.0)]
        for item in asked:
            with contextlib.suppress(Exception):  # which will be the failure of this one
                told.append(_one(item, place, Path(copies)))
    seconds, sizes = zip(*told, strict=True)
    return sum(seconds) / max(1, len(told) - 1) * len(items), max(seconds), max(sizes)


def _one(item: Item, place: Place, copies: Path) -> tuple[float, float]:
    """What an item says of itself. Raises as `Item.work`, and OSError."""
    job = item.job(place.folder, fetch(item.content, copies))
    if isinstance(job, VideoJob):
        from impasto.video.film import Film

        return Film(job).estimate()
    return job.prepared().estimate()

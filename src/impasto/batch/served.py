"""A batch that a studio paints: one warm machine, which serves many.

A photograph or a clip is sent when its turn comes, a few ahead of the one that is being painted; the result
is fetched whole and put where it belongs. What the studio has of an item is removed there afterwards. Its
results carry no keys, and the index alone knows them.
"""

import contextlib
import os
import tempfile
import time
import urllib.parse
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impasto.batch.items import Item
from impasto.batch.ledger import Ledger
from impasto.batch.share import ENDS, STAGES
from impasto.batch.stores import Place, Seen, fetch, seen
from impasto.batch.studio import GoneError, Studio
from impasto.errors import ImageError, ImpastoError, OutputError, SettingsError
from impasto.machine import files, interrupts
from impasto.progress import Progress
from impasto.settings import names, paths
from impasto.settings.fields import MACHINES
from impasto.video.job import VideoJob

AHEAD = 3
"""Items that the studio has at a time: one is painted, and the next are there."""
LOOK = 0.5
"""Seconds between two looks at what is being painted."""
PATIENCE = 45.0
"""Seconds that a job which is cancelled may take to end: a film ends a frame, and is joined."""
_KINDS = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp", ".tif": "tiff", ".tiff": "tiff"}
_FILMS = (".mp4", ".webm")
"""Of these the studio chooses by the clip."""


@dataclass
class _Order:
    """An item that the studio has, or has failed at."""

    item: Item
    content: Seen | None = None
    digest: str = ""
    photo: str = ""
    job: str = ""
    failure: Exception | None = None


class Served:
    """Items to be painted by a studio."""

    def __init__(self, studio: Studio, place: Place, items: Sequence[Item], part: str = "") -> None:
        """Raises SettingsError for what a studio does not give."""
        self._studio, self._place, self._items = studio, place, items
        self._ledger, self._sent, self._own = Ledger(place.folder, part), dict[str, str](), set[str]()
        self._counts = dict.fromkeys((*ENDS, *(f"{stage}_s" for stage in STAGES)), 0.0)
        for item in items:
            _check(item)

    def events(self) -> Generator[Progress, None, None]:
        """Have them painted, telling as `share.Share` does. Raises GoneError, and OutputError where what
        became of one cannot be noted.
        """
        waiting, begun = deque(self._items), deque[_Order]()
        try:
            while waiting or begun:
                while waiting and len(begun) < AHEAD:
                    begun.append(_Order(waiting.popleft()))  # first, or who is stopped meanwhile would not forget it
                    self._begin(begun[-1])
                yield from self._awaited(begun[0])
                yield self._delivered(begun.popleft())
        except GoneError:
            begun.clear()  # or it would be waited for once more for each
            raise
        finally:
            for order in begun:
                with contextlib.suppress(ImpastoError, KeyboardInterrupt):
                    self._forget(order)

    def _begin(self, order: _Order) -> None:
        item, began = order.item, time.perf_counter()
        try:
            order.content = seen(item.content)
            asked, kind = self._asked(item), "clip" if item.pattern.is_film else "photo"
            with tempfile.TemporaryDirectory(prefix="impasto-") as folder:
                copy = fetch(item.content, Path(folder))
                order.digest = files.sha256_of(copy)
                sent = self._send(kind, copy)
            order.photo = sent["id"]
            self._own.update([order.photo] * self._studio.made)
            if item.pattern.is_film and sent["moving"]["ending"] != _suffix(item):
                raise SettingsError(
                    f"The studio gives the film of {item.content} as {sent['moving']['ending']}, and not as {item.output}: "
                    "name it so by `name`."
                )
            order.job = self._studio.told("POST", "/api/jobs", asked | {kind: order.photo})["id"]
        except GoneError:
            raise
        except (ImpastoError, OSError) as error:
            order.failure = error
        self._counts["prepare_s"] += time.perf_counter() - began

    def _asked(self, item: Item) -> dict[str, Any]:
        """What is asked for, but for the photograph or the clip: paintings and masks by their ids."""
        job = item.pattern.here
        settings = dict(job.settings)
        if [*paths.paths({name: value for name, value in settings.items() if name != "protect"})]:
            raise SettingsError("A studio takes no files for `init` and `network`: paint this one here.")
        if any(each.style_mask for each in job.regions):
            raise SettingsError("A studio takes no masks of paintings: paint this one here.")
        if "protect" in settings:
            settings["protect"] = {self._mask(mask): amount for mask, amount in settings["protect"].items()}
        styles = [{"painting": self._kept("painting", path), "weight": weight} for path, weight in job.styles]
        regions = [
            {"mask": self._mask(each.mask), "painting": self._kept("painting", each.style)} for each in job.regions
        ]
        return {
            "task": "video" if item.pattern.is_film else "stylize",
            "styles": styles,
            "style_index": job.style_index,
            "regions": regions,
            "recipe": job.recipe,
            "settings": settings,
        }

    def _mask(self, mask: str) -> str:
        return mask if mask in names.MASKS else self._kept("mask", mask)

    def _kept(self, kind: str, path: str) -> str:
        """The id of what is sent once for all."""
        if path not in self._sent:
            self._sent[path] = self._send(kind, files.at_home(path))["id"]
        return self._sent[path]

    def _send(self, kind: str, path: Path) -> dict[str, Any]:
        with files.opened(path) as file:
            self._studio.check_bytes(os.fstat(file.fileno()).st_size, path.name, clip=kind == "clip")
            content = file.read()
        known = {"name": path.name} if kind == "clip" else {"kind": kind, "name": path.name}
        query = urllib.parse.urlencode(known, errors="replace")
        return self._studio.told("PUT", f"/api/{'clips' if kind == 'clip' else 'pictures'}?{query}", content)

    def _awaited(self, order: _Order) -> Generator[Progress, None, None]:
        """Wait until a job has ended, and note why if it has no result."""
        began = time.perf_counter()
        while order.failure is None:
            try:
                job = self._studio.told("GET", f"/api/jobs/{order.job}")
            except SettingsError as error:  # somebody has removed it
                order.failure = error
                break
            if job["state"] not in ("waiting", "running"):
                if job["state"] != "done":
                    order.failure = OutputError(job["error"] or f"The studio's job was {job['state']}.")
                break
            going = (job["progress"] or {}).get("text", job["state"])
            yield Progress(self._done, f"{order.item.output}: {going}", counts=dict(self._counts))
            time.sleep(LOOK)
            if interrupts.asked():
                raise KeyboardInterrupt
        self._counts["paint_s"] += time.perf_counter() - began

    def _delivered(self, order: _Order) -> Progress:
        """Put the result of an order where it belongs, and note what became of it."""
        item, began = order.item, time.perf_counter()
        if order.failure is None:
            try:
                result = "film" if item.pattern.is_film else f"download?format={_KINDS[_suffix(item)]}"
                content = self._studio.ask("GET", f"/api/jobs/{order.job}/{result}")
                if seen(item.content) != order.content or item.pattern.has_changed():
                    raise ImageError(f"{item.content} has changed while it was painted: run the same command again.")
                path = self._place.folder / item.output
                files.create_folder(path.parent)
                files.write_atomic(path, content, force=True)
                changed = self._place.take(item.output, new=True)
                assert order.content is not None
                self._ledger.note_made(item, order.content, order.digest, changed)
            except GoneError:
                raise
            except (ImpastoError, OSError) as error:
                order.failure = error
        if order.failure is not None:
            self._ledger.note_failed(item, order.content, order.failure, str(order.failure))
        with contextlib.suppress(SettingsError):  # another order may need the same photograph
            self._forget(order)
        self._counts["failed" if order.failure else "made"] += 1
        self._counts["deliver_s"] += time.perf_counter() - began
        event = f"{item.content}: {order.failure}" if order.failure else ""
        return Progress(self._done, item.output, event, counts=dict(self._counts))

    def _forget(self, order: _Order) -> None:
        """Let the studio have no more of an item."""
        if order.job:
            if self._is_going(order):
                self._studio.ask("POST", f"/api/jobs/{order.job}/cancel")
                ends = time.monotonic() + PATIENCE
                while self._is_going(order) and time.monotonic() < ends:
                    time.sleep(LOOK)
            self._studio.ask("DELETE", f"/api/jobs/{order.job}")
        if order.photo in self._own:
            self._studio.ask("DELETE", f"/api/pictures/{order.photo}")

    def _is_going(self, order: _Order) -> bool:
        state: str = self._studio.told("GET", f"/api/jobs/{order.job}")["state"]
        return state in ("waiting", "running")

    @property
    def _done(self) -> float:
        return sum(self._counts[kind] for kind in ENDS) / max(1, len(self._items))


def _check(item: Item) -> None:
    """Raises SettingsError for an item that no studio paints."""
    job, suffix = item.pattern.job, _suffix(item)
    if own := [name for name in MACHINES if name in job.settings]:
        raise SettingsError(f"A studio has a `{own[0]}` of its own: leave out `{own[0]}`, or paint without `server`.")
    if "allow_truncated" in job.settings:
        raise SettingsError(
            "A studio takes nothing that is cut off: leave out `allow_truncated`, or paint without `server`."
        )
    if isinstance(job, VideoJob):
        if suffix not in _FILMS:
            raise SettingsError(
                f"A studio gives films as .mp4 or .webm, and not as {item.output}: choose a `name`, or in a "
                "manifest an `output`, that ends so, or paint films without `server`."
            )
        if job.regions or job.recipe != "default" or job.chosen().method != "fast":
            raise SettingsError(
                f"A studio paints films by the `method` fast alone, and without regions: paint {item.content} without `server`."
            )
        decided = not job.delivery.metadata
    else:
        bits = job.delivery.bits
        if suffix not in _KINDS or (bits == 16) != (bits is not None and _KINDS[suffix] == "tiff"):
            raise SettingsError(
                f"A studio gives no {item.output} with {bits or 'so many'} bits: use .png, .jpg or .webp, or .tiff with 16."
            )
        decided = job.delivery.profile == "keep" or bool(job.delivery.keep_metadata) or not job.delivery.metadata
    if decided:
        raise SettingsError(
            "What a result keeps of a photograph or a clip is the studio's to decide: leave out `profile`, `keep_metadata` and `no_metadata`."
        )


def _suffix(item: Item) -> str:
    """That of an item's result, in small letters."""
    return os.path.splitext(item.output)[1].lower()

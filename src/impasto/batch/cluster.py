"""A batch on a Ray cluster: a painter in a process of its own for every processor, or every GPU if there are
any, wherever there is room, also on nodes that join later.

Each has two calls of a few items in hand, so that it never waits for this process. What dies loses no more
than those; its items go to the others. What has killed its process is given alone to the next.
"""

import contextlib
import logging
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from impasto._version import __version__
from impasto.batch import items as items_
from impasto.batch.actor import Painter
from impasto.batch.items import Item
from impasto.batch.ledger import Ledger
from impasto.batch.share import ENDS
from impasto.batch.stores import Place
from impasto.batch.watching import SILENT
from impasto.errors import ImpastoError, OutputError, SettingsError, briefly
from impasto.extras import needed
from impasto.jobs.claims import MOST_TRIES, killer
from impasto.machine import interrupts
from impasto.progress import Progress

CALLS, EACH = 2, 4
"""How many calls a painter has in hand, of how many items; those that last are given one by one."""
LOOK = 2.0
"""Seconds between two looks at the cluster for room."""
LAST_WORDS = 30.0
"""Seconds that painters may take at the end to save in a store what they remember."""
MEMORY = 1.5e9
"""Bytes that a painter may come to take."""
_AT_WORK = 3
"""Items of a call that a painter may be busy with when it dies: one is decoded, one painted, one encoded."""


@dataclass
class _Call:
    items: list[Item]
    events: Any
    counts: dict[str, float] = field(default_factory=dict)

    @property
    def left(self) -> list[Item]:
        return self.items[int(sum(self.counts.get(kind, 0) for kind in ENDS)) :]


@dataclass
class _Hand:
    """A painter, seen from here. ``ready`` stands for its answer until it has come."""

    number: int
    actor: Any
    ready: Any
    node: str = ""
    calls: deque[_Call] = field(default_factory=deque)
    heard: float = field(default_factory=time.monotonic)
    """When it was given what it is at, or has told something of it."""


class Cluster:
    """Items to be carried out by a cluster, by at most so many painters."""

    def __init__(self, address: str, place: Place, items: list[Item], most: int | None, device: str) -> None:
        """``address`` is that of the cluster's head, or "auto" for the cluster that this machine is in."""
        self._address, self._place, self._most, self._device = address, place, most, device
        self._waiting, self._tries = deque(items), dict[str, int]()
        self._hands: list[_Hand] = []
        self._bases: dict[int, dict[str, float]] = {}
        self._stillborn, self._looked = 0, -LOOK
        self._ledger = Ledger(place.folder, "-ray")
        self._ray: Any = None
        self.painters = 0
        """The most that there were at a time."""

    def events(self) -> Generator[tuple[int, Progress], None, None]:
        """Carry them out: the number of a painter, and what it tells of all that it has done. Raises
        OutputError, and SettingsError where there is no such cluster.
        """
        with connected(self._address) as self._ray:
            try:
                while self._waiting or any(hand.calls for hand in self._hands):
                    self._grow()
                    self._feed()
                    heard = {id(ref): hand for hand in self._hands if (ref := self._awaited(hand)) is not None}
                    refs = [self._awaited(hand) for hand in heard.values()]
                    if not refs:
                        time.sleep(0.1)
                    for ref in self._ray.wait(refs, timeout=0.5)[0] if refs else []:
                        yield from self._hear(heard[id(ref)])
                    for hand in [*self._hands]:
                        if self._silent(hand):
                            yield from self._lost(hand, TimeoutError())
                    if interrupts.asked():
                        raise KeyboardInterrupt
            finally:
                self._let_go()
                self._place.save(self._ledger.index, self._ledger.errors)

    def _awaited(self, hand: _Hand) -> Any:
        return hand.ready if hand.ready is not None else hand.calls[0].events if hand.calls else None

    def _silent(self, hand: _Hand) -> bool:
        """Whether it has told nothing for too long. What was told while this process stood still waits to be
        heard, or comes within moments.
        """
        if hand.ready is not None or not hand.calls or time.monotonic() - hand.heard <= SILENT:
            return False
        return not self._ray.wait([hand.calls[0].events], timeout=LOOK)[0]

    def _grow(self) -> None:
        """Begin a painter wherever there is room."""
        if time.monotonic() - self._looked < LOOK:
            return
        self._looked = time.monotonic()
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        gpus = sum(int(node.get("GPU", 0)) for node in nodes) if self._device != "cpu" else 0
        room = sum(min(int(node.get("CPU", 0)), int(node.get("memory", 0) / MEMORY)) for node in nodes)
        items = len(self._waiting) + sum(len(call.items) for hand in self._hands for call in hand.calls)
        wanted = min(gpus or max(1, room), items, self._most or items)
        needs = {"num_cpus": 1, "num_gpus": 1} if gpus else {"num_cpus": 1, "memory": MEMORY}
        painter = self._ray.remote(**needs)(Painter)
        while len(self._hands) < wanted:
            number = next(n for n in range(wanted) if n not in {hand.number for hand in self._hands})
            actor = painter.remote(os.getcwd(), str(self._place), f"-ray-{number}")
            self._hands.append(_Hand(number, actor, actor.ready.remote()))
        self.painters = max(self.painters, len(self._hands))

    def _feed(self) -> None:
        """Give everyone enough to do, and less towards the end, so that all end together."""
        for _ in range(CALLS):
            for hand in self._hands:
                if self._waiting and hand.ready is None and len(hand.calls) < CALLS:
                    items = self._next(max(1, min(EACH, len(self._waiting) // (CALLS * len(self._hands)))))
                    ahead = 0 if items[0].output in self._tries else 1
                    hand.heard = hand.heard if hand.calls else time.monotonic()
                    events = hand.actor.paint.options(num_returns="streaming").remote(items_.dictionary(items), ahead)
                    hand.calls.append(_Call(items, events))

    def _next(self, most: int) -> list[Item]:
        """Some items that go together: what has killed a process, or lasts, is alone."""
        found: list[Item] = []
        while self._waiting and len(found) < most:
            alone = self._waiting[0].output in self._tries or self._waiting[0].pattern.lasts
            if alone and found:
                break
            found.append(self._waiting.popleft())
            if alone:
                break
        return found

    def _hear(self, hand: _Hand) -> Iterator[tuple[int, Progress]]:
        """Take in what a painter has to say."""
        errors, hand.heard = self._ray.exceptions, time.monotonic()
        try:
            if hand.ready is not None:
                version, hand.node = self._ray.get(hand.ready)
                hand.ready, self._stillborn = None, 0
                if version != __version__:
                    raise OutputError(
                        f"The node {hand.node} has Impasto {version}, and this one {__version__}: install one."
                    )
                return
            call = hand.calls[0]
            progress = Progress(**self._ray.get(next(call.events)))
            call.counts = dict(progress.counts)
            yield hand.number, replace(progress, counts=self._in_all(hand, call.counts))
        except StopIteration:
            self._bases[hand.number] = self._in_all(hand, hand.calls.popleft().counts)
        except errors.RayTaskError as error:
            told = error.cause
            raise (
                told
                if isinstance(told, ImpastoError)
                else OutputError(f"A painter of the cluster failed ({type(told).__name__}: {briefly(told)}).")
            ) from None
        except errors.RayError as error:
            yield from self._lost(hand, error)

    def _in_all(self, hand: _Hand, counts: Mapping[str, float]) -> dict[str, float]:
        """The counts of a call, and of those before it under that number."""
        base = self._bases.get(hand.number, {})
        return {name: counts.get(name, 0) + base.get(name, 0) for name in {*counts, *base}}

    def _lost(self, hand: _Hand, error: Exception) -> Iterator[tuple[int, Progress]]:
        """Give what a painter had in hand to others. Where its node lives, it may have died of an item."""
        self._hands.remove(hand)
        with contextlib.suppress(Exception):  # it may be alive, and only not be heard
            self._ray.kill(hand.actor)
        if hand.ready is not None:
            self._stillborn += 1
            if self._stillborn > MOST_TRIES:
                raise OutputError(
                    f"No painter could be begun on the cluster ({briefly(error)}): install Impasto on all nodes."
                )
            return
        left = [item for call in hand.calls for item in call.left]
        if hand.calls:
            self._bases[hand.number] = self._in_all(hand, hand.calls[0].counts)
            if hand.node in {node["NodeID"] for node in self._ray.nodes() if node["Alive"]}:
                for item in hand.calls[0].left[:_AT_WORK]:
                    self._tries[item.output] = self._tries.get(item.output, 0) + 1
        fatal = [item for item in left if self._tries.get(item.output, 0) >= MOST_TRIES]
        self._waiting.extendleft(item for item in reversed(left) if item not in fatal)
        for item in fatal:
            reason = str(killer(silent=isinstance(error, TimeoutError)))
            self._ledger.note_lost(item, reason)
            base = self._bases.setdefault(hand.number, {})
            base["failed"] = base.get("failed", 0) + 1
            yield hand.number, Progress(0, event=f"{item.content}: {reason}", counts=base)

    def _let_go(self) -> None:
        """End all painters; those that are at nothing save what they remember before."""
        idle = [hand.actor.save.remote() for hand in self._hands if hand.ready is None and not hand.calls]
        with contextlib.suppress(Exception):
            self._ray.wait(idle, num_returns=len(idle), timeout=LAST_WORDS)
        for hand in self._hands:
            with contextlib.suppress(Exception):
                self._ray.kill(hand.actor)


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """Ray, connected to a cluster, quiet, and without its own handlers of signals. Raises SettingsError and
    NotInstalledError."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    with needed("ray"):
        import ray
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    own = not ray.is_initialized()
    try:
        if own:
            ray.init(address, log_to_driver=False, logging_level=logging.CRITICAL)
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise SettingsError(
            f"`ray` {address} is no cluster that can be reached ({briefly(error)}): begin one with ray start, or give the "
            "address of its head, HOST:PORT."
        ) from error
    if threading.current_thread() is threading.main_thread():
        for number, handler in before.items():
            signal.signal(number, handler)
    with contextlib.ExitStack() as stack:
        if own:
            with contextlib.suppress(ImportError, AttributeError):  # it is Ray's own, and may go: then Ray prints
                from ray._private import worker

                stack.callback(setattr, worker, "print_to_stdstream", worker.print_to_stdstream)
                # What has died is told here, and standard output is for the report.
                worker.print_to_stdstream = lambda *_, **__: None
            stack.callback(ray.shutdown)
        yield ray

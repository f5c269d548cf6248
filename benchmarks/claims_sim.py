"""A million items, a thousand workers that share them by claims, and some of them dying: when does the folder
that they share become the limit?

    python -m benchmarks.claims_sim [--items 1000000] [--report REPORT.json]

Workers go round as `impasto.batch.share.Share` does, by the times of `claims`, `ledger` and `share`: they
go in an order of their own, pass over what an index tells as made, are refused what another has in hand, take
over what has gone stale, and wait before they go round again. The folder is one queue that answers so many
requests a second. Painting takes what a report of `impasto batch --json` says, or one second. Workers die,
twice a day each unless told, and come again after two minutes; what they painted is painted anew. Each has
one item in hand, and not, as in truth, the next one too.
"""

import argparse
import heapq
import json
import math
import random
from dataclasses import dataclass
from pathlib import Path

from impasto.batch.ledger import NEWS
from impasto.jobs.claims import BEAT, STALE, WAIT

CLAIM, REFUSED, TAKEN_OVER, GIVEN_BACK = 3, 6, 9, 2
"""Requests of the file system: made, written and closed; tried, the next one asked, opened, read and closed,
and its owner's age asked; the same, and the next one made; the next one asked, and removed."""
READ, WRITTEN, NOTED, BEATEN = 6, 5, 4, 2
"""Of a photograph, asked, opened and read; of a result, made, synced and renamed; of a line of the index; of
a worker's own file that is touched."""
SPREAD = 0.3
"""Of the times that painting takes, as the standard deviation of their logarithms."""
BACK = 120.0
"""Seconds until a worker that died is there again."""


@dataclass
class Folder:
    """A server that answers ``rate`` requests a second, one after the other."""

    rate: float
    free: float = 0.0
    longest: float = 0.0

    def after(self, now: float, requests: int) -> float:
        """When so many are answered."""
        self.free = max(self.free, now) + requests / self.rate
        self.longest = max(self.longest, self.free - now)
        return self.free


@dataclass
class Outcome:
    """What came of it: the seconds that it took, and how often an item was painted in vain or waited for."""

    seconds: float = 0.0
    again: int = 0
    refused: int = 0


class Items:
    """What everyone could know of the items."""

    def __init__(self, count: int) -> None:
        self.count, self.made = count, 0
        self.made_at: list[float | None] = [None] * count
        self.held: dict[int, tuple[float, bool]] = {}
        """Until when one is: to be done then, or, by a dead worker, to be taken over."""
        self._onward = list(range(count + 1))
        self._done: list[tuple[float, int]] = []

    def begin(self, item: int, until: float) -> None:
        self.held[item] = (until, True)
        heapq.heappush(self._done, (until, item))

    def settle(self, now: float) -> None:
        """What is done by now is made."""
        while self._done and self._done[0][0] <= now:
            until, item = heapq.heappop(self._done)
            self.made_at[item], self.made = until, self.made + 1
            del self.held[item]

    def unknown(self, item: int, now: float) -> int:
        """The first from there on that no index tells as made."""
        while (item := self._end(item)) < self.count:
            at = self.made_at[item]
            if at is None or at + NEWS > now:
                break
            self._onward[item] = item + 1
        return item

    def _end(self, item: int) -> int:
        while self._onward[item] != item:
            self._onward[item] = self._onward[self._onward[item]]
            item = self._onward[item]
        return item


def simulate(count: int, workers: int, folder: Folder, paint: float, deaths_a_day: float) -> Outcome:
    """Let so many ``workers`` paint so many items, each in about ``paint`` seconds."""
    chance, items, outcome = random.Random(0), Items(count), Outcome()
    queue = [(chance.random() * WAIT, number, 0) for number in range(workers)]
    heapq.heapify(queue)
    while items.made < count:
        now, number, vain = heapq.heappop(queue)
        items.settle(now)
        item = items.unknown(chance.randrange(count), now)
        until, alive = items.held.get(item, (-1.0, False))
        if item == count:
            after = now
        elif vain > count - items.made:  # once round, and nothing to take
            after, vain = now + WAIT, 0
        elif items.made_at[item] is not None:  # just now: claimed, looked at, and given back
            after = folder.after(now, CLAIM + READ + GIVEN_BACK)
        elif alive or now < until:
            outcome.refused, vain = outcome.refused + 1, vain + 1
            after = folder.after(now, REFUSED)
        else:
            outcome.again += until >= 0
            begun = folder.after(now, TAKEN_OVER if until >= 0 else CLAIM)
            took, vain = paint * chance.lognormvariate(0, SPREAD), 0
            if chance.random() < took * deaths_a_day / 86400:
                died = begun + chance.random() * took
                items.held[item] = (died + STALE, False)
                after = died + BACK
            else:
                after = folder.after(begun, READ + WRITTEN + NOTED + GIVEN_BACK) + took
                items.begin(item, after)
                outcome.seconds = max(outcome.seconds, after)
        heapq.heappush(queue, (after, number, vain))
    return outcome


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--items", type=int, default=1_000_000)
    options.add_argument("--report", type=Path, help="of `impasto batch --json`, for the time of a picture")
    options.add_argument("--deaths", type=float, default=2.0, help="a worker and day")
    given = options.parse_args()
    paint = 1.0
    if given.report:
        told = json.loads(given.report.read_text())
        paint = told["seconds"]["paint"] / told["done_now"]
    print(f"{given.items} items of {paint:.2f} s")
    print("workers  requests/s  share of the ideal  painted again  refused  longest answer")
    for workers, rate in ((100, 2500), (1000, 2500), (1000, 10000), (1000, 40000)):
        folder = Folder(rate - workers * BEATEN / BEAT)
        found = simulate(given.items, workers, folder, paint, given.deaths)
        ideal = given.items * paint * math.exp(SPREAD**2 / 2) / workers
        print(
            f"{workers:7} {rate:11} {ideal / found.seconds:19.3f} {found.again:14} {found.refused:8} {folder.longest:13.1f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()

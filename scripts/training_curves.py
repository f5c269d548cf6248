"""The losses of the parts of a training, one after the other, from their logs:

    python scripts/training_curves.py docs/multi-curves.svg "content 0.2=a.log.jsonl" "content
    0.1=b.log.jsonl"

First row: on the pictures learnt from, means of fifty steps. Second: on those held out.
"""

import json
import statistics
import sys
from pathlib import Path
from typing import Any

from impasto.machine.files import write_atomic
from impasto.study.figures import colour_of, loss_curves
from impasto.study.outcome import Curves

TERMS, TOGETHER = ("style", "content", "tv"), 50


def main(out: Path, parts: list[tuple[str, Path]]) -> None:
    learnt, held = [], []
    begun = 0
    for name, log in parts:
        steps: list[dict[str, Any]] = [json.loads(line) for line in log.read_text().splitlines()]
        means = [
            {
                "step": some[-1]["step"],
                "losses": {term: statistics.fmean(each["losses"][term] for each in some) for term in TERMS},
            }
            for some in (steps[first : first + TOGETHER] for first in range(0, len(steps), TOGETHER))
        ]
        learnt.append(_curves(name, "learnt from", begun, means, "losses"))
        held.append(_curves(name, "held out", begun, [each for each in steps if "validation" in each], "validation"))
        begun += steps[-1]["step"]
    colours = {name: colour_of(index) for index, (name, _) in enumerate(parts)}
    write_atomic(out, loss_curves(learnt + held, colours)["svg"], True)


def _curves(name: str, family: str, begun: int, entries: list[dict[str, Any]], kind: str) -> Curves:
    losses = {term: [each[kind][term] for each in entries] for term in TERMS}
    return Curves(name, family, family, [begun + each["step"] for each in entries], losses)


if __name__ == "__main__":
    named = [part.split("=", 1) for part in sys.argv[2:]]
    main(Path(sys.argv[1]), [(name, Path(log)) for name, log in named])

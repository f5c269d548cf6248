"""One contender in a process of its own, told over standard input what to do; every answer is a line of JSON.

    python -m benchmarks.worker NAME CONTENT STYLE SIZE

NAME is pastiche (the wheel), plain (the textbook network in torch, float32), impasto-float32, impasto, both
with nothing compiled, impasto-compiled, or floor (the convolutions of Impasto's step, and nothing else). All
of them work on pastiche's objective and start from the content. The process answers when it is ready, and
then to every line: to ``step N`` with the seconds of each of N steps, to ``save FILE`` when the picture so
far is written, to ``memory`` with the peak of its resident memory in bytes, and, compiled only, to ``descend
FILE TARGET STAGES`` with the seconds it took from the content to a loss below TARGET, the iterations at full
size, and the picture written.
"""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor


def contender(name: str, content: Path, style: Path, size: int) -> Iterator[Tensor]:
    """Its pictures, step by step. Only what it needs itself is imported, for its start and its memory are
    measured.
    """
    if name == "pastiche":
        from benchmarks.peer import pastiche_steps

        return pastiche_steps(content, style, size)
    from benchmarks import contenders

    if name == "plain":
        return contenders.plain_steps(content, style, size)
    if name == "floor":
        return contenders.floor_steps(content, size)
    precision = "float32" if name == "impasto-float32" else "auto"
    return contenders.impasto_steps(content, style, size, precision, "auto" if name == "impasto-compiled" else "off")


def main() -> None:
    name, content, style, size = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    steps = contender(name, content, style, size)
    picture = next(steps)
    answer: object = "ready"
    while True:
        print(json.dumps(answer), flush=True)
        command, *arguments = (sys.stdin.readline() or "quit").split()
        if command == "step":
            seconds = []
            for _ in range(int(arguments[0])):
                began = time.perf_counter()
                picture = next(steps)
                seconds.append(time.perf_counter() - began)
            answer = seconds
        elif command == "save":
            torch.save(picture.clone(), arguments[0])
            answer = "saved"
        elif command == "memory":
            from impasto.tasks import record  # when all is done

            answer = record.peak_rss_bytes()
        elif command == "descend":
            from benchmarks.contenders import backbone, descend
            from benchmarks.objective import Problem

            stages = {float(part): int(count) for part, count in (stage.split(":") for stage in arguments[2:])}
            took, iterations, found = descend(
                Problem(content, style, size), backbone("auto"), float(arguments[1]), stages
            )
            torch.save(found, arguments[0])
            answer = [took, iterations]
        else:
            return


if __name__ == "__main__":
    main()

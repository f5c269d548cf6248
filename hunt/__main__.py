"""Hunt for faults in what is read: pictures, masks, our own files, settings.

    python -m hunt [--minutes 10] [--seed 0] [--output output/fuzz]

Each batch is a process of its own, with a limit on its memory. What is promised of every input: it is read,
or refused by an error of Impasto, within ten seconds, and nothing is said on stderr. What breaks that is kept
in the output folder, by a name that says what it is. The kills have a program of their own, `python -m
hunt.kills`, and so has what is guided by coverage, `python -m hunt.guided`.
"""

import argparse
import hashlib
import logging
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

_BATCH, _LONGEST, _MEMORY = 40, 900, 6 * 2**30
"""Mutations of every seed in a batch, its seconds, and the bytes that its process may map."""


def pictures(folder: Path, seed: int) -> Iterator[tuple[str, bytes, str]]:
    from hunt.pictures import findings, seeds

    for found in findings(seeds(), _BATCH, seed, seen=folder / "now"):
        yield found.name, found.data, found.what


def masks(folder: Path, seed: int) -> Iterator[tuple[str, bytes, str]]:
    from hunt.pictures import findings, seeds
    from impasto.masks.reading import mask

    for found in findings(seeds(), _BATCH, seed, lambda data: mask(data, "mask"), seen=folder / "now"):
        yield found.name, found.data, found.what


def own_files(folder: Path, seed: int) -> Iterator[tuple[str, bytes, str]]:
    from hunt.own_files import mutants, outcome, readers

    for whole, read in readers(folder).items():
        mutant = folder / f"now{whole.suffix}"
        for data in mutants(whole.read_bytes(), 2 * _BATCH, seed):
            mutant.write_bytes(data)
            try:
                outcome(lambda read=read, mutant=mutant: read(mutant))  # type: ignore[misc]
            except AssertionError as error:
                yield whole.name, data, str(error)


def settings(folder: Path, seed: int) -> Iterator[tuple[str, bytes, str]]:
    from hunt.settings import hunt

    try:
        hunt(20 * _BATCH, seed)
    except BaseException as error:  # Hypothesis has groups of them
        yield "settings.txt", repr(error).encode(), type(error).__name__


HUNTS: dict[str, Callable[[Path, int], Iterator[tuple[str, bytes, str]]]] = {
    "pictures": pictures,
    "masks": masks,
    "own_files": own_files,
    "settings": settings,
}


def main() -> int:
    """Hunt, batch by batch, and give 1 where anything was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("output/fuzz"))
    parser.add_argument("--batch", choices=HUNTS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.batch:
        return _batch(given.batch, given.seed, given.output)
    end, seed, batches, found = time.monotonic() + 60 * given.minutes, given.seed, 0, 0
    while time.monotonic() < end:
        for name in HUNTS:
            found += _in_process(name, seed, given.output)
            batches += 1
        seed += 1
    sys.stdout.write(f"{batches} batches, {found} with findings{f': {given.output}' if found else ''}\n")
    return bool(found)


def _in_process(name: str, seed: int, output: Path) -> bool:
    """Whether a batch found anything, or came to no good end itself."""
    command = [sys.executable, "-m", "hunt", "--batch", name, "--seed", str(seed), "--output", str(output)]
    try:
        code = subprocess.run(command, check=False, timeout=_LONGEST).returncode
    except subprocess.TimeoutExpired:
        code = -1
    if code not in (0, 1):
        sys.stdout.write(f"{name}, seed {seed}: the process ended with {code}, while it read {output}/{name}-{seed}\n")
    return code != 0


def _batch(name: str, seed: int, output: Path) -> int:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    logging.getLogger("impasto").addHandler(logging.NullHandler())  # what is told of a picture is no finding
    output.mkdir(parents=True, exist_ok=True)
    found = 0
    with TemporaryDirectory(prefix=f"{name}-{seed}-", dir=output) as folder:  # stays where the process is killed
        for kind, data, what in HUNTS[name](Path(folder), seed):
            found += 1
            kept = output / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}-{kind}"
            kept.write_bytes(data)
            sys.stdout.write(f"{kept}: {what[:300]}\n")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())

"""How fast a batch is beside the bare network, on one machine that has nothing else to do:

    python -m benchmarks.batch_throughput [--pictures 40] [--size 512] [--rescan 100000]

The network in a loop, on pixels that are there already, by one thread; `impasto batch` with one worker and
with two; and the second call of a batch of so many small finished items. Bars: 0.9, 1.8, and ten seconds.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from impasto.batch.stores import seen

STYLE = "rhone"
FEWEST = 4


def main() -> None:
    options = argparse.ArgumentParser(
        "python -m benchmarks.batch_throughput",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_argument("--pictures", type=int, default=40, help=f"how many are painted, {FEWEST} at least (40)")
    options.add_argument("--size", type=int, default=512, help="their longer side in pixels (512)")
    options.add_argument("--rescan", type=int, default=100_000, help="how many finished items, 0 for none (100000)")
    given = options.parse_args()
    if given.pictures < FEWEST:
        options.error(f"--pictures {given.pictures}: a rate needs {FEWEST} at least")
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        photographs(Path("photos"), given.pictures, given.size)
        bare = loop(given.pictures, given.size)
        rates = []
        for workers in (1, 2):
            report = batch("photos", f"painted{workers}", "--size", str(given.size), "--workers", str(workers))
            seconds = {name: round(value, 2) for name, value in report["seconds"].items()}
            rates.append(steady(Path(f"painted{workers}")))  # a hundred thousand do not notice the start
            print(
                f"batch, workers {workers}: {rates[-1]:.3f} pictures/s; {report['elapsed_s']:.1f} s in all, {seconds}"
            )
        bare = max(bare, loop(given.pictures, given.size))  # whatever else the machine had to do meanwhile
        print(f"the bare network, one thread: {bare:.3f} pictures/s")
        print(f"one worker ÷ bare: {rates[0] / bare:.3f} (bar 0.9); two ÷ one: {rates[1] / rates[0]:.3f} (bar 1.8)")
        if given.rescan:
            print(f"a second call on {given.rescan} finished items: {rescan(given.rescan):.1f} s (bar 10)")


def photographs(folder: Path, count: int, size: int) -> None:
    """JPEG files with some detail in them, no two alike."""
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(count):
        coarse = Image.fromarray(random.integers(0, 255, (size // 8, size // 8, 3), np.uint8))
        coarse.resize((size, size), Image.Resampling.BICUBIC).save(folder / f"{number:06}.jpg", quality=90)


def loop(count: int, size: int) -> float:
    """Pictures a second of the network alone, as it paints for the batch: by one thread, in kept memory."""
    import torch

    from impasto.jobs.deliver import Work
    from impasto.jobs.job import Job
    from impasto.machine import memory

    torch.set_num_threads(1)
    job = Job("stylize", "photos/000000.jpg", style_index=STYLE, settings={"method": "fast", "size": size})
    runs = [Work(job.to("bare.png"), force=True, key="0" * 32).run for _ in range(count + 1)]
    began = 0.0
    with memory.reused():
        for number, run in enumerate(runs):
            if number == 1:  # the first finds its memory
                began = time.perf_counter()
            for _ in run.steps():
                if run.has_picture:
                    break
        return count / (time.perf_counter() - began)


def batch(photos: str, output: str, *more: str) -> dict[str, Any]:
    command = [
        sys.executable,
        "-c",
        "from impasto.cli import app; app()",
        "batch",
        photos,
        "-o",
        output,
        "-q",
        "--json",
    ]
    done = subprocess.run([*command, "--style-index", STYLE, *more], capture_output=True, text=True, check=True)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def steady(folder: Path) -> float:
    """Pictures a second between the first tenth and the last, by when they appeared."""
    times = sorted(path.stat().st_mtime for path in folder.glob("*.jpg"))
    skipped = len(times) // 10
    return (len(times) - 2 * skipped - 1) / (times[-skipped - 1] - times[skipped])


def rescan(count: int) -> float:
    """Seconds of the second call, on so many copies of one photograph, which are as good as painted."""
    photographs(Path("many"), 1, 64)
    batch("many", "done", "--size", "64")
    index = Path("done/.impasto/index.jsonl")
    (row,) = map(json.loads, index.read_text().splitlines())
    with index.open("a") as file:
        for number in range(1, count):
            names = {"content": f"many/{number:06}.jpg", "output": f"{number:06}-{STYLE}.jpg"}
            content, output = Path(names["content"]), Path("done", names["output"])
            shutil.copyfile("many/000000.jpg", content)
            shutil.copyfile(f"done/000000-{STYLE}.jpg", output)
            file.write(json.dumps(row | names | {"seen": seen(content), "changed": seen(output)}) + "\n")
    began = time.perf_counter()
    report = batch("many", "done", "--size", "64")
    assert report["done"] == count, report
    return time.perf_counter() - began


if __name__ == "__main__":
    main()

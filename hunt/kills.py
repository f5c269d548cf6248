"""Kill every command that writes files at random moments: what is there is whole, and the same command ends
in the same bytes.

    python -m hunt.kills [--kills 100] [--seed 0]

A command is run to its end once, then killed (SIGKILL, its whole group) at moments drawn evenly over the time
that this took, in a folder of its own. After each kill every file with a name of its own, and none is hidden
that was not written to the end, is opened; then the command goes on (``--resume`` where there is a
checkpoint, else ``--force``), and its files are compared with those of the run that was left alone.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from PIL import Image
from safetensors.torch import load_file

from impasto.jobs.job import Job
from impasto.machine import checkpoint
from impasto.pictures import codecs
from impasto.video.clip import Clip
from impasto.video.fast import Fast
from tests.clips import clip, drawn
from tests.helpers import painting, photo

IMPASTO = Path(sys.executable).with_name("impasto")
_SHORT = ["--size", "64", "--iterations", "12", "-q"]


@dataclass(frozen=True)
class Command:
    """A command that is run in a folder with photo.png, painting.png, job.json, photos/ and clip.mp4, which
    takes more than one part.

    ``results`` are what it leaves, of which the bytes are known; ``checkpoint`` is what it can go on from.
    """

    name: str
    arguments: list[str]
    results: list[str]
    checkpoint: str = ""
    again: str | None = "--force"
    """How it is done again; None where it is not, once its results are there."""
    cache: bool = False
    """Whether the cache of weights is empty at first."""


COMMANDS = [
    Command(
        "stylize",
        ["stylize", "photo.png", "painting.png", "-o", "out.png", "--checkpoint-every", "0", "--snapshots", "every:4", *_SHORT],
        ["out.png", "out-00004.png", "out-00008.png", "out-00012.png"],
        "out.png.checkpoint",
    ),
    Command(
        "texture",
        ["texture", "painting.png", "-o", "out.tiff", "--checkpoint-every", "0", *_SHORT],
        ["out.tiff"],
        "out.tiff.checkpoint",
    ),
    Command(
        "reconstruct",
        ["reconstruct", "photo.png", "-o", "out.webp", "--checkpoint-every", "0", *_SHORT],
        ["out.webp"],
        "out.webp.checkpoint",
    ),
    Command(
        "refine",
        ["stylize", "photo.png", "painting.png", "--method", "refine", "-o", "out.avif", "--checkpoint-every", "0", *_SHORT],
        ["out.avif"],
        "out.avif.checkpoint",
    ),
    Command(
        "colour",
        ["stylize", "photo.png", "painting.png", "--keep-colour", "histogram", "--bits", "16", "-o", "out.png", "--checkpoint-every", "0", *_SHORT],
        ["out.png"],
        "out.png.checkpoint",
    ),
    Command("run", ["run", "job.json", "-o", "out.png", "-q"], ["out.png"]),
    Command(
        "demo",
        ["demo", "-o", "demo", *_SHORT],
        ["demo/content.png", "demo/style.png", "demo/result.png", "demo/sheet.png"],
    ),
    Command("fast", ["stylize", "photo.png", "painting.png", "--method", "fast", "--size", "128", "-o", "out.jpg", "-q"], ["out.jpg"]),
    Command(
        "first use",
        ["stylize", "photo.png", "painting.png", "--method", "fast", "--size", "64", "-o", "out.png", "-q"],
        ["out.png"],
        cache=True,
    ),
    Command("style code", ["style-code", "painting.png", "-o", "code.safetensors"], ["code.safetensors"]),
    Command("edges", ["edges", "photo.png", "painting.png", "-o", "edges.png"], ["edges.png"]),
    Command("export", ["export", "multi", "-o", "multi.onnx"], []),
    Command(
        "study",
        ["study", "photo.png", "painting.png", "--sweep", "tv_weight=0,30", "--recipe", "statistics", "-o", "study", *_SHORT],
        ["study/runs/tv_weight=0/result.png", "study/runs/tv_weight=30/result.png"],
        again="",
    ),
    Command(
        "train",
        ["train", "--photos", "photos", "--style", "painting.png", "--steps", "3", "--batch", "1", "--crop", "64", "--workers", "0", "-o", "net.safetensors", "-q"],
        [],
        "net.safetensors.checkpoint",
    ),
    Command("styles", ["styles", "photo.png", "--size", "32", "-o", "styles.png"], ["styles.png"]),
    Command(
        "batch",
        ["batch", "photos", "painting.png", "-o", "painted", "--size", "64", "--workers", "2", "-q"],
        [f"painted/{number}-painting.png" for number in range(8)],
        again="",
    ),
    Command(
        "claims",
        ["batch", "photos", "painting.png", "-o", "painted", "--size", "64", "--workers", "1", "--claim", "-q"],
        [f"painted/{number}-painting.png" for number in range(8)],
        again="",
    ),
    Command(
        "optimised batch",
        ["batch", "photos", "painting.png", "-o", "painted", "--method", "iterative", "--workers", "1", "--name", "{stem}.png", *_SHORT],
        [f"painted/{number}.png" for number in range(8)],
        again="",
    ),
    Command(
        "video",
        ["video", "clip.mp4", "painting.png", "-o", "film.mp4", "--sheet", "--no-metadata", "-q"],
        ["film.mp4", "film.mp4.sheet.png"],
        "film.mp4.parts/film.json",
    ),
    Command(
        "frames",
        ["video", "clip.mp4", "painting.png", "-o", "frames", "--end", "0.3", "-q"],
        [f"frames/{number:04d}.png" for number in range(1, 9)],
        "frames.parts/film.json",
        again=None,
    ),
]  # fmt: skip


def main() -> int:
    """Hunt, tell what was found, and give 1 where anything was."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100, help="over all commands")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    draw = random.Random(arguments.seed)
    count = 0
    for place, command in enumerate(COMMANDS):
        kills = len(range(place, arguments.kills, len(COMMANDS)))
        for fault in hunt(command, kills, draw):
            sys.stdout.write(f"FAULT {fault}\n")
            sys.stdout.flush()
            count += 1
    sys.stdout.write(f"{count} faults\n")
    return bool(count)


def hunt(command: Command, kills: int, draw: random.Random) -> Iterator[str]:
    """Kill a command so often, and give what was wrong afterwards."""
    with TemporaryDirectory() as place:
        alone = _folder(Path(place) / "alone")
        began = time.monotonic()
        if code := _run(command, alone).wait():
            yield f"{command.name}, left alone, ended with {code}: {(alone / 'log').read_text()[-300:]}"
            return
        took = time.monotonic() - began
        expected = {name: (alone / name).read_bytes() for name in command.results}
        for number in range(kills):
            folder, moment = _folder(Path(place) / str(number)), draw.uniform(0, took)
            process = _run(command, folder)
            time.sleep(moment)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            where = f"{command.name}, killed after {moment:.2f} of {took:.2f} s: "
            yield from (where + fault for fault in broken(folder))
            on = "--resume" if command.checkpoint and (folder / command.checkpoint).exists() else command.again
            there = all((folder / name).exists() for name in command.results)
            if not (on is None and there) and _run(command, folder, *filter(None, [on])).wait():
                yield f"{where}the command did not come to its end with {on or 'the same arguments'}"
                continue
            for name, data in expected.items():
                if not (folder / name).exists() or (folder / name).read_bytes() != data:
                    yield f"{where}{name} is not what it would have been"
            yield from (where + f"in the end {fault}" for fault in broken(folder))
            yield from (f"{where}{left} is left" for left in folder.rglob("*.partial"))
        sys.stdout.write(f"{command.name}: killed {kills} times\n")
        sys.stdout.flush()


def broken(folder: Path) -> Iterator[str]:
    """The files below a folder that are not whole, hidden ones left out, and why."""
    opened: dict[str, Callable[[Path], object]] = {
        **dict.fromkeys((".png", ".tiff", ".jpg"), codecs.load),
        **dict.fromkeys((".mp4", ".mkv"), lambda path: list(Clip(path).frames())),
        ".json": lambda path: json.loads(path.read_text()),
        ".safetensors": load_file,
        ".checkpoint": lambda path: checkpoint.load(path, torch.device("cpu")),
    }
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith(".") and path.suffix in opened:
            try:
                opened[path.suffix](path)
            except Exception as error:
                yield f"{path.relative_to(folder)} is not whole ({type(error).__name__}: {error})"


def _folder(path: Path) -> Path:
    """A folder with what the commands need."""
    (path / "photos").mkdir(parents=True)
    Image.fromarray(photo(48, 64)).save(path / "photo.png")
    Image.fromarray(painting(64, 64)).save(path / "painting.png")
    job = Job("stylize", "photo.png", (("painting.png", 1.0),), settings={"size": 64, "iterations": 12})
    (path / "job.json").write_text(json.dumps(job.dictionary()))
    for number in range(8):
        Image.fromarray(photo(96, 96, number)).save(path / "photos" / f"{number}.png")
    clip(path / "clip.mp4", drawn(Fast.LENGTH + 20, 32, 32))
    return path


def _run(command: Command, folder: Path, *more: str) -> "subprocess.Popen[bytes]":
    """A command in a folder, in a group of its own, with one thread."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"} | ({"IMPASTO_CACHE": "cache"} if command.cache else {})
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [str(IMPASTO), *command.arguments, *more],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


if __name__ == "__main__":
    sys.exit(main())

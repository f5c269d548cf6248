"""Measure Impasto against its peers, side by side, and write the figures and the README's table.

    python -m benchmarks.run [--pairs FOLDER] [--choose CONTENT:STYLE,CONTENT:STYLE] [--only
    step,rates,start,fast,commands,loss,networks] [--output FILE]

The contenders take turns in processes of one tree, several times over, and only one of them works at a time;
every figure is a median, but for the minutes down to a loss, of one run each. FOLDER holds content/ and
style/ pictures, of which the first two make two pairs unless --choose names others by the stems of their
files; without it the demo's pair serves. Run it on a machine that does nothing else; it takes half an hour to
an hour and a half. Parts can be measured anew on the same machine; in another FILE they make no table.
"""

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import torch

import impasto
from benchmarks.floor import rates
from benchmarks.objective import Problem
from benchmarks.table import CROP, update_readmes, update_training
from impasto import demo
from impasto.backbones.features import Backbone
from impasto.backbones.passes import Passes, compiled
from impasto.losses.objective import TOTAL
from impasto.machine.devices import DTYPES, choose_precision
from impasto.tasks import record

Pair = tuple[Path, Path]

STEP_CONTENDERS = ("pastiche", "plain", "impasto-float32", "impasto", "impasto-compiled", "floor")
"""Of which one needs a compiler."""
FAST_CONTENDERS = ("onnxruntime", "impasto-float32", "impasto"), ("lite", "impasto-picture", "impasto-reuse")
NETWORKS, TRAININGS = ("multistyle26", "multi", "arbitrary", "any"), ("multi", "any")
ROUNDS = 5
STEPS = {256: 4, 512: 3, 1024: 1}
"""How many steps a contender takes at a stretch, by size."""
STAGES = {100: "0.125:80 0.25:80 0.5:50", 300: "0.125:150 0.25:200 0.5:90", 500: "0.125:150 0.25:250 0.5:150"}
"""Where Impasto spends its iterations below full size, by the number of pastiche's steps whose loss it is
after."""

_RESULTS = Path(__file__).with_name("results.json")
"""Of which the README's table is made."""
_MEASURED = ("step", "rates", "start", "fast", "commands", "loss")
"""What is measured on one machine; the networks may be on another."""


class Worker:
    """A contender's process; used with ``with``."""

    def __init__(self, name: str, pair: Pair, size: int, module: str = "benchmarks.worker") -> None:
        self._name = name
        command = [sys.executable, "-m", module, name, str(pair[0]), str(pair[1]), str(size)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._answer()

    def ask(self, command: str) -> Any:
        assert self._process.stdin is not None
        print(command, file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"The contender {self._name} ended early.")
        return json.loads(line)

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def alternated(
    names: Sequence[str], pair: Pair, size: int, count: int, module: str = "benchmarks.worker"
) -> dict[str, Any]:
    """Each contender's median seconds for one step or picture, and its peak of memory."""
    workers = {name: Worker(name, pair, size, module) for name in names}
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for worker in workers.values():
        worker.ask("step 2")  # the first steps pack weights and fill caches
    for _ in range(ROUNDS):
        for name, worker in workers.items():
            seconds[name] += worker.ask(f"step {count}")
    found = {
        name: {"seconds": statistics.median(seconds[name]), "peak_rss_bytes": worker.ask("memory")}
        for name, worker in workers.items()
    }
    for worker in workers.values():
        worker.__exit__()
    log(f"seconds at {size}", found)
    return found


def seconds_per_step(pair: Pair) -> dict[str, Any]:
    """By the size of the picture."""
    best = DTYPES[choose_precision("auto", torch.device("cpu"))]
    names = [name for name in STEP_CONTENDERS if name != "impasto-compiled" or isinstance(compiled(best), Passes)]
    return {str(size): alternated(names, pair, size, count) for size, count in STEPS.items()}


def of_the_machine() -> dict[str, Any]:
    """Its rates with the types that convolutions run in, for the ratios above depend on them."""
    best = choose_precision("auto", torch.device("cpu"))
    found = {precision: rates(DTYPES[precision]) for precision in dict.fromkeys(("float32", best))}
    log("rates", found)
    return found


def seconds_per_picture(pair: Pair) -> dict[str, Any]:
    """The fast method: the network alone against ONNX Runtime, and the whole job against the wheel, square
    pictures.
    """
    module = "benchmarks.fast_worker"
    networks, pictures = FAST_CONTENDERS
    found = {f"network {size}": alternated(networks, pair, size, 5, module) for size in (384, 1024, 2048)}
    return found | {f"picture {size}": alternated(pictures, pair, size, 5, module) for size in (384, 1024)}


def of_networks(pair: Pair) -> dict[str, Any]:
    """The stylisers alone at two sizes, and a step of training; on a machine of its own, whatever the rest
    was measured on.
    """
    module = "benchmarks.fast_worker"
    found: dict[str, Any] = {
        str(size): alternated([f"network:{name}" for name in NETWORKS], pair, size, 5, module) for size in (512, 1024)
    }
    found["train"] = alternated([f"train:{kind}" for kind in TRAININGS], pair, CROP, 1, module)
    return found | {"date": date.today().isoformat(), "machine": record.machine()}


def time_to_loss(pair: Pair, folder: Path) -> dict[str, Any]:
    """Pastiche's loss after so many of its steps, the time they took, and Impasto's time to a loss below
    it.
    """
    problem = Problem(*pair, 512)
    objective = problem.objective(Backbone.pretrained(), problem.size)
    marks: dict[str, dict[str, Any]] = {}
    done, elapsed = 0, 0.0
    with Worker("pastiche", pair, 512) as peer:
        for mark in STAGES:
            elapsed += sum(peer.ask(f"step {mark - done}"))
            done = mark
            peer.ask(f"save {folder / 'peer.pt'}")
            picture = torch.load(folder / "peer.pt", weights_only=True)
            target = objective.value_and_grad(picture)[0][TOTAL]
            saved = objective.value_and_grad(picture.clamp(0, 1))[0][TOTAL]
            marks[str(mark)] = {"pastiche_seconds": elapsed, "loss": target, "loss_of_pastiche_as_saved": saved}
    with Worker("impasto-compiled", pair, 512) as ours:
        for mark, stages in STAGES.items():
            found = marks[str(mark)]
            seconds, iterations = ours.ask(f"descend {folder / 'ours.pt'} {found['loss']} {stages}")
            reached = objective.value_and_grad(torch.load(folder / "ours.pt", weights_only=True))[0][TOTAL]
            assert reached <= found["loss"], "float32 says the loss was not reached"
            found |= {
                "impasto_seconds": seconds,
                "impasto_iterations_at_full_size": iterations,
                "impasto_loss": reached,
            }
    log("time to loss", marks)
    return marks


def cold_start(pair: Pair) -> dict[str, float]:
    """From starting the process to the end of its first step at 512 pixels."""

    def start(name: str) -> float:
        began = time.perf_counter()
        with Worker(name, pair, 512) as worker:
            worker.ask("step 1")
            return time.perf_counter() - began

    names = {"pastiche": "pastiche", "impasto": "impasto-compiled"}
    # The first one fills the file cache.
    seconds = [{name: start(worker) for name, worker in names.items()} for _ in range(ROUNDS + 1)][1:]
    found = {name: statistics.median(each[name] for each in seconds) for name in names}
    log("cold start", found)
    return found


def whole_commands(pair: Pair, folder: Path) -> dict[str, Any]:
    """The command line from the shell to the saved file, by recipe and by quality at 512 pixels, and once at
    1024.
    """
    found: dict[str, Any] = {}
    asked = (("draft", 512, 3), ("normal", 512, 3), ("fine", 512, 1), ("normal", 1024, 1))
    for recipe, (quality, size, repeats) in itertools.product(("default", "statistics"), asked):
        seconds = []
        output = folder / f"{recipe}-{quality}-{size}.png"
        for _ in range(repeats):
            began = time.perf_counter()
            command = [str(Path(sys.executable).with_name("impasto")), "stylize", *map(str, pair), "-o", str(output)]
            command += ["--recipe", recipe, "--quality", quality, "--size", str(size), "--force", "--quiet"]
            subprocess.run(command, check=True)
            seconds.append(time.perf_counter() - began)
        made = json.loads(Path(f"{output}.json").read_text())
        found[f"{recipe} {quality} {size}"] = {
            "seconds": statistics.median(seconds),
            "iterations": made["steps"],
            "startup_seconds": made["startup_s"],
            "peak_rss_bytes": made["peak_rss_bytes"],
        }
    log("whole commands", found)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path)
    parser.add_argument("--choose", metavar="CONTENT:STYLE,CONTENT:STYLE")
    parser.add_argument("--output", type=Path, default=_RESULTS)
    parser.add_argument("--only", default=",".join((*_MEASURED, "networks")))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pairs = _pairs(arguments.pairs, arguments.choose, folder)
        results: dict[str, Any] = json.loads(arguments.output.read_text()) if arguments.output.exists() else {}
        wanted = arguments.only.split(",")
        if {*wanted} & {*_MEASURED} and results.get("machine", record.machine()) != record.machine():
            if not {*_MEASURED} <= {*wanted}:
                raise SystemExit(f"{arguments.output} is of another machine: measure all, or name another --output.")
            results = {name: results[name] for name in {"networks"} & {*results}}
        measurements: dict[str, Callable[[], Any]] = {
            "step": lambda: seconds_per_step(pairs[0]),
            "rates": of_the_machine,
            "start": lambda: cold_start(pairs[0]),
            "fast": lambda: seconds_per_picture(pairs[0]),
            "networks": lambda: of_networks(pairs[0]),
            "commands": lambda: whole_commands(pairs[0], folder),
            # Pairs measured before are kept, for each takes a quarter of an hour.
            "loss": lambda: results.get("loss", {}) | {_name(pair): time_to_loss(pair, folder) for pair in pairs},
        }
        for part in wanted:
            results[part] = measurements[part]()
            if part not in ("loss", "networks"):
                results["pair"] = _name(pairs[0])
            if part != "networks":
                results |= {
                    "date": date.today().isoformat(),
                    "machine": record.machine(),
                    "impasto": impasto.__version__,
                }
            arguments.output.write_text(json.dumps(results, indent=2) + "\n")
    if arguments.output == _RESULTS and {*_MEASURED, "networks"} <= {*results}:
        update_readmes(results)
        update_training(results["networks"])


def log(title: str, found: object) -> None:
    print(f"{title}: {json.dumps(found)}", file=sys.stderr, flush=True)


def _name(pair: Pair) -> str:
    return " × ".join(path.stem.replace("_", " ") for path in pair)


def _pairs(folder: Path | None, chosen: str | None, made: Path) -> list[Pair]:
    """The pairs named by ``chosen``, CONTENT:STYLE,CONTENT:STYLE by the stems of files in ``folder``, or the
    demo's.
    """
    if folder is None:
        job = demo.prepare(made, force=True)
        return [(Path(job.content), Path(job.styles[0][0]))]
    files = {kind: {path.stem: path for path in sorted((folder / kind).iterdir())} for kind in ("content", "style")}
    if chosen is None:
        return list(zip(files["content"].values(), files["style"].values(), strict=False))[:2]
    stems = [pair.split(":") for pair in chosen.split(",")]
    return [(files["content"][content], files["style"][style]) for content, style in stems]


if __name__ == "__main__":
    main()

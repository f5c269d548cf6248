"""Whether a device computes what the CPU does: the checks of `benchmarks.device`."""

import tempfile
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import impasto
from impasto import demo
from impasto.backbones.features import Backbone
from impasto.losses.objective import TOTAL, TermObjective
from impasto.losses.term import Term
from impasto.machine.devices import convolving
from impasto.networks import zoo
from impasto.networks.codes import learnt_style
from impasto.networks.painter import Painter
from impasto.solver.optimizers import LBFGS
from impasto.tasks.run import Run

CPU = torch.device("cpu")
RECIPES = ("default", "statistics", "gatys", "tutorial")
NETWORKS = ("multi", "any", "arbitrary")

Told = dict[str, Any]


def terms(run: Run, network: Backbone, tile: int | None = None) -> list[Term]:
    """What a run minimises at its first scale, by a backbone."""
    stage = run.schedule[0]
    pixels = run.problem.frame.resized(stage.size).pixels.to(network.device)
    with torch.no_grad():
        return run.problem.terms(network, stage, pixels, tile)


def backbone(run: Run, dtype: torch.dtype, device: torch.device) -> Backbone:
    """As the run's settings have it."""
    settings = run.problem.settings
    return Backbone.pretrained(pooling=settings.pooling, padding=settings.padding, dtype=dtype, device=device)


def exactly(term: Term) -> Term:
    """The same term, in double precision on the CPU. Which of two like places is nearer is decided by
    rounding, and so both are given the same targets.
    """
    targets = {layer: tuple(entry.to(CPU, torch.float64) for entry in stat) for layer, stat in term.targets.items()}
    return replace(term, targets=targets, where={layer: entry.cpu().double() for layer, entry in term.where.items()})


def planned(recipe: str, size: int, device: torch.device) -> Run:
    """A run of one scale."""
    content, style = demo.demo_pair()
    return impasto.plan_stylize(
        content, style, recipe, method="iterative", size=size, scales=(size,), iterations=6, device=str(device)
    )


def apart(found: Tensor, expected: Tensor) -> float:
    """The length of the difference, as a share of that of what is expected."""
    found, expected = found.double().cpu(), expected.double().cpu()
    return float((found - expected).norm() / expected.norm().clamp_min(1e-30))


def gradients(device: torch.device, size: int, dtype: torch.dtype, allowed: float) -> Told:
    """The recipes' loss and gradient at a noisy picture, against double precision on the CPU."""
    found: Told = {"allowed": allowed}
    for recipe in RECIPES:
        run = planned(recipe, size, device)
        noise = torch.rand(1, 3, *run.size, generator=torch.Generator().manual_seed(1))
        pixels = torch.lerp(run.problem.frame.resized(run.size).pixels, noise, 0.3)
        network = backbone(run, dtype, device)
        with convolving("float32"):
            own = terms(run, network)
            values, gradient = TermObjective(network, own).value_and_grad(pixels.to(device))
        exact = TermObjective(backbone(run, torch.float64, CPU), [exactly(term) for term in own])
        of_exact, expected = exact.value_and_grad(pixels.double())
        found[recipe] = {"loss": abs(values[TOTAL] / of_exact[TOTAL] - 1), "gradient": apart(gradient, expected)}
    found["right"] = all(max(found[recipe].values()) < allowed for recipe in RECIPES)
    return found


def tiles(device: torch.device, size: int) -> Told:
    """Tiles against the whole, both on the device."""
    run = planned("statistics", size, device)
    network, pixels = backbone(run, torch.float32, device), run.problem.frame.resized(run.size).pixels.to(device)
    with convolving("float32"):
        of_whole, of_tiles = (
            TermObjective(network, terms(run, network, tile), tile).value_and_grad(pixels)[1]
            for tile in (None, max(32, size // 2))
        )
    found = apart(of_tiles, of_whole)
    return {"gradient": found, "right": found < 1e-3}


def resumed(device: torch.device, size: int) -> Told:
    """A run that was cut after its third iteration against one that was not: the same picture."""
    whole = planned("default", size, device)
    for _ in whole.steps():
        pass
    with tempfile.TemporaryDirectory() as folder:
        cut = planned("default", size, device)
        for _ in zip(range(4), cut.steps(), strict=False):
            pass
        cut.checkpoint(Path(folder) / "run.checkpoint")
        resumed = planned("default", size, device)
        resumed.resume(Path(folder) / "run.checkpoint")
        for _ in resumed.steps():
            pass
    difference = float((whole.picture().pixels - resumed.picture().pixels).abs().max() * 255)
    return {"greatest_difference_of_255": difference, "right": difference < 1}


def painter(name: str, dtype: torch.dtype, device: torch.device) -> Painter:
    """A network with a style, ready to paint."""
    network = zoo.network(name)
    code = learnt_style("0", name) if network.design.styles else impasto.style_code(demo.demo_pair()[1], network=name)
    return Painter(network.stylizer, code.style(), dtype=dtype, device=device)


def networks(device: torch.device, size: int) -> Told:
    """The fast networks against themselves in float32 on the CPU, in 255ths."""
    photo, found = demo.demo_pair()[0].fitted(size).pixels, Told()
    for name in NETWORKS:
        expected = painter(name, torch.float32, CPU).whole(photo)
        with convolving("float32"):
            painted = painter(name, torch.float32, device).whole(photo.to(device))
        found[name] = float((painted.cpu().float() - expected).abs().mean() * 255)
    return found | {"right": max(found.values()) < 0.5}


def waits(device: torch.device, size: int) -> Told:
    """How often an evaluation and a step of L-BFGS make the processor wait for the device (CUDA can tell)."""
    run = planned("default", size, device)
    network = backbone(run, torch.float32, device)
    made, solver, found = TermObjective(network, terms(run, network)), LBFGS(), Told()
    pixels = torch.rand(1, 3, *run.size, device=device)
    for _ in range(2):
        _, gradient = made.value_and_grad(pixels)
        pixels = solver.propose(pixels, gradient)
    works: dict[str, Callable[[], object]] = {
        "evaluation": lambda: made.value_and_grad(pixels),
        "optimiser": lambda: solver.propose(pixels, gradient),
    }
    for name, work in works.items():
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            try:
                work()
            finally:
                torch.cuda.set_sync_debug_mode("default")
        found[name] = sum("synchroniz" in str(each.message) for each in told)
    return found

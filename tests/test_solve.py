"""The solver on small problems: it descends, recovers, stops, and reports what it did."""

import time
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from impasto.backbones.features import Backbone
from impasto.errors import SolverError
from impasto.losses.content import ContentLoss, TotalVariationLoss
from impasto.losses.objective import TOTAL, TermObjective, remember
from impasto.losses.style import GramLoss
from impasto.losses.term import Term
from impasto.pictures.picture import Size
from impasto.solver.optimizers import LBFGS, Adam, Optimizer
from impasto.solver.solve import Stage, Step, solve

OPTIMIZERS: dict[str, Callable[[], Optimizer]] = {"lbfgs": LBFGS, "adam": Adam}
GOAL = torch.linspace(0.2, 0.8, 12).view(1, 3, 2, 2)


class Quadratic:
    """½ Σ k (x - goal)², badly scaled, and spoilt at chosen evaluations."""

    def __init__(self, spoilt: dict[int, float] | None = None) -> None:
        self.count, self.spoilt = 0, spoilt or {}
        self.scale = torch.logspace(0, 2, 12).view_as(GOAL)

    def value_and_grad(self, pixels: Tensor) -> tuple[dict[str, float], Tensor]:
        value = 0.5 * (self.scale * (pixels - GOAL) ** 2).sum().item()
        self.count += 1
        value = self.spoilt.get(self.count, value)
        return {"bowl": value, TOTAL: value}, self.scale * (pixels - GOAL)


def run(objective: Quadratic, iterations: int, make: Callable[[], Optimizer], averaging: float = 0.0) -> list[Step]:
    start = torch.full((1, 3, 2, 2), 0.5)
    return list(solve(lambda stage, pixels: objective, start, [Stage((2, 2), iterations)], make, averaging=averaging))


def real_objective(backbone: Backbone, size: Size) -> TermObjective:
    generator = torch.Generator().manual_seed(1)
    photo, style = (torch.rand(1, 3, *size, generator=generator, dtype=torch.float64) for _ in range(2))
    content = remember(backbone, ContentLoss(), photo, ["relu1_2"])
    moments = remember(backbone, GramLoss(), style, ["relu1_1", "relu2_1"])
    return TermObjective(
        backbone,
        [
            Term.towards("content", ContentLoss(), 0.1, {"relu1_2": 1.0}, [(content, 1.0)]),
            Term.towards("style", GramLoss(), 1.0, {"relu1_1": 1.0, "relu2_1": 2.0}, [(moments, 1.0)]),
            Term("tv", TotalVariationLoss(), 0.01, {"pixels": 1.0}, {"pixels": ()}),
        ],
    )


def test_objective_gradient_against_finite_differences(tiny: Backbone) -> None:
    objective = real_objective(tiny, (6, 7))
    pixels = torch.rand(1, 3, 6, 7, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    losses, gradient = objective.value_and_grad(pixels)
    assert losses[TOTAL] == pytest.approx(0.1 * losses["content"] + losses["style"] + 0.01 * losses["tv"])
    for place in [(0, 0, 0, 0), (0, 1, 3, 4), (0, 2, 5, 6)]:
        moved = [pixels.clone(), pixels.clone()]
        moved[0][place] += 1e-6
        moved[1][place] -= 1e-6
        up, down = (objective.value_and_grad(each)[0][TOTAL] for each in moved)
        assert gradient[place].item() == pytest.approx((up - down) / 2e-6, rel=1e-4, abs=1e-9)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_loss_descends_on_a_random_network(tiny: Backbone, name: str) -> None:
    start = torch.rand(1, 3, 12, 16, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    schedule = [Stage((6, 8), 15), Stage((12, 16), 15)]
    steps = list(solve(lambda stage, pixels: real_objective(tiny, stage.size), start, schedule, OPTIMIZERS[name]))
    for scale in (0, 1):
        totals = [step.losses[TOTAL] for step in steps if step.scale == scale]
        assert totals[-1] < totals[0] * (0.5 if name == "lbfgs" else 0.9)
    assert [step.iteration for step in steps] == list(range(31))
    assert steps[14].pixels.shape == (1, 3, 6, 8) and steps[15].pixels.shape == (1, 3, 12, 16)
    assert all(step.pixels.min() >= 0 and step.pixels.max() <= 1 for step in steps)


def test_lbfgs_solves_a_badly_scaled_bowl() -> None:
    steps = run(Quadratic(), 60, LBFGS)
    assert torch.allclose(steps[-1].pixels, GOAL, atol=1e-4)


def test_a_goal_out_of_range_ends_on_the_bound() -> None:
    class Outside(Quadratic):
        def value_and_grad(self, pixels: Tensor) -> tuple[dict[str, float], Tensor]:
            value = ((pixels - 2) ** 2).sum().item()
            return {TOTAL: value}, 2 * (pixels - 2)

    assert bool((run(Outside(), 30, LBFGS)[-1].pixels == 1).all())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_loss_that_is_not_finite_is_recovered_from(name: str) -> None:
    steps = run(Quadratic({4: float("nan"), 5: float("inf")}), 60, OPTIMIZERS[name])
    assert any("not finite" in step.event for step in steps)
    assert all(torch.isfinite(step.pixels).all() for step in steps)
    assert steps[-1].losses[TOTAL] < steps[0].losses[TOTAL] / 10


def test_the_picture_shown_is_never_the_one_that_went_astray() -> None:
    steps = run(Quadratic({6: 1e9}), 10, LBFGS)
    totals = [step.losses[TOTAL] for step in steps]
    assert max(totals) == totals[0]
    assert torch.equal(steps[5].pixels, steps[4].pixels) and "exploded" in steps[5].event


def test_lasting_trouble_hands_over_to_adam() -> None:
    steps = run(Quadratic(dict.fromkeys(range(5, 16), float("nan"))), 80, LBFGS)
    events = " ".join(step.event for step in steps)
    assert "starts afresh" in events and "Adam takes over" in events
    assert steps[-1].losses[TOTAL] < steps[3].losses[TOTAL]


def test_a_stall_restarts_once_and_then_ends_the_scale() -> None:
    class Flat(Quadratic):
        def value_and_grad(self, pixels: Tensor) -> tuple[dict[str, float], Tensor]:
            return {TOTAL: 1.0}, torch.zeros_like(pixels)

    steps = run(Flat(), 500, LBFGS)
    assert len(steps) < 40 and steps[-1].iterations == 500
    assert "afresh" in " ".join(step.event for step in steps) and "ends early" in steps[-1].event


def test_the_noise_of_rounding_ends_a_scale_and_keeps_its_picture() -> None:
    class Floor(Quadratic):
        def value_and_grad(self, pixels: Tensor) -> tuple[dict[str, float], Tensor]:
            self.count += 1
            return {TOTAL: 1 + 1e-4 * self.count}, torch.ones_like(pixels)

    steps = run(Floor(), 500, LBFGS)
    assert "ends early" in steps[-1].event and not any("Adam" in step.event for step in steps)
    assert torch.equal(steps[-1].pixels, steps[0].pixels)


def test_adam_is_not_taken_for_stalled() -> None:
    """It may rise for a while without being at its end: only L-BFGS, which descends, can stall."""

    class Rough(Quadratic):
        def value_and_grad(self, pixels: Tensor) -> tuple[dict[str, float], Tensor]:
            losses, gradient = super().value_and_grad(pixels)
            return {TOTAL: losses[TOTAL] + pixels.diff(dim=3).abs().sum().item()}, gradient

    assert run(Rough(), 400, lambda: Adam(0.02, beta1=0.99, epsilon=0.1))[-1].iteration == 400


def test_the_count_goes_on_after_a_scale_that_ended_early() -> None:
    class Flat(Quadratic):
        def value_and_grad(self, pixels: Tensor) -> tuple[dict[str, float], Tensor]:
            return {TOTAL: 1.0}, torch.zeros_like(pixels)

    schedule = [Stage((2, 2), 100), Stage((4, 4), 100)]
    steps = list(solve(lambda stage, pixels: Flat(), torch.full((1, 3, 2, 2), 0.5), schedule, LBFGS))
    assert next(step.iteration for step in steps if step.scale == 1) == 100


def test_the_time_of_the_steps_is_with_what_later_scales_prepare() -> None:
    def objective_at(stage: Stage, pixels: Tensor) -> Quadratic:
        time.sleep(0.1)
        return Quadratic()

    schedule = [Stage((2, 2), 2), Stage((2, 2), 2)]
    took = [step.elapsed for step in solve(objective_at, torch.full((1, 3, 2, 2), 0.5), schedule, LBFGS)]
    assert took[1] < 0.1 <= took[2] - took[1]


def test_a_later_scale_that_cannot_start_leaves_the_one_before() -> None:
    class Broken(Quadratic):
        def value_and_grad(self, pixels: Tensor) -> tuple[dict[str, float], Tensor]:
            return {TOTAL: float("nan")}, torch.zeros_like(pixels)

    def objective_at(stage: Stage, pixels: Tensor) -> Quadratic:
        return Quadratic() if stage.size == (2, 2) else Broken()

    schedule = [Stage((2, 2), 10), Stage((4, 4), 10)]
    start = torch.full((1, 3, 2, 2), 0.5)
    steps = list(solve(objective_at, start, schedule, LBFGS))
    assert "scale before" in steps[-1].event and steps[-1].pixels.shape == (1, 3, 2, 2)


def test_a_huge_gradient_still_gives_a_first_step() -> None:
    moved = LBFGS().propose(torch.full((1, 3, 2, 2), 0.5), torch.full((1, 3, 2, 2), 1e25))
    assert torch.allclose(moved, torch.tensor(0.5 - 1 / 255))


def test_a_start_without_a_finite_loss_is_an_error() -> None:
    with pytest.raises(SolverError, match="not finite"):
        run(Quadratic({1: float("nan")}), 5, LBFGS)


def test_averaging_shows_the_mean_of_the_iterates() -> None:
    plain, averaged = run(Quadratic(), 12, Adam), run(Quadratic(), 12, Adam, averaging=0.5)
    weights = torch.tensor([0.5**k for k in range(12, -1, -1)])
    expected = sum(w * step.pixels for w, step in zip(weights / weights.sum(), plain, strict=True))
    assert isinstance(expected, Tensor) and torch.allclose(averaged[-1].pixels, expected, atol=1e-6)


def test_adam_against_torch() -> None:
    parameter = torch.full((1, 3, 2, 2), 0.5).requires_grad_()
    reference = torch.optim.Adam([parameter], lr=0.02, betas=(0.9, 0.999), eps=1e-8)
    adam, pixels, objective = Adam(0.02), torch.full((1, 3, 2, 2), 0.5), Quadratic()
    for _ in range(10):
        pixels = adam.propose(pixels, objective.value_and_grad(pixels)[1])
        parameter.grad = objective.value_and_grad(parameter.detach())[1]
        reference.step()
    assert torch.allclose(pixels, parameter.detach(), atol=1e-6)


def test_closing_the_generator_stops_the_work() -> None:
    objective = Quadratic()
    steps = solve(lambda stage, pixels: objective, torch.full((1, 3, 2, 2), 0.5), [Stage((2, 2), 100)], LBFGS)
    next(steps)
    steps.close()
    assert objective.count == 1

"""The compiled passes against torch in float64 and against what they stand in for, and what becomes of a
machine that compiles nothing.
"""

import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as nn
from torch import Tensor

import impasto
from impasto import SettingsError, doctor
from impasto.backbones import passes
from impasto.backbones.passes import Passes, compiled
from impasto.losses import by_hand, statistics
from impasto.losses.content import ContentLoss, PlacesLoss
from impasto.losses.style import MomentsLoss
from impasto.losses.term import Loss
from impasto.machine import cache, compiler
from impasto.machine.compiler import NotCompiledError
from impasto.machine.devices import one_thread
from tests.helpers import painting, photo

HERE = sys.platform == "linux" and shutil.which("gcc") is not None
needed = pytest.mark.skipif(not HERE, reason="there is no compiler here")
TYPES = [torch.float32, torch.bfloat16]
SHAPES = [(1, 5, 6, 8), (2, 16, 7, 9), (1, 1, 2, 3), (3, 40, 2, 2), (1, 64, 33, 40)]
QUICK: dict[str, Any] = {"size": 48, "iterations": 6, "precision": "float32", "device": "cpu"}


def having(dtype: torch.dtype) -> Passes:
    found = compiled(dtype)
    assert isinstance(found, Passes), found
    return found


def drawn(*shape: int, dtype: torch.dtype, seed: int = 0) -> Tensor:
    x = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return x.to(dtype).contiguous(memory_format=torch.channels_last)


@needed
@pytest.mark.parametrize(("dtype", "shape"), [*product(TYPES, SHAPES)])
def test_pooling_is_torchs_with_ties_and_what_is_no_number(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    """Of coarse values, that many be equal; the gradient is that of a ReLU and a max pooling in float64."""
    engine = having(dtype)
    x = drawn(*shape, dtype=dtype).mul(2).round_()
    x[0, 0, 0, 0], x[-1, -1, 1, 1] = float("nan"), float("nan")
    pooled = drawn(*shape[:2], shape[2] // 2, shape[3] // 2, dtype=dtype)
    which = torch.empty_like(pooled, dtype=torch.uint8)
    engine.pool(x, pooled, which)
    wide = x.double().requires_grad_()
    expected = nn.max_pool2d(wide, 2)
    assert torch.equal(pooled.double().nan_to_num(99), expected.nan_to_num(99))
    gradient, result = drawn(*pooled.shape, dtype=dtype, seed=1), torch.zeros_like(x)
    engine.unpool(gradient, which, result)
    numbers = wide.detach().nan_to_num(0).requires_grad_()
    (wanted,) = torch.autograd.grad(nn.max_pool2d(numbers.relu(), 2), numbers, gradient.double())
    windows = expected.detach().isnan().to(dtype)
    told = nn.interpolate(windows, scale_factor=2)[:, :, : shape[2], : shape[3]]
    told = nn.pad(told, (0, shape[3] - told.shape[3], 0, shape[2] - told.shape[2]))
    assert torch.equal(result.double()[told == 0], wanted[told == 0])


@needed
@pytest.mark.parametrize(("dtype", "shape"), [*product(TYPES, SHAPES)])
def test_gates_and_sums_of_windows(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    """Of parts of wider maps, too, whose rows do not follow each other."""
    engine = having(dtype)
    height, width = shape[2:]
    around = drawn(*shape[:2], height + 3, width + 2, dtype=dtype)
    gradient, y, out = around[:, :, 1:-2, 1:-1], drawn(*shape, dtype=dtype, seed=1), drawn(*shape, dtype=dtype, seed=2)
    y[:, :, ::2, ::3] = 0
    y[0, 0, 0, 0] = float("nan")
    engine.gate(gradient, y, out)
    assert torch.equal(out, torch.where(y <= 0, 0, gradient))
    for side, top in product((1, 2, 4), (0, 1, 5)):
        more = drawn(*shape[:2], (top + height) // side + 1, width // side + 1, dtype=dtype, seed=side)
        wide = around.clone(memory_format=torch.preserve_format)
        engine.add(wide[:, :, 1:-2, 1:-1], more, side, top)
        share = (more / side**2).repeat_interleave(side, 2).repeat_interleave(side, 3)
        expected = around.clone(memory_format=torch.preserve_format)
        expected[:, :, 1:-2, 1:-1] += share[:, :, top : top + height, :width]
        assert torch.equal(wide, expected), (side, top)


@needed
@pytest.mark.parametrize(("dtype", "shape"), [*product(TYPES, SHAPES)])
def test_sums_are_those_of_float64(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    engine = having(dtype)
    f, t = (drawn(*shape, dtype=dtype, seed=seed) for seed in (1, 2))
    wide, goal = f.double(), t.double()
    expected = (wide * wide, goal * goal, wide * goal, (wide - goal) ** 2)
    for found, each in zip(engine.products(f, t), expected, strict=True):
        sums, scale = each.sum(1, keepdim=True), each.abs().sum(1, keepdim=True)
        assert ((found.double() - sums).abs() <= 1e-6 * scale).all()
    shares = [drawn(len(f), 1, *shape[2:], dtype=torch.float32, seed=seed) for seed in (3, 4, 5)]
    a, b, c = (share.double() for share in shares)
    mixed = engine.mix(f, t, *shares).double()
    rounding = 2e-7 if dtype == torch.float32 else 2**-8
    scale = (a * wide).abs() + (b * goal).abs() + (c * (wide - goal)).abs()
    assert ((mixed - (a * wide + b * goal + c * (wide - goal))).abs() <= 2 * rounding * scale).all()


@needed
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("without", [(), ("AMX_BF16",), ("AMX_BF16", "AVX512F")])
def test_moments_are_those_of_float64(
    anew: Path, monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, without: Sequence[str]
) -> None:
    """Of two pictures, of a panel and one more, of more blocks than one; symmetric to the bit; also by what
    lesser processors have.
    """
    monkeypatch.setattr(compiler, "_FLAGS", (*compiler._FLAGS, *(f"-U__{each}__" for each in without)))
    for positions, channels in [(1, 32), (127, 64), (129, 96), (9001, 64), (1030, 256), (150_001, 32)]:
        rows = drawn(2, channels, positions, 1, dtype=dtype)[..., 0].mT
        found = having(dtype).moments(rows)
        assert found is not None
        gram, total = found
        wide = rows.double()
        assert torch.equal(gram, gram.mT)
        assert ((gram - wide.mT @ wide).abs() <= 1e-6 * (wide.mT.abs() @ wide.abs())).all()
        assert ((total - wide.sum(1)).abs() <= 1e-6 * wide.abs().sum(1)).all()


@needed
def test_other_channels_than_those_of_wide_maps_are_left_to_torch() -> None:
    engine = having(torch.float32)
    assert engine.moments(torch.ones(1, 9, 24)) is None
    assert engine.moments(torch.ones(1, 9, 1024)) is None
    assert engine.moments(torch.ones(1, 64, 32).mT) is None
    assert engine.moments(torch.ones(1, 9, 64, dtype=torch.bfloat16)) is None


@needed
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("columns", [1, 7, 255, 256, 257, 1500])
def test_the_first_of_the_largest(dtype: torch.dtype, columns: int) -> None:
    """Of coarse values, so that many are equal; a row of nothing but infinities has a first one, too."""
    scores = drawn(40, columns, 1, 1, dtype=dtype)[..., 0, 0].mul(2).round_().contiguous()
    scores[3], scores[4, : columns // 2] = float("-inf"), float("nan")
    values, index = having(dtype).largest(scores)
    expected = scores.nan_to_num(float("-inf"), neginf=float("-inf")).max(1)
    assert torch.equal(values, expected.values.float())
    for row, (value, at) in enumerate(zip(values, index, strict=True)):
        assert (scores[row] == value).nonzero()[0, 0] == at


@needed
@pytest.mark.parametrize("dtype", TYPES)
def test_a_rounding_half_goes_to_the_even_number_and_nothing_overflows(dtype: torch.dtype) -> None:
    """As torch rounds to bfloat16, bit by bit, infinities and the largest numbers among it."""
    engine = having(dtype)
    values = torch.tensor([1 + 2**-8, 1 + 3 * 2**-8, 3.4e38, -3.4e38, float("inf"), float("-inf"), 1e-40, -0.0, 0.1])
    zeros = torch.zeros(1, 1, 1, len(values))
    first, second = (values.to(dtype).view(1, 1, 1, -1), values.flip(0).to(dtype).view(1, 1, 1, -1))
    added = first.clone()
    engine.add(added, second, 1, 0)
    assert torch.equal((first.float() + second.float()).to(dtype).nan_to_num(7), added.nan_to_num(7))
    finite = first.where(first.isfinite(), 1)
    mixed = engine.mix(finite, finite, values.view(1, 1, 1, -1), zeros, zeros)
    assert torch.equal((finite.float() * values).to(dtype), mixed)


@needed
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("loss", [MomentsLoss(), ContentLoss(), ContentLoss(relative=False), PlacesLoss()])
@pytest.mark.parametrize("weighted", [False, True])
def test_losses_and_their_gradients_are_the_same(loss: Loss, dtype: torch.dtype, weighted: bool) -> None:
    feature, other = (drawn(2, 12, 9, 11, dtype=dtype, seed=seed).relu() for seed in (1, 2))
    weight = torch.rand(1, 1, 9, 11) / 99 if weighted else None
    found = []
    for engine in (None, having(dtype)):
        x = feature.clone().requires_grad_()
        with by_hand.by(engine):
            target = loss.target(other, weight)
            value = loss.distance(loss.measure(x, target, weight), target).sum()
            found.append((value, torch.autograd.grad(value, x)[0].double()))
    (value, gradient), (again, of_again) = found
    assert torch.allclose(value, again, rtol=1e-5)
    assert (gradient - of_again).norm() < (1e-5 if dtype == torch.float32 else 5e-3) * gradient.norm()


@needed
def test_one_thread_finds_what_several_find() -> None:
    engine = having(torch.float32)
    f, t = (drawn(1, 64, 80, 90, dtype=torch.float32, seed=seed) for seed in (1, 2))
    rows = f.permute(0, 2, 3, 1).flatten(1, 2)
    with one_thread():
        alone = [*engine.products(f, t), *(engine.moments(rows) or ())]
    several = [*engine.products(f, t), *(engine.moments(rows) or ())]
    assert len(alone) == 6
    assert all(torch.equal(one, other) for one, other in zip(alone, several, strict=True))


@needed
def test_a_picture_is_the_same_and_goes_on_without(tmp_path: Path) -> None:
    """A checkpoint of a run with compiled passes is taken up without them."""
    content, style = photo(48, 64), painting(60, 60)
    pictures = {}
    for compile in ("on", "off"):
        run = impasto.plan_stylize(content, style, **QUICK, compile=compile)
        for step in run.steps():
            if compile == "on" and step.iteration == 3:
                run.checkpoint(tmp_path / "checkpoint")
        assert run.result().record["compiled"] == (compile == "on")
        pictures[compile] = run.picture().pixels
    assert (pictures["on"] - pictures["off"]).abs().max() < 0.02
    again = impasto.plan_stylize(content, style, **QUICK, compile="off")
    assert again.resume(tmp_path / "checkpoint") == 3
    assert (again.finish().painted.pixels - pictures["on"]).abs().max() < 0.02


@pytest.fixture
def anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Nothing is compiled yet; the folder of what will be."""
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    for known in (compiled, passes._tell):
        known.cache_clear()
    yield tmp_path / "cache"
    compiled.cache_clear()


SOURCES = passes._SOURCES


def gcc_that(says: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let gcc be a script that only does that."""
    path.mkdir()
    (path / "gcc").write_text(f"#!/bin/sh\n{says}\n")
    (path / "gcc").chmod(0o755)
    monkeypatch.setenv("PATH", str(path), prepend=":")


@needed
@pytest.mark.parametrize("umask", [0o022, 0o002, 0o000])
def test_what_is_compiled_is_kept(anew: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        compiler.library(SOURCES)
    finally:
        os.umask(before)
    (kept,) = anew.rglob("*.so")
    written = kept.stat().st_mtime_ns
    gcc_that("echo no such gcc >&2; exit 1", tmp_path / "bin", monkeypatch)
    compiler.library(SOURCES)
    assert kept.stat().st_mtime_ns == written
    with pytest.raises(NotCompiledError, match="says: no such gcc"):  # for another type or processor it is another
        compiler.library(SOURCES, "NARROW")
    written_anew = tmp_path / "numbers.h"
    written_anew.write_bytes(SOURCES[-1].read_bytes() + b"\n")
    with pytest.raises(NotCompiledError):
        compiler.library([*SOURCES[:-1], written_anew])
    monkeypatch.setattr(compiler, "_processor", lambda: "another")
    with pytest.raises(NotCompiledError):
        compiler.library(SOURCES)


@needed
@pytest.mark.parametrize(
    "fault",
    ["cut off", "altered", "others can write it", "a folder", "no cache", "a file for a cache"],
)
def test_what_is_kept_is_trusted_no_further_than_it_should(
    anew: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    if fault in ("no cache", "a file for a cache"):
        anew.write_bytes(b"")
    else:
        compiler.library(SOURCES)
        (kept,) = anew.rglob("*.so")
        if fault == "cut off":
            os.truncate(kept, 40)
        elif fault == "altered":
            kept.write_bytes(kept.read_bytes()[:-1] + b"\1")
        elif fault == "others can write it":
            kept.chmod(0o666)
        else:
            kept.unlink()
            kept.mkdir()
    if fault == "no cache":

        def nowhere() -> Path:
            raise FileNotFoundError("there is no home directory")

        monkeypatch.setattr(cache, "folder", nowhere)
    calls, own = [], compiler._run

    def counted(command: Sequence[str]) -> None:
        calls.append(command)
        own(command)

    monkeypatch.setattr(compiler, "_run", counted)
    for _ in range(2):
        assert compiler.library(SOURCES).pool is not None
    assert len(calls) == (1 if fault in ("cut off", "altered", "others can write it") else 2)


@needed
def test_two_types_are_two_libraries(anew: Path) -> None:
    """One by the name of the other would read numbers twice as long."""
    for _ in range(2):  # as they are compiled, and as they are kept
        compiled.cache_clear()
        for dtype in TYPES:
            values, index = having(dtype).largest(torch.ones(5, 3, dtype=dtype))
            assert (values.tolist(), index.tolist()) == ([1.0] * 5, [0] * 5)


@pytest.mark.parametrize(
    "fault", ["none at all", "one that fails", "one that makes nothing", "no folder to work in", "not Linux"]
)
def test_without_a_compiler_torch_does_it(
    anew: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    """One that fails is warned of, once."""
    if fault == "not Linux":
        monkeypatch.setattr(sys, "platform", "darwin")
    elif fault == "none at all":
        monkeypatch.setattr(shutil, "which", lambda name: None)
    else:
        gcc_that("exit 1" if fault == "one that fails" else "exit 0", tmp_path / "bin", monkeypatch)
    if fault == "no folder to work in":
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    for _ in range(2):
        result = impasto.stylize(photo(48, 64), painting(60, 60), **QUICK)
        assert result.record["compiled"] is False
    warned = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    failed = {"one that fails": "gcc says: ", "one that makes nothing": "gcc has made nothing"}
    if fault in failed:
        assert len(warned) == 1 and f"Every step takes longer, for {tmp_path / 'bin'}/{failed[fault]}" in warned[0]
    else:
        assert not warned
    with pytest.raises(SettingsError, match=r"`compile` on cannot be had, for .*; auto does without"):
        impasto.plan_stylize(photo(48, 64), painting(60, 60), **QUICK, compile="on")
    report, _ = doctor.examine()
    assert report["compiled"].startswith("no, for ")


@needed
def test_what_does_not_fit_is_torchs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Targets that are broadcast, or of another size; weights in float64; a program of another default
    type.
    """
    feature, other = (drawn(2, 12, 9, 11, dtype=torch.float32, seed=seed).relu() for seed in (1, 2))
    with by_hand.by(having(torch.float32)):
        one = statistics.squared_error(feature, other[:1])
        assert torch.allclose(one, ((feature - other[:1]) ** 2).mean((1, 2, 3)), rtol=1e-5)
        with pytest.raises(RuntimeError, match="must match"):
            statistics.squared_error(feature, other[:, :, :, :5])
        x, weight = feature.clone().requires_grad_(), torch.rand(1, 1, 9, 11, dtype=torch.float64)
        (gradient,) = torch.autograd.grad(statistics.squared_error(x, other, weight).sum(), x)
        assert torch.allclose(gradient, (2 / 12 * weight * (feature - other)).float(), rtol=1e-5, atol=1e-7)
        torch.set_default_dtype(torch.float64)
        try:
            angle, squares = statistics.unlikeness(feature, other)
        finally:
            torch.set_default_dtype(torch.float32)
    wide, goal = feature.double(), other.double()
    cosine = (wide * goal).sum(1) / (wide.norm(dim=1) * goal.norm(dim=1))
    assert torch.allclose(angle.double(), (1 - cosine).mean((1, 2)), rtol=1e-5)
    assert torch.allclose(squares.double(), ((wide - goal) ** 2).sum(1).mean((1, 2)), rtol=1e-5)


def test_it_is_refused_where_it_has_no_effect() -> None:
    with pytest.raises(SettingsError, match="compile"):
        impasto.plan_stylize(photo(48, 64), painting(60, 60), method="fast", compile="on")

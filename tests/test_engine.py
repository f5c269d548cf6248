"""What the engine promises of a whole run: precision, memory, and what is done once."""

import ctypes
import resource
import sys
import threading

import pytest
import torch

import impasto
from impasto import demo
from impasto.backbones.features import Backbone
from impasto.errors import SettingsError
from impasto.losses.objective import TOTAL
from impasto.machine import memory
from impasto.machine.devices import choose_precision, computes_bfloat16, convolving
from tests.helpers import painting, photo

pytestmark = pytest.mark.usefixtures("narrow")

_PR_SET_THP_DISABLE = 41  # linux/prctl.h


@pytest.mark.usefixtures("vgg19")
@pytest.mark.skipif(not computes_bfloat16(torch.device("cpu")), reason="emulated, it takes minutes")
def test_bfloat16_descends_as_float32_does() -> None:
    """A real pair, a stage of the recipe `statistics` at full length: both results scored in float32."""
    pair = demo.picture(demo.PHOTO), demo.picture(demo.PAINTING)
    scores = {}
    for precision in ("float32", "bfloat16"):
        run = impasto.plan_stylize(*pair, "statistics", size=64, scales="single", iterations=40, precision=precision)
        run.finish()
        assert run.last is not None
        exact = impasto.plan_stylize(*pair, "statistics", size=64, precision="float32")
        scores[precision] = exact._objective_at(run.schedule[-1], run.last.pixels).value_and_grad(run.last.pixels)[0][
            TOTAL
        ]
    assert scores["bfloat16"] < 1.03 * scores["float32"]


def test_tf32_is_for_cuda() -> None:
    with pytest.raises(SettingsError, match="tf32 is a mode of NVIDIA GPUs, not of cpu: use `precision` auto"):
        impasto.plan_stylize(photo(48, 64), painting(60, 60), precision="tf32", device="cpu")
    assert choose_precision("tf32", torch.device("cuda")) == "tf32"


def test_the_styles_statistics_are_computed_once_a_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    passes = []
    forward = Backbone._forward

    def counted(self: Backbone, *arguments: object) -> object:
        passes.append(arguments)
        return forward(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Backbone, "_forward", counted)
    run = impasto.plan_stylize(photo(48, 64), painting(60, 60), "statistics", size=64, iterations=5, scales="single")
    run.finish()
    assert len(passes) == 2 + 6  # style, content, and an evaluation for the start and every iteration


@pytest.mark.skipif(memory._glibc() is None, reason="another allocator")
def test_freed_memory_is_kept_for_the_next_step() -> None:
    def faults() -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(10):
            torch.empty(8_000_000).fill_(1)  # 32 MB, eight thousand pages of 4 kB
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    with memory.reused():
        faults()
        assert faults() < 1000
    if sys.platform == "linux":
        # Of large pages, which the system gives when it has some, there are 500 times fewer.
        ctypes.CDLL(None).prctl(_PR_SET_THP_DISABLE, 1, 0, 0, 0)
        try:
            assert faults() > 4000  # back to the allocator's own ways
        finally:
            ctypes.CDLL(None).prctl(_PR_SET_THP_DISABLE, 0, 0, 0, 0)


def test_convolutions_are_what_the_innermost_of_a_thread_asks_for_and_others_wait() -> None:
    def mode() -> bool:
        return torch.backends.cudnn.allow_tf32

    before, seen = mode(), []

    def other() -> None:
        with convolving("float32"):
            seen.append(mode())

    with convolving("tf32"):
        with convolving("float32"):
            assert mode() is False
        assert mode() is True
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(0.1)
        assert thread.is_alive() and not seen
    thread.join(10)
    assert seen == [False] and mode() is before

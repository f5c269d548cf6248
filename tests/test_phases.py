"""Convolutions by phases give what the plain ones do."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from impasto.networks import phases


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize(("size", "outputs"), [(9, 3), (3, 1), (5, 4)])
@pytest.mark.parametrize(("height", "width"), [(20, 26), (11, 12), (12, 11), (9, 9)])
@pytest.mark.parametrize("biased", [False, True])
def test_few_outputs_by_a_stride_of_two(size: int, outputs: int, height: int, width: int, biased: bool) -> None:
    x, weight, bias = random(2, 5, height, width), random(outputs, 5, size, size), random(outputs) if biased else None
    padding = size // 2
    found = phases.of_few(weight, bias)(x, padding, False)
    torch.testing.assert_close(found, functional.conv2d(x, weight, bias, padding=padding))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 6), (7, 4)])
@pytest.mark.parametrize("relu", [False, True])
def test_what_is_enlarged_is_seen_as_it_was(height: int, width: int, relu: bool) -> None:
    x, weight, bias = random(2, 5, height, width), random(3, 5, 3, 3), random(3)
    enlarged = functional.pad(functional.interpolate(x, scale_factor=2), (1,) * 4, mode="reflect")
    expected = functional.conv2d(enlarged, weight, bias)
    seen = functional.pad(x, (1,) * 4, mode="replicate")
    found = phases.of_enlarged(weight, bias, torch.float64)(seen, 0, relu)
    torch.testing.assert_close(found, expected.relu() if relu else expected)


def test_weights_that_meet_are_added_before_they_are_rounded() -> None:
    weight = torch.zeros(1, 1, 3, 3)
    weight[:, :, 1], weight[:, :, 2] = 1, 2**-9 - 1  # of which bfloat16 makes -1
    found = phases.of_enlarged(weight, None, torch.bfloat16)(torch.ones(1, 1, 3, 3, dtype=torch.bfloat16), 0, False)
    assert found.shape == (1, 1, 2, 2)
    assert torch.all(found[:, :, ::2] == 3 * 2**-9)

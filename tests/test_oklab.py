"""Oklab against its author's published values, and back."""

import pytest
import torch

from impasto.colour import oklab


def lab_of(*linear: float) -> torch.Tensor:
    value = torch.tensor(linear, dtype=torch.float64)
    srgb = torch.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1 / 2.4) - 0.055)
    return oklab.from_srgb(srgb.view(1, 3, 1))


@pytest.mark.parametrize(
    ("linear", "expected"),
    [
        ((1, 1, 1), (1.0, 0.0, 0.0)),
        ((1, 0, 0), (0.627955, 0.224863, 0.125846)),
        ((0, 1, 0), (0.866440, -0.233888, 0.179498)),
        ((0, 0, 1), (0.452014, -0.032457, -0.311528)),
        ((0, 0, 0), (0, 0, 0)),
    ],
)
def test_published_values(linear: tuple[float, ...], expected: tuple[float, ...]) -> None:
    assert torch.allclose(lab_of(*linear).flatten(), torch.tensor(expected, dtype=torch.float64), atol=2e-5)


def test_there_and_back() -> None:
    pixels = torch.rand(1, 3, 500, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert torch.allclose(oklab.to_srgb(oklab.from_srgb(pixels)), pixels, atol=1e-5)


def test_what_cannot_be_shown_keeps_lightness_and_hue() -> None:
    blue = oklab.from_srgb(torch.tensor([0.1, 0.1, 0.9], dtype=torch.float64).view(1, 3, 1))
    for lightness in (0.05, 0.3, 0.8, 0.97):
        lab = torch.cat([torch.full_like(blue[:, :1], lightness), blue[:, 1:]], 1)
        shown = oklab.from_srgb(oklab.to_srgb(lab))
        assert abs(shown[0, 0].item() - lightness) < 0.01
        was, now = torch.atan2(lab[0, 2], lab[0, 1]).item(), torch.atan2(shown[0, 2], shown[0, 1]).item()
        assert abs(was - now) < 0.1

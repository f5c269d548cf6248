"""The colour match gives the palette it promises and hides nothing."""

import torch

from impasto.colour import oklab
from impasto.colour.transfer import lightness, mapping, match, match_histogram, moved, of, tinted, towards
from impasto.losses.statistics import covariance, moments


def noise(seed: int, low: float, high: float) -> torch.Tensor:
    random = torch.rand(1, 3, 24, 32, generator=torch.Generator().manual_seed(seed))
    mixed = torch.einsum("nchw,dc->ndhw", random, torch.tensor([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.1, 0.2, 0.7]]))
    return low + (high - low) * mixed


def test_mean_and_covariance_are_the_palettes() -> None:
    matched, palette = match(noise(1, 0.2, 0.8), of(noise(2, 0.4, 0.6))), noise(2, 0.4, 0.6)
    (gram_m, mean_m), (gram_p, mean_p) = moments(matched), moments(palette)
    assert torch.allclose(mean_m, mean_p, atol=1e-4)
    assert torch.allclose(covariance(gram_m, mean_m), covariance(gram_p, mean_p), atol=1e-4)


def test_a_picture_matches_itself() -> None:
    picture = noise(1, 0.2, 0.8)
    assert torch.allclose(match(picture, of(picture)), picture, atol=1e-5)


def test_highlights_are_rolled_off_and_not_cut() -> None:
    """A ramp matched to a bright palette of high contrast keeps its order up to white."""
    ramp = torch.linspace(0, 1, 256).expand(1, 3, 8, 256).contiguous()
    bright = torch.cat([torch.zeros(1, 3, 8, 16), torch.ones(1, 3, 8, 240)], 3)
    line = match(ramp, of(bright))[0, 0, 0]
    assert line.min() >= 0 and line.max() <= 1
    assert (line.diff() > 1e-5).float().mean() > 0.97


def test_flat_pictures_are_no_problem() -> None:
    matched = match(torch.full((1, 3, 8, 8), 0.5), of(torch.full((1, 3, 8, 8), 0.2)))
    assert torch.allclose(matched, torch.full((1, 3, 8, 8), 0.2), atol=1e-4)


def test_only_what_counts_gives_the_palette() -> None:
    """Half of either picture is masked away: as if it were not there, save that all pixels are mapped."""
    picture, palette = noise(1, 0.2, 0.8), noise(2, 0.4, 0.6)
    left = torch.zeros(1, 1, 24, 32)
    left[..., :16] = 1
    halves = match(picture[..., :16], of(palette[..., :16]))
    assert torch.allclose(match(picture, of(palette, left), left)[..., :16], halves, atol=0.01)


def test_histograms_are_the_palettes_in_oklab() -> None:
    """Also one of two peaks, which no linear map makes of a broad one."""
    picture = noise(1, 0.2, 0.8)
    palette = torch.cat([noise(2, 0.3, 0.4), noise(3, 0.6, 0.7)], 3)
    found = oklab.from_srgb(match_histogram(picture, palette)).flatten(2)
    wanted = oklab.from_srgb(palette).flatten(2)
    levels = torch.linspace(0.05, 0.95, 19)
    for axis in range(3):
        assert torch.allclose(found[0, axis].quantile(levels), wanted[0, axis].quantile(levels), atol=0.01)
    linear = oklab.from_srgb(match(picture, of(palette))).flatten(2)
    assert not torch.allclose(linear[0, 0].quantile(levels), wanted[0, 0].quantile(levels), atol=0.03)


def test_histograms_of_what_counts() -> None:
    left = torch.zeros(1, 1, 24, 32)
    left[..., :16] = 1
    picture, palette = noise(1, 0.2, 0.8), noise(2, 0.4, 0.6)
    masked = match_histogram(picture, palette, left, left)[..., :16]
    assert torch.allclose(masked, match_histogram(picture[..., :16], palette[..., :16]), atol=0.02)


def test_tinted_is_the_light_of_one_and_the_colours_of_the_other() -> None:
    picture, photo = noise(1, 0.3, 0.7), noise(2, 0.4, 0.6)
    lab, own, other = (oklab.from_srgb(each) for each in (tinted(picture, photo), picture, photo))
    assert torch.allclose(lab[:, :1], own[:, :1], atol=1e-3) and torch.allclose(lab[:, 1:], other[:, 1:], atol=1e-3)
    grey = lightness(picture)
    assert torch.allclose(grey[:, 0], grey[:, 2], atol=1e-5)
    assert torch.allclose(oklab.from_srgb(grey)[:, 0], own[:, 0], atol=1e-4)


def test_the_mapping_has_the_gradient_of_finite_differences() -> None:
    """Also through the mean and the covariance that it takes from the picture; nothing is rolled off here."""
    generator = torch.Generator().manual_seed(0)
    pixels, direction = noise(1, 0.2, 0.8).double(), torch.randn(1, 3, 24, 32, generator=generator).double()
    counts, colours = torch.randn(1, 3, 24 * 32, generator=generator).double(), of(noise(2, 0.4, 0.6))

    def value(picture: torch.Tensor) -> torch.Tensor:
        return (mapping(picture, colours)(picture.flatten(2)) * counts).sum()

    leaf = pixels.requires_grad_()
    (gradient,) = torch.autograd.grad(value(leaf), leaf)
    with torch.no_grad():
        slope = (value(pixels + 1e-6 * direction) - value(pixels - 1e-6 * direction)) / 2e-6
    torch.testing.assert_close((gradient * direction).sum(), slope, rtol=1e-5, atol=1e-6)


def test_part_of_a_picture_is_moved_as_the_whole() -> None:
    picture, colours = noise(1, 0.2, 0.8), of(noise(2, 0.4, 0.6))
    whole = towards(picture, colours, 0.7)
    assert torch.allclose(moved(picture[..., 8:], mapping(picture, colours), 0.7), whole[..., 8:], atol=1e-6)

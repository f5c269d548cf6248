"""The colour match gives the palette it promises and hides nothing."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from impasto.colour import exported, oklab, transfer
from impasto.colour.transfer import lightness, mapping, match, match_histogram, moved, of, tinted, towards
from impasto.colour.transport import FLOOR, FunctionsOf, transport
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


def test_what_does_not_count_does_not_dim_what_does() -> None:
    """Beside a dark part that is stretched a bright one is sent far out of range: as if it were not there."""
    dark, bright = noise(1, 0.1, 0.3)[..., :16], torch.full((1, 3, 24, 16), 0.9)
    left = torch.zeros(1, 1, 24, 32)
    left[..., :16] = 1
    wanted = of(noise(2, 0, 1))
    alone = match(dark, wanted)
    assert alone.max() > 0.9
    assert torch.allclose(match(torch.cat([dark, bright], 3), wanted, left)[..., :16], alone, atol=1e-6)
    left[..., 16:] = 1e-5  # what a soft border leaves
    assert torch.allclose(match(torch.cat([dark, bright], 3), wanted, left)[..., :16], alone, atol=0.03)


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


def chroma(pixels: Tensor) -> float:
    """The most of any pixel."""
    return float(oklab.from_srgb(pixels.double())[:, 1:].norm(dim=1).max())


def shades(*colour: float) -> Tensor:
    """A painting in one tone: a noise between black and a colour."""
    grey = torch.rand(1, 1, 24, 32, generator=torch.Generator().manual_seed(5))
    return grey * torch.tensor(colour).view(1, 3, 1, 1)


def two_tones() -> Tensor:
    return (shades(1, 1, 1) > 0.6).float()


TONED = {
    "grey": shades(1, 1, 1),
    "sepia": shades(1, 0.85, 0.65),
    "two tones": two_tones(),
    "one colour": torch.full((1, 3, 24, 32), 0.5),
    "rounded to 8 bits": (shades(1, 0.95, 0.9) * 255).round() / 255,
}


@pytest.mark.parametrize("name", TONED)
def test_where_there_are_no_colours_none_are_made(name: str) -> None:
    """A picture in one tone, in the colours of another: its shades stay a line in colour, and so it does not
    become more colourful than that, and no hue is opposed to another.
    """
    toned, photo = TONED[name], noise(2, 0.3, 0.7)
    assert chroma(match(photo, of(shades(1, 1, 1)))) < 1e-5 and chroma(match_histogram(photo, two_tones())) < 1e-5
    linear, histogram = match(toned, of(photo)), match_histogram(toned, photo)
    for made in (linear, histogram):
        assert chroma(made) <= chroma(photo)
        planes = oklab.from_srgb(made.double())[0, 1:].flatten(1)
        assert (planes.amax(1) - planes.amin(1)).max() < 0.03
        assert torch.allclose(made.mean((2, 3)), photo.mean((2, 3)), atol=0.05)


def test_shades_take_the_colours_that_go_with_them() -> None:
    """Light is red and dark is blue in the palette; so they are then in a grey picture, whose noise of less
    than a step of 8 bits is not made larger.
    """
    light = shades(1, 1, 1)
    palette = torch.cat([0.2 + 0.6 * light, torch.full_like(light, 0.4)[:, :1], 0.8 - 0.3 * light[:, :1]], 1)[
        :, [0, 3, 4]
    ]
    grey = 0.2 + 0.5 * shades(1, 1, 1).flip(3)
    noisy = grey + (torch.rand(1, 3, 24, 32, generator=torch.Generator().manual_seed(9)) - 0.5) / 255
    clean, made = match(grey, of(palette)), match(noisy, of(palette))
    order = grey[0, 0].flatten().argsort()
    assert clean[0, 0].flatten()[order].diff().min() >= 0 >= clean[0, 2].flatten()[order].diff().max()
    assert (made - clean).abs().max() < 0.02


def test_shades_alone_have_a_histogram_of_lightness() -> None:
    """The two tones become the middles of the lower and the upper part of the lightness, not its ends."""
    grey = shades(1, 1, 1)
    made = match_histogram(two_tones(), grey)[0, 0]
    rank = oklab.from_srgb(grey.double())[0, 0].flatten()
    wanted = [rank.quantile(share).item() for share in (0.3, 0.8)]
    found = oklab.from_srgb(made.double().expand(1, 3, 24, 32))[0, 0]
    share = (two_tones()[0, 0] == 0).float().mean().item()
    assert abs(share - 0.6) < 0.05
    assert found.min().item() == pytest.approx(wanted[0], abs=0.06)
    assert found.max().item() == pytest.approx(wanted[1], abs=0.06)


def test_a_grey_target_has_a_gradient() -> None:
    """Networks are trained on engravings, too."""
    for colours in (of(shades(1, 1, 1)), of(torch.full((1, 3, 8, 8), 0.3))):
        leaf = noise(1, 0.2, 0.8).requires_grad_()
        mapping(leaf, colours)(leaf.flatten(2).double()).sum().backward()  # type: ignore[no-untyped-call]
        assert leaf.grad is not None and bool(leaf.grad.isfinite().all())


def along(deviation: float, *axes: float) -> Tensor:
    """Colours along a line, or none, and beside it as much as ``deviation``, in levels of 255."""
    draws = torch.Generator().manual_seed(3)
    line = torch.rand(1, 1, 30, 30, generator=draws) * torch.tensor(axes or (0.0, 0.0, 0.0)).view(1, 3, 1, 1)
    return (0.3 + line + torch.randn(1, 3, 30, 30, generator=draws) * deviation / 255).clamp(0, 1)


def transported(sigma_t: NDArray[np.float64], sigma_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """The map between two Gaussians once more, by Newton's iteration for roots in place of eigenvalues."""

    def root(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        found, other = matrix, np.eye(len(matrix))
        for _ in range(60):  # Denman and Beavers 1976
            found, other = (found + np.linalg.inv(other)) / 2, (other + np.linalg.inv(found)) / 2
        return found

    half = root(sigma_t)
    return np.asarray(np.linalg.inv(half) @ root(half @ sigma_s @ half) @ np.linalg.inv(half))


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_colours_are_moved_along_what_they_differ_in(axes: int) -> None:
    """In all axes by the map between Gaussians; in fewer by that between what there is, and the others as
    they go with it in the second. Computed otherwise, and to the letter.
    """
    draws = np.random.default_rng(axes)
    turn, _ = np.linalg.qr(draws.normal(size=(3, 3)))
    mixed = draws.normal(size=(3, 3)) / 5
    floor = FLOOR * np.eye(3)
    sigma_t = turn @ np.diag([0.03, 0.01, 0.002][:axes] + [0] * (3 - axes)) @ turn.T + floor
    sigma_s, own = mixed @ mixed.T + floor, turn[:, :axes]
    between = transported(own.T @ sigma_t @ own, own.T @ sigma_s @ own)
    expected = sigma_s @ own @ np.linalg.inv(own.T @ sigma_s @ own) @ between @ own.T
    ways: tuple[tuple[FunctionsOf, torch.dtype, float], ...] = (
        (transfer._functions_of, torch.float64, 1e-9),
        (exported._functions_of, torch.float32, 1e-3),
    )
    for functions_of, to, near in ways:
        found = transport(torch.tensor(sigma_t, dtype=to), torch.tensor(sigma_s, dtype=to), functions_of)
        assert np.abs(found.numpy() - expected).max() < near * np.abs(expected).max()


@pytest.mark.parametrize("axes", [(), (0.6, 0.5, 0.4), (0.6, 0.6, 0.6)], ids=["flat", "toned", "grey"])
def test_no_noise_is_where_everything_changes(axes: tuple[float, ...]) -> None:
    """From no noise at all to one that is a colour: a fortieth of a level more changes no pixel by ten, and
    what is exported paints what the method does.
    """
    photo = noise(2, 0.1, 0.9)
    colours, ways = of(photo), (match, lambda pixels, _: match_histogram(pixels, photo))
    last: list[Tensor] = []
    for deviation in torch.linspace(0.5, 3, 101).tolist():
        pixels = along(deviation, *axes)
        made = [way(pixels, colours) for way in ways[: 2 if axes else 1]]
        assert (exported.towards(pixels, colours.float(), 1) - made[0]).abs().max() < 0.5 / 255, deviation
        for now, before in zip(made, last, strict=False):
            assert (now - before).abs().max() < 10 / 255, deviation
        last = made


def test_the_mapping_has_that_gradient_where_colours_differ_little_and_where_axes_are_alike() -> None:
    """Halfway to being told, and where two of them differ by nothing, or by exactly as much as each other."""
    draws = torch.Generator().manual_seed(1)
    sigma_s = torch.randn(3, 3, generator=draws, dtype=torch.float64) / 5
    sigma_s = sigma_s @ sigma_s.T + FLOOR * torch.eye(3)
    turn, _ = torch.linalg.qr(torch.randn(3, 3, generator=draws, dtype=torch.float64))
    for values in ([3e-2, 1e-2, 6e-5], [3e-2, 6e-5, 6e-5], [1e-2, 1e-2, 1e-2], [3e-2, FLOOR, FLOOR], [FLOOR] * 3):
        sigma_t = turn @ torch.diag(torch.tensor(values, dtype=torch.float64)) @ turn.T
        step = torch.randn(3, 3, generator=draws, dtype=torch.float64)
        step, counts = 1e-9 * (step + step.T), torch.randn(3, 3, generator=draws, dtype=torch.float64)

        def value(sigma: Tensor, counts: Tensor = counts) -> Tensor:
            return (transport(sigma, sigma_s, transfer._functions_of) * counts).sum()

        leaf = ((sigma_t + sigma_t.T) / 2).requires_grad_()
        (gradient,) = torch.autograd.grad(value(leaf), leaf)
        slope = (value(leaf.detach() + step) - value(leaf.detach() - step)) / 2
        torch.testing.assert_close((gradient * step).sum(), slope, rtol=1e-3, atol=1e-9)


def test_the_exported_step_moves_colours_to_paintings_of_few_tones_as_the_method_does() -> None:
    """What is painted differs in all colours, and in some of them little, as what networks paint does."""
    draws = torch.Generator().manual_seed(3)

    def toned(axes: int, least: float) -> Tensor:
        """A picture whose colours differ along so many axes, and along the others by no more than least."""
        turn, _ = torch.linalg.qr(torch.randn(3, 3, generator=draws))
        along = torch.tensor([0.15, 0.08, 0.05])
        along[axes:] = along[axes:].clamp(max=least)
        pixels: Tensor = (turn * along) @ torch.randn(3, 900, generator=draws) + 0.5
        return pixels.clamp(0, 1).reshape(1, 3, 30, 30)

    for axes in (0, 1, 2, 3):
        colours = of(toned(axes, 0))
        for least in (0.05, 0.01, 0.004):
            pixels = toned(1, least)
            moved, expected = (
                step(pixels, each, 0.5) for step, each in ((exported.towards, colours.float()), (towards, colours))
            )
            assert (moved - expected).abs().max() < 4 / 255, (axes, least)
        for few in (0, 1, 2):
            assert exported.towards(toned(few, 0), colours.float(), 0.5).isfinite().all()

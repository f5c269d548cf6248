"""Scores of a result: how near it is to the style and to the content, also where nobody optimised.

No single number is neutral. The layers of the style loss and of the content loss tell how far the optimiser
got; layers between them, the style predictor of the fast method and edges were never optimised, and so can be
compared between methods. Compare contents at like style, over several strengths, rather than single results.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as nn
from torch import Tensor

from impasto.backbones.features import Backbone
from impasto.losses import statistics
from impasto.losses.content import ContentLoss
from impasto.losses.style import MomentsLoss
from impasto.losses.term import Features, Loss
from impasto.machine import memory
from impasto.machine.devices import choose_device, convolving
from impasto.networks import codes
from impasto.networks.zoo import predictor
from impasto.pictures import edges
from impasto.pictures.codecs import PictureLike
from impasto.pictures.picture import Picture
from impasto.tasks.inputs import at_length, usable

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
"""The layers whose statistics recipes compare."""
CONTENT_LAYERS = ("relu3_2", "relu4_2")
"""Layers that hold the content."""
HELD_OUT = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
"""Layers between those of the recipes, which none of them looks at."""
_PLACES = ("relu2_2/2", "relu3_3", "relu4_3")
"""Of these the ones by which places are compared."""
_STRUCTURE = (5, 12)
"""Bottlenecks of the style predictor whose maps, of an eighth and a sixteenth of the pixels a side, tell the
structure of a picture."""
LONGEST = 1024
"""The long side at which features of larger results are compared: they would take 10 GB for 2000 pixels, and
finding the nearest of all places the square of their number.
"""
_NEAR = 0.5
"""The cosine from which on two places are near: 60 degrees."""


def score(content: PictureLike, style: PictureLike, result: PictureLike, device: str = "auto") -> dict[str, Any]:
    """How near ``result`` is to both, all compared at the result's size, 1024 pixels at the most but for
    ``surface``; less is nearer, save for ``edges`` and ``coverage``.

    - ``style``: per layer of `STYLE_LAYERS`, relative difference of the means plus that of the covariances
      (`MomentsLoss`);
      ``held_out``: the same on `HELD_OUT`; ``embedding``: distance of the style predictor's codes, 1 for the
      photograph itself
      (void for what the arbitrary network made: it was given the code). ``strokes``: how far the result's
      places are from the nearest of
      the painting's, over how far the photograph's are: 1 for the photograph, where nothing is painted.
      ``coverage``: the share of the
      painting's places that one of the result's is near to. Both on held-out layers, by cosines.
    - ``content``: per layer of `CONTENT_LAYERS`, mean squared difference over the photograph's mean square
      (`ContentLoss`);
      ``held_out``: one minus the cosine between like places of the style predictor's own maps, each about its
      mean, which no recipe looks
      at: 0 for the photograph, about 1 for another picture; ``edges``: correlation of the Sobel edges with
      the photograph's, 1 for itself.
    - ``surface``: ``tv`` and ``tv_squares``, total variation per pixel of differences and of their squares;
      ``roughness``: what a
      blur of one pixel takes away, over what it takes from the style; ``clipped``: share of values that are 0
      or 1.

    Raises ImageError for pictures that cannot be used.
    """
    own, artwork = usable(result, "result"), usable(style, "style")
    made = at_length(own, LONGEST) if max(own.size) > LONGEST else own
    photo = usable(content, "content").fitted(made.size)
    painting = at_length(artwork, max(made.size))
    place = choose_device(device)
    with torch.no_grad(), memory.reused(), convolving("float32"):
        backbone = Backbone.pretrained(padding="replicate", device=place, compile="off")
        features = backbone(made.pixels.to(place), {*STYLE_LAYERS, *HELD_OUT, *CONTENT_LAYERS, *_PLACES})
        of_painting = backbone(painting.pixels.to(place), {*STYLE_LAYERS, *HELD_OUT, *_PLACES})
        of_photo = backbone(photo.pixels.to(place), {*CONTENT_LAYERS, *_PLACES})
        styles = _distances(MomentsLoss(), of_painting, (*STYLE_LAYERS, *HELD_OUT), features)
        contents = _distances(ContentLoss(), of_photo, CONTENT_LAYERS, features)
        strokes, coverage = _places(features, of_photo, of_painting)
    return {
        "style": {
            "layers": {layer: styles[layer] for layer in STYLE_LAYERS},
            "mean": sum(styles[layer] for layer in STYLE_LAYERS) / len(STYLE_LAYERS),
            "held_out": sum(styles[layer] for layer in HELD_OUT) / len(HELD_OUT),
            "embedding": _embedding(made, photo, painting),
            "strokes": strokes,
            "coverage": coverage,
        },
        "content": {
            "layers": contents,
            "mean": sum(contents.values()) / len(contents),
            "held_out": _structure(made, photo),
            "edges": _edges(made, photo),
        },
        "surface": _surface(own.pixels, at_length(artwork, max(own.size)).pixels),
    }


def _distances(loss: Loss, wanted: Features, layers: Sequence[str], made: Features) -> dict[str, float]:
    """Layer by layer."""
    found = {}
    for layer in layers:
        target = loss.target(wanted[layer])
        found[layer] = loss.distance(loss.measure(made[layer], target), target).item()
    return found


def _places(made: Features, photo: Features, painting: Features) -> tuple[float, float]:
    """``strokes`` and ``coverage`` of `score`."""
    means = [painting[layer].mean((2, 3), keepdim=True) for layer in _PLACES]
    lengths = [
        (painting[layer] - mean).norm(dim=1).mean().clamp_min(1e-12) for layer, mean in zip(_PLACES, means, strict=True)
    ]

    def columns(features: Features) -> Tensor:
        """On the grid of the shallowest layer, about the painting's mean, of length one: (M, C)."""
        size = features[_PLACES[0]].shape[2:]
        apart = [(features[layer] - mean) / length for layer, mean, length in zip(_PLACES, means, lengths, strict=True)]
        joined = torch.cat([nn.interpolate(each, size, mode="bilinear") for each in apart], 1)
        return nn.normalize(joined[0].flatten(1).T, dim=1)

    def nearest(some: Tensor, others: Tensor) -> Tensor:
        """For each of some the greatest cosine with one of the others."""
        return torch.cat([(part @ others.T).amax(1) for part in torch.split(some, 1024)])

    of_painting, of_made = columns(painting), columns(made)
    far, of_photo = ((1 - nearest(some, of_painting)).mean() for some in (of_made, columns(photo)))
    covered = (nearest(of_painting, of_made) > _NEAR).float().mean()
    return (far / of_photo.clamp_min(1e-12)).item(), covered.item()


def _embedding(made: Picture, photo: Picture, painting: Picture) -> float:
    of_style, of_photo, of_result = (
        codes.predicted(picture, "arbitrary").values for picture in (painting, photo, made)
    )
    apart = (of_photo - of_style).norm().clamp_min(1e-12)
    distance: float = ((of_result - of_style).norm() / apart).item()
    return distance


@torch.no_grad()
def _structure(made: Picture, photo: Picture) -> float:
    """``held_out`` of the content in `score`."""
    found = []
    for pair in zip(*(predictor().maps(picture.pixels, _STRUCTURE) for picture in (made, photo)), strict=True):
        of_made, of_photo = (nn.normalize(each - each.mean((2, 3), keepdim=True), dim=1) for each in pair)
        found.append(
            (of_made - of_photo).square().sum(1).mean().item() / 2
        )  # one minus the cosine, and 0 for two that are flat
    return sum(found) / len(found)


def _edges(made: Picture, photo: Picture) -> float:
    pair = torch.stack([edges.strength(picture.pixels).flatten() for picture in (made, photo)])
    correlation: float = torch.corrcoef(pair)[0, 1].nan_to_num().item()  # a flat picture has no edges
    return correlation


def _surface(made: Tensor, painting: Tensor) -> dict[str, float]:
    clipped = ((made <= 0) | (made >= 1)).float().mean()
    return {
        "tv": statistics.total_variation(made, "l1").item(),
        "tv_squares": statistics.total_variation(made, "l2").item(),
        "roughness": (_roughness(made) / _roughness(painting).clamp_min(1e-12)).item(),
        "clipped": clipped.item(),
    }


def _roughness(pixels: Tensor) -> Tensor:
    blurred = torch.nn.functional.avg_pool2d(pixels, 3, 1)
    return (pixels[:, :, 1:-1, 1:-1] - blurred).square().mean()

"""Scores of a result: how near it is to the style and to the content, also where nobody optimised.

No single number is neutral. The layers of the style loss and of the content loss tell how far the optimiser got; layers between them,
the style predictor of the fast method and edges were never optimised, and so can be compared between methods. Compare contents at like
style, over several strengths, rather than single results.
"""

from typing import Any

import torch
from torch import Tensor

from impasto import codes, edges, memory, statistics
from impasto.devices import choose_device, convolving
from impasto.features import Backbone
from impasto.images import Picture, PictureLike
from impasto.inputs import at_length, usable
from impasto.losses import ContentLoss, Features, Loss
from impasto.settings import Settings
from impasto.style_losses import MomentsLoss

HELD_OUT = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
"""Layers between those of the default recipe, which no recipe looks at."""


def score(content: PictureLike, style: PictureLike, result: PictureLike, device: str = "auto") -> dict[str, Any]:
    """How near ``result`` is to both, all compared at the result's size; less is nearer, save for ``edges``.

    - ``style``: per layer of the default recipe, relative difference of the means plus that of the covariances (`MomentsLoss`);
      ``held_out``: the same on `HELD_OUT`; ``embedding``: distance of the style predictor's codes, 1 for the photograph itself
      (void for what the arbitrary network made: it was given the code).
    - ``content``: per layer, mean squared difference over the photograph's mean square (`ContentLoss`); ``edges``: correlation
      of the Sobel edges with the photograph's, 1 for the photograph itself.
    - ``surface``: ``tv`` and ``tv_squares``, total variation per pixel of differences and of their squares; ``roughness``: what a
      blur of one pixel takes away, over what it takes from the style; ``clipped``: share of values that are 0 or 1.

    Raises ImageError for pictures that cannot be used.
    """
    made = usable(result, "result")
    photo = usable(content, "content").fitted(made.size)
    painting = at_length(usable(style, "style"), max(made.size))
    of_style, of_content = tuple(Settings().style_layers), tuple(Settings().content_layers)
    place = choose_device(device)
    with torch.no_grad(), memory.kept(), convolving("float32"):
        backbone = Backbone.pretrained(padding="replicate", device=place)
        features = backbone(made.pixels.to(place), {*of_style, *HELD_OUT, *of_content})
        styles = _distances(MomentsLoss(), backbone(painting.pixels.to(place), {*of_style, *HELD_OUT}), features)
        contents = _distances(ContentLoss(), backbone(photo.pixels.to(place), of_content), features)
    return {
        "style": {
            "layers": {layer: styles[layer] for layer in of_style},
            "mean": sum(styles[layer] for layer in of_style) / len(of_style),
            "held_out": sum(styles[layer] for layer in HELD_OUT) / len(HELD_OUT),
            "embedding": _embedding(made, photo, painting),
        },
        "content": {
            "layers": {layer: contents[layer] for layer in of_content},
            "mean": sum(contents.values()) / len(of_content),
            "edges": _edges(made, photo),
        },
        "surface": _surface(made.pixels, painting.pixels),
    }


def _distances(loss: Loss, wanted: Features, made: Features) -> dict[str, float]:
    """Layer by layer of what is wanted."""
    found = {}
    for layer, feature in wanted.items():
        target = loss.target(feature)
        found[layer] = loss.distance(loss.measure(made[layer], target), target).item()
    return found


def _embedding(made: Picture, photo: Picture, painting: Picture) -> float:
    of_style, of_photo, of_result = (
        codes.predicted(picture, "arbitrary").values for picture in (painting, photo, made)
    )
    apart = (of_photo - of_style).norm().clamp_min(1e-12)
    distance: float = ((of_result - of_style).norm() / apart).item()
    return distance


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

"""The backbone against plain recomputation, and its names, depth and borders."""

import pytest
import torch
import torch.nn.functional as nn
from torch import Tensor

from impasto import weights
from impasto.architecture import ARCHITECTURES, Architecture
from impasto.backbones.features import Backbone
from impasto.backbones.kernels import Pooling
from impasto.errors import ImageError, SettingsError
from tests.helpers import TINY, photo, random_backbone


def pixels(height: int, width: int) -> Tensor:
    return torch.from_numpy(photo(height, width)).permute(2, 0, 1)[None].float() / 255


def test_layer_names_of_vgg19() -> None:
    layers = ARCHITECTURES["vgg19"].layers
    assert layers[:6] == ("pixels", "conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1")
    assert len([name for name in layers if name.startswith("conv")]) == 16
    assert layers[-1] == "pool5"


def test_vgg19_against_the_tables_of_the_wheel() -> None:
    """Decode every weight anew, one code at a time through Python's own indexing, and convolve real pixels
    with it.
    """
    packed = torch.load(weights.source("vgg19"), weights_only=True)
    x = pixels(37, 50)
    found = Backbone.pretrained("vgg19")(x, ["relu1_1", "conv2_1", "relu2_1"])
    bgr = torch.stack([x[:, 2] * 255 - 103.939, x[:, 1] * 255 - 116.779, x[:, 0] * 255 - 123.68], 1)

    def convolve(x: Tensor, block: int, index: int) -> Tensor:
        name = f"block{block}_conv{index}"
        table, codes = packed[f"{name}_W_table"].tolist(), packed[f"{name}_W_q"]
        kernel = torch.tensor([table[code] for code in codes.flatten().tolist()]).view(codes.shape)
        return nn.conv2d(x, kernel, packed[f"{name}_b"], padding=1)

    relu1_1 = convolve(bgr, 1, 1).clamp_min(0)
    conv2_1 = convolve(nn.max_pool2d(convolve(relu1_1, 1, 2).clamp_min(0), 2), 2, 1)
    for name, expected in {"relu1_1": relu1_1, "conv2_1": conv2_1, "relu2_1": conv2_1.clamp_min(0)}.items():
        assert torch.allclose(found[name], expected, rtol=1e-4, atol=1e-2), name


def test_vgg19_tells_pictures_apart_in_its_deepest_layer(vgg19: Backbone) -> None:
    shapes = {name: tuple(feature.shape[1:]) for name, feature in vgg19(pixels(67, 96), ["relu4_2", "pool5"]).items()}
    assert shapes == {"relu4_2": (512, 8, 12), "pool5": (512, 2, 3)}


def test_pixels_are_a_layer(tiny: Backbone) -> None:
    x = pixels(8, 8).double()
    assert tiny(x, ["pixels"])["pixels"] is x


def test_nothing_is_computed_beyond_the_deepest_layer(tiny: Backbone) -> None:
    x = pixels(1, 9).double()  # too flat for a pooling, which must therefore not be reached
    assert tiny(x, ["relu1_2"])["relu1_2"].shape == (1, 6, 1, 9)
    with pytest.raises(ImageError, match="9×1 pixels is too small for layer pool1"):
        tiny(x, ["conv2_1"])


def test_average_pooling_is_average_pooling() -> None:
    x = pixels(8, 10).double()
    average = random_backbone(TINY, torch.float64, pooling="average")
    features = average(x, ["relu1_2", "pool1"])
    assert torch.allclose(features["pool1"], nn.avg_pool2d(features["relu1_2"], 2))


@pytest.mark.parametrize("pooling", ["max", "average"])
@pytest.mark.parametrize("size", [(37, 50), (45, 64)])
def test_layers_averaged_over_squares(size: tuple[int, int], pooling: Pooling) -> None:
    """Values and gradients are those of averaging what the plain layers give, beside them too, and where a
    square does not fit in.
    """
    architecture = Architecture(blocks=((2, 4), (2, 6), (1, 8)))
    backbone = random_backbone(architecture, torch.float64, pooling=pooling, padding="replicate")
    layers = ["relu1_1/4", "relu1_1", "conv2_1/2", "relu2_2/2", "pool2", "relu3_1", "relu3_1/2"]
    found = []
    for averaged in (True, False):
        x = pixels(*size).double().requires_grad_()
        if averaged:
            features = backbone(x, layers)
        else:
            plain = backbone(x, {layer.partition("/")[0] for layer in layers})
            sides = {layer: int(layer.partition("/")[2] or 1) for layer in layers}
            features = {layer: nn.avg_pool2d(plain[layer.partition("/")[0]], side) for layer, side in sides.items()}
        generator = torch.Generator().manual_seed(0)
        weights_ = [torch.rand(features[layer].shape, generator=generator, dtype=torch.float64) for layer in layers]
        parts = [(features[layer] * weight).sum() for layer, weight in zip(layers, weights_, strict=True)]
        found.append((features, torch.autograd.grad(torch.stack(parts).sum(), x)[0]))
    assert all(torch.allclose(found[0][0][layer], found[1][0][layer], rtol=1e-12) for layer in layers)
    assert torch.allclose(found[0][1], found[1][1], rtol=1e-10, atol=1e-12)
    assert [architecture.depth(layer) for layer in layers] == [2, 0, 2, 2, 2, 2, 3]
    assert architecture.channels("relu2_2/2") == 6 and architecture.reach(["relu1_1/4"]) == 1


def test_squares_that_make_no_sense(tiny: Backbone) -> None:
    for layer in ("relu1_1/3", "relu1_1/", "relu1_1/1", "pixels/2", "relu1_1/2/2"):
        with pytest.raises(SettingsError, match="relu1_1/4"):
            tiny(pixels(8, 8), [layer])
    with pytest.raises(ImageError, match="too small for layer relu1_1/16"):
        tiny(pixels(8, 40), ["relu1_1/16"])


def test_replicate_padding_continues_a_flat_picture() -> None:
    backbone = random_backbone(TINY, torch.float64)
    flat = torch.full((1, 3, 8, 8), 0.7, dtype=torch.float64)
    replicate = random_backbone(TINY, torch.float64, padding="replicate")(flat, ["conv2_1"])["conv2_1"]
    zeros = backbone(flat, ["conv2_1"])["conv2_1"]
    assert torch.allclose(replicate, replicate[..., :1, :1].expand_as(replicate))
    assert not torch.allclose(zeros, zeros[..., :1, :1].expand_as(zeros))


def test_a_misspelt_layer_is_named_with_its_neighbour(tiny: Backbone) -> None:
    with pytest.raises(SettingsError, match="no layer 'rel1_1': did you mean 'relu1_1'"):
        tiny(pixels(8, 8), ["rel1_1"])


def test_bfloat16_stays_close(vgg19: Backbone) -> None:
    x = pixels(64, 64)
    narrow = Backbone.pretrained("vgg19", dtype=torch.bfloat16)(x, ["relu4_1"])["relu4_1"].float()
    wide = vgg19(x, ["relu4_1"])["relu4_1"]
    assert ((narrow - wide).norm() / wide.norm()).item() < 0.03

"""The feed-forward networks against the original files, executed by ONNX Runtime."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray

from impasto import weights
from impasto.networks import zoo as pretrained
from impasto.networks.painter import Painter
from impasto.networks.zoo import predictor
from tests.helpers import painting, photo

CPU = torch.device("cpu")


def picture(array: NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(array).permute(2, 0, 1)[None].float() / 255


def runtime(model: Path | onnx.ModelProto) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1  # as all else here: more spin while they wait
    source = str(model) if isinstance(model, Path) else model.SerializeToString()
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def without_quantisation(path: Path) -> onnx.ModelProto:
    """The same graph in float: what quantises and dequantises activations lets them pass."""
    model = onnx.load(path)
    constants = {tensor.name for tensor in model.graph.initializer}
    for node in model.graph.node:
        of_activation = node.op_type == "DequantizeLinear" and node.input[0] not in constants
        if node.op_type == "QuantizeLinear" or of_activation:
            node.op_type = "Identity"
            del node.input[1:], node.attribute[:]
    del model.graph.value_info[:]
    return model


def nhwc(pixels: torch.Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = pixels.permute(0, 2, 3, 1).numpy()
    return array


def test_the_predictor_is_that_of_the_file() -> None:
    pixels = picture(painting(256, 256))
    found = predictor()(pixels).numpy().ravel()
    quantised, exact = (
        session.run(None, {"style_image": nhwc(pixels)})[0].ravel()
        for session in (runtime(weights.source("arbitrary-predict")), runtime(FLOAT["arbitrary-predict"]()))
    )
    # Without VNNI, ONNX Runtime's sums of 8-bit products saturate: 0.989 on an EPYC 7003.
    abilities = torch.cpu.get_capabilities()
    sums_whole = abilities.get("avx512_vnni") or abilities.get("avx_vnni")
    assert np.corrcoef(found, quantised)[0, 1] > (0.999 if sums_whole else 0.98)
    assert np.abs(found - exact).max() < 1e-4


FLOAT = {
    name: lambda name=name: without_quantisation(weights.source(name))
    for name in ("arbitrary-predict", "arbitrary-transform")
}


def test_the_arbitrary_styliser_is_that_of_the_file_but_for_its_quantisation() -> None:
    pixels, code = picture(photo(384, 384)), predictor()(picture(painting(256, 256)))
    network = pretrained.network("arbitrary").stylizer
    inputs = {"content_image": nhwc(pixels), "mobilenet_conv/Conv/BiasAdd": code.numpy().reshape(1, 1, 1, 100)}
    expected = runtime(FLOAT["arbitrary-transform"]()).run(None, inputs)[0]
    assert np.abs(nhwc(network(pixels, network.style(code))) - expected).max() < 1e-4


@pytest.mark.parametrize("size", [(64, 96), (50, 71)])
def test_the_26_styles_are_those_of_the_file_at_any_size(size: tuple[int, int]) -> None:
    pixels, network = picture(photo(*size)), pretrained.network("multistyle26").stylizer
    code = torch.zeros(1, 26)
    code[0, 3], code[0, 12] = 0.25, 0.75
    expected = runtime(weights.source("multistyle26")).run(
        None, {"image": pixels.numpy(), "style_weights": code[0].numpy()}
    )
    found = network(pixels, network.style(code)).numpy()
    assert found.shape == pixels.shape
    assert np.abs(found - expected[0][:, :, : size[0], : size[1]]).max() < 1e-4


def test_samples_are_measured_together() -> None:
    """Two halves of a picture have its own mean and variance where no border is near: before the first
    normalisation.
    """
    network = pretrained.network("multistyle26").stylizer
    painter = Painter(network, network.style(torch.eye(26)[:1]), dtype=torch.float64, device=CPU)
    pixels = picture(photo(64, 64)).double().repeat(1, 1, 1, 2)
    _, ((mean, inverse), *_) = painter.measured(torch.cat(pixels.chunk(2, 3)))  # type: ignore[misc]
    first = network.layers()[0]
    y = torch.nn.functional.conv2d(first.padded(pixels[:, :, :, :64]), first.conv.weight.double())
    assert torch.allclose(mean.double(), y.mean((0, 2, 3)), atol=1e-6)
    assert torch.allclose(inverse.double(), (y.var((0, 2, 3), correction=0) + 1e-5).rsqrt(), rtol=1e-4)

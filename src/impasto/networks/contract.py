"""What a network of the fast method offers: the contract, kept by all that are here
(`tests/test_contract.py`).

`FeedForward` is what paints, and all that `painter` and `export` ask for. `Network` has with it what makes
codes for it, and tells its `Design`: all that `codes` and the fast method ask for, and what is saved.

The file of a network is a safetensors file: the weights in float16, and in its metadata all that is needed to
build the network again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from impasto.errors import WeightsError
from impasto.machine import strict_json
from impasto.machine.files import write_atomic
from impasto.networks.cin import Layer, Stylizer, StylizerShape
from impasto.networks.encoder import EncoderShape, StyleEncoder
from impasto.pictures.large import LargePicture
from impasto.pictures.picture import Picture

_MARK = "network"

LEAST = 16
"""Pixels: the shortest side of what is painted."""


class FeedForward(Protocol):
    """A torch module that paints N photographs (N, 3, H, W), RGB in [0, 1], in a style each, to the same
    shape and range.

    H and W are any from `LEAST` on, odd ones too. The same input gives the same output. It is made of
    `cin.Layer`s, so that `painter.Painter` can compute them in another precision, and by statistics that are
    frozen: then it is a chain of convolutions, and paints the same in tiles that begin on the grid
    `cin.GRID`, with `reach` pixels around them, as in the whole picture.
    """

    heads: nn.Linear
    """From a code (N, L) to its style, so that styles are mixed by mixing codes, or styles themselves."""

    @property
    def reach(self) -> int:
        """Pixels: nothing beyond has a say in a pixel, statistics aside. A multiple of `cin.GRID`;
        `cin.reach` computes it.
        """

    def layers(self) -> Sequence[Layer]:
        """All layers, in the order in which the picture passes them."""

    def style(self, code: Tensor) -> Tensor:
        """A code (N, L) -> γ of all layers, one after the other, and then β: (N, 2ΣC), float32
        (`cin.parameters_of`).
        """

    def traverse(self, pixels: Tensor, apply: Callable[[Layer, Tensor], Tensor]) -> Tensor:
        """The way of pixels (N, 3, H, W) through the layers to what is painted, whatever ``apply`` does in
        each.

        It calls ``apply`` once for each of `layers`, in their order, and keeps the dtype.
        """

    def __call__(self, pixels: Tensor, style: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] with N styles, as `style` gives them -> (N, 3, H, W) in [0, 1].
        Differentiable in both.
        """

    def state_dict(self) -> dict[str, Any]:
        """Its weights by name, as every module gives them: float32."""

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> Any:
        """Take such weights."""


@dataclass(frozen=True)
class Design:
    """What a network is, but for its weights."""

    architecture: StylizerShape | None
    """Called so in the files of networks. None for a styliser of another make, which no file can hold."""
    encoder: EncoderShape | None
    """Of networks of ours for any style; else None."""
    styles: tuple[str, ...] = ()
    """The names of the learnt styles, one for each entry of the code. If it has an entry more, that is the
    photograph's own style.

    None, if the network paints in any style; the photograph's own is then what it makes of the photograph."""
    card: Mapping[str, Any] = field(default_factory=dict)
    """The model card: how it was trained, on what, and what became of it."""
    palette: float = 0.0
    """How far the colours of what the styliser paints are moved to the painting's (`transfer.towards`), from
    0 to 1."""
    colours: tuple[tuple[float, ...], ...] = ()
    """If they are moved, the colours of each of the learnt styles (`transfer.of`)."""

    def colours_of(self, shares: Tensor) -> Tensor | None:
        """The colours (1, 12) of a mixture of the learnt styles (1, S), float64, if they are moved."""
        return shares.double() @ shares.new_tensor(self.colours, dtype=torch.float64) if self.colours else None


class Network(nn.Module):
    """What paints, and what makes codes for it: an encoder, if it paints in any style, or the names of its
    styles.
    """

    def __init__(self, design: Design, stylizer: FeedForward | None = None) -> None:
        """``stylizer`` where the design has no architecture."""
        super().__init__()
        if stylizer is None:
            assert design.architecture, "a design without an architecture needs its styliser"
            stylizer = Stylizer(design.architecture)
        self.design, self.stylizer = design, stylizer
        self.encoder = StyleEncoder(design.encoder) if design.encoder else None

    def predicted(self, painting: Picture | LargePicture) -> Tensor | None:
        """The code (1, L) of any painting of any size, the same each time; None where there are learnt styles
        alone.
        """
        return self.encoder.look(painting) if self.encoder else None


def save_network(network: Network, path: Path, *, force: bool = False) -> None:
    """Write a network to a .safetensors file, whole or not at all. Raises OutputError."""
    assert network.design.architecture, "no file can hold a styliser of another make"
    design = asdict(network.design)
    tensors = {name: tensor.detach().half().contiguous() for name, tensor in network.state_dict().items()}
    write_atomic(path, save(tensors, {"impasto": _MARK, "design": strict_json.dumps(design)}), force)


def load_network(path: Path) -> Network:
    """The network in a file, float32 on the CPU, for painting. Raises WeightsError when the file holds
    none.
    """
    try:
        with safe_open(path, framework="pt") as file:
            described = file.metadata() or {}
            if described.get("impasto") != _MARK:
                raise ValueError("it is of another kind")
            network = Network(_design(strict_json.loads(described["design"])))
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
    shape = plain["architecture"]
    architecture = StylizerShape(**shape | {name: tuple(shape[name]) for name in ("contract", "expand")})
    encoder = EncoderShape(**plain["encoder"]) if plain["encoder"] else None
    colours = tuple(map(tuple, plain.get("colours", ())))  # earlier networks move none
    return Design(architecture, encoder, tuple(plain["styles"]), plain["card"], plain.get("palette", 0.0), colours)

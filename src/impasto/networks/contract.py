"""What a network of the fast method offers: the contract, kept by all that are here
(`tests/test_contract.py`).

`FeedForward` is what paints, and all that `painter` and `export` ask for. `Network` has with it what makes
codes for it, and tells its `Design`: all that `codes` and the fast method ask for, and what is saved.

The file of a network is a safetensors file: the weights in float16, and in its metadata all that is needed to
build the network again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from impasto.errors import WeightsError, briefly
from impasto.machine import formats, strict_json
from impasto.machine.files import write_atomic
from impasto.machine.tensors import read_tensors, tensor_bytes
from impasto.networks.cin import Layer, Stylizer, StylizerShape
from impasto.networks.encoder import CHANNELS, EncoderShape, StyleEncoder
from impasto.pictures.large import LargePicture
from impasto.pictures.picture import Picture

_MARK, STYLE_MARK = "network", "style-code"
"""What files tell that they are."""
FORMAT = 1
"""The version of the form of networks' files: it rises when an older Impasto could not read them rightly."""
COLOURS = 12
"""How many numbers tell the colours of a style (`transfer.of`)."""

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
    told = {"impasto": _MARK, "format": str(FORMAT), "design": strict_json.dumps(asdict(network.design))}
    tensors = {name: tensor.detach().half() for name, tensor in network.state_dict().items()}
    write_atomic(path, tensor_bytes(tensors, told), force)


def load_network(path: Path) -> Network:
    """The network in a file, float32 on the CPU, for painting. Raises WeightsError when the file holds
    none.
    """
    try:
        described, tensors = read_tensors(path)
        if described.get("impasto") == STYLE_MARK:
            raise WeightsError(f"{path} holds a style, and no network: give it in a painting's place.")
        if described.get("impasto") != _MARK:
            raise ValueError("it is of another kind")
        formats.check_version(described.get("format"), FORMAT, path, WeightsError)
        network = _built(_design(formats.parsed(described["design"])), tensors)
    except OSError as error:
        raise WeightsError(f"The network {path} cannot be read ({briefly(error)}): give the path of one.") from error
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError, OverflowError) as error:
        raise WeightsError(
            f"{path} holds no network of Impasto, or is damaged ({briefly(error)}): train it again, or give another."
        ) from error
    for tensor in network.state_dict().values():
        if not bool(tensor.isfinite().all()):
            raise WeightsError(f"{path} holds weights that are not finite: train the network again, or give another.")
    return network.eval().requires_grad_(False)


def _built(design: Design, tensors: Mapping[str, Tensor]) -> Network:
    """A network with the weights of a file, which is to have every one of them and no other. Raises
    ValueError and RuntimeError.
    """
    shape = design.architecture
    assert shape
    numbers = [
        *shape.contract,
        shape.blocks,
        *shape.expand,
        shape.codes,
        *(astuple(design.encoder) if design.encoder else ()),
    ]
    most = sum(tensor.numel() for tensor in tensors.values())
    if not all(type(number) is int and 0 < number <= most for number in numbers) or shape.blocks > len(tensors):
        raise ValueError(f"it says that it has the sizes {numbers}, and holds {most} numbers")
    with torch.device("meta"), _Undrawn():  # takes no memory
        network = Network(design)
    network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()}, assign=True)
    return network


class _Undrawn(TorchFunctionMode):
    """In it modules begin without random weights, which would be written over, and for which torch would load
    its compiler where they take no memory.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return None if getattr(func, "__module__", "") == nn.init.__name__ else func(*args, **(kwargs or {}))


def _design(plain: dict[str, Any]) -> Design:
    """The inverse of `asdict`, after JSON. Raises ValueError, KeyError, TypeError and AttributeError for what
    is none.
    """
    shape = plain["architecture"]
    first, second, third = shape["contract"]
    fourth, fifth = shape["expand"]
    architecture = StylizerShape(**shape | {"contract": (first, second, third), "expand": (fourth, fifth)})
    encoder = EncoderShape(**plain["encoder"]) if plain["encoder"] else None
    styles = tuple(plain["styles"])
    colours = tuple(map(tuple, plain.get("colours", ())))  # earlier networks move none
    palette = plain.get("palette", 0.0)
    if encoder and (encoder.codes != architecture.codes or encoder.inputs != 2 * sum(CHANNELS) or styles):
        raise ValueError("its encoder does not go with its styliser")
    if not encoder and styles and architecture.codes - len(styles) not in (0, 1):
        raise ValueError(f"it names {len(styles)} styles for {architecture.codes} entries of a code")
    if (
        not 0 <= palette <= 1
        or len(colours) not in (0, len(styles))
        or not all(isinstance(each, str) for each in styles)
    ):
        raise ValueError("its styles are none")
    if not all(len(each) == COLOURS and all(0 <= value <= 1 for value in each) for each in colours):
        raise ValueError("the colours of its styles are none")
    return Design(architecture, encoder, styles, dict(plain["card"]), palette, colours)

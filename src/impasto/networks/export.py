"""The networks for other programs: ONNX files."""

import contextlib
import io
import logging
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from impasto import weights
from impasto._version import __version__
from impasto.colour import exported, transfer
from impasto.errors import OutputError, SettingsError
from impasto.extras import needed
from impasto.machine import strict_json
from impasto.machine.files import check_writable, create_folder, write_atomic
from impasto.networks import zoo
from impasto.networks.contract import LEAST, Design, FeedForward
from impasto.pictures.picture import Size
from impasto.settings.paths import is_network

_MOST = 2**15
"""Pixels: the longest side of what an exported network paints."""


class _Coded(nn.Module):
    """A styliser with its heads in front: pixels and a style's code to pixels."""

    def __init__(self, network: FeedForward) -> None:
        super().__init__()
        self._network = network

    def forward(self, pixels: Tensor, code: Tensor) -> Tensor:
        """(1, 3, H, W) in [0, 1] and (1, L) -> (1, 3, H, W) in [0, 1]."""
        return self._network(pixels, self._network.style(code))


class _Coloured(_Coded):
    """The same with the colours moved to the style's after it, as the fast method does."""

    def __init__(self, network: FeedForward, palette: float) -> None:
        super().__init__(network)
        self._palette = palette

    def forward(self, pixels: Tensor, code: Tensor, colours: Tensor) -> Tensor:  # type: ignore[override]
        """(1, 3, H, W) in [0, 1], (1, L) and (1, 12) -> (1, 3, H, W) in [0, 1]."""
        return exported.towards(super().forward(pixels, code), colours, self._palette)


def export_onnx(
    network: str, path: Path, *, size: Size | None = None, colour: bool = False, force: bool = False
) -> None:
    """Write a styliser to ``path``: inputs ``pixels`` (1, 3, height, width) in [0, 1], any size from 16, and
    ``code`` (1, L), as `StyleCode.values` holds it; output ``stylized``, of the pixels' shape.

    A ``size`` fixes height and width, for programs that want to know them beforehand. With ``colour``, which
    needs one, there is an input ``colours`` (1, 12), as `StyleCode.colours` holds them, and what comes out is
    what the fast method paints. The file says of itself what it takes, which styles it has learnt, whose it
    is, and how colours are moved. Raises SettingsError for what makes no sense, NotInstalledError when the
    exporter is not installed, OutputError.
    """
    if path.suffix.lower() != ".onnx":
        raise OutputError(f"An exported network is an .onnx file: name it so, not {path.name!r}.")
    if size is not None and not all(LEAST <= side <= _MOST for side in size):
        raise SettingsError(f"`size` takes sides from {LEAST} to {_MOST} pixels here, not {size[1]}x{size[0]}.")
    if colour and size is None:
        raise SettingsError("`colour` needs a `size`, for it looks at all that is painted: give one, like 512x384.")
    chosen = zoo.network(network)
    if colour and not chosen.design.palette:
        raise SettingsError(f"The network {network} has learnt its styles' colours: leave out `colour`.")
    check_writable(path, force)
    create_folder(path.parent)
    stylizer = chosen.stylizer
    module = (_Coloured(stylizer, chosen.design.palette) if colour else _Coded(stylizer)).eval()
    given = {"pixels": torch.rand(1, 3, *(size or (64, 80))), "code": torch.zeros(1, stylizer.heads.in_features)}
    if colour:
        given["colours"] = transfer.of(given["pixels"]).float()
    sides = [torch.export.Dim(name, min=LEAST, max=_MOST) for name in ("height", "width")]
    with needed("export"):
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    # The exporter prints and warns about itself; there is nothing in it for its user.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module,
            tuple(given.values()),
            dynamo=True,
            input_names=list(given),
            output_names=["stylized"],
            dynamic_shapes=None if size else {"pixels": {2: sides[0], 3: sides[1]}, "code": None},
            verbose=False,
        )
    assert program is not None, "the dynamo exporter gives a program"
    model = program.model_proto
    for name, value in _told(network, chosen.design, colour).items():
        model.metadata_props.add(key=name, value=value)
    write_atomic(path, model.SerializeToString(), force)


def _told(network: str, design: Design, colour: bool) -> dict[str, str]:
    """What a file says of itself."""
    if not design.palette:
        colours = "none: it has learnt its styles' colours"
    elif colour:
        colours = f"within: {design.palette} of the way to the input colours, which a style code holds"
    else:
        colours = (
            f"not within: the fast method moves mean and covariance of what comes out {design.palette} of the way to the "
            "painting's, in linear optimal transport; an export with the step has it within"
        )
    told = {
        "impasto.version": __version__,
        "impasto.network": Path(network).name,
        "impasto.licence": "its maker's" if is_network(network) else weights.entry(zoo.FILES[network]).licence,
        "impasto.pixels": "RGB, sRGB from 0 to 1, (1, 3, height, width), in and out",
        "impasto.colours": colours,
    }
    if design.styles:
        told["impasto.styles"] = strict_json.dumps(design.styles)
    return told

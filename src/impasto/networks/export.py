"""The networks for other programs: ONNX files."""

import contextlib
import io
import logging
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from impasto.errors import ImpastoError
from impasto.machine.files import check_writable, create_folder, write_atomic
from impasto.networks import zoo
from impasto.networks.contract import LEAST, FeedForward


class _Coded(nn.Module):
    """A styliser with its heads in front: pixels and a style's code to pixels."""

    def __init__(self, network: FeedForward) -> None:
        super().__init__()
        self._network = network

    def forward(self, pixels: Tensor, code: Tensor) -> Tensor:
        """(1, 3, H, W) in [0, 1] and (1, L) -> (1, 3, H, W) in [0, 1]."""
        return self._network(pixels, self._network.style(code))


def export_onnx(network: str, path: Path, *, force: bool = False) -> None:
    """Write a styliser to ``path``: inputs ``pixels`` (1, 3, height, width) in [0, 1], any size from 16, and
    ``code`` (1, L), as `StyleCode.values` holds it; output ``stylized``, of the pixels' shape.

    Raises SettingsError for an unknown network, ImpastoError when the exporter is not installed, OutputError.
    """
    check_writable(path, force)
    create_folder(path.parent)
    stylizer = zoo.network(network).stylizer
    module = _Coded(stylizer).eval()
    sides = [torch.export.Dim(name, min=LEAST, max=2**15) for name in ("height", "width")]
    try:
        import onnxscript  # noqa: F401
    except ImportError:
        raise ImpastoError("Exporting needs the package onnxscript: pip install 'impasto[export]'.") from None
    # The exporter prints and warns about itself; there is nothing in it for its user.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module,
            (torch.rand(1, 3, 64, 80), torch.zeros(1, stylizer.heads.in_features)),
            dynamo=True,
            input_names=["pixels", "code"],
            output_names=["stylized"],
            dynamic_shapes={"pixels": {2: sides[0], 3: sides[1]}, "code": None},
            verbose=False,
        )
    assert program is not None, "the dynamo exporter gives a program"
    write_atomic(path, program.model_proto.SerializeToString(), force)

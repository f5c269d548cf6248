"""Exported networks in ONNX Runtime."""

from pathlib import Path

import numpy as np
import pytest
import torch

from impasto import export
from impasto.errors import OutputError
from impasto.networks.pretrained import stylizer
from tests.helpers import photo
from tests.test_networks import picture, runtime


@pytest.mark.parametrize("network", export.NETWORKS)
def test_an_exported_network_is_the_same_at_any_size(network: str, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    export.export_onnx(network, path)
    session, ours = runtime(path), stylizer(export.NETWORKS[network])
    code = torch.linspace(0, 0.1, ours.heads.in_features)[None]
    for size in ((64, 96), (33, 50), (16, 17)):
        pixels = picture(photo(*size))
        found = session.run(None, {"pixels": pixels.numpy(), "code": code.numpy()})[0]
        assert np.abs(found - ours(pixels, ours.style(code)).numpy()).max() < 1e-3
    with pytest.raises(OutputError, match="exists already"):
        export.export_onnx(network, path)

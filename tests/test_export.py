"""Exported networks in ONNX Runtime."""

from pathlib import Path

import numpy as np
import pytest
import torch

from impasto.errors import OutputError
from impasto.networks import export
from impasto.networks import zoo as pretrained
from impasto.settings.fields import LEARNT, NETWORKS
from impasto.tasks.stylize import plan_stylize
from tests.helpers import painting, photo
from tests.test_networks import picture, runtime


@pytest.mark.parametrize(
    "network", [pytest.param(name, marks=() if name == LEARNT else pytest.mark.slow) for name in NETWORKS]
)
def test_an_exported_network_is_the_same_at_any_size(network: str, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    export.export_onnx(network, path)
    session, ours = runtime(path), pretrained.network(network).stylizer
    code = torch.linspace(0, 0.1, ours.heads.in_features)[None]
    for size in ((64, 96), (33, 50), (16, 17)):
        pixels = picture(photo(*size))
        found = session.run(None, {"pixels": pixels.numpy(), "code": code.numpy()})[0]
        assert np.abs(found - ours(pixels, ours.style(code)).numpy()).max() < 1e-3
    with pytest.raises(OutputError, match="exists already"):
        export.export_onnx(network, path)


@pytest.mark.slow
def test_a_run_left_on_its_way_does_not_stand_in_the_way(tmp_path: Path) -> None:
    run = plan_stylize(photo(48, 64), painting(48, 48), size=64, iterations=8)
    steps = run.steps()
    next(steps)
    export.export_onnx("arbitrary", tmp_path / "model.onnx")
    assert next(steps).iteration == 1

"""Exported networks in ONNX Runtime."""

from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch
from typer.testing import CliRunner

import impasto
from impasto.cli import app
from impasto.errors import OutputError
from impasto.networks import codes, export
from impasto.networks import zoo as pretrained
from impasto.settings.fields import NETWORKS
from impasto.tasks.stylize import plan_stylize, stylize
from tests.helpers import painting, photo, small_network
from tests.test_networks import picture, runtime


@pytest.fixture
def small(tmp_path: Path) -> str:
    return small_network(tmp_path / "small.safetensors")


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("network", ["small", *(pytest.param(name, marks=pytest.mark.slow) for name in NETWORKS)])
def test_an_exported_network_is_the_same_at_any_size(network: str, small: str, tmp_path: Path) -> None:
    """And a run that is left on its way meanwhile does not stand in the way."""
    path, network = tmp_path / "model.onnx", small if network == "small" else network
    steps = plan_stylize(photo(48, 64), painting(48, 48), size=64, iterations=8).steps()
    next(steps)
    export.export_onnx(network, path)
    assert next(steps).iteration == 1
    told = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    assert told["impasto.version"] == impasto.__version__ and told["impasto.network"] == Path(network).name
    assert ("impasto.styles" in told) == bool(pretrained.network(network).design.styles)
    assert ("not within" in told["impasto.colours"]) == bool(pretrained.network(network).design.palette)
    session, ours = runtime(path), pretrained.network(network).stylizer
    code = torch.linspace(0, 0.1, ours.heads.in_features)[None]
    for size in ((64, 96), (33, 50), (16, 17)):
        pixels = picture(photo(*size))
        found = session.run(None, {"pixels": pixels.numpy(), "code": code.numpy()})[0]
        assert np.abs(found - ours(pixels, ours.style(code)).numpy()).max() < 1e-3
    with pytest.raises(OutputError, match="exists already"):
        export.export_onnx(network, path)


@pytest.mark.slow
@pytest.mark.parametrize(("size", "colour"), [((35, 66), True), ((64, 48), False)])
def test_a_file_of_one_size_paints_what_the_fast_method_paints(
    size: tuple[int, int], colour: bool, tmp_path: Path
) -> None:
    """In ONNX Runtime and in OpenCV, at odd sizes, too, and without the colours as well."""
    code = codes.learnt_style("rhone:0.5,cottages:0.5", "multi")
    assert code.colours is not None
    content = photo(*size)
    given = {"pixels": picture(content).numpy(), "code": code.values.numpy()}
    path, options = tmp_path / "model.onnx", ["--size", f"{size[1]}x{size[0]}", *(["--colour"] * colour)]
    done = CliRunner().invoke(app, ["export", "multi", *options, "-o", str(path)])
    assert done.exit_code == 0, done.output
    if colour:
        given["colours"] = code.colours.float().numpy()
        made = stylize(content, code, method="fast", size="native", precision="float32").picture.pixels
    else:
        network = pretrained.network("multi").stylizer
        made = network(picture(content), network.style(code.values))
    found = runtime(path).run(None, given)[0]
    assert np.abs(found - made.numpy()).max() < 1e-3
    net = cv2.dnn.readNetFromONNX(str(path))
    for name, value in given.items():
        net.setInput(value, name)
    assert np.abs(net.forward() - made.numpy()).max() < 1e-3


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["any", "--colour"], "--colour needs a --size"),
        (["arbitrary", "--colour", "--size", "32x32"], "leave out --colour"),
        (["any", "--size", "512"], "must be WIDTHxHEIGHT here"),
        (["any", "--size", "8x8"], "--size"),
        (["code.safetensors"], "holds a style, and no network"),
        (["any", "-o", "any.pt"], "is an .onnx file: name it so, not 'any.pt'"),
    ],
)
def test_what_cannot_be_exported_is_told(
    options: list[str], complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    codes.learnt_style("rhone").save("code.safetensors")
    done = CliRunner().invoke(app, ["export", "-o", "model.onnx", *options])
    assert done.exit_code in (1, 2) and complaint in done.stderr, done.output


def test_a_learnt_style_is_saved_from_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["style-code", "--style-index", "Rhone:3,7:1"])
    assert done.stdout == "style-Rhonex3+7x1.safetensors\n", done.output
    saved, meant = codes.StyleCode.load(done.stdout.strip()), codes.learnt_style({"10": 0.75, "7": 0.25})
    assert saved.network == meant.network and torch.equal(saved.values, meant.values)
    assert saved.colours is not None and meant.colours is not None and torch.equal(saved.colours, meant.colours)
    for wrong in ([], ["a.jpg", "--style-index", "7"]):
        assert CliRunner().invoke(app, ["style-code", *wrong]).exit_code == 2

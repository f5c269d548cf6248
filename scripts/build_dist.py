"""Build wheel and sdist, each twice, and keep them only if both times they are the same bytes.

python scripts/build_dist.py dist
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def built(folder: Path) -> dict[str, bytes]:
    """The files that a build makes in a folder, by their names, dated by the last commit."""
    dated = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=False)
    moment = os.environ.get("SOURCE_DATE_EPOCH") or dated.stdout.strip() or "1577836800"
    words = [sys.executable, "-W", "ignore", "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run(
        words, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, env=os.environ | {"SOURCE_DATE_EPOCH": moment}
    )
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".whl", ".gz")}


def main(to: Path) -> None:
    """Write both into the folder. Raises SystemExit where two builds differ."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        first, second = built(Path(one)), built(Path(other))
    if different := [name for name in first if first[name] != second.get(name)]:
        raise SystemExit(f"Built twice, these differ: {', '.join(different)}.")
    to.mkdir(parents=True, exist_ok=True)
    for name, data in first.items():
        (to / name).write_bytes(data)
        print(f"{to / name}: {len(data) / 1e6:.1f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

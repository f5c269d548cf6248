"""The house keeps its order: data flows one way, and help is quick."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import impasto

ROOT = Path(impasto.__file__).parent
FLOORS = [
    "_version", "errors", "extras", "progress", "machine", "decoders", "architecture", "weights", "settings", "pictures", "backbones", "losses", "solver", "colour", "networks", "places", "masks",
    "tasks", "training", "jobs", "judge", "video", "batch", "demo", "doctor", "study", "web", "cli", "__main__",
]  # fmt: skip
"""Every folder, and every module that stands for itself, lowest first. What is in one imports from it and
from those before."""


def imports(path: Path) -> set[str]:
    """The floors that a file leans on; "impasto" is the roof, from where everything can be had."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            parts = node.module.split(".")
            if parts[0] == "impasto":
                found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            parted = [alias.name.split(".") for alias in node.names]
            found |= {parts[1] if len(parts) > 1 else "impasto" for parts in parted if parts[0] == "impasto"}
    return found


def test_no_floor_leans_on_a_higher_one() -> None:
    level = {name: number for number, name in enumerate([*FLOORS, "impasto"])}
    paths = [path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py"]
    assert {path.relative_to(ROOT).parts[0].removesuffix(".py") for path in paths} == {*FLOORS}
    for path in paths:
        own = path.relative_to(ROOT).parts[0].removesuffix(".py")
        for other in imports(path):
            assert level.get(other, len(FLOORS)) <= level[own], f"{own} imports {other}, which stands above it"


def test_only_the_faces_print() -> None:
    for path in ROOT.rglob("*.py"):
        if "cli" not in path.parts:
            calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
            assert not [call for call in calls if isinstance(call, ast.Name) and call.id == "print"], path


def test_help_and_import_leave_torch_alone() -> None:
    script = (
        "import sys, impasto, impasto.cli\n"
        "from typer.testing import CliRunner\n"
        "result = CliRunner().invoke(impasto.cli.app, ['stylize', '--help'])\n"
        "assert result.exit_code == 0 and '--style-weight' in result.output, result.output\n"
        "assert 'torch' not in sys.modules and 'cv2' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_everything_public_can_be_had() -> None:
    for name in impasto.__all__:
        assert getattr(impasto, name) is not None
    assert sorted(impasto.__all__) == sorted(
        ["__version__", *(name for names in impasto._HOMES.values() for name in names)]
    )


def test_only_the_command_line_writes_dashes() -> None:
    words = {"--recipe", "--snapshots"}  # of the command that makes a study's picture
    for path in ROOT.rglob("*.py"):
        if "cli" not in path.parts:
            texts = [node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)]
            options = [each for each in texts if isinstance(each, str) and re.search(r"--[a-z]", each)]
            assert not [each for each in options if each not in words and "pip install" not in each], path

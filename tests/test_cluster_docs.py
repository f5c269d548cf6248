"""The files to copy in docs/cluster.md are what they are said to be, and their commands are understood."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from impasto.cli import app
from tests.helpers import painting, photo

PAGE = (Path(__file__).parent.parent / "docs" / "cluster.md").read_text()
SCRIPTS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


def documents() -> list[Any]:
    yaml = pytest.importorskip("yaml")
    return [each for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) for each in yaml.safe_load_all(text)]


def within(value: Any, name: str) -> Iterator[Any]:
    """What stands under a name, anywhere."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from [each] if key == name else within(each, name)
    elif isinstance(value, list):
        for each in value:
            yield from within(each, name)


def commands() -> list[list[str]]:
    lines = [line for script in SCRIPTS for line in script.replace("\\\n", "").splitlines()]
    found = [line[line.index("impasto batch") :] for line in lines if "impasto batch" in line]
    found += [str(each) for each in within(documents(), "entrypoint")]
    return [*map(shlex.split, found), *within(documents(), "command")]


def test_the_commands_are_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folders that they name are here."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JOB_COMPLETION_INDEX", "9")
    Path("photographs").mkdir()
    Image.fromarray(photo(40, 48)).save("photographs/a.jpg")
    Image.fromarray(painting(48, 48)).save("painting.jpg")
    found = commands()
    assert len(found) >= 7 and {"--claim", "--ray", "--shard"} <= {word for words in found for word in words}
    for words in found:
        own = [re.sub("^/(data|shared)/", "", word) for word in words]
        if "auto" in own and "--shard" in own:  # a SLURM array's
            own[own.index("auto")] = "auto/10"
        done = CliRunner().invoke(app, [*own[1:], *["--dry-run"] * ("--dry-run" not in own)])
        assert done.exit_code == 0, (own, done.output)


def test_the_files_hang_together() -> None:
    job, ray = documents()
    assert (job["apiVersion"], job["kind"], ray["apiVersion"], ray["kind"]) == (
        "batch/v1",
        "Job",
        "ray.io/v1",
        "RayJob",
    )
    (command,) = within(job, "command")
    assert command[command.index("--shard") + 1] == f"auto/{job['spec']['completions']}"
    assert len({*within([job, ray], "image")}) == 1
    for template in within([job, ray], "template"):
        pod = template["spec"]
        mounted = {mount["name"] for container in pod["containers"] for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in pod["volumes"]}
    assert f"rayproject/ray:{ray['spec']['rayClusterSpec']['rayVersion']}-" in PAGE


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_scripts_are_scripts(script: str) -> None:
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)

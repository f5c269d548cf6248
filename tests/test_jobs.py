"""Jobs: data that comes back from JSON, is carried out here or in a process of its own, and makes the same
picture again.
"""

import contextlib
import errno
import importlib
import json
import operator
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image
from typer.testing import CliRunner

from impasto.cli import app
from impasto.errors import NotReadyError, OutputError, RecordError, SettingsError
from impasto.jobs.deliver import Work, job_of
from impasto.jobs.job import Delivery, Job, RegionFiles
from impasto.jobs.process import Process
from impasto.masks.regions import Region
from impasto.pictures import codecs
from impasto.tasks import record
from impasto.tasks.reconstruct import plan_reconstruct
from impasto.tasks.stylize import plan_stylize
from impasto.tasks.texture import plan_texture
from impasto.video.job import VideoJob
from impasto.web.desk.downloading import download
from tests.helpers import photo, small_network

pytestmark = pytest.mark.usefixtures("narrow")

QUICK = {"size": 48, "iterations": 3, "scales": "single", "precision": "float32"}


def job(pair: tuple[Path, Path], delivery: Delivery | None = None) -> Job:
    content, style = map(str, pair)
    delivery = delivery or Delivery(str(pair[0].with_name("result.png")))
    return Job("stylize", content, ((style, 1.0),), recipe="statistics", settings=QUICK, delivery=delivery)


@pytest.mark.parametrize(
    "made",
    [
        Job("stylize", "a.png", (("b.jpg", 0.25), ("c.jpg", 0.75)), settings={"size": (300, 200), "strength": 0.7}),
        Job(
            "stylize",
            "a.png",
            regions=(RegionFiles("faces", "b.jpg"), RegionFiles("m.png", "c.jpg", "n.png")),
            settings={"feather": 0.1},
        ),
        Job("stylize", "a.png", style_index="rhone:0.5,7", settings={"method": "fast", "memory": "2GB"}),
        Job("texture", styles=(("b.jpg", 1.0),), recipe="texture", settings={"style_layers": "relu1_1:2,relu2_1"}),
        Job("reconstruct", "a.png", layer="relu3_1", recipe="reconstruct", settings={"iterations": 7}),
        Job("stylize", "a.png", (("b.jpg", 1.0),), delivery=Delivery("x.tiff", "every:20", 16, False, 30.0)),
        Job("stylize", "ä b.png", (("b.jpg", 1.0),), settings={"protect": ["faces", "m.png:0.3"], "init": "noise"}),
    ],
)
def test_a_job_comes_back_from_json(made: Job) -> None:
    assert Job.read(json.dumps(made.dictionary())) == made


def test_settings_take_their_one_form() -> None:
    styles = (("b.jpg", 1.0),)
    said = Job("stylize", "a.png", styles, settings={"style_scale": "0.5", "size": "300x200", "seed": None})
    assert said.settings == {"style_scale": [0.5], "size": [300, 200]}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"task": "paint"}, "no `task` 'paint'"),
        ({"content": ""}, "`task` stylize needs a `content`"),
        ({"styles": []}, "Give one or more `styles`"),
        ({"style_index": "rhone"}, "Give one or more `styles`"),
        ({"task": "texture"}, "`task` texture has no `content`"),
        ({"task": "reconstruct"}, "`task` reconstruct has no `styles`"),
        ({"layer": "relu4_2"}, "`task` stylize has no `layer`"),
        ({"settings": {"tv_wait": 1}}, "did you mean 'tv_weight'"),
        ({"settings": {"tv_weight": -1}}, "tv.weight.? must be at least 0"),
        ({"settings": {"method": "fast", "tv_weight": 1}}, "has no effect"),
        ({"recipe": "defualt"}, "did you mean 'default'"),
        ({"delivery": {"bits": 12}}, "`bits` must be 8 or 16"),
        ({"delivery": {"bits": "8"}}, "`bits` must be 8 or 16, not '8'"),
        ({"delivery": {"bits": "\x1b[31m"}}, r"`bits` must be 8 or 16, not '\\x1b\[31m'"),
        ({"delivery": {"snapshots": "9999"}}, "`snapshots` take iterations from 0 to 74"),
        ({"delivery": {"checkpoint_every": -1}}, "`checkpoint_every` must be at least 0"),
        ({"settings": {"method": "fast"}, "delivery": {"checkpoint_every": 1}}, "`checkpoint_every` has no meaning"),
        ({"colour": 1}, "A job has no `colour`"),
        ({"regions": [{"mask": "a", "\x1b[31m" + 300 * "x": 1}]}, r"A job has no `\[31mxxx"),
    ],
)
def test_a_job_is_checked_as_a_whole(changed: dict[str, Any], told: str) -> None:
    data = {"job": 1, "task": "stylize", "content": "a.png", "styles": [["b.jpg", 1]], **changed}
    with pytest.raises(SettingsError, match=told):
        Job.of(data)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"job": 2}', '{"job": 1, "task": "stylize", "styles": 3}'])
def test_what_is_no_job_is_told(text: str) -> None:
    with pytest.raises(RecordError, match="job"):
        Job.read(text)


STYLE, FAST = {"styles": [["b.jpg", 1]]}, {"method": "fast"}
REGION = {"mask": "m.png", "style": "c.jpg"}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (STYLE | {"regions": [REGION], "settings": FAST}, "`regions` are for `method` iterative: choose that in place of fast"),
        ({"regions": [REGION], "settings": {"method": "refine"}}, "in place of refine, or paint without regions"),
        ({"style_index": "7"}, "is for a network, not the optimiser: use `method` fast"),
        ({"style_index": "7", "settings": {"method": "refine"}}, "is for a network"),
        ({"styles": [["b.jpg", 1], ["kiss.safetensors", 1]]}, "is for a network"),
        ({"regions": [{"mask": "m.png", "style": "kiss.safetensors"}]}, "is for a network"),
        (STYLE | {"settings": {"style_weight": 0, "content_weight": 0, "places_weight": 0}}, "Nothing is asked for"),
        (STYLE | {"recipe": "statistics", "settings": {"content_weight": 0, "strength": 0}}, "Nothing is asked for"),
        ({"task": "reconstruct", "recipe": "reconstruct", "settings": {"strength": 1}}, "`content_weight` come to 0"),
        ({"task": "reconstruct", "recipe": "reconstruct", "settings": {"init": "style"}}, "start from noise or content"),
        ({"task": "texture", **STYLE, "recipe": "texture", "settings": {"strength": 0}}, "Nothing is asked for"),
        ({"task": "texture", **STYLE, "recipe": "texture", "settings": {"size": "native"}}, "`size` native"),
        ({"task": "texture", **STYLE, "settings": {"seed": 1}}, "`init` content has no meaning here: start from noise or style"),
        (STYLE | {"settings": {"style_layers": {"relu9_9": 1}}}, "no layer 'relu9_9': did you mean 'relu"),
        (STYLE | {"settings": {"content_layers": {"relu4_1/3": 1}}}, "averaged over squares of 2, 4, 8, 16"),
        (STYLE | {"settings": {"places_layers": {"block4_conv2": 1}}}, "no layer 'block4_conv2'"),
        ({"task": "reconstruct", "layer": "relu4_5"}, "no layer 'relu4_5': did you mean"),
        (STYLE | {"settings": {"style_scale": [1, 0.5]}}, "has 2 numbers for 1 style pictures"),
        (STYLE | {"regions": [REGION, REGION], "settings": {"style_scale": [1, 0.5]}}, "has 2 numbers for 3"),
        (STYLE | {"settings": {"scales": [128, 513]}}, "up to 513, beyond the picture's long side of 512"),
        (STYLE | {"settings": {"scales": [64, 100], "size": [99, 80]}}, "up to 100, beyond the picture's long side of 99"),
        (STYLE | {"recipe": "statistics", "settings": {"scales": [64, 128], "iterations": 2}}, "2 iterations are too few for 3"),
        (STYLE | {"settings": {"places_layers": "pixels,relu2_1"}}, "`places_layers` are of the network"),
        (STYLE | {"regions": [REGION], "settings": {"style_loss": "nearest"}}, "nearest compares whole pictures and knows no `regions`"),
        ({"regions": [REGION], "settings": {"style_loss": "sliced-wasserstein"}}, "knows no `regions`: take moments"),
        ({"styles": [["b.jpg", 1], ["c.jpg", 2]], "settings": {"style_loss": "mmd-gaussian"}}, "one painting at a time, not 2: take"),
        ({"task": "texture", "styles": [["b.jpg", 1], ["c.jpg", 2]], "recipe": "texture", "settings": {"style_loss": "nearest"}}, "not 2"),
        ({"styles": [["b.jpg", 0]]}, "not all 0"),
        ({"styles": [["b.jpg", 1], ["c.jpg", -1]]}, "not negative"),
    ],
)  # fmt: skip
def test_what_no_pictures_could_make_sense_of_is_told_before_any_is_opened(changed: dict[str, Any], told: str) -> None:
    """No file of these is there."""
    content = {} if changed.get("task") == "texture" else {"content": "a.png"}
    with pytest.raises(SettingsError, match=told):
        Job.of({"job": 1, "task": "stylize", **content, **changed})


def test_what_the_pictures_decide_is_left_to_them() -> None:
    styles = (("b.jpg", 1.0),)
    Job("stylize", "a.png", styles, settings={"scales": (128, 2000), "size": "native"})
    Job("stylize", "a.png", styles, settings={"scales": (128, 512)})
    Job("stylize", "a.png", styles, settings={"style_loss": "nearest"})
    Job("stylize", "a.png", (*styles, ("c.jpg", 1.0)), settings={"style_loss": "nearest", "strength": 0})
    Job("stylize", "a.png", styles, regions=(RegionFiles("m.png", "c.jpg"),), settings={"style_loss": "mmd-gaussian"})
    Job("stylize", "a.png", styles, recipe="statistics", settings={"scales": (64, 128), "iterations": 3})
    Job("stylize", "a.png", (("kiss.safetensors", 1.0), *styles), settings=FAST)
    Job("stylize", "a.png", regions=(RegionFiles("faces", "c.jpg"),), settings={"style_scale": (0.5,), "init": "style"})


def test_from_python_the_same_is_told_before_a_picture_is_opened() -> None:
    """A path that is none stands for every picture."""
    region = Region("m.png", "c.jpg")
    refusals: list[tuple[Callable[[], object], str]] = [
        (lambda: plan_stylize("a.png", "b.jpg", regions=[region], method="fast"), "`regions` are for"),
        (lambda: plan_stylize("a.png", ["b.jpg", "kiss.safetensors"]), "is for a network"),
        (lambda: plan_stylize("a.png", "b.jpg", regions=[region], style_scale=(1, 1, 1)), "3 numbers for 2"),
        (lambda: plan_stylize("a.png", "b.jpg", scales=(9999,)), "beyond the picture's long side of 512"),
        (lambda: plan_texture("b.jpg", init="content"), "`init` content"),
        (lambda: plan_reconstruct("a.png", init="style"), "`init` style"),
    ]
    for refused, told in refusals:
        with pytest.raises(SettingsError, match=told):
            refused()


def test_a_job_is_named_after_its_inputs() -> None:
    styles = (("s/b.jpg", 1.0),)
    assert Job("stylize", "c/a.png", styles).output == Path("a-b.png")
    assert Job("texture", styles=styles, recipe="texture").output == Path("b-texture.png")
    fast = {"method": "fast"}
    assert Job("stylize", "a.png", style_index="rhone:0.5,7", settings=fast).output == Path("a-style-rhonex0.5+7.png")


def test_a_result_holds_the_job_that_makes_it_again(
    pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first = CliRunner().invoke(
        app,
        [
            "stylize",
            *map(str, pair),
            "-o",
            "result.png",
            "--size",
            "48",
            "--iterations",
            "3",
            "--recipe",
            "statistics",
            "-q",
        ],
    )
    assert first.exit_code == 0, first.output
    told = CliRunner().invoke(app, ["info", "result.png", "--job"]).output
    again = CliRunner().invoke(app, ["run", "-", "-o", "again.png", "-q"], input=told)
    assert again.exit_code == 0, again.output
    assert codecs.load("again.png").array().tobytes() == codecs.load("result.png").array().tobytes()
    refused = CliRunner().invoke(app, ["run", "-", "-q"], input=told)
    assert refused.exit_code == 1 and "result.png" in refused.output
    # Without the record beside it, the files have their names alone: what is embedded says nothing of
    # folders.
    (tmp_path / "result.png.json").unlink()
    assert job_of(tmp_path / "result.png").content == "content.png"
    assert str(tmp_path) not in codecs.read_description(tmp_path / "result.png")


def test_closing_in_the_middle_saves_the_picture_so_far(pair: tuple[Path, Path]) -> None:
    work = Work(job(pair))
    with pytest.raises(NotReadyError):
        work.picture()
    events = work.events()
    assert next(events).iteration == 0 and next(events).iteration == 1
    events.close()
    assert work.interrupted and work.record is not None and work.record["steps"] == 1
    assert not work.record["complete"] and work.job.output.exists()


def test_snapshots_of_a_job(pair: tuple[Path, Path]) -> None:
    output = str(pair[0].with_name("out.png"))
    record = Work(job(pair, delivery=Delivery(output, snapshots="1,3"))).finish()
    assert [Path(each).name for each in record["snapshots"]] == ["out-00001.png", "out-00003.png"]
    assert all(Path(each).exists() for each in record["snapshots"])
    with pytest.raises(OutputError, match="exists"):
        Work(job(pair, delivery=Delivery(output)))


def counting(**arguments: Any) -> Process:
    return Process("tests.counting:Counting", arguments)


def test_a_process_tells_what_its_work_tells() -> None:
    """And nothing of what else comes the same way: `counting.NOISE`."""
    with counting(steps=4) as process:
        told = list(process.events())
    assert [each.iteration for each in told] == [1, 2, 3, 4] and told[-1].losses == {"total": 0.1}
    assert process.outcome == "done" and process.failure == ""


def test_a_process_whose_work_is_done_can_have_more() -> None:
    """And keeps apart what each has said."""
    with Process(ready="tests.counting:greet") as process:
        for steps in (3, 2):
            process.begin("tests.counting:Counting", {"steps": steps, "says": f"of {steps}"})
            assert [each.iteration for each in process.events()] == [*range(1, steps + 1)]
            assert process.outcome == "done" and process.alive
            assert process.said() == ("hello\n" if steps == 3 else "") + f"of {steps}\n"
            assert process.picture() is None  # any more
        process.begin("tests.counting:Counting", {"steps": 9, "how": "error"})
        assert len(list(process.events())) == 2 and (process.outcome, process.error) == ("failed", "SettingsError")
    with Process("tests.counting:Counting", {"steps": 1}) as process:
        list(process.events())
        process.cancel(grace=60)
        assert not process.alive and process.outcome == "done"


def test_after_the_end_nothing_is_told() -> None:
    for outcome, arguments in (("done", {"steps": 1}), ("failed", {"steps": 9, "how": "error"})):
        with counting(**arguments) as process:
            list(process.events())
            assert process.outcome == outcome and list(process.events()) == []


def test_errors_and_deaths_are_told() -> None:
    with counting(steps=9, how="error") as process:
        assert len(list(process.events())) == 2
    assert (process.outcome, process.failure) == ("failed", "`size` is out of the question.")
    assert process.error == "SettingsError"
    with counting(steps=9, how="death") as process:
        assert "want of memory" in list(process.events())[-1].event
    assert process.outcome == "died" and "want of memory" in process.failure


def test_cancelling_saves_and_is_quick_and_stubborn_work_is_killed(tmp_path: Path) -> None:
    with counting(steps=10_000, note=str(tmp_path / "note")) as process:
        events = process.events()
        first = next(events)
        process.cancel(grace=60)
        seen = [each.iteration for each in (first, *events)][-1]
    # Steps take 0.02 s: it ends after the one at hand, and not 0.3 s later.
    assert process.outcome == "cancelled" and seen <= int((tmp_path / "note").read_text()) <= seen + 1
    with counting(steps=9, how="stubborn") as process:
        events = process.events()
        next(events), next(events)
        began = time.monotonic()
        process.cancel(grace=0.3)
        list(events)
    assert process.outcome == "cancelled" and time.monotonic() - began < 30  # of the 60 s that it would take
    with counting(steps=9, how="stubborn") as process:
        events = process.events()
        next(events)
        process.give_up("It told nothing.")
        *_, last = events
    assert (process.outcome, process.failure, last.event) == ("died", "It told nothing.", "It told nothing.")


@pytest.mark.skipif(sys.platform != "linux", reason="Only there does a process stand still.")
def test_a_process_stands_still_and_goes_on() -> None:
    def stands(wanted: bool) -> None:
        ends = time.monotonic() + 10
        while (psutil.Process(process.pid).status() == psutil.STATUS_STOPPED) is not wanted:
            assert time.monotonic() < ends
            time.sleep(0.001)

    with counting(steps=10_000) as process:
        events = process.events()
        next(events)
        with process.held():
            stands(True)
        stands(False)
        assert next(events).iteration == 2  # it goes on
        process.cancel()
        list(events)
        assert process.outcome == "cancelled"
        with process.held():  # one that has ended
            pass


@pytest.mark.skipif(sys.platform != "linux", reason="Only there does a process stand still.")
def test_what_stands_still_does_not_outlive_its_parent(tmp_path: Path) -> None:
    script = f"""
import os, signal
from impasto.jobs.process import Process
process = Process("tests.counting:Counting", {{"steps": 10_000, "note": {str(tmp_path / "note")!r}}})
next(process.events())
with process.held():
    print(process.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    root = Path(__file__).parents[1]
    ended = subprocess.run([sys.executable, "-c", script], cwd=root, stdout=subprocess.PIPE, text=True, check=False)
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(int(ended.stdout)).wait(30)
    assert (tmp_path / "note").exists()  # it has ended of itself


def test_the_picture_so_far_is_lent_on_request() -> None:
    with counting(steps=10_000) as process:
        events = process.events()
        next(events)
        lent = process.picture(timeout=120)  # it imports torch first
        assert lent is not None and lent.size == (4, 5) and lent.pixels.max() > 0
        assert process.picture(timeout=0) is None  # nobody waits for it, and the work goes on
        again = process.picture(timeout=30)
        assert again is not None and again.pixels.max() >= lent.pixels.max()
        process.cancel()
        list(events)
        assert process.picture(timeout=5) is None
        assert process.picture() is None and process.outcome == "cancelled"


def test_what_is_lent_carries_its_record_for_it_may_be_all_that_is_left(pair: tuple[Path, Path]) -> None:
    """As of a process that is killed before it could save: from the first step on, in both methods."""
    lent = pair[0].with_name("lent.jpg")
    network = small_network(pair[0].with_name("n.safetensors"))
    output = Delivery(str(pair[0].with_name("fast.png")))
    settings = {"method": "fast", "size": 32, "network": network}
    fast = Job("stylize", str(pair[0]), style_index="red", settings=settings, delivery=output)
    for made in (job(pair), fast):
        work = Work(made, force=True)
        with pytest.raises(NotReadyError):
            work.lend(lent)
        events = work.events()
        next(events)
        work.lend(lent)
        told = record.read(lent)
        assert told["steps"] == (0 if made.iterations else 1) and told["output"] == made.output.name
        assert job_of(lent) == made.moved(lambda path: Path(path).name)
        assert str(pair[0].parent) not in codecs.read_description(lent)
        lent.with_suffix(".png").write_bytes(download(str(lent), ".png", {pair[0].name: "cat.jpg"})[1])
        assert record.read(lent.with_suffix(".png"))["inputs"][0] == "cat.jpg"
        events.close()
    bare = Work(replace(job(pair), delivery=Delivery(str(lent.with_name("bare.png")), metadata=False)))
    next(bare.events())
    bare.lend(lent)
    with pytest.raises(RecordError):
        record.read(lent)


def test_a_job_in_a_process_makes_the_picture_that_it_makes_here(pair: tuple[Path, Path]) -> None:
    here = Work(job(pair))
    here.finish()
    made = codecs.load(here.job.output).array().tobytes()
    with Process.of(here.job, force=True) as process:
        here.job.output.unlink()
        assert [each.iteration for each in process.events()] == [0, 1, 2, 3]
    assert process.outcome == "done", process.failure
    assert codecs.load(here.job.output).array().tobytes() == made


@pytest.mark.parametrize("kind", [Job, VideoJob])
def test_every_kind_of_job_names_what_carries_it_out(kind: type[Job | VideoJob]) -> None:
    module, _, name = kind.WORK.partition(":")
    made = operator.attrgetter(name)(importlib.import_module(module))
    assert made.__self__.KIND is kind


def test_a_job_file_that_cannot_be_read(tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["run", str(tmp_path / "none.json")])
    assert told.exit_code == 1 and "cannot be read" in told.output
    Image.fromarray(photo(40, 40)).save(tmp_path / "plain.png")
    told = CliRunner().invoke(app, ["info", str(tmp_path / "plain.png"), "--job"])
    assert told.exit_code == 1 and "holds no record" in told.output


@pytest.mark.parametrize("endless", ["zeros", "words", "pipe", "nobody"])
def test_a_job_that_never_ends_is_refused(endless: str, tmp_path: Path) -> None:
    """As `impasto run - < /dev/zero`, `yes | impasto run -`, and a named pipe into which somebody, or nobody,
    writes.
    """
    if endless == "zeros":
        told = CliRunner().invoke(app, ["run", "/dev/zero"])
    elif endless == "words":
        told = CliRunner().invoke(app, ["run", "-"], input=b"y\n" * 2**24)
    else:
        os.mkfifo(tmp_path / "pipe")
        script = "import sys\nfile = open(sys.argv[1], 'wb')\nwhile True: file.write(b'[' * 65536)"
        writer = subprocess.Popen([sys.executable, "-c", script, tmp_path / "pipe"], stderr=subprocess.DEVNULL)
        if endless == "nobody":
            writer.kill()
            writer.wait()
        time.sleep(1)
        told = CliRunner().invoke(app, ["run", str(tmp_path / "pipe")])
        writer.kill()
        writer.wait()
    assert told.exit_code == 1 and "no job of Impasto" in told.output and len(told.output.splitlines()) == 1


def test_a_job_comes_through_a_pipe_in_parts(pair: tuple[Path, Path], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    text = json.dumps(job(pair).dictionary()).encode("utf-8-sig")

    def write() -> None:
        with (tmp_path / "pipe").open("wb", buffering=0) as file:
            for place in range(0, len(text), 100):
                file.write(text[place : place + 100])
                time.sleep(0.05)

    writer = threading.Thread(target=write)
    writer.start()
    time.sleep(0.5)  # it waits for a reader
    told = CliRunner().invoke(app, ["run", str(tmp_path / "pipe"), "--dry-run", "--json"])
    writer.join()
    assert told.exit_code == 0 and json.loads(told.stdout)["task"] == "stylize"


def test_masks_of_one_name_in_two_folders_are_two(pair: tuple[Path, Path]) -> None:
    asked = Job(
        "stylize",
        str(pair[0]),
        ((str(pair[1]), 1.0),),
        settings={"protect": {"a/sky.png": 0.3, "b/sky.png": 0.6, "sky-2.png": 0.9, "c/faces": 0.2, "faces": 0.1}},
    )
    moved = asked.moved(lambda path: Path(path).name)
    known = {"sky.png": 0.3, "sky-2.png": 0.6, "sky-2-2.png": 0.9, "./faces": 0.2, "faces": 0.1}
    assert moved.settings["protect"] == known
    assert Job.of(moved.dictionary()) == moved
    assert asked.moved(str).settings == asked.settings


def test_a_picture_tells_of_no_folders(pair: tuple[Path, Path], tmp_path: Path) -> None:
    asked = {"method": "fast", "network": small_network(tmp_path / "own.safetensors"), "size": 48}
    made = Job("stylize", str(pair[0]), style_index="red", settings=asked, delivery=Delivery(str(tmp_path / "a.png")))
    Work(made).finish()
    told = codecs.read_description(tmp_path / "a.png")
    assert str(tmp_path) not in told and json.loads(told)["network"] == "own.safetensors"
    masks = {"a/sky.png": 0.3, "b/sky.png": 0.6}
    own = record.embedded({"settings": asked | {"protect": masks, "init": "c/start.png"}})["settings"]
    assert own["protect"] == {"sky.png": 0.3, "sky-2.png": 0.6}, "none takes the other's place"
    assert (own["network"], own["init"]) == ("own.safetensors", "start.png")


def test_an_output_is_made_by_one_run_at_a_time(pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = Work(job(pair)), Work(job(pair))
    before = sorted(pair[0].parent.iterdir())
    events = first.events()
    next(events)
    told = rf"result.png is being made by process {os.getpid()}: wait for it or end it"
    with pytest.raises(OutputError, match=told):
        second.finish()
    script = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom impasto.machine.claim import claimed\n"
        "with claimed(Path(sys.argv[1])):\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, first.job.output], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1 and re.search(told, ended.stderr)
    events.close()
    written = {first.job.output, first.job.output.with_name("result.png.json")}
    assert {*pair[0].parent.iterdir()} == {*before} | written
    # What a process that was killed has left is no obstacle, nor is a file system without locks.
    assert subprocess.run([sys.executable, "-c", script, first.job.output], check=False).returncode == -signal.SIGKILL
    assert {*pair[0].parent.iterdir()} != {*before} | written
    Work(job(pair), force=True).finish()
    monkeypatch.setattr("fcntl.flock", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOLCK, "No locks")))
    Work(job(pair), force=True).finish()
    assert {*pair[0].parent.iterdir()} == {*before} | written


def test_work_that_is_asked_to_stop_by_a_signal_is_cancelled(tmp_path: Path) -> None:
    with counting(steps=10_000, note=str(tmp_path / "note")) as process:
        events = process.events()
        next(events)
        os.kill(process._process.pid, signal.SIGTERM)
        list(events)
    assert process.outcome == "cancelled" and 1 <= int((tmp_path / "note").read_text()) < 10_000


def test_a_job_that_lacks_what_every_job_has_is_told_so() -> None:
    with pytest.raises(RecordError, match=r"\(it has no 'task'\): write it as the command info prints it"):
        Job.of({"job": 1, "content": "a.png"})


@pytest.mark.parametrize("letter", ["x", "长", "👍"])
def test_a_name_of_two_long_ones_has_room_for_what_stands_beside_it(letter: str) -> None:
    from impasto.video.job import VideoJob

    content, style = letter * (240 // len(letter.encode())), "m" * 245
    for output in (
        Job("stylize", f"{content}.jpg", ((f"{style}.jpg", 1.0),)).output,
        VideoJob(f"{content}.mkv", ((f"{style}.jpg", 1.0),)).output,
    ):
        assert len(os.fsencode(output)) <= 220 and output.name.startswith(letter * 3) and "-mmm" in output.name


def test_a_record_of_another_picture_is_not_believed(
    pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, seed in (("a.png", "1"), ("b.png", "2")):
        arguments = [*map(str, pair), "-o", name, "--size", "48", "--iterations", "2", "--seed", seed, "-q"]
        assert CliRunner().invoke(app, ["stylize", *arguments, "--recipe", "statistics"]).exit_code == 0
    assert job_of(Path("a.png")).content == str(pair[0])
    Path("b.png").replace("a.png")
    assert job_of(Path("a.png")).settings["seed"] == 2 and job_of(Path("a.png.json")).settings["seed"] == 1
    for foreign in ("{}", "", "[1]"):
        Path("a.png.json").write_text(foreign)
        assert job_of(Path("a.png")).settings["seed"] == 2


def test_the_job_in_a_picture_means_the_same_without_folders(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """Files of one name stay apart, and a folder as the output becomes the file that was written there."""
    for folder in ("a", "b", "out"):
        (tmp_path / folder).mkdir()
    for folder in ("a", "b"):
        (tmp_path / folder / "wave.jpg").write_bytes(pair[1].read_bytes())
    styles = ((str(tmp_path / "a" / "wave.jpg"), 0.7), (str(tmp_path / "b" / "wave.jpg"), 0.3))
    settings = {"size": 48, "iterations": 1, "scales": "single"}
    asked = Job("stylize", str(pair[0]), styles, recipe="statistics", settings=settings).to(f"{tmp_path / 'out'}/")
    made = Work(asked)
    list(made.events())
    Path(f"{made.output}.json").unlink()
    found = job_of(made.output)
    assert found.styles == (("wave.jpg", 0.7), ("wave-2.jpg", 0.3)) and found.output == Path(made.output.name)

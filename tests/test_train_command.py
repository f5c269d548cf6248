"""`impasto train` and what becomes of the networks that it writes, on generated pictures."""

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from typer.testing import CliRunner

import impasto
from impasto.cli import app
from impasto.errors import SettingsError, StyleCodeError, WeightsError
from impasto.jobs import train as job
from impasto.networks import zoo as pretrained
from impasto.networks.cin import Stylizer
from impasto.networks.codes import StyleCode, learnt_style
from impasto.networks.contract import load_network
from impasto.progress import Progress
from impasto.settings.fields import Settings
from impasto.training.course import Course
from impasto.training.trainer import Training
from tests.helpers import painting, photo

SHORT = ["--crop", "64", "--batch", "1", "--workers", "0", "--precision", "float32", "--quiet"]

pytestmark = pytest.mark.usefixtures("small_looks", "narrow")


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with photos/, paintings/ and new.png."""
    monkeypatch.chdir(tmp_path)
    for name, draw in (("photos", photo), ("paintings", painting)):
        Path(name).mkdir()
        for index in range(2):
            Image.fromarray(np.roll(draw(80, 96), 3 * index, 2)).save(Path(name) / f"{'ab'[index]}.png")
    Image.fromarray(painting(90, 80, 7)).save("new.png")
    return tmp_path


def run(*arguments: str, code: int = 0) -> str:
    found = CliRunner().invoke(app, ["train", "--photos", "photos", *arguments, *SHORT])
    assert found.exit_code == code, found.output
    return found.output


def test_a_network_is_trained_and_used(folders: Path) -> None:
    told = json.loads(run("--style", "paintings", "--steps", "3", "-o", "two.safetensors", "--json"))
    assert told["steps"] == 3
    with Image.open("two.safetensors.sheet.png") as sheet:
        assert sheet.width > 320
    assert not Path("two.safetensors.checkpoint").exists(), "it is finished"
    assert "two.safetensors exists already" in run("--style", "paintings", "-o", "two.safetensors", code=1)
    again = run("--style", "paintings", "-o", "two.safetensors", "--resume", code=2)
    assert "The training of two.safetensors is finished" in again and "with it as --from" in again
    logged = [json.loads(line)["step"] for line in Path("two.safetensors.log.jsonl").read_text().splitlines()]
    assert logged == [1, 2, 3]
    network = load_network(Path("two.safetensors"))
    assert network.design.styles == ("a", "b") and network.design.card["steps"] == 3
    a, b = learnt_style("a", "two.safetensors"), learnt_style("1", "two.safetensors")
    assert torch.equal(learnt_style("a:1,b:3", "two.safetensors").values, 0.25 * a.values + 0.75 * b.values)
    assert a.colours is not None and b.colours is not None
    mixture = learnt_style("a:1,b:3", "two.safetensors").colours
    assert mixture is not None and torch.allclose(mixture, 0.25 * a.colours + 0.75 * b.colours)
    content = photo(48, 64)
    full, half = (
        impasto.stylize(content, a, method="fast", size="native", strength=share).picture.pixels for share in (0.5, 0.2)
    )
    assert full.shape == half.shape and not torch.equal(full, half)
    with pytest.raises(SettingsError, match="paints in its own styles alone"):
        impasto.stylize(content, painting(40, 40), method="fast", network="two.safetensors")
    with pytest.raises(SettingsError, match="paints in 2 styles: give it as `network`"):
        StyleCode.load("two.safetensors")


def test_a_new_style_is_fitted_to_a_network_that_stays_as_it_is(folders: Path) -> None:
    run("--style", "paintings", "--kind", "any", "--steps", "1", "-o", "any.safetensors")
    run("--style", "new.png", "--from", "any.safetensors", "--steps", "2", "-o", "new.safetensors")
    assert load_file("new.safetensors").keys() == {"code", "colours"}
    fitted, begun = StyleCode.load("new.safetensors"), impasto.style_code("new.png", network="any.safetensors")
    assert fitted.network == "any.safetensors" and fitted.values.shape == begun.style().shape
    assert 0 < (fitted.values - begun.style()).abs().max() < 0.1
    assert fitted.colours is not None and begun.colours is not None
    assert torch.allclose(fitted.colours, begun.colours)
    picture = impasto.stylize(photo(48, 64), "new.safetensors", method="fast", size="native").picture
    assert picture.size == (48, 64)
    mixture = impasto.style_code([("new.safetensors", 0.5), ("new.png", 0.5)])
    assert torch.allclose(mixture.values, (fitted.values + begun.style()) / 2, atol=1e-5)
    said = run("--style", "new.png", "--from", "any.safetensors", "-o", "./any.safetensors", "--force", code=1)
    assert "is the input any.safetensors itself" in said
    for name, advice in (("new", "train afresh with --force"), ("any", "train on with it as --from, or afresh")):
        said = run("--style", "new.png", "--steps", "3", "-o", f"{name}.safetensors", "--resume", code=2)
        assert advice in " ".join(said.split())
    # The network that it was made for is no more.
    run("--style", "paintings", "--kind", "any", "--steps", "2", "-o", "any.safetensors", "--force")
    with pytest.raises(StyleCodeError, match="is not the one that it was made for"):
        StyleCode.load("new.safetensors")


def test_a_fit_that_stalls_goes_on_with_all_weights(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("--style", "paintings", "--steps", "1", "-o", "two.safetensors")
    monkeypatch.setattr(Training, "validate", lambda self: {"total": 1.0})
    arguments = ["--style", "new.png", "--from", "two.safetensors", "--steps", "3", "--validate-every", "1"]
    run(*arguments, "-o", "new.safetensors")
    network, start = load_network(Path("new.safetensors")), load_network(Path("two.safetensors"))
    assert network.design.styles == ("new",)
    ours, theirs = (each.stylizer.layers()[0].conv.weight for each in (network, start))
    assert not torch.equal(ours, theirs)
    assert StyleCode.load("new.safetensors").values.tolist() == [[1.0, 0.0]]


def test_ctrl_c_saves(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Training.steps

    def interrupted(self: Training) -> Iterator[Progress]:
        yield from itertools.islice(whole(self), 2)
        raise KeyboardInterrupt

    monkeypatch.setattr(Training, "steps", interrupted)
    run("--style", "new.png", "--steps", "9", "-o", "one.safetensors", code=130)
    assert load_network(Path("one.safetensors")).design.card["steps"] == 2
    monkeypatch.setattr(Training, "steps", whole)
    assert (
        json.loads(run("--style", "new.png", "--steps", "3", "-o", "one.safetensors", "--resume", "--json"))["steps"]
        == 3
    )
    logged = [json.loads(line)["step"] for line in Path("one.safetensors.log.jsonl").read_text().splitlines()]
    assert logged == [1, 2, 3] and not Path("one.safetensors.checkpoint").exists()


def test_a_training_among_its_photographs_goes_on(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it has written is none of them; what it says, it says as other runs do."""
    whole, arguments = Training.steps, ["--photos", "photos", "--style", "new.png", "-o", "photos/one.safetensors"]

    def trained(*more: str) -> Any:
        return CliRunner().invoke(app, ["train", *arguments, *SHORT[:-1], *more])

    monkeypatch.setattr(Training, "steps", lambda self: itertools.chain(itertools.islice(whole(self), 2), stopped()))
    done = trained("--steps", "9")
    assert done.exit_code == 130 and "2 steps in " in done.stderr
    assert "the network so far is saved in photos/one.safetensors, and --resume goes on" in done.stderr
    monkeypatch.setattr(Training, "steps", whole)
    done = trained("--steps", "3", "--resume")
    assert (
        done.exit_code == 0 and "networks and what is beside them (4)" in done.stderr and "left out" not in done.stderr
    )
    assert "3 steps in " in done.stderr and "interrupted" not in done.stderr
    monkeypatch.setattr(Training, "steps", stopped)
    done = trained("--force")
    assert (done.exit_code, done.stdout) == (130, "") and done.stderr.endswith("impasto: Interrupted.\n")


def stopped(*_: Any) -> Iterator[Progress]:
    yield from ()
    raise KeyboardInterrupt


def test_a_signal_saves_after_the_step_at_hand(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the midst of the second step; what is learnt is the same as if it had never been cut off."""
    learn, count = Training._learn, itertools.count(1)

    def asked(self: Training, *drawn: Any) -> Any:
        if next(count) == 2:
            signal.raise_signal(signal.SIGTERM)
        return learn(self, *drawn)

    with monkeypatch.context() as patch:
        patch.setattr(Training, "_learn", asked)
        patch.setattr(job, "SAVED_EVERY", 0.0)  # the network is saved after every step, too
        run("--style", "new.png", "--steps", "3", "-o", "one.safetensors", code=143)
    assert load_network(Path("one.safetensors")).design.card["steps"] == 2
    run("--style", "new.png", "--steps", "3", "-o", "one.safetensors", "--resume")
    run("--style", "new.png", "--steps", "3", "-o", "whole.safetensors")
    ours, theirs = load_file("one.safetensors"), load_file("whole.safetensors")
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


@pytest.mark.slow
@pytest.mark.parametrize("together", [False, True])
def test_a_batch_system_that_asks_to_stop(folders: Path, together: bool) -> None:
    """SIGTERM for a training and the process that reads its pictures, and for torchrun with two of them."""
    place = Path(sys.executable).parent
    starter = [place / "torchrun", "--standalone", "--nproc_per_node", "2"] if together else []
    asked = ["--photos", "photos", "--style", "new.png", "--steps", "100000", "--crop", "64", "--batch", "2"]
    command = [*starter, place / "impasto", "train", *asked, "--validate-every", "2", "-o", "one.safetensors"]
    with subprocess.Popen(
        [*map(str, command)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, start_new_session=True
    ) as process:
        assert process.stderr
        for line in process.stderr:
            if line.startswith("step 2 "):
                break
        if together:
            process.send_signal(signal.SIGTERM)  # torchrun passes it on
        else:
            os.killpg(process.pid, signal.SIGTERM)
        _, said = process.communicate(timeout=120)
    assert process.returncode == (1 if together else 143)
    assert "impasto:" not in said and "killed by signal" not in said
    assert load_network(Path("one.safetensors")).design.card["steps"] >= 2
    assert Path("one.safetensors.checkpoint").exists()


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"WORLD_SIZE": "abc"}, "WORLD_SIZE is 'abc', which is no number from 1 on"),
        ({"WORLD_SIZE": "0"}, "WORLD_SIZE is '0'"),
        ({"WORLD_SIZE": "²"}, "WORLD_SIZE is '²'"),
        ({"WORLD_SIZE": "2"}, "RANK is ''"),
        ({"WORLD_SIZE": "2", "RANK": "2"}, "RANK is 2, where WORLD_SIZE 2 allows 0 to 1"),
        ({"WORLD_SIZE": "2", "RANK": "-1"}, "RANK is '-1'"),
        ({"WORLD_SIZE": "2", "RANK": "0", "MASTER_PORT": "1"}, "do not say where the processes meet"),
        ({"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "a", "MASTER_PORT": "99999"}, "do not say where"),
        ({"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "a", "MASTER_PORT": ""}, "MASTER_PORT is ''"),
    ],
)
def test_variables_that_torchrun_would_not_set(
    folders: Path, variables: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("WORLD_SIZE", "RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    told = run("--style", "new.png", "--steps", "1", "-o", "one.safetensors", code=2)
    assert said in " ".join(told.split()) and "start with torchrun" in told


def test_a_training_that_is_closed_saves_and_goes_on(folders: Path) -> None:
    def training() -> Training:
        settings, course = Settings(precision="float32"), Course(steps=3, batch=1, crop=64, workers=0)
        return Training("single", [*Path("photos").iterdir()], [Path("new.png")], settings, course)

    output, begun = Path("one.safetensors"), training()
    outputs = job.Outputs.checked(output, ["photos/a.png", "new.png"])
    steps = job.train(begun, outputs)
    assert next(steps).iteration == 1 and not output.exists()
    steps.close()
    assert load_network(output).design.card["steps"] == 1
    assert job.summary(begun, outputs)["losses"]["total"] > 0
    with pytest.raises(SettingsError, match="was cut off"):
        job.Outputs.checked(output, [])
    resumed = job.Outputs.checked(output, [], resume=True)
    assert [step.iteration for step in job.train(training(), resumed)] == [2, 3]
    assert len(Path("one.safetensors.log.jsonl").read_text().splitlines()) == 3


@pytest.mark.parametrize("amiss", ["nan", "huge", "too large for its file", "black", "flat", "the same"])
def test_a_training_that_goes_astray_leaves_the_good_one(
    folders: Path, amiss: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("--style", "new.png", "--steps", "1", "-o", "one.safetensors")
    before = {path.name: path.read_bytes() for path in folders.glob("one.*")}
    assert len(before) == 3
    whole = Training.steps

    def astray(self: Training) -> Iterator[Progress]:
        yield from whole(self)
        for name, tensor in self._learner.average.items():
            if amiss == "nan":
                tensor.fill_(torch.nan)
            elif amiss == "huge":
                tensor.mul_(1e25)
            elif amiss == "too large for its file" and "expand.0" in name:  # whose scale is normalised away
                tensor.mul_(1e7)
            elif amiss == "black" and "heads" in name:  # β of the last layer
                tensor.zero_()
                tensor[-3:] = -30
            elif amiss == "flat" and "heads" in name:  # γ of the last layer: a spread of two levels of 255
                tensor[len(tensor) // 2 - 3 : len(tensor) // 2] = 0.03
        if amiss == "the same":
            noise = torch.rand(1, 3, 400, 400, generator=torch.Generator().manual_seed(0))
            monkeypatch.setattr(Stylizer, "forward", lambda _, x, style: noise[..., : x.shape[2], : x.shape[3]])

    monkeypatch.setattr(Training, "steps", astray)
    said = run("--style", "new.png", "--steps", "2", "-o", "one.safetensors", "--force", code=1)
    assert "has gone astray by step 2" in said and "--learning-rate" in said
    assert {path.name: path.read_bytes() for path in folders.glob("one.*")} == before


def test_an_error_does_not_lose_what_was_learnt(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Training.steps

    def failing(self: Training) -> Iterator[Progress]:
        yield from itertools.islice(whole(self), 1)
        raise MemoryError("no room")

    monkeypatch.setattr(Training, "steps", failing)
    run("--style", "new.png", "--steps", "9", "-o", "one.safetensors", code=1)
    assert load_network(Path("one.safetensors")).design.card["steps"] == 1


def test_pictures_of_one_colour_are_told_before_the_training(folders: Path) -> None:
    Image.new("1", (80, 80)).save("paintings/c.png")
    assert "no style is in it" in run("--style", "paintings", "--steps", "1", code=1)
    for path in Path("photos").iterdir():
        Image.new("RGB", (80, 80), "white").save(path)
    assert "The photographs show nothing" in run("--style", "new.png", "--steps", "1", code=1)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--style", "new.png", "--kind", "none"], 2, "--kind must be one of single, multi, any"),
        (["--style", "paintings", "--kind", "single"], 2, "learns one painting"),
        (["--style", "new.png", "-o", "one.bin"], 1, "is a .safetensors file"),
        (["--style", "new.png", "--from", "most"], 2, "There is no network 'most'"),
        (["--style", "new.png", "--from", "photos/a.safetensors"], 1, "cannot be read"),
        (["--style", "new.png", "--from", "arbitrary"], 2, "has other sizes"),
        (["--style", "new.png", "--steps", "0"], 2, "--steps must be at least 1"),
        (["--style", "new.png", "--minutes", "0"], 2, "--minutes must be above 0"),
        (["--style", "new.png", "--learning-rate", "0"], 2, "--learning-rate must be above 0"),
        (["--style", "new.png", "--validate-every", "0"], 2, "--validate-every must be at least 1"),
        (["--style", "absent"], 1, "There is no folder or file absent"),
    ],
)
def test_what_makes_no_sense(folders: Path, arguments: list[str], code: int, said: str) -> None:
    assert said in " ".join(run("--steps", "1", *arguments, code=code).split())


def test_networks_by_name() -> None:
    assert pretrained.network("any").design.card["kind"] == "any"
    assert len(pretrained.network("multi").design.styles) == 16
    assert torch.equal(learnt_style("rhone", "multi").values, learnt_style("10", "multi").values)
    assert len(pretrained.network("multistyle26").design.styles) == 26
    with pytest.raises(SettingsError, match="did you mean 'arbitrary'"):
        pretrained.network("arbitary")
    with pytest.raises(WeightsError, match="cannot be read"):
        pretrained.network("absent.safetensors")
    with pytest.raises(SettingsError, match="has no learnt styles"):
        learnt_style("0", "any")
    with pytest.raises(SettingsError, match="not what the style code was made for"):
        impasto.stylize(photo(48, 64), learnt_style("1"), method="fast", network="any")

"""Training networks: the pictures, the loop, its checkpoints and its sharing; all on generated pictures."""

import copy
import itertools
import logging
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.utils.data
from PIL import Image
from torch import Tensor

import impasto
from impasto.backbones.features import Backbone
from impasto.colour import transfer
from impasto.errors import CheckpointError, ImageError, SettingsError, WeightsError
from impasto.networks.cin import conditional_instance_norm
from impasto.networks.contract import Design, Network, load_network, save_network
from impasto.pictures import codecs
from impasto.settings.fields import Settings
from impasto.training import beginnings, course, held_out, trainer
from impasto.training.course import Course, Kind
from impasto.training.pictures import OWN, Draws, batches, pictures_of
from impasto.training.teacher import Teacher
from impasto.training.trainer import Training
from tests.helpers import painting, photo

SMALL = Course(steps=4, batch=2, crop=64, workers=0, validate_every=100)
SETTINGS = Settings(precision="float32")

pytestmark = pytest.mark.usefixtures("small_looks", "narrow")


@pytest.fixture
def pictures(tmp_path: Path) -> tuple[list[Path], list[Path]]:
    """Files of eight photographs, of which one is held out, and three paintings, in two folders."""
    random = np.random.default_rng(0)
    for name, draw, count in (("photos", photo, 8), ("paintings", painting, 3)):
        (tmp_path / name).mkdir()
        for index in range(count):
            height, width = random.integers(80, 140, 2).tolist()
            Image.fromarray(np.roll(draw(height, width), index, 2)).save(tmp_path / name / f"{index}.png")
    return pictures_of(tmp_path / "photos", "photographs", 64), pictures_of(tmp_path / "paintings", "paintings", 64)


def trained(training: Training, steps: int | None = None) -> dict[str, Tensor]:
    for _ in itertools.islice(training.steps(), steps):
        pass
    return training.network.state_dict()


def test_unreadable_files_are_told_and_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "deep").mkdir()
    Image.fromarray(photo(80, 90)).save(tmp_path / "deep" / "good.png")
    Image.fromarray(photo(40, 90)).save(tmp_path / "small.png")
    (tmp_path / "notes.txt").write_text("no picture")
    with caplog.at_level(logging.WARNING):
        assert pictures_of(tmp_path, "photographs", 64) == [tmp_path / "deep" / "good.png"]
    assert "2 of 3 files" in caplog.text and "small.png is 90×40" in caplog.text and "notes.txt" in caplog.text
    with pytest.raises(ImageError, match="no picture that can serve"):
        pictures_of(tmp_path, "photographs", 100)
    with pytest.raises(ImageError, match="no folder or file"):
        pictures_of(tmp_path / "absent", "photographs", 64)


def test_a_draw_is_known_by_its_number(pictures: tuple[list[Path], list[Path]]) -> None:
    draws = Draws(*pictures, 64, 3, any_style=True)
    again = Draws(*pictures, 64, 3, any_style=True)
    for number in (0, 5, 40):
        assert torch.equal(draws[number].photo, again[number].photo)
        assert torch.equal(draws[number].painting, again[number].painting)
    assert not torch.equal(draws[0].photo, Draws(*pictures, 64, 4, any_style=True)[0].photo)
    own = draws[OWN - 1]
    assert own.style.item() == 3 and torch.equal(own.photo, own.painting)


def test_pictures_are_not_reduced_below_the_crop(tmp_path: Path) -> None:
    """A large crop of a wide picture would be enlarged again, and soft."""
    noise = np.random.default_rng(0).integers(0, 256, (300, 1500, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "wide.png")
    draws = Draws([tmp_path / "wide.png"], [tmp_path / "wide.png"], 300, 0, any_style=True)
    assert draws[0].photo.diff(dim=3).abs().mean() > 0.3


def test_content_is_kept_in_the_colours_of_the_style(pictures: tuple[list[Path], list[Path]]) -> None:
    for any_style in (True, False):
        plain, moved = (Draws(*pictures, 64, 0, any_style=any_style, palette=palette)[0] for palette in (0.0, 1.0))
        assert torch.equal(plain.content, plain.photo) and torch.equal(plain.photo, moved.photo)
        painting = moved.painting if any_style else codecs.load(pictures[1][int(moved.style)]).pixels
        before, after = ((each.mean((2, 3)) - painting.mean((2, 3))).norm() for each in (moved.photo, moved.content))
        assert after < 0.5 * before  # light and dark are rolled off, not cut
    own = Draws(*pictures, 64, 0, any_style=True, palette=1.0)[OWN - 1]
    assert torch.equal(own.content, own.photo)


@pytest.mark.parametrize("kind", ["single", "any"])
def test_what_is_painted_has_the_colours_of_the_style(
    kind: Kind, pictures: tuple[list[Path], list[Path]], tmp_path: Path
) -> None:
    """Before anything is learnt, and as far as colours that the map sends out of range are not rolled off."""
    photos, paintings = pictures
    name, apart = str(tmp_path / "network.safetensors"), []
    for palette in (0.0, 1.0):
        learnt = Training(kind, photos, paintings[:1], replace(SETTINGS, palette=palette), SMALL).result()
        save_network(learnt, Path(name), force=True)
        style = name if kind == "single" else paintings[0]
        painted = impasto.stylize(photos[0], style, method="fast", network=name, size="native").picture.pixels
        apart.append((transfer.of(painted) - transfer.of(codecs.load(paintings[0]).pixels)).abs().max())
    assert apart[1] < 0.5 * apart[0]


@pytest.mark.usefixtures("vgg19")
def test_bold_paintings_count_for_more() -> None:
    bold = codecs.load(painting(64, 64)).pixels
    pale, blank = bold / 4 + 0.5, torch.full_like(bold, 0.5)
    teacher = Teacher(Backbone.pretrained(padding="replicate"), SETTINGS)
    goal = teacher.seen(torch.cat([bold, pale, blank]))[1]
    content = codecs.load(photo(64, 64)).pixels

    def style(number: int, *typical: int) -> float:
        teacher.acquaint([content], map(goal.of, typical))
        return teacher.objective(content, goal.of(number), content[:0]).value_and_grad(content)[0]["style"]

    assert style(0, 0, 1) > 2 * style(0, 0) and style(1, 0, 1) < 0.5 * style(1, 1)
    # An only painting counts as it is weighed, whatever its contrast; a blank one among others hardly.
    assert style(1, 1) > 100 * style(2, 0, 1)


@pytest.mark.usefixtures("vgg19")
def test_places_are_taught_photograph_by_photograph() -> None:
    """Of a batch the mean; of a photograph that is its own painting nothing, for each place finds itself."""
    photos = torch.cat([codecs.load(photo(64, 64, seed)).pixels for seed in (0, 1)])
    paintings = torch.cat([codecs.load(painting(64, 64)).pixels, photos[1:]])
    teacher = Teacher(Backbone.pretrained(padding="replicate"), replace(SETTINGS, places_weight=2.0))
    goal = teacher.seen(paintings)[1]
    teacher.acquaint([photos[:1]], [goal])

    def places(number: int | None) -> float:
        part = slice(None) if number is None else slice(number, number + 1)
        own = goal if number is None else goal.of(number)
        return teacher.objective(photos[part], own, paintings[part]).value_and_grad(photos[part])[0]["places"]

    first, second = places(0), places(1)
    assert first > 0.05 and second < 0.01 * first
    assert places(None) == pytest.approx((first + second) / 2, rel=1e-3)


def test_a_table_is_shown_its_own_paintings(pictures: tuple[list[Path], list[Path]]) -> None:
    """For places to be sought in, in their own colours, which for any style are others' half of the time."""
    grain = np.random.default_rng(0).integers(0, 40, (90, 80, 3))
    for number, path in enumerate(pictures[1]):
        Image.fromarray((grain + 80 * number).astype(np.uint8)).save(path)
    draws = Draws(*pictures, 64, 0, any_style=False, shown=True)
    for number in range(9):
        drawn = draws[number]
        assert drawn.painting.shape == (1, 3, 64, 64)
        assert (drawn.painting.mean() * 255 - 20) / 80 == pytest.approx(drawn.style.item(), abs=0.1)
    assert torch.equal(draws[OWN - 1].painting, draws[OWN - 1].photo)
    assert not Draws(*pictures, 64, 0, any_style=False)[0].painting.numel()


def test_the_learning_rate_rises_and_falls_with_the_budget(
    pictures: tuple[list[Path], list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course, "_WARM_UP", 2)
    training = Training("multi", *pictures, SETTINGS, replace(SMALL, learning_rate=0.1))
    assert [training.last.learning_rate for _ in training.steps()] == pytest.approx([0.05, 0.1, 0.1, 0.0625])


def test_a_training_has_a_random_state_of_its_own(pictures: tuple[list[Path], list[Path]]) -> None:
    torch.manual_seed(7)
    before = torch.get_rng_state()
    training = Training("any", *pictures, replace(SETTINGS, seed=3), replace(SMALL, steps=1, validate_every=1))
    first = training.network.stylizer.layers()[0].conv.weight.clone()
    trained(training)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(3)
    assert torch.equal(first, Network(training.network.design).stylizer.layers()[0].conv.weight)


def test_it_tells_how_far_it_is(pictures: tuple[list[Path], list[Path]]) -> None:
    training = Training("multi", *pictures, SETTINGS, replace(SMALL, steps=2, validate_every=2))
    first, second = training.steps()
    assert (first.done, first.iteration, second.done, second.seconds_left) == (0.5, 1, 1.0, 0.0)
    assert first.losses["style"] > 0 and first.text.startswith("step 1 style ")
    assert second.text.startswith("step 2 held out: ") and "style" in training.last.validation


def test_an_epoch_has_every_style_once(pictures: tuple[list[Path], list[Path]]) -> None:
    draws = Draws(*pictures, 64, 0, any_style=False)
    assert sorted(draws[number].style.item() for number in range(3)) == [0, 1, 2]


def test_processes_share_a_batch(pictures: tuple[list[Path], list[Path]]) -> None:
    draws = Draws(*pictures, 64, 0, any_style=False)
    whole = next(batches(draws, 3, 4, workers=0))
    halves = [next(batches(draws, 3, 4, workers=0, rank=rank, world=2)) for rank in range(2)]
    together = torch.stack([half.photo for half in halves], 1).flatten(0, 1)
    assert torch.equal(together, whole.photo)


def test_workers_need_no_shared_memory(
    pictures: tuple[list[Path], list[Path]], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Containers have little, and too little is a bus error."""

    def refused(tensor: Tensor) -> None:
        raise AssertionError("a tensor went through shared memory")

    monkeypatch.setitem(ForkingPickler._extra_reducers, Tensor, refused)  # type: ignore[attr-defined]
    draws = Draws(*pictures, 64, 0, any_style=False)
    found = next(batches(draws, 3, 2, workers=1))
    assert torch.equal(found.photo, next(batches(draws, 3, 2, workers=0)).photo) and not caplog.text


def test_without_workers_it_goes_on_with_the_very_next_batch(
    pictures: tuple[list[Path], list[Path]], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    loader = torch.utils.data.DataLoader

    def dying(draws: Draws, **options: Any) -> Any:
        whole = loader(draws, **options | {"num_workers": 0, "prefetch_factor": None})
        if options["num_workers"] == 0:
            return whole

        def one() -> Iterator[Any]:
            yield next(iter(whole))
            raise RuntimeError("DataLoader worker (pid 1) is killed by signal: Bus error.")

        return one()

    monkeypatch.setattr(torch.utils.data, "DataLoader", dying)
    draws = Draws(*pictures, 64, 0, any_style=False)
    found = [each.photo for each in itertools.islice(batches(draws, 0, 2, workers=2), 3)]
    expected = [each.photo for each in itertools.islice(batches(draws, 0, 2, workers=0), 3)]
    assert all(map(torch.equal, found, expected)) and "goes on without them" in caplog.text


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("count", [1, 2])
def test_cin_has_one_gradient_whatever_the_layouts(count: int, layout: torch.memory_format) -> None:
    """torch.nn.functional.batch_norm on a view of channels-last maps gives another one."""
    torch.manual_seed(0)
    x, upstream = torch.randn(2, count, 8, 10, 10)
    gamma, beta = torch.rand(2, count, 8)

    def gradient(norm: Callable[[Tensor], Tensor]) -> Tensor:
        leaf = x.clone().requires_grad_()
        norm(leaf * 1.0).backward(upstream)  # type: ignore[no-untyped-call]
        found: Tensor | None = leaf.grad
        assert found is not None
        return found

    def plain(y: Tensor) -> Tensor:
        mean = y.mean((2, 3), keepdim=True)
        variance = (y - mean).square().mean((2, 3), keepdim=True)
        normalised: Tensor = (y - mean) / (variance + 1e-5).sqrt() * gamma[:, :, None, None] + beta[:, :, None, None]
        return normalised

    found = gradient(lambda y: conditional_instance_norm(y.contiguous(memory_format=layout), gamma, beta))
    torch.testing.assert_close(found, gradient(plain), rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("vgg19")
@pytest.mark.parametrize(
    "kind", ["single", pytest.param("multi", marks=pytest.mark.slow), pytest.param("any", marks=pytest.mark.slow)]
)
def test_it_learns(kind: Kind, pictures: tuple[list[Path], list[Path]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "_RAMP", 1)  # the style counts from the first step on
    photos, paintings = pictures
    count = 1 if kind == "single" else 3
    training = Training(kind, photos, paintings[:count], SETTINGS, replace(SMALL, steps=10, learning_rate=4e-3))
    before = training.validate()
    assert before["style"] > 0.5 and set(before) == {"style", "content", "tv", "total"}
    trained(training)
    after = training.validate()
    # What is learnt first is to paint the photograph at all. Without a gradient of the style, its distance
    # is 1.09 and more.
    assert after["content"] < 0.9 * before["content"] and after["style"] < 1.05
    card = training.result().design.card
    assert card["steps"] == 10 and card["kind"] == kind
    assert training.sheet().width > 2 * 320


@pytest.mark.parametrize("kind", ["multi", "any"])
def test_resumed_goes_on_identically(kind: Kind, pictures: tuple[list[Path], list[Path]], tmp_path: Path) -> None:
    whole = Training(kind, *pictures, SETTINGS, SMALL)
    expected = {name: tensor.clone() for name, tensor in trained(whole).items()}
    half = Training(kind, *pictures, SETTINGS, SMALL)
    trained(half, 2)
    half.checkpoint(tmp_path / "c")
    rest = Training(kind, *pictures, SETTINGS, SMALL)
    assert rest.resume(tmp_path / "c") == 2
    for name, tensor in trained(rest).items():
        assert torch.equal(tensor, expected[name]), name
    for name, tensor in rest.result().state_dict().items():
        assert torch.equal(tensor, whole.result().state_dict()[name]), name


@pytest.mark.parametrize("kind", ["single", "any"])
def test_what_turns_out_to_be_damaged_is_passed_over(
    kind: Kind, pictures: tuple[list[Path], list[Path]], caplog: pytest.LogCaptureFixture
) -> None:
    """Those that would be held out and looked at among them; their headers are sound, so they were taken."""
    photos, paintings = pictures
    (held,) = held_out.parted(photos, SETTINGS.seed)[1]
    for path in (held, *photos[:3], *paintings[: 2 * (kind == "any")]):
        path.write_bytes(path.read_bytes()[:200])
    training = Training(kind, photos, paintings if kind == "any" else paintings[-1:], SETTINGS, SMALL)
    trained(training)
    assert training.last.steps == SMALL.steps and training.validate()
    assert any("is cut off" in message for message in caplog.messages)
    for path in photos:
        path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ImageError, match="is cut off"):
        Training(kind, photos, paintings[-1:], SETTINGS, SMALL)


@pytest.mark.parametrize("damaged", [0, 1], ids=["photographs", "paintings"])
def test_where_all_but_what_is_held_out_is_damaged_that_is_said(
    damaged: int, pictures: tuple[list[Path], list[Path]]
) -> None:
    whole = pictures[damaged][0]
    pictures[damaged][:] = [whole.with_name(f"{number}.png") for number in range(8)]
    for path in pictures[damaged]:
        path.write_bytes(whole.read_bytes()[: None if path == pictures[damaged][0] else 200])
    with pytest.raises(ImageError, match="is cut off"):
        Training("any", *pictures, SETTINGS, SMALL)


def test_a_checkpoint_of_another_training_is_refused(pictures: tuple[list[Path], list[Path]], tmp_path: Path) -> None:
    Training("multi", *pictures, SETTINGS, SMALL).checkpoint(tmp_path / "c")
    with pytest.raises(CheckpointError, match="another kind"):
        Training("any", *pictures, SETTINGS, SMALL).resume(tmp_path / "c")
    with pytest.raises(CheckpointError, match="another batch"):
        Training("multi", *pictures, SETTINGS, replace(SMALL, batch=4)).resume(tmp_path / "c")
    with pytest.raises(CheckpointError, match=r"another `palette` \(0\.8, not 0\.5\)"):
        Training("multi", *pictures, replace(SETTINGS, palette=0.5), SMALL).resume(tmp_path / "c")
    with pytest.raises(CheckpointError, match="another network to begin from"):
        start = Training("multi", *pictures, SETTINGS, SMALL).result()
        Training("multi", *pictures, SETTINGS, SMALL, start=start).resume(tmp_path / "c")
    here = replace(SETTINGS, device="cpu", compile="off", memory="2GB")
    assert Training("multi", *pictures, here, SMALL).resume(tmp_path / "c") == 0, "by its machine none is known"
    (tmp_path / "c").write_bytes(b"no checkpoint")
    with pytest.raises(CheckpointError, match="damaged"):
        Training("multi", *pictures, SETTINGS, SMALL).resume(tmp_path / "c")


def test_a_step_that_is_not_finite_changes_nothing(
    pictures: tuple[list[Path], list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    training = Training("multi", *pictures, SETTINGS, SMALL)
    before = {name: tensor.clone() for name, tensor in training.network.state_dict().items()}
    style = training.network.stylizer.style
    monkeypatch.setattr(training.network.stylizer, "style", lambda code: style(code) * torch.nan)
    step = next(training.steps())
    assert "not finite" in step.event
    for name, tensor in training.network.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_a_network_goes_on_with_the_styles_that_it_has(pictures: tuple[list[Path], list[Path]]) -> None:
    photos, paintings = pictures
    start = Training("multi", photos, paintings[:2], SETTINGS, SMALL)
    trained(start)
    learnt = start.result().stylizer.heads.weight
    more = Training("multi", photos, paintings[1:], SETTINGS, SMALL, start=start.result())
    first, second, own = learnt.T
    expected = torch.stack([second, (first + second) / 2, own], 1)
    torch.testing.assert_close(more.network.stylizer.heads.weight.detach(), expected)


def test_a_network_that_goes_on_sees_other_crops(pictures: tuple[list[Path], list[Path]]) -> None:
    start = Training("any", *pictures, SETTINGS, SMALL).result()
    older = copy.deepcopy(start)
    older.design = replace(start.design, card={"steps": 4})
    again, other = (Training("any", *pictures, SETTINGS, SMALL, start=network) for network in (start, older))
    assert next(again.steps()).losses["content"] != next(other.steps()).losses["content"]
    trained(other)
    once_more = Training("any", *pictures, SETTINGS, SMALL, start=other.result())
    assert [each.result().design.card["draws_seed"] for each in (again, other, once_more)] == [0, 4, 8]


def test_what_counts_for_nothing_is_left_out(pictures: tuple[list[Path], list[Path]]) -> None:
    for own, named in (({"style_weight": 0, "places_weight": 1}, "places"), ({"places_weight": 0}, "style")):
        settings = SETTINGS.changed(**own, content_weight=0, tv_weight=0)
        reached = next(Training("multi", *pictures, settings, SMALL).steps())
        assert reached.losses.keys() == {named, "total"} and all(map(math.isfinite, reached.losses.values()))
    with pytest.raises(SettingsError, match="Nothing is to be learnt: `style_weight`"):
        Training("multi", *pictures, SETTINGS.changed(style_weight=0, places_weight=0, content_weight=0), SMALL)


def test_misuse_is_told() -> None:
    with pytest.raises(SettingsError, match="budget"):
        Course()
    with pytest.raises(SettingsError, match="`crop`"):
        Course(steps=1, crop=32)
    with pytest.raises(SettingsError, match="`learning_rate`"):
        Course(steps=1, learning_rate=float("nan"))
    with pytest.raises(SettingsError, match="train multi"):
        Training("single", [Path("a")], [Path("b"), Path("c")], SETTINGS, SMALL)
    for loss in ("nearest", "sliced-wasserstein"):
        with pytest.raises(SettingsError, match=f"`style_loss` {loss} compares pictures of one size"):
            Training("multi", [Path("a")], [Path("b"), Path("c")], SETTINGS.changed(style_loss=loss), SMALL)
    start = Network(beginnings.design("any", [], 0.0))
    with pytest.raises(SettingsError, match="leave out `pooling` and `padding`"):
        Training("any", [Path("a")], [Path("b")], SETTINGS.changed(pooling="average"), SMALL)
    with pytest.raises(SettingsError, match="leave out `pooling` and `padding`"):
        Training("single", [Path("a")], [Path("b")], SETTINGS.changed(padding="zeros"), SMALL, start=start)


def test_a_damaged_network_is_told(pictures: tuple[list[Path], list[Path]], tmp_path: Path) -> None:
    network = Training("any", *pictures, SETTINGS, SMALL).result()
    path = tmp_path / "n.safetensors"
    save_network(network, path)
    assert load_network(path).design.card["kind"] == "any"
    data = path.read_bytes()
    for broken in (data[:-100], b"", data.replace(b'"network"', b'"netwerk"', 1)):
        path.write_bytes(broken)
        with pytest.raises(WeightsError, match="train it again"):
            load_network(path)
    wrong = Network(Design(network.design.architecture, None, tuple(map(str, range(64)))))
    with torch.no_grad():
        wrong.stylizer.heads.weight[0] = torch.nan
    save_network(wrong, path, force=True)
    with pytest.raises(WeightsError, match="not finite"):
        load_network(path)


SHARED = """
import os, sys, pytest, torch
from pathlib import Path
from impasto.settings.fields import Settings
from impasto.training.pictures import pictures_of
from impasto.training.course import Course
from impasto.training.trainer import Training
from tests.helpers import look_at_little, look_narrowly
look_narrowly(pytest.MonkeyPatch(), Path(os.environ["IMPASTO_CACHE"]))
look_at_little(pytest.MonkeyPatch())
torch.set_num_threads(1)
torch.distributed.init_process_group("gloo")
folder = Path(sys.argv[1])
training = Training(
    "multi", pictures_of(folder / "photos", "photographs", 64), pictures_of(folder / "paintings", "paintings", 64),
    Settings(precision="float32"), Course(steps=2, batch=2, crop=64, workers=0, validate_every=100),
)
for step in training.steps():
    pass
if torch.distributed.get_rank() == 0:
    torch.save((training.network.state_dict(), dict(step.losses)), sys.argv[2])
torch.distributed.barrier()
torch.distributed.destroy_process_group()
os._exit(0)  # gloo's threads sometimes abort the interpreter on its way out, when all is done
"""


@pytest.mark.slow
def test_two_halves_of_a_batch_are_the_batch(pictures: tuple[list[Path], list[Path]], tmp_path: Path) -> None:
    (tmp_path / "shared.py").write_text(SHARED)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    paths = [str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")]  # the script imports tests.helpers
    subprocess.run(
        [*command, tmp_path / "shared.py", tmp_path, tmp_path / "out"],
        check=True, timeout=300, env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
    )  # fmt: skip
    theirs, losses = torch.load(tmp_path / "out")
    whole = Training("multi", *pictures, SETTINGS, replace(SMALL, steps=2))
    steps = list(whole.steps())
    assert losses == pytest.approx(dict(steps[-1].losses), rel=1e-3)
    for name, tensor in whole.network.state_dict().items():
        # Adam's first steps are as long whatever the gradient's size, also where that is rounding noise.
        assert (tensor - theirs[name]).abs().mean() < 1e-6, name

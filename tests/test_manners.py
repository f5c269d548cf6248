"""How the library behaves towards those who embed it: what it takes, tells, pickles, and keeps to itself."""

import inspect
import io
import pickle
import pydoc
import subprocess
import sys
import typing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import impasto
from impasto import errors
from impasto.errors import ImageError, ImpastoError, SettingsError
from impasto.settings.fields import Settings
from impasto.settings.keywords import Keywords, Others
from impasto.tasks.inputs import weighted
from tests.helpers import painting, photo
from tests.test_applies import OTHERWISE

pytestmark = pytest.mark.usefixtures("small_looks", "narrow")

SMALL: Any = {"recipe": "statistics", "size": 48, "iterations": 3}


def test_explorers_see_what_there_is() -> None:
    assert {*impasto.__all__} <= {*dir(impasto)}
    shown = pydoc.plain(pydoc.render_doc(impasto))
    assert "stylize(content:" in shown and "class Picture" in shown and "class VideoError" in shown


@pytest.mark.parametrize(
    "wrap",
    [
        bytes, bytearray, memoryview, io.BytesIO,
        lambda data: torch.tensor(np.asarray(Image.open(io.BytesIO(data)))).permute(2, 0, 1),
        lambda data: torch.tensor(np.asarray(Image.open(io.BytesIO(data)))).permute(2, 0, 1)[None] / 255,
    ],
    ids=["bytes", "bytearray", "memoryview", "stream", "planes", "batch of one"],
)  # fmt: skip
def test_a_picture_may_come_in_many_forms(wrap: Any) -> None:
    file = io.BytesIO()
    Image.fromarray(photo(24, 32)).save(file, "PNG")
    assert np.array_equal(impasto.load(wrap(file.getvalue())).array(8), photo(24, 32))
    made = impasto.stylize(wrap(file.getvalue()), painting(24, 24), method="fast", size="native")
    assert made.picture.size == (24, 32)


@pytest.mark.parametrize(
    "nothing",
    [None, 3, [1, 2], io.StringIO("x"), object(), torch.zeros(2, 3, 8, 8), torch.zeros(8, 8), torch.zeros(3, 8, 8) - 1],
    ids=lambda nothing: type(nothing).__name__,
)
def test_what_is_no_picture_is_named(nothing: Any) -> None:
    with pytest.raises(ImageError) as refusal:
        impasto.load(nothing)
    assert "expected" in str(refusal.value) or "give a path" in str(refusal.value)
    assert "attribute" not in str(refusal.value)


def test_gradients_are_made_where_the_caller_makes_none() -> None:
    plain = impasto.stylize(photo(48, 64), painting(48, 48), **SMALL).picture.array()
    with torch.no_grad():
        assert np.array_equal(impasto.stylize(photo(48, 64), painting(48, 48), **SMALL).picture.array(), plain)
        assert not torch.is_grad_enabled()
    run = impasto.plan_stylize(photo(48, 64), painting(48, 48), **SMALL)
    with torch.inference_mode():
        for start in (
            lambda: next(run.steps()),
            lambda: impasto.plan_reconstruct(photo(48, 64), **SMALL),
        ):
            with pytest.raises(SettingsError, match=r"outside of torch\.inference_mode"):
                start()
        impasto.stylize(photo(48, 64), painting(48, 48), method="fast", size=48)


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("size", np.int64(64), 64),
        ("size", np.array([64, 48]), (64, 48)),
        ("size", (np.int32(64), np.uint16(48)), (64, 48)),
        ("scales", np.array([32, 64]), (32, 64)),
        ("style_scale", np.float32(0.5), (0.5,)),
        ("style_scale", np.int64(1), (1.0,)),
        ("strength", np.float32(0.5), 0.5),
        ("iterations", torch.tensor(5), 5),
        ("seed", np.uint8(5), 5),
        ("allow_truncated", np.bool_(True), True),
        ("style_loss", np.str_("gram"), "gram"),
        ("memory", "4gb", "4GB"),
        ("memory", "1.5 g", "1.5GB"),
        ("memory", "800Mb", "800MB"),
    ],
)
def test_numbers_of_other_makes_are_numbers(name: str, given: Any, kept: Any) -> None:
    found = getattr(Settings().changed(**{name: given}), name)
    assert found == kept and type(found) is type(kept)
    assert not isinstance(found, tuple) or [*map(type, found)] == [*map(type, kept)]


def test_weights_of_other_makes_are_numbers() -> None:
    for half in (np.float32(0.5), np.int64(2), np.float64(0.5)):
        ((_, alone),), (_, (_, share)) = weighted(("a.jpg", half)), weighted([("a.jpg", half), ("b.jpg", half)])
        assert (alone, share) == (1.0, 0.5) and type(share) is float
    with pytest.raises(SettingsError, match="The weight of a style is a number, not 'much'"):
        weighted([("a.jpg", "much")])


def test_results_and_steps_are_short_to_print_and_can_be_sent() -> None:
    run = impasto.plan_stylize(photo(48, 64), painting(48, 48), **SMALL)
    for _ in run.steps():
        pass
    result = run.result()
    assert repr(result) == "Result(48×36, recipe statistics, network vgg19, steps 3)"
    with Image.open(io.BytesIO(result._repr_png_())) as shown:
        assert np.array_equal(np.asarray(shown), result.picture.array(8))
    sent = pickle.loads(pickle.dumps(result))
    assert sent.record == result.record and torch.equal(sent.picture.pixels, result.picture.pixels)
    step = pickle.loads(pickle.dumps(run.last))
    assert run.last is not None and torch.equal(step.pixels, run.last.pixels) and step.losses == run.last.losses
    assert step.state() == {} != run.last.state()
    fast = impasto.plan_stylize(photo(48, 64), painting(48, 48), method="fast", size=48)
    for each in (run, fast):
        with pytest.raises(TypeError, match=r"is not pickled, .* send a jobs.Job"):
            pickle.dumps(each)
    assert len(repr(impasto.learnt_style("rhone"))) < 80


@pytest.mark.parametrize("kind", [each for each in vars(errors).values() if inspect.isclass(each)])
def test_errors_can_be_sent(kind: type[Exception]) -> None:
    if issubclass(kind, ImpastoError):
        error = kind("`size` must be a number.")
        sent = pickle.loads(pickle.dumps(error))
        assert type(sent) is kind and str(sent) == str(error)
        assert kind is ImpastoError or kind.__name__ in impasto.__all__


def test_the_library_says_nothing_to_those_who_do_not_listen() -> None:
    script = "import impasto, logging; logging.getLogger('impasto').warning('a word')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == done.stdout == ""


def test_keywords_are_the_settings() -> None:
    assert {*typing.get_type_hints(Keywords)} == {*Settings.__dataclass_fields__}
    hints = typing.get_type_hints(Keywords)
    for name, declared in Settings.__dataclass_fields__.items():
        if typing.get_origin(declared.type) is typing.Literal:
            words, nothing = typing.get_args(hints[name])
            assert words == declared.type and nothing is type(None), name
        elif declared.type in (int, float, bool, str):
            assert hints[name] == declared.type | None, name
        else:
            assert any(
                isinstance(OTHERWISE[name], typing.get_origin(each) or each) for each in typing.get_args(hints[name])
            )
    assert {*typing.get_type_hints(Others)} == {*hints} - {"method"}


def test_what_holds_pixels_can_be_compared_and_kept_in_sets() -> None:
    """By what it is: a comparison of all pixels is a picture itself, and no answer."""
    one, other = impasto.load(photo(16, 16)), impasto.load(photo(16, 16))
    code = impasto.StyleCode("multi", torch.ones(1, 17))
    for each in (one, impasto.Result(one, {}), code, impasto.Region(photo(16, 16), "a.jpg")):
        assert each == each and each != other and each in [other, each] and len({each, other}) == 2  # noqa: PLR0124


@pytest.mark.parametrize("method", ["fast", "iterative"])
def test_errors_say_whose_picture_it_is(method: str) -> None:
    """A service is to tell a broken upload from its own painting that is not there."""
    asked: dict[str, Any] = {"method": method, "size": 64}
    for content, style, role in (
        (b"abc", painting(60, 60), "content"),
        (photo(48, 64), "missing.jpg", "style"),
        (photo(48, 64), painting(8, 8), "style"),
    ):
        with pytest.raises(ImageError) as raised:
            impasto.plan_stylize(content, style, **asked)
        assert raised.value.role == pickle.loads(pickle.dumps(raised.value)).role == role


def test_jobs_can_be_kept_in_sets_and_take_paths_as_the_library_does() -> None:
    job = impasto.Job("stylize", "a.jpg", (("b.jpg", 1.0),), settings={"size": 64})
    same = impasto.Job("stylize", "a.jpg", ("b.jpg",), settings={"size": 64})  # type: ignore[arg-type]
    film = impasto.VideoJob("a.mp4", [Path("b.jpg")])  # type: ignore[arg-type]
    assert {job: 1}[same] == 1 and film.styles == (("b.jpg", 1.0),) and len({film, film, job, same}) == 2
    for wrong in (("b.jpg", 0.5, 1), (0.5, "b.jpg"), ("b.jpg", "much")):
        with pytest.raises(SettingsError, match="`styles` takes paths"):
            impasto.Job("stylize", "a.jpg", (wrong,))  # type: ignore[arg-type]

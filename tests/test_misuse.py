"""What people mistype, and what nobody means: one sentence before anything is computed."""

import json
import math
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

import impasto
from impasto.cli import app
from impasto.cli.named import parse_styles
from impasto.errors import RecordError, SettingsError
from impasto.jobs.job import Delivery, Job
from impasto.machine import strict_json
from impasto.pictures import codecs
from impasto.settings.fields import Settings
from impasto.tasks import record
from impasto.tasks.inputs import style_pictures
from tests.helpers import painting, photo


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(photo(48, 64)).save("photo.png")
    for name in ("a.png", "b.png"):
        Image.fromarray(painting(48, 64)).save(name)
    made = record.to_json({"impasto": "stylize"})
    codecs.save(impasto.load(painting(48, 64)), Path("made.png"), description=made)
    return tmp_path


def told(*arguments: str, code: int = 2) -> str:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == code, done.output
    return " ".join(done.output.split())


@pytest.mark.parametrize("command", [["stylize", "photo.png"], ["texture"]])
def test_a_result_without_its_option_is_told(command: list[str], folder: Path) -> None:
    before = sorted(folder.iterdir())
    assert "There is no painting out.jpg: a file to write is named by -o out.jpg" in told(*command, "a.png", "out.jpg")
    assert "made.png is a result of Impasto" in told(*command, "a.png", "made.png")
    assert sorted(folder.iterdir()) == before


def test_paintings_that_are_blended_are_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def said(*styles: str, quiet: bool = False) -> str:
        assert len(parse_styles([*styles], quiet)) == len(styles)
        return capsys.readouterr().err

    for styles in (["a.png", "b.png"], ["made.png", "b.png"]):
        assert "2 styles are blended equally" in said(*styles) and not said(*styles, quiet=True)
    for styles in (["a.png:0.3", "b.png"], ["b.png", "made.png:1"], ["made.png"], ["out.png"]):
        assert not said(*styles)
    many = [f"{number}.jpg:1" for number in range(297)] + ["a.png"]
    assert "298 styles are blended, from 0.jpg, 1.jpg, 2.jpg, a.png" in said(*many) and "`impasto batch`" in said(*many)
    assert not said(*many, quiet=True) and not said(*many[-3:])


@pytest.mark.usefixtures("small_looks")
def test_many_styles_are_not_read_in_silence(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("impasto.tasks.inputs._PATIENCE", 0.0)
    paintings = [(str(folder / name), 1.0) for name in ("a.png", "b.png", "a.png")]
    for read in (lambda: impasto.style_code(paintings), lambda: style_pictures(paintings, 64, iter([1.0] * 3))):
        caplog.clear()
        read()
        assert "1 of 3 styles have been read." in caplog.messages and "2 of 3 styles have been read." in caplog.messages


def test_what_cannot_serve_is_refused(folder: Path) -> None:
    assert "--network any has no learnt styles to show" in told("styles", "photo.png", "--network", "any")
    assert "There is no option --feather" in told("study", "photo.png", "a.png", "--feather", "0.1")
    for make in (impasto.plan_stylize, impasto.plan_texture, impasto.plan_reconstruct):
        given: Any = ["photo.png", "a.png"] if make is impasto.plan_stylize else ["photo.png"]
        with pytest.raises(SettingsError, match="`start` is given, and `init` names another"):
            make(*given, start="a.png", init="noise")


FLOATS = [name for name, declared in Settings.__dataclass_fields__.items() if declared.type is float]
INTEGERS = [name for name, declared in Settings.__dataclass_fields__.items() if declared.type is int]


@pytest.mark.parametrize(
    "value", [5e-324, 1e-300, 1e-13, 1e13, 1e300, 1.7e308, -5e-324, math.inf, math.nan, 10**400], ids="abcdefghij"
)
@pytest.mark.parametrize("name", FLOATS)
def test_numbers_that_nobody_means_are_refused(name: str, value: float) -> None:
    with pytest.raises(SettingsError, match=f"`{name}` must be") as refusal:
        Settings().changed(**{name: value})
    assert len(str(refusal.value)) < 250


@pytest.mark.parametrize("value", [10**400, 10**5000, -(10**400), "9" * 400, "9" * 5000, 1e300], ids="abcdef")
@pytest.mark.parametrize("name", INTEGERS)
def test_integers_of_hundreds_of_digits_are_refused(name: str, value: Any) -> None:
    with pytest.raises(SettingsError, match=f"`{name}` must be") as refusal:
        Settings().changed(**{name: value})
    assert len(str(refusal.value)) < 250


@pytest.mark.parametrize(
    "settings",
    [
        {"size": 10**400}, {"size": "9" * 400}, {"size": (math.inf, 64)}, {"scales": (64, 10**400)},
        {"scales": "64,99999"}, {"scales": (math.inf,)}, {"style_scale": (10**400,)}, {"memory": "9" * 400 + "GB"},
        {"memory": "٣GB"}, {"style_layers": {"relu1_1": 1e308}}, {"style_layers": {"relu1_1": 5e-324}},
        {"style_layers": {"relu1_1": 10**400}}, {"protect": {"faces": 10**400}}, {"protect": {"faces": math.nan}},
    ],
)  # fmt: skip
def test_other_settings_of_such_numbers_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=f"`{next(iter(settings))}`"):
        Settings().changed(**settings)


def test_json_is_what_others_read_as_json() -> None:
    losses = {"style": [math.nan, math.inf], "tv": (1.5, -math.inf)}
    assert json.loads(record.to_json({"losses": losses}), parse_constant=pytest.fail) == {
        "losses": {"style": [None, None], "tv": [1.5, None]}
    }
    deep = "[" * 200_000 + "]" * 200_000
    for text in (
        deep,
        '{"job": 1, "a": ' * 5000 + "1" + "}" * 5000,
        '{"job": NaN}',
        '{"job": 1e999}',
        '{"job": [-2E+400]}',
        "9" * 5000,
        '"\ud800"',
        "{",
    ):
        with pytest.raises(RecordError):
            Job.read(text)
    with pytest.raises(ValueError, match="nested too deep"):
        strict_json.loads(deep)
    assert strict_json.loads("1e999", finite=False) == math.inf and strict_json.loads("1e99") == 1e99
    names = ", ".join(f'"{number}": 0' for number in range(200_000))
    began = time.process_time()
    with pytest.raises(ValueError, match="'199999' is there twice"):
        strict_json.loads(f'{{{names}, "199999": 0}}')
    assert time.process_time() - began < 10  # and not in proportion to the square: some minutes


def test_records_that_are_no_records(tmp_path: Path) -> None:
    for number, text in enumerate(
        ("[" * 200_000, '{"impasto": Infinity}', "\ud800", '{"impasto": ' + "9" * 5000 + "}")
    ):
        file = tmp_path / f"{number}.json"
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
        with pytest.raises(RecordError, match="holds no record"):
            record.read(file)


def test_jobs_with_names_that_no_system_has() -> None:
    plain: dict[str, Any] = {"job": 1, "task": "stylize", "content": "a.png", "styles": [["b.png", 1]]}
    for name in ("\ud800.png", "a\0.png"):
        for wrong in (
            {"content": name}, {"styles": [[name, 1]]}, {"delivery": {"output": name}},
            {"settings": {"init": name}}, {"settings": {"protect": {name: 1}}},
            {"regions": [{"mask": name, "style": "b.png"}]},
        ):  # fmt: skip
            with pytest.raises(SettingsError, match="is no name of a file"):
                Job.read(json.dumps(plain | wrong))
    odd = b"\xff.png".decode(errors="surrogateescape")  # of a file whose name is no UTF-8
    assert Job.read(json.dumps(plain | {"content": odd})).content == odd
    for every in (math.inf, math.nan, -1):
        with pytest.raises(SettingsError, match="`checkpoint_every`"):
            Delivery(checkpoint_every=every)

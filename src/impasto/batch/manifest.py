"""Manifests: what is to be done with each photograph or clip, in the rows of a CSV file or the lines of JSON.

A row has a ``content``, and may have a ``style`` (as on the command line, ``wave.jpg:0.7``; in JSON, which a
field of a CSV file may hold, also a list of them, or an object of names and weights), a ``style_index``, a
``region`` (``mask.png:wave.jpg``; in JSON also a list of such, or of lists of names), a ``recipe``, an
``output`` (a path within the batch's folder), and any setting by its name. What a row leaves out, or leaves
empty, is as for all.
"""

import contextlib
import csv
import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from impasto.errors import SettingsError, briefly, did_you_mean
from impasto.jobs.job import RegionFiles
from impasto.machine import files, strict_json
from impasto.machine.files import at_home
from impasto.settings import names
from impasto.settings.applies import fields_of
from impasto.settings.setting import BATCH

MANIFESTS = (".csv", ".jsonl", ".ndjson")
"""How the names of manifests end, in small letters."""
LOOKS = ("style", "style_index", "region", "recipe")
"""What a row may say besides its content, its output and settings."""
LONGEST, MOST = 2**28, 2**20
"""Bytes of a list or a manifest, and photographs in it: what has more is taken for no list of photographs."""


def rows_of(path: Path, base: str) -> Iterator[dict[str, Any]]:
    """The rows of a manifest, whose paths are relative to ``base``. Raises SettingsError, naming the row, for
    one that cannot be read, has no content, or names what is no setting.
    """
    text, is_there = text_of(path), _known_in(base)
    known = ("content", "output", *LOOKS, *(declared.name for declared in fields_of(*BATCH)))
    for number, row in _csv(text, path) if path.suffix.lower() == ".csv" else _lines(text, path):
        where = f"{path}, line {number}"
        if None in row:
            raise SettingsError(f"{where}: it has more values than the first line has names.")
        for name in row:
            if name not in known:
                raise SettingsError(f"{where}: there is no setting {briefly(name)!r}: {did_you_mean(str(name), known)}")
        given = {name: value for name, value in row.items() if value not in (None, "", [], {})}
        if isinstance(said := given.get("style"), str) and said.startswith("[") and not is_there(said):
            try:
                given["style"] = strict_json.loads(said)
            except ValueError as error:
                raise SettingsError(f"{where}: `style` is no list in JSON ({briefly(error)}).") from error
        if "content" not in given:
            raise SettingsError(f"{where}: it has no `content`, the path of a photograph.")
        for name, (fits, what) in _SAID.items():
            if name in given and not fits(given[name]):
                raise SettingsError(f"{where}: `{name}` is {what}, not {briefly(strict_json.dumps(given[name]))}.")
        yield given


def _is_text(said: Any) -> bool:
    return isinstance(said, str)


def _is_path(said: Any) -> bool:
    with contextlib.suppress(SettingsError):
        names.check(said)
        return isinstance(said, str)
    return False


def _are_texts(said: Any) -> bool:
    return isinstance(said, list) and all(map(_is_text, said))


def _are_weights(said: Any) -> bool:
    return isinstance(said, dict) and all(type(each) in (int, float) for each in said.values())


_SAID: dict[str, tuple[Callable[[Any], bool], str]] = {
    "content": (_is_path, "the path of a photograph"),
    "output": (_is_path, "the path of a result"),
    "recipe": (_is_text, "a recipe's name"),
    "style": (
        lambda said: _is_text(said) or _are_texts(said) or _are_weights(said),
        "a painting, a list of them, or an object of paintings and weights",
    ),
    "style_index": (
        lambda said: _is_text(said) or type(said) is int or _are_weights(said),
        "a learnt style's name or number, or an object of them and weights",
    ),
    "region": (
        lambda said: (
            _is_text(said) or (isinstance(said, list) and all(_is_text(each) or _are_texts(each) for each in said))
        ),
        "MASK:STYLE, or a list of such, or of lists of names",
    ),
}
"""What a row may say of what is no setting, and how that is called."""


def text_of(path: Path, errors: str = "strict", given: BinaryIO | None = None) -> str:
    """What a list or a manifest says; of one that is ``given``, ``path`` is only what it is called. Raises
    SettingsError.
    """
    try:
        with contextlib.nullcontext(given) if given else files.opened(path) as file:
            data = file.read(LONGEST + 1)
        if len(data) > LONGEST:
            raise SettingsError(f"{path} has more than {LONGEST >> 20} MB, and so is no list of photographs: part it.")
        return data.decode("utf-8-sig", errors)
    except OSError as error:
        raise SettingsError(f"{path} cannot be read ({briefly(error)}): give the path of a text file.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8 ({briefly(error)}): write it so.") from error


def styles_of(said: Any, base: str) -> tuple[tuple[str, float], ...]:
    """The style pictures of a row, with their weights; paths as they are written. Raises SettingsError."""
    known = _known_in(base)
    if isinstance(said, Mapping):
        said = strict_json.dumps(said)
    pairs = []
    for text in [said] if isinstance(said, str) else said:
        pairs += names.listed(text, known) if text.startswith("{") else [names.weighted(text, known)]
    return tuple((path, 1.0 if weight is None else weight) for path, weight in pairs)


def regions_of(said: Any, base: str) -> tuple[RegionFiles, ...]:
    """The regions of a row. Raises SettingsError."""
    is_there = _known_in(base)
    texts = [
        each if isinstance(each, str) else strict_json.dumps(each)
        for each in ([said] if isinstance(said, str) else said)
    ]
    return tuple(
        RegionFiles(*names.parted(text, (2, 3), lambda name: name in names.MASKS or is_there(name))) for text in texts
    )


def _known_in(base: str) -> Callable[[str], bool]:
    return lambda name: bool(name) and names.is_there(str(Path(base) / at_home(name)))


def _csv(text: str, path: Path) -> Iterator[tuple[int, dict[Any, Any]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        reader.fieldnames = columns = [name.strip() for name in reader.fieldnames or ()]
        if len({*columns}) < len(columns):
            raise SettingsError(f"{path}, line 1: it names a column twice: leave one out.")
        if "content" not in columns:
            raise SettingsError(
                f"{path}, line 1: it names no column `content`: begin with a line of names and commas, like content,style."
            )
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise SettingsError(f"{path}, line {reader.line_num}: it is no CSV ({error}).") from error


def _lines(text: str, path: Path) -> Iterator[tuple[int, dict[Any, Any]]]:
    for number, line in enumerate(io.StringIO(text, newline=None), 1):  # which JSON may have other breaks in than these
        if line.strip():
            try:
                row = strict_json.loads(line)
            except ValueError as error:
                raise SettingsError(f"{path}, line {number}: it is no JSON ({briefly(error)}).") from error
            if not isinstance(row, dict):
                raise SettingsError(f"{path}, line {number}: it is no JSON object.")
            yield number, row

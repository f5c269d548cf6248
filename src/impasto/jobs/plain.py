"""Jobs of plain values, which may come from anywhere, and what is wrong with them in the words of a job."""

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from impasto.errors import RecordError, SettingsError, briefly, did_you_mean
from impasto.machine import strict_json


@contextlib.contextmanager
def understood() -> Iterator[None]:
    """Within it a job is made of plain values that may come from anywhere. Raises RecordError for those that
    are of other kinds than a job's.
    """
    try:
        yield
    except SettingsError:
        raise
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise RecordError(
            f"This job cannot be read ({_lacking(error)}): write it as the command info prints it."
        ) from error


def known(kind: type[Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """``data``, if it has no names but those of a dataclass's fields."""
    own = [each.name for each in fields(kind)]
    for name in data:
        if name not in own:
            raise SettingsError(f"A job has no `{briefly(name)}`: {did_you_mean(str(name), own)}")
    return dict(data)


def weighted(styles: Any) -> tuple[tuple[str, float], ...]:
    """Paths of styles with their weights, of such pairs, or of paths alone, which count one each. Raises
    SettingsError.

    >>> weighted("a.jpg"), weighted(["a.jpg", ("b.jpg", 0.5)])
    ((('a.jpg', 1.0),), (('a.jpg', 1.0), ('b.jpg', 0.5)))
    """
    found = []
    for each in [styles] if isinstance(styles, (str, os.PathLike)) else styles:
        pair = (each, 1.0) if isinstance(each, (str, os.PathLike)) else tuple(each)
        if not (len(pair) == 2 and isinstance(pair[0], (str, os.PathLike)) and isinstance(pair[1], (int, float))):
            raise SettingsError(f"`styles` takes paths, and pairs of a path and a weight, not {briefly(each)}.")
        found.append((os.fspath(pair[0]), pair[1]))
    return tuple(found)


def learnt(index: Any) -> str:
    """Learnt styles as a job has them, of a name, a number, or an object of these with weights. Raises
    TypeError.

    >>> learnt("rhone"), learnt(0), learnt({"3": 0.5, "7": 0.5})
    ('rhone', '0', '{"3": 0.5, "7": 0.5}')
    """
    if isinstance(index, Mapping):
        return strict_json.dumps(index)
    if isinstance(index, bool) or not isinstance(index, (str, int)):
        raise TypeError(f"`style_index` is a learnt style's name or number, not {briefly(index)}")
    return str(index)


def _lacking(error: Exception) -> str:
    """What is wrong with a job's values; that one is missing, Python says of its own function."""
    missing = re.search(r"missing .* argument.*: (.*)", str(error))
    return f"it has no {missing[1]}" if missing else briefly(error)

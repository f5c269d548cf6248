"""JSON as others read it, too: what is no number is null, and what is no JSON is a ValueError."""

import json
import math
from collections.abc import Mapping
from typing import Any


def dumps(data: Any, *, indent: int | None = None) -> str:
    """In ASCII, which every format can embed, and without NaN or Infinity, which JSON has no words for.

    >>> dumps({"loss": [1.5, float("nan")]})
    '{"loss": [1.5, null]}'
    """
    return json.dumps(_finite(data), indent=indent, allow_nan=False)


def loads(text: str | bytes, *, finite: bool = True) -> Any:
    """Raises ValueError for what is empty or no JSON, is nested too deep to be read, names something twice,
    or, where numbers are to be ``finite``, has some that are not.

    >>> loads('{"size": 64, "size": 512}')
    Traceback (most recent call last):
    ...
    ValueError: 'size' is there twice
    """
    if not text.strip():
        raise ValueError("it is empty")
    try:
        constant, number = (_refused, _number) if finite else (None, None)
        return json.loads(text, parse_constant=constant, parse_float=number, object_pairs_hook=_once)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _refused(word: str) -> None:
    raise ValueError(f"{word[:100]} is no number that can be held")


def _number(word: str) -> float:
    """Of what is written as one: 1e999 is read as infinite."""
    if not math.isfinite(number := float(word)):
        _refused(word)
    return number


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{name[:100]!r} is there twice")
        found[name] = value
    return found


def _finite(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {name: _finite(value) for name, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data

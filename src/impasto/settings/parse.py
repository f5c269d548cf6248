"""Values of settings: from what Python, the command line or JSON has of them to the one form that is kept."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import Field
from typing import Any, Literal, get_args, get_origin

from impasto.errors import SettingsError, did_you_mean
from impasto.machine.files import at_home
from impasto.settings import names

Layers = Mapping[str, float]
"""Layer name -> its share in a loss; only the ratios count."""

Amounts = Mapping[str, float]
"""Mask -> how strongly what is white in it is protected, 0 to 1."""

USUAL_AMOUNT = 0.5
"""The amount of a mask that is named without one."""


_KINDS = {int: "a whole number", float: "a number", str: "a text"}

_FILES = ("init", "network")
"""Settings that may be files."""


_LEAST, _MOST = 1e-12, 1e12
"""Numbers beyond are nobody's meaning, and float32, in which sums are, would lose them or overflow."""


def checked(declared: "Field[Any]", value: Any) -> Any:
    """``value`` in the one form of its setting, from whatever there is of it, also of NumPy's kinds."""
    if not isinstance(value, Mapping) and callable(as_python := getattr(value, "tolist", None)):
        value = as_python()
    parsers = {
        "style_layers": _layers,
        "content_layers": _layers,
        "places_layers": _layers,
        "style_scale": _style_scale,
        "protect": _amounts,
        "size": _size,
        "scales": _scales,
        "memory": _memory,
    }
    parse = parsers.get(declared.name)
    named = f"`{declared.name}`"
    if parse is not None:
        return parse(named, value)
    if get_origin(declared.type) is Literal:
        if value not in get_args(declared.type):
            raise SettingsError(f"{named} cannot be {value!r}: {did_you_mean(str(value), get_args(declared.type))}")
        return value
    assert isinstance(declared.type, type)
    if declared.type is bool:
        return _truth(named, value)
    try:
        number = _number(declared.type, value)
    except (TypeError, ValueError, OverflowError):
        raise SettingsError(f"{named} must be {_KINDS[declared.type]}, not {_shown(value)}.") from None
    if declared.name in _FILES:
        return _file(number)
    if declared.type is not str:
        if isinstance(number, float) and not math.isfinite(number):
            raise SettingsError(
                f"{named} must be {_KINDS[declared.type].replace('a ', 'a finite ')}, not {_shown(value)}."
            )
        least, most = declared.metadata["least"], declared.metadata["most"]
        if (least is not None and number < least) or (most is not None and number > most):
            limits = f"from {least} to {most}" if most is not None else f"at least {least}"
            raise SettingsError(f"{named} must be {limits}, not {_shown(value)}.")
        if isinstance(number, float) and not _usual(number):
            raise SettingsError(f"{named} must be 0, or from {_LEAST:g} to {_MOST:g}, not {_shown(value)}.")
    return number


def _truth(named: str, value: Any) -> bool:
    words = {"true": True, "false": False}  # all that a table has is texts
    found = words.get(value.lower()) if isinstance(value, str) else value
    if not isinstance(found, bool):
        raise SettingsError(f"{named} must be True or False, not {_shown(value)}.")
    return found


def _layers(named: str, value: str | Iterable[str] | Layers) -> Layers:
    try:
        if not isinstance(value, Mapping):
            pairs = [part.partition(":") for part in (value.split(",") if isinstance(value, str) else value) if part]
            value = {name.strip(): _number(float, share or 1) for name, _, share in pairs}
        shares = {name: float(share) for name, share in value.items()}
    except (AttributeError, TypeError, ValueError, OverflowError):
        raise SettingsError(f"{named} takes LAYER or LAYER:SHARE, separated by commas, not {value!r}.") from None
    if not shares or not all(share > 0 and _usual(share) for share in shares.values()):
        raise SettingsError(
            f"{named} needs at least one layer, and shares above 0, from {_LEAST:g} to {_MOST:g}, not {value!r}."
        )
    return shares


def _amounts(named: str, value: str | Iterable[str] | Amounts) -> Amounts:
    try:
        if not isinstance(value, Mapping):
            texts = [value] if isinstance(value, str) else value
            pairs = [pair for text in texts for pair in names.listed(text, names.is_mask)]
            value = {mask: USUAL_AMOUNT if amount is None else amount for mask, amount in pairs}
        amounts = {_file(mask): float(amount) for mask, amount in value.items()}
    except SettingsError as error:
        raise SettingsError(f"{named} takes MASK or MASK:AMOUNT: {error}") from None
    except (AttributeError, TypeError, ValueError, OverflowError):
        raise SettingsError(f"{named} takes MASK or MASK:AMOUNT, separated by commas, not {value!r}.") from None
    if not all(0 <= amount <= 1 for amount in amounts.values()):
        raise SettingsError(f"{named} takes amounts from 0 to 1, not {value!r}.")
    return amounts


def _file(name: Any) -> str:
    return str(at_home(name)) if str(name).startswith("~") else str(name)


def _size(named: str, value: int | str | Iterable[int]) -> int | str | tuple[int, int]:
    if value in ("auto", "native"):
        return str(value)
    try:
        parts = value.lower().split("x") if isinstance(value, str) else [value] if isinstance(value, int) else [*value]
        numbers = [_number(int, part) for part in parts]
    except (TypeError, ValueError, OverflowError):
        numbers = []
    if len(numbers) not in (1, 2) or not all(16 <= number <= 2**15 for number in numbers):
        raise SettingsError(
            f"{named} must be a long side like 512, WIDTHxHEIGHT like 512x384, 16 to 32768, native or auto, "
            f"not {_shown(value)}."
        )
    return numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1])


def _scales(named: str, value: str | int | Iterable[int]) -> str | tuple[int, ...]:
    if value in ("auto", "single"):
        return str(value)
    try:
        scales = tuple(_number(int, part) for part in (value.split(",") if isinstance(value, str) else value))  # type: ignore[union-attr]
    except (TypeError, ValueError, OverflowError):
        scales = ()
    if not scales or list(scales) != sorted(set(scales)) or not 16 <= scales[0] <= scales[-1] <= 2**15:
        raise SettingsError(
            f"{named} must be auto, single, or rising long sides like 128,256,512 from 16 to 32768, not {_shown(value)}."
        )
    return scales


def _style_scale(named: str, value: str | float | Iterable[float]) -> tuple[float, ...]:
    try:
        parts = value.split(",") if isinstance(value, str) else [value] if isinstance(value, (int, float)) else [*value]
        scales = tuple(_number(float, part) for part in parts)
    except (TypeError, ValueError, OverflowError):
        scales = ()
    if not scales or not all(0.05 <= scale <= 4 for scale in scales):
        raise SettingsError(f"{named} takes numbers from 0.05 to 4, separated by commas, not {value!r}.")
    return scales


def _memory(named: str, value: str) -> str:
    if value == "auto":
        return value
    if found := re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?([MG])B?", str(value), re.IGNORECASE):
        return f"{found[1]}{found[2].upper()}B"
    raise SettingsError(f"{named} must be auto or a number of bytes like 800MB or 2GB, not {value!r}.")


def _number(kind: type, value: Any) -> Any:
    """A value as a number, or a text. Raises ValueError as ``kind`` does, for a fraction where it is to be
    whole, and for what Python alone takes for a number: 1_000, or digits of other scripts.
    """
    if kind is not str and isinstance(value, str) and ("_" in value or not value.isascii()):
        raise ValueError
    if kind is int and isinstance(value, float) and not value.is_integer():
        raise ValueError
    return kind(value)


def bounded(number: float) -> float:
    """A number that was computed of others, not negative, as one that may be given: 0 for one that is next to
    nothing.

    >>> bounded(0.3), bounded(1e-24), bounded(4e12)
    (0.3, 0.0, 1000000000000.0)
    """
    return 0.0 if number < _LEAST else min(number, _MOST)


def _usual(number: float) -> bool:
    return number == 0 or _LEAST <= abs(number) <= _MOST


def _shown(value: Any) -> str:
    """A value as a message shows it, of numbers of hundreds of digits the beginning."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no integers of thousands of digits
        return "a number so large"
    return text if len(text) <= 100 else f"{text[:60]}…"


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    return dict(value) if isinstance(value, Mapping) else list(value) if isinstance(value, tuple) else value


def written(name: str, value: Any) -> str:
    """A setting's value as it is given on the command line, with all its digits.

    >>> written("size", (512, 384)), written("style_layers", {"relu1_1": 1.0, "relu5_1": 0.5})
    ('512x384', 'relu1_1,relu5_1:0.5')
    """
    if isinstance(value, Mapping):
        if any(mark in key for key in value for mark in ":,{"):
            return json.dumps(dict(value), ensure_ascii=False)
        unsaid = USUAL_AMOUNT if name == "protect" else 1
        return ",".join(key if share == unsaid else f"{key}:{names.written(share)}" for key, share in value.items())
    if isinstance(value, (list, tuple)):
        return ("x" if name == "size" else ",").join(written(name, each) for each in value)
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)

"""What is printed for people, and for programs."""

from json import dumps
from typing import Any


def dump(data: Any) -> str:
    return dumps(data, indent=2)


def lines(data: dict[str, Any], indent: str = "") -> str:
    """A record for people: one ``key: value`` a line, nested ones indented."""
    told: list[str] = []
    for key, value in data.items():
        if isinstance(value, dict):
            told += [f"{indent}{key}:", lines(value, indent + "  ")]
        else:
            told.append(f"{indent}{key}: {value:.4g}" if isinstance(value, float) else f"{indent}{key}: {value}")
    return "\n".join(told)

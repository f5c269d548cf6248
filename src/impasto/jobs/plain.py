"""Jobs of plain values, which may come from anywhere, and what is wrong with them in the words of a job."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from impasto.errors import RecordError, SettingsError, briefly, did_you_mean


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


def _lacking(error: Exception) -> str:
    """What is wrong with a job's values; that one is missing, Python says of its own function."""
    missing = re.search(r"missing .* argument.*: (.*)", str(error))
    return f"it has no {missing[1]}" if missing else briefly(error)

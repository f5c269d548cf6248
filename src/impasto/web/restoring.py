"""A result that is dropped onto the page: the job that it was made by, with its pictures where they are still
here.
"""

from typing import Any

from impasto.web.models import Restored
from impasto.web.store import Store


def restored(made: dict[str, Any], visitor: str, store: Store) -> Restored | None:
    """What the desk has found in a file, in terms of this visitor's pictures; None where it is no job that
    can be asked for here.
    """
    del made, visitor, store
    return None

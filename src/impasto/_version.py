"""The version, and when it was loaded: on the ground floor, for whatever is written down with them."""

import time

IMPORTED_AT = time.perf_counter()
"""About when the process began, for a command that says how long it took."""

__version__ = "1.0.0"

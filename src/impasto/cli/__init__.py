"""The command line. Data goes to stdout, everything said to a person to stderr.

Exit codes: 0 all went well, 1 it failed, 2 it was asked wrongly, 130 it was interrupted (what was done is kept).
"""

from impasto.cli.commands import app

__all__ = ["app"]

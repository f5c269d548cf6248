"""The command line. Data goes to stdout, everything said to a person to stderr.

Exit codes: 0 all went well, 1 it failed, 2 it was asked wrongly, 130 it was interrupted (what was done is
kept).
"""

# What is imported adds its commands, which help shows in this order.
from impasto.cli import paint, study, look, networks  # isort: skip
from impasto.cli.app import app

__all__ = ["app", "look", "networks", "paint", "study"]

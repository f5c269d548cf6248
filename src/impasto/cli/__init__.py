"""The command line. Data goes to stdout, everything said to a person to stderr.

Exit codes: 0 all went well, 1 it failed, 2 it was asked wrongly, 128 and the signal's number when it was
asked to stop (130 by Ctrl-C, 143 by SIGTERM, 129 by SIGHUP); what was done is kept then.
"""

# What is imported adds its commands, which help shows in this order.
from impasto.cli import paint, web, video, batch, study, look, networks, manual  # isort: skip
from impasto.cli.app import app

__all__ = ["app", "batch", "look", "manual", "networks", "paint", "study", "video", "web"]

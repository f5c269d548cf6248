"""What a process that will paint does before it knows what: so that the first picture is there at once."""

import logging
import os
from typing import Any

from impasto import weights
from impasto.jobs.deliver import Work
from impasto.jobs.job import Job

_NICE = 5
"""Previews come first."""


def ready() -> None:
    """Load what every job needs."""
    if hasattr(os, "nice"):
        os.nice(_NICE)
    said = logging.StreamHandler()
    said.setFormatter(logging.Formatter("impasto: %(message)s"))
    logging.getLogger("impasto").addHandler(said)
    weights.load(weights.BACKBONE)


def painted(job: dict[str, Any], resume: bool) -> Work:
    """The work of a job, which writes over what an earlier try has left."""
    return Work(Job.of(job), resume=resume, force=True)

"""What a process that will paint does before it knows what: so that the first picture is there at once."""

import logging
import os
from typing import Any

import numpy as np

from impasto.jobs.deliver import Work
from impasto.jobs.job import Job
from impasto.tasks.stylize import plan_stylize

_NICE = 5
"""Previews come first."""
_SIDE = 64


def ready() -> None:
    """Take the first step of a very small job, and with it load what every job needs: networks, libraries
    that torch imports once it differentiates, and the kernels of its layers.
    """
    if hasattr(os, "nice"):
        os.nice(_NICE)
    said = logging.StreamHandler()
    said.setFormatter(logging.Formatter("impasto: %(message)s"))
    logging.getLogger("impasto").addHandler(said)
    noise = np.random.default_rng(0).integers(0, 255, (_SIDE, _SIDE, 3), np.uint8)
    next(plan_stylize(noise, noise, size=_SIDE).steps())


def painted(job: dict[str, Any], resume: bool) -> Work:
    """The work of a job, which writes over what an earlier try has left."""
    return Work(Job.of(job), resume=resume, force=True)

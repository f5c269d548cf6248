"""Impasto: neural style transfer.

    import impasto
    impasto.stylize("photo.jpg", "painting.jpg", size=512).save("out.png")

Everything public is named in ``__all__`` and imported when it is first used, so that ``import impasto`` costs
nothing. What it has to say it says to the logger "impasto", and so to nobody who does not listen.
"""

import importlib
import logging
from typing import TYPE_CHECKING, Any

from impasto._version import __version__ as __version__

if TYPE_CHECKING:
    from impasto.backbones.features import Backbone
    from impasto.batch.batch import Batch
    from impasto.batch.ledger import Ledger
    from impasto.batch.looks import Wish
    from impasto.batch.plan import plan_batch
    from impasto.demo import demo_pair
    from impasto.errors import (
        CheckpointError,
        ImageError,
        ImpastoError,
        NotInstalledError,
        NotReadyError,
        OutputError,
        RecordError,
        SettingsError,
        SolverError,
        StyleCodeError,
        VideoError,
        WeightsError,
    )
    from impasto.jobs.deliver import Work
    from impasto.jobs.job import Delivery, Job, RegionFiles
    from impasto.jobs.process import Process
    from impasto.judge.gallery import edge_sheet
    from impasto.judge.scores import score
    from impasto.masks.regions import Region
    from impasto.networks.codes import StyleCode, learnt_style
    from impasto.pictures.codecs import load
    from impasto.pictures.picture import Picture
    from impasto.progress import Progress
    from impasto.settings.fields import Settings
    from impasto.settings.recipes import RECIPES
    from impasto.solver.solve import Step
    from impasto.study.study import Study, plan_study
    from impasto.tasks.fast import FastRun
    from impasto.tasks.inputs import style_code
    from impasto.tasks.reconstruct import plan_reconstruct, reconstruct
    from impasto.tasks.result import Result
    from impasto.tasks.run import Run
    from impasto.tasks.stylize import plan_stylize, stylize
    from impasto.tasks.texture import plan_texture, texture
    from impasto.video.job import VideoDelivery, VideoJob

_HOMES = {
    "impasto.progress": ("Progress",),
    "impasto.networks.codes": ("StyleCode", "learnt_style"),
    "impasto.demo": ("demo_pair",),
    "impasto.errors": (
        "CheckpointError",
        "ImageError",
        "ImpastoError",
        "NotInstalledError",
        "NotReadyError",
        "OutputError",
        "RecordError",
        "SettingsError",
        "SolverError",
        "StyleCodeError",
        "VideoError",
        "WeightsError",
    ),
    "impasto.tasks.fast": ("FastRun",),
    "impasto.batch.batch": ("Batch",),
    "impasto.batch.ledger": ("Ledger",),
    "impasto.batch.looks": ("Wish",),
    "impasto.batch.plan": ("plan_batch",),
    "impasto.jobs.deliver": ("Work",),
    "impasto.jobs.job": ("Delivery", "Job", "RegionFiles"),
    "impasto.jobs.process": ("Process",),
    "impasto.video.job": ("VideoDelivery", "VideoJob"),
    "impasto.backbones.features": ("Backbone",),
    "impasto.judge.gallery": ("edge_sheet",),
    "impasto.pictures.codecs": ("load",),
    "impasto.pictures.picture": ("Picture",),
    "impasto.tasks.inputs": ("style_code",),
    "impasto.settings.recipes": ("RECIPES",),
    "impasto.masks.regions": ("Region",),
    "impasto.tasks.result": ("Result",),
    "impasto.tasks.run": ("Run",),
    "impasto.judge.scores": ("score",),
    "impasto.settings.fields": ("Settings",),
    "impasto.solver.solve": ("Step",),
    "impasto.study.study": ("Study", "plan_study"),
    "impasto.tasks.reconstruct": ("plan_reconstruct", "reconstruct"),
    "impasto.tasks.stylize": ("plan_stylize", "stylize"),
    "impasto.tasks.texture": ("plan_texture", "texture"),
}

__all__ = [
    "RECIPES",
    "Backbone",
    "Batch",
    "CheckpointError",
    "Delivery",
    "FastRun",
    "ImageError",
    "ImpastoError",
    "Job",
    "Ledger",
    "NotInstalledError",
    "NotReadyError",
    "OutputError",
    "Picture",
    "Process",
    "Progress",
    "RecordError",
    "Region",
    "RegionFiles",
    "Result",
    "Run",
    "Settings",
    "SettingsError",
    "SolverError",
    "Step",
    "Study",
    "StyleCode",
    "StyleCodeError",
    "VideoDelivery",
    "VideoError",
    "VideoJob",
    "WeightsError",
    "Wish",
    "Work",
    "__version__",
    "demo_pair",
    "edge_sheet",
    "learnt_style",
    "load",
    "plan_batch",
    "plan_reconstruct",
    "plan_study",
    "plan_stylize",
    "plan_texture",
    "reconstruct",
    "score",
    "style_code",
    "stylize",
    "texture",
]


logging.getLogger(__name__).addHandler(logging.NullHandler())


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if not TYPE_CHECKING:  # to a type checker, a module with this would have every name

    def __getattr__(name: str) -> Any:
        for home, names in _HOMES.items():
            if name in names:
                return getattr(importlib.import_module(home), name)
        raise AttributeError(f"module 'impasto' has no attribute {name!r}")

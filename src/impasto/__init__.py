"""Impasto: neural style transfer.

    import impasto
    impasto.stylize("photo.jpg", "painting.jpg", size=512).save("out.png")

Everything public is named in ``__all__`` and imported when it is first used, so that ``import impasto`` costs nothing.
"""

import importlib
import time
from typing import TYPE_CHECKING, Any

IMPORTED_AT = time.perf_counter()
__version__ = "0.1.0"

if TYPE_CHECKING:
    from impasto.codes import StyleCode, learnt_style
    from impasto.demo import demo_pair
    from impasto.errors import (
        CheckpointError,
        ImageError,
        ImpastoError,
        OutputError,
        SettingsError,
        SolverError,
        WeightsError,
    )
    from impasto.fast import FastRun
    from impasto.features import Backbone
    from impasto.gallery import edge_sheet
    from impasto.images import Picture, load
    from impasto.inputs import style_code
    from impasto.recipes import RECIPES
    from impasto.regions import Region
    from impasto.result import Result
    from impasto.run import Run
    from impasto.scores import score
    from impasto.settings import Settings
    from impasto.solve import Step
    from impasto.study.study import Study, plan_study
    from impasto.tasks import plan_reconstruct, plan_stylize, plan_texture, reconstruct, stylize, texture

_HOMES = {
    "impasto.codes": ("StyleCode", "learnt_style"),
    "impasto.demo": ("demo_pair",),
    "impasto.errors": (
        "CheckpointError",
        "ImageError",
        "ImpastoError",
        "OutputError",
        "SettingsError",
        "SolverError",
        "WeightsError",
    ),
    "impasto.fast": ("FastRun",),
    "impasto.features": ("Backbone",),
    "impasto.gallery": ("edge_sheet",),
    "impasto.images": ("Picture", "load"),
    "impasto.inputs": ("style_code",),
    "impasto.recipes": ("RECIPES",),
    "impasto.regions": ("Region",),
    "impasto.result": ("Result",),
    "impasto.run": ("Run",),
    "impasto.scores": ("score",),
    "impasto.settings": ("Settings",),
    "impasto.solve": ("Step",),
    "impasto.study.study": ("Study", "plan_study"),
    "impasto.tasks": ("plan_reconstruct", "plan_stylize", "plan_texture", "reconstruct", "stylize", "texture"),
}

__all__ = [
    "RECIPES",
    "Backbone",
    "CheckpointError",
    "FastRun",
    "ImageError",
    "ImpastoError",
    "OutputError",
    "Picture",
    "Region",
    "Result",
    "Run",
    "Settings",
    "SettingsError",
    "SolverError",
    "Step",
    "Study",
    "StyleCode",
    "WeightsError",
    "demo_pair",
    "edge_sheet",
    "learnt_style",
    "load",
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


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(home), name)
    raise AttributeError(f"module 'impasto' has no attribute {name!r}")

"""Reconstruction: content + smoothness, from noise (Mahendran and Vedaldi 2015)."""

from typing import Unpack

from impasto.pictures import codecs
from impasto.pictures.codecs import PictureLike
from impasto.settings import whole
from impasto.settings.applies import chosen_settings
from impasto.settings.keywords import Keywords
from impasto.tasks import budget
from impasto.tasks.inputs import fitted, refuse_two_starts, start_of, usable, wanted_size
from impasto.tasks.problem import Problem
from impasto.tasks.result import Result
from impasto.tasks.run import Run
from impasto.tasks.schedule import schedule


def plan_reconstruct(
    image: PictureLike,
    layer: str = "relu4_2",
    recipe: str = "reconstruct",
    *,
    start: PictureLike | None = None,
    **settings: Unpack[Keywords],
) -> Run:
    """Prepare `reconstruct`; see there."""
    chosen = chosen_settings(recipe, {**settings}, "reconstruct").changed(content_layers=layer)
    refuse_two_starts(start, settings)
    whole.check(chosen, "reconstruct", start=start is not None)
    # Whatever else a recipe asks for: there is no painting.
    effective = chosen.changed(style_weight=0.0, places_weight=0.0).effective()
    with codecs.truncation(chosen.allow_truncated):
        own = usable(image, "content")
        wanted = wanted_size(chosen.size, chosen.method, own.size)
        budget.check("reconstruct", effective, own.size, wanted)
        photo = fitted(own, wanted)
        problem = Problem("reconstruct", effective, photo, schedule(photo.size, effective), photo)
        return Run(problem, recipe, chosen, start_of(chosen, start, {"content": lambda: photo}))


def reconstruct(
    image: PictureLike,
    layer: str = "relu4_2",
    recipe: str = "reconstruct",
    *,
    start: PictureLike | None = None,
    **settings: Unpack[Keywords],
) -> Result:
    """The picture that one layer's features remember, found from noise (Mahendran and Vedaldi 2015).

    Deeper layers keep the arrangement and forget the exact pixels. Other arguments and errors as `stylize`.
    """
    return plan_reconstruct(image, layer, recipe, start=start, **settings).finish()

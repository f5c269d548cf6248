"""What settings apply to: one that would have no effect is refused."""

from typing import Any

from impasto.errors import SettingsError
from impasto.settings import recipes
from impasto.settings.fields import FAST_ONLY, OF_PLACES, Settings, heeded

_NOT_RECONSTRUCTED = ("style_scale", "places_weight", *OF_PLACES)
"""Settings of paintings, which a reconstruction has none of."""


def chosen_settings(recipe: str, settings: dict[str, Any], task: str = "stylize") -> Settings:
    """The settings of a recipe with some replaced. Raises SettingsError also for those that would have no effect."""
    chosen = recipes.recipe(recipe).changed(**settings)
    given = {name for name, value in settings.items() if value is not None}
    if task == "stylize":
        where, idle = f"--method {chosen.method}", {name for name in given if not heeded(name, chosen.method)}
    else:
        where, idle = (
            task,
            given
            & {
                *FAST_ONLY,
                "palette",
                "keep_colour",
                "places_photo",
                "protect",
                *(_NOT_RECONSTRUCTED if task == "reconstruct" else ()),
            },
        )
    if idle:
        raise SettingsError(f"--{min(idle).replace('_', '-')} has no effect on {where}: leave it out.")
    if chosen.places_weight == 0 and (idle := given & {*OF_PLACES}):
        raise SettingsError(
            f"--{min(idle).replace('_', '-')} has no effect without --places-weight: give both or neither."
        )
    if chosen.keep_colour != "none" and "palette" in given:
        raise SettingsError("--palette has no effect where colours are kept: leave out --palette or --keep-colour.")
    if chosen.method == "fast" and recipe != "default":
        raise SettingsError(f"The recipe {recipe} is for the optimiser: leave out --method fast or --recipe.")
    return chosen

"""What settings apply to, as they declare it: one that would have no effect is refused."""

import re
from collections.abc import Collection
from dataclasses import Field, fields
from typing import Any

from impasto.errors import SettingsError
from impasto.settings import recipes
from impasto.settings.fields import Settings
from impasto.settings.setting import INPUTS, STYLIZE, WAYS

_FIELDS = {declared.name: declared for declared in fields(Settings)}


def fields_of(*ways: str, inputs: Collection[str] = INPUTS) -> "list[Field[Any]]":
    """The settings that may have an effect in one of these ways, where of `INPUTS` these alone are given."""
    missing = {*INPUTS} - {*inputs}
    return [
        declared
        for declared in _FIELDS.values()
        if {*ways} & {*declared.metadata["of"]} and not any(missing >= {*need} for need in declared.metadata["needs"])
    ]


def group_of(name: str) -> str:
    """`LOOK` or `RUN`."""
    group: str = _FIELDS[name].metadata["group"]
    return group


def idle(name: str, settings: Settings, way: str, inputs: Collection[str] = ()) -> str | None:
    """Why a setting has no effect on a way among these ``settings`` and `INPUTS`; None where it has one."""
    declared = _FIELDS[name].metadata
    if way not in declared["of"]:
        return f"`{name}` has no effect on {f'`method` {way}' if way in STYLIZE else way.replace('-', ' ')}"
    for need in declared["needs"]:
        if not any(_met(option, settings, way, inputs) for option in need):
            return f"`{name}` has no effect {' or '.join(filter(None, map(_told, need)))}"
    return None


def chosen_settings(
    recipe: str, settings: dict[str, Any], task: str = "stylize", inputs: Collection[str] = ()
) -> Settings:
    """The settings of a recipe with some replaced. Raises SettingsError also for idle ones."""
    chosen = recipes.recipe(recipe).changed(**settings)
    way = chosen.method if task == "stylize" else task
    for name, value in settings.items():
        if value is not None and (why := idle(name, chosen, way, inputs)):
            raise SettingsError(f"{why}: leave it out.")
    if chosen.method == "fast" and recipe != "default":
        raise SettingsError(f"The recipe {recipe} is for the optimiser: leave out `method` fast or `recipe`.")
    return chosen


def _met(option: str, settings: Settings, way: str, inputs: Collection[str]) -> bool:
    other, sign, value = _parted(option)
    if other not in _FIELDS:
        return other == way or other in inputs
    if idle(other, settings, way, inputs):
        return False
    own = getattr(settings, other)
    return bool(own) if not sign else (own == value) == (sign == "=")


def _told(option: str) -> str:
    other, sign, value = _parted(option)
    if other in WAYS:
        return ""
    return f"{'with' if sign == '!=' else 'without'} `{other}`{value and f' {value}'}"


def _parted(option: str) -> tuple[str, str, str]:
    """``scales!=single`` -> ("scales", "!=", "single")."""
    other, sign, value = re.split(r"(!?=|$)", option, maxsplit=1)
    return other, sign, value

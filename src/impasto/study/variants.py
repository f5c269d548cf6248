"""The variants of a study: a grid of settings over recipes, or the report's own experiments."""

import hashlib
import itertools
import math
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from impasto.errors import SettingsError, did_you_mean
from impasto.settings import recipes
from impasto.settings.applies import group_of, idle
from impasto.settings.fields import Settings
from impasto.settings.parse import written
from impasto.settings.setting import RUN
from impasto.settings.style_names import key

MOST = 10_000
"""More variants than this are nobody's intention."""

_LISTS = ("style_layers", "content_layers", "places_layers", "scales", "protect")
"""Settings whose values have commas of their own."""


@dataclass(frozen=True)
class Variant:
    """One run of a study: a recipe with ``settings`` on top, and the iterations at which its picture is
    kept.
    """

    name: str
    recipe: str
    settings: Mapping[str, Any]
    snapshots: tuple[int, ...] = ()

    def resolved(self) -> Settings:
        """All its settings. Raises SettingsError."""
        return recipes.recipe(self.recipe).changed(**self.settings)

    @property
    def folder(self) -> str:
        """Its name as that of a folder."""
        name = self.name.replace(", ", ",")
        plain = re.sub(r"[^\w.=,+-]", "-", name)[:80]
        told = hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()[:8]
        return plain if plain == name else f"{plain}-{told}"

    def differences(self, base: Settings) -> dict[str, str]:
        """The settings that have an effect in which it differs from ``base``, as they are given on the
        command line.
        """
        own, other = self.resolved(), base.dictionary()
        return {
            name: written(name, value)
            for name, value in own.dictionary().items()
            if value != other[name] and not idle(name, own, own.method)
        }

    def command(self, content: str, style: str) -> str:
        """What makes the same picture."""
        words = ["impasto", "stylize", content, style, "-o", f"{self.folder}.png"]
        if self.recipe != "default":
            words += ["--recipe", self.recipe]
        resolved = self.resolved().dictionary()
        for name, value in self.settings.items():
            option = "--" + name.replace("_", "-")
            if isinstance(chosen := resolved[name], bool):  # which is there or not
                words += [option] * chosen
            else:
                words += [option, written(name, value)]
        if self.snapshots:
            words += ["--snapshots", ",".join(map(str, self.snapshots))]
        return shlex.join(words)


def parse_sweep(text: str) -> tuple[str, list[str]]:
    """``tv-weight=0,30`` -> ("tv_weight", ["0", "30"]). Raises SettingsError.

    Values are separated by commas, or by semicolons where there is one, and always where a value is a list
    itself.
    """
    name, _, tail = text.partition("=")
    name = name.strip().removeprefix("--").replace("-", "_")
    values = [value.strip() for value in tail.split(";" if ";" in tail or name in _LISTS else ",")]
    if not name or not all(values):
        raise SettingsError(f"`sweeps` takes a setting with values, like tv_weight=0,30, not {text!r}.")
    return name, values


def grid(
    sweeps: Mapping[str, Sequence[Any]], of_recipes: Sequence[str], settings: Mapping[str, Any]
) -> tuple[list[Variant], Settings]:
    """Every recipe with every combination of the swept values, and the base they are compared with.

    ``settings`` hold for all variants, as far as they have an effect on them. Raises SettingsError.
    """
    known = Settings().dictionary()
    for name, values in sweeps.items():
        if name not in known:
            raise SettingsError(f"There is no setting {name!r} to sweep: {did_you_mean(name, known)}")
        if len(values) == 0:  # not by its truth, which arrays have not
            raise SettingsError(f"The sweep of `{name}` has no values: give some, like tv_weight=0,30.")
        if name in settings:
            raise SettingsError(f"`{name}` is swept and set at once: leave one of them out.")
    count = len(of_recipes) * math.prod(len(values) for values in sweeps.values())
    if count > MOST:
        raise SettingsError(f"The grid has {count} variants: {MOST} are the most.")
    if count < 2:
        raise SettingsError(
            "A study compares at least two variants: give `sweeps` with several values, or `preset` report."
        )
    variants = []
    for recipe, *chosen in itertools.product(of_recipes, *sweeps.values()):
        swept = dict(zip(sweeps, chosen, strict=True))
        parts = [recipe] if len(of_recipes) > 1 else []
        parts += [f"{name}={written(name, value)}" for name, value in swept.items()]
        variants.append(_variant(", ".join(parts), recipe, swept, settings))
    if "seed" in sweeps:
        _refuse_without_chance(variants)
    _refuse_twins(variants)
    return _used(variants, settings), recipes.recipe(of_recipes[0]).changed(**settings)


_REPORT = {
    "plain": ("tutorial", {}),
    "strong-style": ("tutorial-strong-style", {}),
    "high-TV": ("tutorial-high-tv", {}),
    "low-TV": ("tutorial-low-tv", {}),
    "tuned": ("statistics", {}),
    "fast": ("default", {"method": "fast"}),
}
"""The experiments of the course report that Impasto grew from, in its order."""

_REPORT_SIZE = 384
_REPORT_MOMENTS = (0.2, 0.3, 0.6, 0.7, 0.8)
"""When the report shows its pictures: 200, 300, 600, 700 and 800 of 1000 iterations."""


def report(settings: Mapping[str, Any]) -> tuple[list[Variant], Settings]:
    """The experiments of the course report, and their base, the plain model.

    ``settings`` say how to run, for what the pictures look like is the experiment. Raises SettingsError.
    """
    for name in settings:
        if name == "method" or group_of(name) != RUN:
            raise SettingsError(f"The preset report sets `{name}` itself, for that is its experiment: leave it out.")
    given = {"size": _REPORT_SIZE} | dict(settings)
    variants = [_variant(name, recipe, own, given) for name, (recipe, own) in _REPORT.items()]
    shown = [
        replace(each, snapshots=tuple(sorted({round(moment * iterations_of(each)) for moment in _REPORT_MOMENTS})))
        if each.recipe.startswith("tutorial")
        else each
        for each in variants
    ]
    return _used(shown, given), shown[0].resolved()


PRESETS = {"report": report}


def chosen(
    sweeps: Mapping[str, Sequence[Any]], of_recipes: Sequence[str], preset: str | None, settings: Mapping[str, Any]
) -> tuple[list[Variant], Settings]:
    """The variants of a preset, or else of a grid, and their base. Raises SettingsError, also for both."""
    if preset is None:
        return grid(sweeps, of_recipes, settings)
    if preset not in PRESETS:
        raise SettingsError(f"There is no preset {preset!r}: {did_you_mean(preset, PRESETS)}")
    if sweeps or tuple(of_recipes) != ("default",):
        raise SettingsError(f"The preset {preset} has its own variants: leave out `sweeps` and `recipes`.")
    return PRESETS[preset](settings)


def iterations_of(variant: Variant) -> int:
    """How many iterations it has at most; 0 for the fast method."""
    settings = variant.resolved().effective()
    return 0 if settings.method == "fast" else settings.iterations


def _variant(name: str, recipe: str, own: Mapping[str, Any], shared: Mapping[str, Any]) -> Variant:
    chosen = recipes.recipe(recipe).changed(**{**shared, **own})
    heeded = {key: value for key, value in shared.items() if not idle(key, chosen, chosen.method)}
    return Variant(name, recipe, heeded | dict(own))


def _used(variants: list[Variant], settings: Mapping[str, Any]) -> list[Variant]:
    """The variants, once it is known that every setting has an effect on one of them."""
    for name in settings:
        if not any(name in each.settings for each in variants):
            raise SettingsError(f"`{name}` has no effect on any variant of this study: leave it out.")
    return variants


def _refuse_without_chance(variants: Iterable[Variant]) -> None:
    """A seed may be given wherever there is one, so that it can be relied on; but to sweep it where nothing
    follows from it makes one picture again and again.
    """
    for each in variants:
        settings = each.resolved()
        if settings.method != "iterative" or settings.init != "noise":
            raise SettingsError(
                f"`seed` is swept, and nothing is random in {each.name!r}: start from `init` noise, or leave it out."
            )


def _refuse_twins(variants: Iterable[Variant]) -> None:
    seen: dict[str, str] = {}
    for each in variants:
        for same, what in (
            (repr(each.resolved().dictionary()), "are the same"),
            (key(each.folder), "are called alike, as file systems see it"),
        ):
            if same in seen:
                raise SettingsError(f"The variants {seen[same]!r} and {each.name!r} {what}: leave one of them out.")
            seen[same] = each.name

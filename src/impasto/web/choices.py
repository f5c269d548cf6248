"""What can be chosen, derived from how settings are declared."""

from typing import Any, Literal, get_args, get_origin

from impasto.settings.applies import fields_of
from impasto.settings.fields import MACHINES, NETWORKS, STARTS, Settings
from impasto.settings.parse import plain
from impasto.settings.recipes import RECIPES, recipe
from impasto.settings.setting import STYLIZE
from impasto.web.models import Choices, LearntNetwork, Recipe, Setting

TASKS = ("stylize", "texture", "video")
ABSENT = (*MACHINES, "allow_truncated")
"""What whoever runs the studio decides; and what is cut off is refused as it is sent, whatever is asked."""
FILMED = tuple(each.name for each in fields_of("video", inputs=()) if each.name not in (*ABSENT, "method"))
"""Those of a film, which is painted by the fast method here."""
WORDS = {"init": STARTS, "network": ("auto", *NETWORKS)}
"""Settings that elsewhere may also be files."""

_FIELDS = [each for each in fields_of(*STYLIZE, "texture", "video") if each.name not in ABSENT]
OFFERED = tuple(each.name for each in _FIELDS)
_KINDS: dict[Any, Literal["number", "integer", "bool"]] = {float: "number", int: "integer", bool: "bool"}


def choices(networks: list[LearntNetwork]) -> Choices:
    """All that can be chosen, with these networks."""
    return Choices(
        tasks=list(TASKS),
        methods=list(STYLIZE),
        recipes=[Recipe(name=name, values=_values(settings)) for name, settings in RECIPES.items()],
        networks=networks,
        settings=[_setting(each) for each in _FIELDS],
    )


def _values(settings: Settings) -> dict[str, Any]:
    return {name: value for name, value in settings.dictionary().items() if name in OFFERED}


def _setting(declared: Any) -> Setting:
    named = get_args(declared.type) if get_origin(declared.type) is Literal else WORDS.get(declared.name)
    told = declared.metadata
    return Setting(
        name=declared.name,
        help=told["help"],
        group=told["group"],
        type="choice" if named else _KINDS.get(declared.type, "text"),
        default=plain(getattr(recipe("default"), declared.name)),
        least=told["least"],
        most=told["most"],
        choices=list(named) if named else None,
        of=[way for way in told["of"] if way in (*STYLIZE, "texture") or (way == "video" and declared.name in FILMED)],
        needs=told["needs"],
    )

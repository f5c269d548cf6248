"""Write the page of all settings, as they are declared: docs/settings.md.

python scripts/settings_table.py
"""

from dataclasses import Field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from impasto.cli.said import with_dashes
from impasto.settings.fields import Settings
from impasto.settings.parse import written
from impasto.settings.recipes import RECIPES
from impasto.settings.setting import LOOK, RUN, WAYS

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"

_HEAD = """# All settings

Written by `scripts/settings_table.py` from the declarations in `src/impasto/settings/fields.py`; a test holds it to them. A setting is an option of the command line (`--tv-weight`), a keyword in Python (`tv_weight=`),
a key of a [job](using.md#jobs) and something to sweep in a [study](using.md#studies). Where it has no effect, it is refused.

*Of* tells in which ways of working it has an effect: the three methods of `stylize`, the tasks `texture` and `reconstruct`, `train`, and `video`; and what of other settings it needs there. The value that holds where none is given is
that of the recipe `default`; [recipes.md](recipes.md) says what others have, as `statistics`, which trainings begin from, and `texture`.
"""


def page() -> str:
    """The page, in Markdown."""
    parts = [_HEAD]
    for group, title in ((LOOK, "What the picture looks like"), (RUN, "How it is computed")):
        rows = [_row(declared) for declared in fields(Settings) if declared.metadata["group"] == group]
        parts.append(
            "\n".join(
                [f"## {title}", "", "| option | values | default | of | what it is |", "|---|---|---|---|---|", *rows]
            )
            + "\n"
        )
    return "\n".join(parts)


def _row(declared: "Field[Any]") -> str:
    option = with_dashes(f"`{declared.name}`")
    value = getattr(RECIPES["default"], declared.name)
    cells = [
        f"`{option}`",
        _values(declared),
        f"`{written(declared.name, value) or 'none'}`",
        _of(declared),
        with_dashes(declared.metadata["help"]),
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _values(declared: "Field[Any]") -> str:
    if get_origin(declared.type) is Literal:
        return ", ".join(f"`{each}`" for each in get_args(declared.type))
    kinds = {int: "a whole number", float: "a number", bool: "given or not"}
    if declared.type not in kinds:
        return "see right"
    least, most = declared.metadata["least"], declared.metadata["most"]
    bounds = f", {least} to {most}" if most is not None else f", at least {least}" if least is not None else ""
    return kinds[declared.type] + bounds


def _of(declared: "Field[Any]") -> str:
    of = declared.metadata["of"]
    ways = "all" if len(of) == len(WAYS) else ", ".join(of)
    needs = [" or ".join(map(_need, options)) for options in declared.metadata["needs"]]
    return ways + "".join(f"; with {each}" for each in needs)


def _need(option: str) -> str:
    name, *value = option.replace("!=", " other than ").replace("=", " ").split(" ", 1)
    return f"in {name}" if name in WAYS else " ".join(["`" + with_dashes(f"`{name}`") + "`", *value])


if __name__ == "__main__":
    PAGE.write_text(page())

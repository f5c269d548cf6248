"""How commands show what they take, and what they say of arguments that they do not: one sentence, as of all
that goes wrong.
"""

import itertools
import sys
from typing import Any, Never

from typer.core import TyperCommand, TyperGroup

from impasto.cli.options import MISUSED
from impasto.cli.said import stderr
from impasto.errors import did_you_mean
from impasto.settings.setting import LOOK, RUN

_COMMON = "Options"
"""The group of options that say for themselves no other."""

_WANTED = (
    "output", "size", "strength", "quality", "method", "keep_colour", "protect", "style_scale", "region", "style_index",
    "style_file", "memory", "recipe",
)  # fmt: skip
"""The options that most people want come first, whatever group they say, in this order."""

_KINDS = {int: "a whole number", float: "a number"}


class Command(TyperCommand):
    """A command whose help has a paragraph for every group of options."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        groups: dict[str, list[tuple[str, str]]] = {"Arguments": [], _COMMON: [], LOOK: [], RUN: []}
        for param in sorted(self.get_params(ctx), key=_rank):
            if row := param.get_help_record(ctx):
                if param.param_type_name == "argument":
                    groups["Arguments"].append((param.metavar or param.name, row[1]))
                else:
                    group = None if param.name in _WANTED else getattr(param, "rich_help_panel", None)
                    groups.setdefault(group or _COMMON, []).append(row)
        for name, rows in groups.items():
            if rows:
                with formatter.section(name):
                    formatter.write_dl(rows, col_max=24)


class Commands(TyperGroup):
    """The commands, and `help` in front of any of them."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args[:1] == ["help"]:
            args = [*itertools.takewhile(lambda each: not each.startswith("-"), args[1:]), "--help"]
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        known = self.list_commands(ctx)
        if not ctx.resilient_parsing and args[0] not in known:
            ctx.fail(f"There is no command {args[0]!r}: {did_you_mean(args[0], known)}")
        return super().resolve_command(ctx, args)

    def main(self, *args: Any, **options: Any) -> Any:
        """Carry out a command and leave with its exit code; what is asked wrongly is said in a sentence."""
        try:
            code = super().main(*args, **options | {"standalone_mode": False})
        except Exception as error:
            if not hasattr(error, "format_message"):
                raise
            _refuse(error)
        sys.exit(code if isinstance(code, int) else 0)


def _rank(param: Any) -> int:
    return _WANTED.index(param.name) if param.name in _WANTED else len(_WANTED)


def _refuse(error: Any) -> Never:
    """Say what is wrong with the arguments, and leave."""
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        print(error.format_message())
    else:
        more = f" `{context.command_path} --help` tells more." if context else ""
        stderr.print(f"impasto: {_told(error)}{more}", markup=False)
    raise SystemExit(MISUSED)


def _told(error: Any) -> str:
    """One sentence about arguments that cannot be understood. What typer raises is told by what it knows and
    not by its class, which is typer's own business.
    """
    if hasattr(error, "possibilities"):
        meant = f": {did_you_mean(error.option_name, error.possibilities)}" if error.possibilities else "."
        return f"There is no option {error.option_name} here{meant}"
    if hasattr(error, "option_name"):
        return f"{error.option_name} needs a value."
    if (param := getattr(error, "param", None)) is None:
        return str(error.format_message())
    named = param.opts[-1] if param.param_type_name == "option" else param.metavar or param.name
    if not error.message:
        return f"{named} is missing."
    kind = next((told for each, told in _KINDS.items() if param.type_descriptor.annotation in (each, each | None)), "")
    if not kind or not hasattr(error.__cause__, "errors"):
        return f"{named}: {error.message}"
    return f"{named} must be {kind}{_bounds(param.min, param.max)}, not {error.__cause__.errors()[0]['input']!r}."


def _bounds(least: float | None, most: float | None) -> str:
    if least is None:
        return "" if most is None else f" up to {most}"
    return f" of at least {least}" if most is None else f" from {least} to {most}"

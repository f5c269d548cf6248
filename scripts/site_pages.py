"""Called by mkdocs (mkdocs.yml): brings the pages into the site, where they lie as in the repository, so that
every link in them leads to the same place here and there. The reference is made while the site is built: of
commands from their own help, of the library from its docstrings.
"""

import base64
import json
import re
from pathlib import Path
from typing import Any

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

import impasto
from impasto.cli import app

ROOT = Path(__file__).parents[1]
ALONE = ("README.md", "README.zh-CN.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", "NOTICE")
WIDTH = 72
"""Columns of a command's help."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """All pages and pictures of the site."""
    for path in [*(ROOT / name for name in ALONE), *sorted((ROOT / "docs").iterdir())]:
        files.append(File.generated(config, path.relative_to(ROOT).as_posix(), abs_src_path=str(path)))
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for name, content in notebook(path).items():
            files.append(File.generated(config, f"notebooks/{name}", content=content))
    files.append(File.generated(config, "reference/commands.md", content=commands()))
    files.append(File.generated(config, "reference/python.md", content=python()))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """A page, whose links to a notebook lead to the page that is made of it."""
    return re.sub(r"(\]\([^)]*)\.ipynb\)", r"\1.md)", markdown)


def notebook(path: Path) -> dict[str, str | bytes]:
    """A notebook as a page, and its pictures, by their names."""
    made: dict[str, str | bytes] = {}
    parts = []
    for cell in json.loads(path.read_text())["cells"]:
        text = "".join(cell["source"])
        parts.append(text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```")
        for output in cell.get("outputs", ()):
            if picture := output.get("data", {}).get("image/jpeg"):
                name = f"{path.stem}-{len(made) + 1}.jpg"
                made[name] = base64.b64decode(picture)
                parts.append(f"![What this code shows]({name})")
            elif "text" in output:
                parts.append(f"```text\n{''.join(output['text'])}\n```")
    return made | {f"{path.stem}.md": "\n\n".join(parts)}


def commands() -> str:
    """The page of all commands."""
    parts = [
        "# Commands\n\nWhat `impasto COMMAND --help` prints. [All settings](../docs/settings.md) tells more of each."
    ]

    def told(command: Any, name: str, parent: Any = None) -> None:
        context = typer.Context(command, info_name=name, parent=parent, terminal_width=WIDTH, max_content_width=WIDTH)
        title = context.command_path
        parts.append(f"## {title}\n\n```text\n{command.get_help(context)}\n```")
        for each, own in getattr(command, "commands", {}).items():
            told(own, each, context)

    told(typer.main.get_command(app), "impasto")
    return "\n\n".join(parts) + "\n"


def python() -> str:
    """The page of the library, which mkdocstrings fills."""
    homes = {name: home for home, names in impasto._HOMES.items() for name in names}
    parts = [
        "# Python\n\nAll that `import impasto` offers. [What it promises](../docs/using.md#from-python) is told with the rest of its use."
    ]
    errors = [name for name in homes if name.endswith("Error")]
    values = sorted({name for name in homes if name[0].isupper()} - {*errors})
    functions = sorted(name for name in homes if name[0].islower())
    for title, names in (("Functions", functions), ("Classes and values", values), ("Errors", errors)):
        parts += [f"## {title}", *(f"::: {homes[name]}.{name}" for name in names)]
    return "\n\n".join(parts) + "\n"

"""The page knows every sentence that the studio says, in Chinese."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import impasto

ROOT = Path(impasto.__file__).parent
TABLE = Path(__file__).parents[1] / "page/src/text/sentences.zh.json"
TO_WHOEVER_STARTS_IT = {"app.py", "config.py", "folder.py", "metrics.py", "server.py", "studio.py"}
"""Files of web/ whose sentences no page hears."""


def templates(path: Path) -> Iterator[str]:
    """The strings of a file that are said: no docstrings, no descriptions; what is filled in is {}."""
    tree = ast.parse(path.read_text())
    silent: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr | ast.keyword | ast.FormattedValue):
            silent.add(id(node.value))
        elif isinstance(node, ast.JoinedStr):
            silent |= {id(each) for each in node.values}
        elif isinstance(node, ast.Dict):
            silent |= {
                id(value)
                for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant) and key.value == "description"
            }
    for node in ast.walk(tree):
        if id(node) in silent:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(each.value if isinstance(each, ast.Constant) else "{}" for each in node.values)  # type: ignore[misc]


def sentences(folder: Path) -> set[str]:
    return {
        said
        for path in folder.rglob("*.py")
        if not (folder.name == "web" and path.name in TO_WHOEVER_STARTS_IT)
        for said in templates(path)
        if re.search(r"[a-z].* .*(\.|: \{\})$", said)
    }


def test_every_sentence_is_known() -> None:
    told = json.loads(TABLE.read_text())
    own = sentences(ROOT / "web")
    # Two sentences are put together of a choice of words.
    own.remove("This {} and was given up: take a smaller picture.")
    for why in ("took longer than {} s", "took more memory than it may"):
        own.add(f"This {why} and was given up: take a smaller picture.")
    assert len(own) > 40 and own - set(told) == set()
    others = set().union(*(sentences(ROOT / folder) for folder in ("jobs", "pictures", "tasks")))
    assert set(told) - own - others == set()  # what nobody says any more
    for english, chinese in told.items():
        assert english.count("{}") == chinese.count("{}"), english
        assert re.search("[\u4e00-\u9fff]", chinese), english

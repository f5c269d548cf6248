"""The page knows every sentence that the studio says, in Chinese."""

import ast
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import impasto
from impasto.pictures import kinds

ROOT = Path(impasto.__file__).parent
TOLD = json.loads((Path(__file__).parents[1] / "page/src/text/sentences.zh.json").read_text())
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


def saying(templates: Iterable[str]) -> re.Pattern[str]:
    """What is said where something is filled in."""
    return re.compile("|".join(re.escape(each).replace(r"\{\}", ".*") for each in templates), re.DOTALL)


def test_every_sentence_is_known() -> None:
    own = sentences(ROOT / "web")
    # Two sentences are put together of a choice of words.
    own.remove("This {} and was given up: take a smaller one.")
    for why in ("took longer than {} s", "took more memory than it may"):
        own.add(f"This {why} and was given up: take a smaller one.")
    assert len(own) > 40 and own - set(TOLD) == set()


def test_what_is_no_picture_here_is_known() -> None:
    known = saying(TOLD)
    for *_, what, advice in kinds._OTHERS:
        assert known.fullmatch(sentence := f"it is {what}: {advice}."), sentence


def test_nothing_is_known_that_nobody_says() -> None:
    said: set[str] = set()
    for floor in ("web", "jobs", "pictures", "tasks", "masks", "settings", "video"):
        for path in (ROOT / floor).rglob("*.py"):
            said |= {each for each in templates(path) if re.search("[a-z]{2}.* [a-z]{2}", each)}
    known = saying(said)
    assert {english for english in TOLD if not known.fullmatch(english)} == set()


def test_nothing_that_is_filled_in_is_lost() -> None:
    for english, chinese in TOLD.items():
        assert english.count("{}") == chinese.count("{}"), english
        assert re.search("[\u4e00-\u9fff]", chinese), english

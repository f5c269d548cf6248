"""What lies where a batch remembers and is not its own: claims of nobody, of the future, or of no file."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from impasto.batch.ledger import Ledger
from impasto.errors import OutputError
from impasto.jobs.claims import Claims, _claim
from impasto.jobs.shared import Folder


@pytest.mark.parametrize("name", [b"\xff\xfe\x80", b"x" * 10**6, b"../../out", b"a\0b", b"..", b"\x1b[31m"])
def test_claims_of_nobody_are_good_for_a_minute(tmp_path: Path, name: bytes) -> None:
    (tmp_path / "out.worker").touch()  # which no path may lead to
    folder = tmp_path / "a" / "claims"
    with Claims(Folder(folder), beat=60, stale=50) as worker:
        claim = folder / _claim("a", 1)
        claim.write_bytes(name)
        assert worker.take("a") is None
        os.utime(claim, (1, 1))
        assert worker.take("a") == 2
        worker.give_back("a")
        assert worker.take("a") == 1


def test_nobody_claims_from_the_future(tmp_path: Path) -> None:
    with Claims(Folder(tmp_path), beat=60, stale=50) as ahead, Claims(Folder(tmp_path), beat=60, stale=50) as worker:
        assert ahead.take("a") == 1 and worker.take("a") is None
        os.utime(tmp_path / f"{ahead._name}.worker", (4e9, 4e9))
        assert worker.take("a") == 2


@pytest.mark.parametrize(("kind", "word"), [("folder", "folder"), ("pipe", "pipe"), ("link", "leads nowhere")])
def test_what_is_no_claim_fails_its_item_and_keeps_nobody_waiting(tmp_path: Path, kind: str, word: str) -> None:
    claim = tmp_path / _claim("a", 1)
    make: dict[str, Callable[[], None]] = {
        "folder": claim.mkdir,
        "pipe": lambda: os.mkfifo(claim),
        "link": lambda: claim.symlink_to("nowhere"),
    }
    make[kind]()
    with Claims(Folder(tmp_path), beat=60, stale=50) as worker:
        with pytest.raises(OutputError, match=word):
            worker.take("a")
        assert worker.take("b") == 1


@pytest.mark.parametrize("at", [10**400, -(10**400), float("nan"), float("inf"), True, "1", None, [1]])
def test_lists_of_failures_from_any_time_are_settled(tmp_path: Path, at: Any) -> None:
    row = {"output": "a.png", "content": "a.jpg", "pattern": "", "seen": None, "error": "E", "reason": "", "at": 1.0}
    (tmp_path / "errors.jsonl").write_text("".join(json.dumps(each) + "\n" for each in (row | {"at": at}, row)))
    Ledger(tmp_path).settle({"a.png"})
    (kept,) = (tmp_path / "errors.jsonl").read_text().splitlines()
    assert json.loads(kept)["output"] == "a.png"

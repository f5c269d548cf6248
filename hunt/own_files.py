"""Mutations of the files that Impasto writes for itself to read, and what reading them may come to.

`mutants` gives as many as are wanted of a sound file, the same for a seed; `outcome` tells what became of
one. Whoever hunts for longer asks for more of them.
"""

import json
import random
import resource
import shutil
import struct
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import impasto
from impasto.errors import ImpastoError
from impasto.jobs.deliver import job_of
from impasto.jobs.job import Job
from impasto.machine import checkpoint
from impasto.networks.codes import StyleCode
from impasto.networks.contract import load_network
from impasto.tasks.run import Run
from tests.helpers import photo

KEPT = Path(__file__).parents[1] / "tests" / "format1"
"""One small file of each kind, written by the first version. They are never to be written anew."""

_NUMBERS = (0, -1, 1, 2**31, 2**63, 2**70, 1e308, 5e-324, float("nan"), float("inf"), 10**400)
_ODD: tuple[Any, ...] = (
    *_NUMBERS, None, True, "", "\ud800", "\x1b[31m", "x" * 5000, [], {}, [[]], {"tensor": 0}, "/dev/zero", "../../x",
)  # fmt: skip


def readers(folder: Path) -> dict[Path, Callable[[Path], object]]:
    """A sound file of every kind, in a folder, with what reads such files."""
    shutil.copytree(KEPT, folder, dirs_exist_ok=True)
    job = Job("stylize", "a.png", (("b.png", 1.0),), settings={"size": 64, "protect": {"faces": 0.5}}).dictionary()
    (folder / "job.json").write_text(json.dumps(job))
    (folder / "record.json").write_text(json.dumps({"impasto": "0.1.0", "job": job, "inputs": ["a.png"]}))
    run = reconstruction()
    named: dict[str, Callable[[Path], object]] = {
        "multi.safetensors": load_network,
        "any.safetensors": load_network,
        "fitted.safetensors": StyleCode.load,
        "run.checkpoint": run.resume,
        "training.checkpoint": checkpoint.load,
        "job.json": lambda path: Job.read(path.read_text(errors="surrogateescape")),
        "record.json": job_of,
    }
    return {folder / name: read for name, read in named.items()}


def reconstruction() -> Run:
    """The run that `run.checkpoint` is of."""
    return impasto.plan_reconstruct(
        photo(16, 16), "relu1_1", size=16, iterations=4, optimizer="adam", precision="float32", scales=(16,)
    )


def mutants(whole: bytes, count: int, seed: int) -> Iterator[bytes]:
    """A sound file, changed: its bits, its length, its parts, and the JSON that it holds."""
    chance = random.Random(seed)
    ways: list[Callable[[bytes, random.Random], bytes]] = [_flipped, _cut, _spliced]
    ways += 3 * [_archive if whole[:2] == b"PK" else _tensors if whole[8:9] == b"{" else _text]
    for _ in range(count):
        changed = chance.choice(ways)(whole, chance)
        yield _flipped(changed, chance) if chance.random() < 0.1 else changed


def outcome(read: Callable[[], object], longest: float = 10.0, room: int = 2**29) -> str:
    """What reading comes to: "read", or the name of the ImpastoError. Raises AssertionError for any other
    error, for more than so many seconds, and for a peak of memory that is ``room`` bytes above the former.
    """
    before, began = _peak(), time.monotonic()
    try:
        read()
        found = "read"
    except ImpastoError as error:
        said = str(error)
        assert len(said) < 20_000 and "\x1b" not in said, f"an unreadable message: {said[:300]!r}"
        found = type(error).__name__
    except Exception as error:
        raise AssertionError(f"a foreign error: {type(error).__name__}: {str(error)[:300]}") from error
    took = time.monotonic() - began
    assert took < longest, f"it took {took:.0f} s"
    assert _peak() - before < room, f"it took {_peak() - before} bytes"
    return found


def within(seconds: float, read: Callable[[], object]) -> str:
    """The `outcome` of what may never come to an end, in a thread that is left behind then."""
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(outcome(read)), daemon=True)
    thread.start()
    thread.join(seconds)
    assert found, "it hangs, or was not told as it should be"
    return found[0]


def rewritten(path: Path, change: Callable[[Any], Any]) -> bytes:
    """A file whose JSON, as Python has it, is replaced by what ``change`` makes of it."""
    return _rewritten(path.read_bytes(), lambda text: json.dumps(change(json.loads(text))).encode())


def _rewritten(whole: bytes, change: Callable[[bytes], bytes]) -> bytes:
    if whole[:2] == b"PK":
        made = BytesIO()
        with zipfile.ZipFile(BytesIO(whole)) as source, zipfile.ZipFile(made, "w") as target:
            for entry in source.infolist():
                data = source.read(entry)
                target.writestr(entry.filename, change(data) if entry.filename == "state.json" else data)
        return made.getvalue()
    if whole[8:9] == b"{":
        length = struct.unpack("<Q", whole[:8])[0]
        header = change(whole[8 : 8 + length])
        return struct.pack("<Q", len(header)) + header + whole[8 + length :]
    return change(whole)


def _flipped(whole: bytes, chance: random.Random) -> bytes:
    data = bytearray(whole)
    for _ in range(chance.choice((1, 1, 3, 30))):
        if data:
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)


def _cut(whole: bytes, chance: random.Random) -> bytes:
    return whole[: chance.randrange(len(whole) + 1)]


def _spliced(whole: bytes, chance: random.Random) -> bytes:
    first, second, third = (chance.randrange(len(whole) + 1) for _ in range(3))
    return whole[:first] + whole[second : second + chance.choice((1, 8, 100))] + whole[third:]


def _text(whole: bytes, chance: random.Random) -> bytes:
    """JSON with something odd in one place."""
    try:
        data = json.loads(whole)
    except ValueError:
        return _flipped(whole, chance)
    if chance.random() < 0.05:
        return b'{"a":' * 100_000
    places: list[tuple[Any, Any]] = []
    _places(data, places)
    for _ in range(chance.choice((1, 1, 2))):
        if places:
            holder, key = chance.choice(places)
            way = chance.random()
            if way < 0.15 and isinstance(holder, dict):
                holder.pop(key, None)
            elif way < 0.3 and isinstance(holder, dict):
                holder[str(chance.choice(_ODD))] = chance.choice(_ODD)
            elif key in holder if isinstance(holder, dict) else key < len(holder):
                holder[key] = chance.choice(_ODD)
    return json.dumps(data).encode()


def _places(data: Any, found: list[tuple[Any, Any]]) -> None:
    if isinstance(data, (dict, list)):
        for key in data if isinstance(data, dict) else range(len(data)):
            found.append((data, key))
            _places(data[key], found)


def _tensors(whole: bytes, chance: random.Random) -> bytes:
    """A safetensors file with a changed header, or a changed design in it."""

    def change(header: bytes) -> bytes:
        told = json.loads(header)
        metadata = told.get("__metadata__", {})
        if "design" in metadata and chance.random() < 0.7:
            metadata["design"] = _text(metadata["design"].encode(), chance).decode()
            return json.dumps(told).encode()
        return _text(header, chance)

    return _rewritten(whole, change)


def _archive(whole: bytes, chance: random.Random) -> bytes:
    """A checkpoint with a changed state, or another tensor's bytes."""
    if chance.random() < 0.7:
        return _rewritten(whole, lambda text: _text(text, chance))
    made = BytesIO()
    with zipfile.ZipFile(BytesIO(whole)) as source, zipfile.ZipFile(made, "w") as target:
        for entry in source.infolist():
            data, way = source.read(entry), chance.random()
            if entry.filename.endswith(".bin") and way < 0.1:
                data = chance.choice((b"", data[:-1], bytes(len(data)), b"\xff" * len(data), data * 2))
            kind = zipfile.ZIP_DEFLATED if way > 0.97 else zipfile.ZIP_STORED
            target.writestr(entry.filename, data, kind)
    return made.getvalue()


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

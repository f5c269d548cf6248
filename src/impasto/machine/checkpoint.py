"""Checkpoints: the whole state of a run in one file, so that a later process goes on where an earlier one
ended.

A state is made of dictionaries, lists, plain values and tensors. The file is a zip archive: ``state.json``,
where every tensor is named by a number, and the tensors' bytes under those numbers, each with the checksum
that zip archives have. A tensor that occurs twice is stored once, and is one tensor again when it is read.
Nothing in it is executed, and nothing compressed: what it holds is no more than its size on the disk.
"""

import hashlib
import json
import math
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

from impasto.errors import CheckpointError, briefly
from impasto.machine import formats
from impasto.machine.files import opened, write_atomic

State = dict[str, Any]
"""Names -> dictionaries, lists, tensors, numbers, strings, booleans, None."""

_FORMAT = 1
"""The version of the form of checkpoints: it rises when an older Impasto could not read them rightly."""
_TENSOR = "tensor"
_DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.uint8, torch.int64)
}
_CHUNK = 2**24


def save(path: Path, state: State) -> None:
    """Write a state over whatever is there, whole or not at all. Raises OutputError."""
    tensors: list[Tensor] = []
    text = json.dumps(_flattened(state, tensors))

    def write(file: BinaryIO) -> None:
        # One by one and straight from their memory: together they can be half of what the run may take.
        with zipfile.ZipFile(file, "w") as archive:
            # Dated as it comes, 1980: a clock may say what zip archives cannot.
            archive.writestr(zipfile.ZipInfo("format"), str(_FORMAT))
            archive.writestr(zipfile.ZipInfo("state.json"), text)
            for index, tensor in enumerate(tensors):
                with archive.open(zipfile.ZipInfo(f"{index}.bin"), "w", force_zip64=True) as entry:
                    entry.write(_bytes(tensor.cpu()).data)

    write_atomic(path, write, force=True)


def load(path: Path, device: torch.device | str = "cpu") -> State:
    """The state in a file, its tensors on ``device``. Raises CheckpointError where there is none, or it is
    damaged.
    """
    try:
        with opened(path) as file, zipfile.ZipFile(file) as archive:
            room = file.seek(0, 2)
            for entry in archive.infolist():
                room -= entry.file_size
                if entry.compress_type != zipfile.ZIP_STORED or room < 0:
                    raise ValueError("it holds more than its size")
            told = archive.read("format").decode() if "format" in archive.namelist() else None
            formats.check_version(told, _FORMAT, path, CheckpointError)
            with archive.open("state.json") as entry_file:
                plain = formats.parsed(entry_file.read(formats.MOST_TEXT + 1), finite=False)  # losses may be so
            loaded: dict[int, Tensor] = {}
            return _restored(plain, archive, loaded, torch.device(device))  # type: ignore[no-any-return]
    except FileNotFoundError:
        raise CheckpointError(
            f"There is no checkpoint {path} to go on from: leave out `resume`, or name the output of the run that was cut off."
        ) from None
    except OSError as error:
        raise CheckpointError(
            f"The checkpoint {path} cannot be read ({briefly(error)}): see to it, or leave out `resume`."
        ) from error
    except (
        ValueError,
        KeyError,
        TypeError,
        EOFError,
        AttributeError,
        RuntimeError,
        OverflowError,
        zipfile.BadZipFile,
    ) as error:
        raise CheckpointError(
            f"The checkpoint {path} is damaged or none of Impasto ({briefly(error)}): delete it and leave out `resume`."
        ) from error


def digest(parts: Iterable[Tensor | float | None]) -> str:
    """The SHA-256 of what a run was given, by which it is known again."""
    found = hashlib.sha256()
    for part in parts:
        found.update(_bytes(part.cpu()).data if isinstance(part, Tensor) else repr(part).encode())
    return found.hexdigest()


def _flattened(value: Any, tensors: list[Tensor]) -> Any:
    """``value`` for JSON; its tensors are put aside."""
    if isinstance(value, Tensor):
        index = next((index for index, known in enumerate(tensors) if known is value), len(tensors))
        if index == len(tensors):
            tensors.append(value)
        return {_TENSOR: index, "dtype": str(value.dtype).removeprefix("torch."), "shape": list(value.shape)}
    if isinstance(value, dict):
        return {name: _flattened(entry, tensors) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_flattened(entry, tensors) for entry in value]
    return value


def _restored(value: Any, archive: zipfile.ZipFile, loaded: dict[int, Tensor], device: torch.device) -> Any:
    """The inverse of `_flattened`."""
    if isinstance(value, list):
        return [_restored(entry, archive, loaded, device) for entry in value]
    if not isinstance(value, dict):
        return value
    if _TENSOR not in value:
        return {name: _restored(entry, archive, loaded, device) for name, entry in value.items()}
    index = value[_TENSOR]
    if index not in loaded:
        shape, dtype, stored = value["shape"], _DTYPES[value["dtype"]], archive.getinfo(f"{index}.bin")
        if not all(type(side) is int and side >= 0 for side in shape):
            raise ValueError(f"tensor {index} has the shape {shape}")
        if math.prod(shape) * dtype.itemsize != stored.file_size:
            raise ValueError(f"tensor {index} has {stored.file_size} bytes, which is not what its shape {shape} takes")
        tensor = torch.empty(shape, dtype=dtype)
        with archive.open(stored) as entry:
            view, filled = _bytes(tensor).data, 0
            while part := entry.read(_CHUNK):  # which also compares the checksum, at the end
                view[filled : filled + len(part)] = part
                filled += len(part)
        loaded[index] = tensor.to(device)
    return loaded[index]


def _bytes(tensor: Tensor) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    """The tensor's memory, a view if it is contiguous."""
    return tensor.contiguous().view(-1).view(torch.uint8).numpy()

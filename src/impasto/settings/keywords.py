"""The settings as keywords, for those who check types: what `Settings` takes, as a test holds it to.

None leaves a setting as the recipe has it.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, TypedDict

Method = Literal["iterative", "fast", "refine"]
_Layers = str | Iterable[str] | Mapping[str, float] | None


class Others(TypedDict, total=False):
    """All of them but the method."""

    network: str | None
    style_weight: float | None
    content_weight: float | None
    places_weight: float | None
    tv_weight: float | None
    style_layers: _Layers
    content_layers: _Layers
    structure: float | None
    places_layers: _Layers
    places_photo: float | None
    last_pass: float | None
    finest_layer: str | None
    style_loss: (
        Literal[
            "moments", "gram", "mean-deviation", "mmd-linear", "mmd-poly", "mmd-gaussian", "wasserstein",
            "sliced-wasserstein", "nearest",
        ]
        | None
    )  # fmt: skip
    normalization: Literal["relative", "absolute"] | None
    tv_norm: Literal["l2", "l1"] | None
    pooling: Literal["max", "average"] | None
    padding: Literal["replicate", "zeros"] | None
    init: str | None
    palette: float | None
    keep_colour: Literal["none", "luminance", "linear", "histogram"] | None
    style_scale: str | float | Iterable[float] | None
    protect: str | Iterable[str] | Mapping[str, float] | None
    feather: float | None
    strength: float | None
    steady: Literal["light", "shots", "off"] | None
    steady_weight: float | None
    size: int | str | tuple[int, int] | None
    stroke_size: int | None
    memory: str | None
    scales: str | Iterable[int] | None
    iterations: int | None
    frame_iterations: int | None
    keyframes: int | None
    quality: Literal["draft", "normal", "fine"] | None
    optimizer: Literal["lbfgs", "adam"] | None
    history: int | None
    learning_rate: float | None
    adam_beta1: float | None
    adam_epsilon: float | None
    averaging: float | None
    allow_truncated: bool | None
    seed: int | None
    device: str | None
    precision: Literal["auto", "float32", "bfloat16", "tf32"] | None
    compile: Literal["auto", "on", "off"] | None


class Keywords(Others, total=False):
    """All settings."""

    method: Method | None

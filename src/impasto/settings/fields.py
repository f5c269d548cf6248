"""Settings, declared once.

A field of `Settings` is a setting everywhere: its name is the Python keyword and, with dashes, the option of the command
line; its type is what is accepted; its help text is shown by ``--help``; its value is what results are recorded with.
This module imports nothing heavy, so that help is quick.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any, Literal, get_args, get_origin

from impasto.errors import SettingsError, did_you_mean

Layers = Mapping[str, float]
"""Layer name -> its share in a loss; only the ratios count."""

QUALITIES = {"draft": 0.4, "normal": 1.0, "fine": 3.0}
"""How many times the iterations a quality spends. Measured: docs/performance.md, "Fewer steps"."""

Amounts = Mapping[str, float]
"""Mask -> how strongly what is white in it is protected, 0 to 1."""

USUAL_AMOUNT = 0.5
"""The amount of a mask that is named without one."""

FAST_ONLY = ("method", "network", "stroke_size")
"""The settings that only `stylize` knows, for its other methods than the optimiser alone."""

OF_PLACES = ("places_layers", "places_photo", "last_pass")
"""The settings that have an effect only where ``places_weight`` is above 0."""

HEEDED_BY_FAST = ("method", "network", "size", "stroke_size", "memory", "strength", "device", "precision")
"""The settings that the fast method heeds."""

NOT_TRAINED = (
    *FAST_ONLY,
    *(
        "keep_colour",
        "style_scale",
        "feather",
        "protect",
        "structure",
        "strength",
        "size",
        "memory",
        "scales",
        "iterations",
        "quality",
        "init",
    ),
    *("places_weight", *OF_PLACES),
    *("optimizer", "history", "learning_rate", "adam_beta1", "adam_epsilon", "averaging"),
)
"""The settings of pictures that training has no use for, or has its own of."""

NETWORKS = ("any", "multi", "arbitrary", "multistyle26")
"""The networks of the fast method that have a name (`networks.zoo.BUILT_IN`)."""

PREDICTING, LEARNT = NETWORKS[:2]
"""The networks of the fast method that serve where none is named: for paintings, and for learnt styles."""

_REFINE = 0.5
"""What the refine method spends of that, for its start has gone half the way: docs/fast.md."""

LOOK, RUN = "Look", "Run"
"""The two groups of settings: what the picture looks like, and how it is computed."""


def setting(
    default: Any,
    help: str,
    group: str = LOOK,
    above: float | None = None,
    below: float | None = None,
    *,
    repeats: str | None = None,
) -> Any:
    """A dataclass field with its help text, its group, and the bounds, inclusive, of its value.

    ``repeats`` is what each of the values is like, of an option that may be given again for another.
    """
    described = {"help": help, "group": group, "above": above, "below": below, "repeats": repeats}
    return field(default=default, metadata=described)


def heeded(name: str, method: str) -> bool:
    """Whether a setting has an effect on a method of `stylize`."""
    if method == "fast":
        return name in HEEDED_BY_FAST
    return name != "stroke_size" and (method, name) not in {("refine", "init"), ("iterative", "network")}


@dataclass(frozen=True)
class Settings:
    """Everything that decides what a run computes. The defaults are the recipe ``statistics``.

    Values are checked and brought to one form when a `Settings` is made; a value that makes no sense raises SettingsError.
    """

    method: Literal["iterative", "fast", "refine"] = setting(
        "iterative",
        "iterative: the optimiser. fast: one pass of a network, at once. refine: the optimiser, started from the fast result.",
        RUN,
    )
    network: str = setting(
        "auto",
        f"Network of the fast method: {', '.join(NETWORKS)} (docs/fast.md), or a file that impasto train has written.",
        RUN,
    )
    style_weight: float = setting(1.0, "Weight of the style loss.", above=0)
    content_weight: float = setting(0.4, "Weight of the content loss.", above=0)
    places_weight: float = setting(
        0.0,
        "Weight of the places loss: every place of the picture follows the place of the painting that is most like it.",
        above=0,
    )
    tv_weight: float = setting(5.0, "Weight of the total variation per pixel: more is smoother.", above=0)
    style_layers: Layers = setting(
        "relu1_1,relu2_1,relu3_1,relu4_1:0.7,relu5_1:0.5", "Layers that make the style, with shares: relu1_1,relu2_1:2."
    )
    content_layers: Layers = setting("relu3_2,relu4_2", "Layers that keep the content, with shares.")
    structure: float = setting(
        0.0,
        "How much of the content's weight goes to where the photograph has fine structure, as eyes, windows and lettering have, 0 to 1; the "
        "rest is for all places alike.",
        above=0,
        below=1,
    )
    places_layers: Layers = setting(
        "relu1_1/4,relu2_1/2,relu3_1,relu3_4,relu4_1",
        "Layers by which places are compared, with shares; relu1_1/4 is averaged over 4×4 positions.",
    )
    places_photo: float = setting(
        0.75,
        "How much of the photograph there is in what is compared with the painting's places, 0 to 1; the rest is the picture so far.",
        above=0,
        below=1,
    )
    last_pass: float = setting(
        0.2,
        "Where places count, the share of the iterations in which at last every layer seeks its places for itself: crisper strokes.",
        above=0,
        below=0.9,
    )
    style_loss: Literal[
        "moments",
        "gram",
        "mean-deviation",
        "mmd-linear",
        "mmd-poly",
        "mmd-gaussian",
        "wasserstein",
        "sliced-wasserstein",
        "nearest",
    ] = setting("moments", "What is compared of two styles: docs/losses.md.")
    normalization: Literal["relative", "absolute"] = setting(
        "relative", "Divide content and style losses by their target's own size, or take plain means of squares."
    )
    tv_norm: Literal["l2", "l1"] = setting("l2", "Total variation of squares (l2) or of absolute differences (l1).")
    pooling: Literal["max", "average"] = setting("max", "Pooling in the VGG19.")
    padding: Literal["replicate", "zeros"] = setting("replicate", "What the convolutions see beyond the border.")
    init: str = setting("content", "Start from: content, noise, style, or a picture file.")
    palette: float = setting(
        0.8,
        "How far the content's colours move towards the style's before its features are kept, 0 to 1.",
        above=0,
        below=1,
    )
    keep_colour: Literal["none", "luminance", "linear", "histogram"] = setting(
        "none",
        "Keep the content's colours: luminance paints in grey and tints it with them; linear and histogram paint with the style in the "
        "content's colours.",
    )
    style_scale: tuple[float, ...] = setting(
        (1.0,),
        "Size of the style pictures, and so of their strokes: 1 is as long as the picture, less is finer. One for all, or one for each: 1,0.5.",
    )
    protect: Amounts = setting(
        "",
        "Keep the drawing of faces, of people, or of what is white in a mask, with an amount from 0 to 1: faces, people:0.3, mask.png:0.8. "
        "Again for another.",
        repeats="MASK[:AMOUNT]",
    )
    feather: float = setting(
        0.0, "How softly the masks of regions are blurred: deviation over the long side.", above=0, below=0.2
    )
    strength: float = setting(
        0.5, "From the photo itself (0) over the recipe's own balance (0.5) to style above all (1).", above=0, below=1
    )
    size: int | str | tuple[int, int] = setting(
        "auto",
        "Long side in pixels, WIDTHxHEIGHT, which crops what overhangs, native (the content's own), or auto: 512, and 1024 for "
        "the fast method.",
        RUN,
    )
    stroke_size: int = setting(
        0,
        "Fast method: the long side at which the picture is painted before it is scaled to --size; less makes broader strokes. "
        "0 is --size itself.",
        RUN,
        above=0,
        below=2**15,
    )
    memory: str = setting(
        "auto",
        "What it may take, like 4GB: whole picture or tiles, and how much L-BFGS remembers, follow from it. auto is half of what is free.",
        RUN,
    )
    scales: str | tuple[int, ...] = setting(
        "auto",
        "Long sides to work through: auto (octaves from about 128, or 64 where places count), single, or a list like 128,256,512.",
        RUN,
    )
    iterations: int = setting(
        90,
        "Iterations over all scales: evaluations of the loss and its gradient. refine takes half of them.",
        RUN,
        above=1,
    )
    quality: Literal["draft", "normal", "fine"] = setting(
        "normal", "How long to work: the iterations times 0.4 (draft), 1 (normal) or 3 (fine).", RUN
    )
    optimizer: Literal["lbfgs", "adam"] = setting("lbfgs", "How to descend.", RUN)
    history: int = setting(7, "Steps that L-BFGS remembers.", RUN, above=1, below=1000)
    learning_rate: float = setting(0.02, "Step size of Adam, in units of the pixel range.", RUN, above=1e-6, below=1)
    adam_beta1: float = setting(0.9, "Decay of Adam's running mean of gradients.", RUN, above=0, below=0.9999)
    adam_epsilon: float = setting(1e-8, "Adam's ε.", RUN, above=0)
    averaging: float = setting(
        0.0, "Decay of the running average of pictures, 0 for none; 0.99 calms Adam.", RUN, above=0, below=0.9999
    )
    seed: int = setting(0, "Seed of all that is random (noise starts).", RUN, above=0, below=2**63 - 1)
    device: str = setting("auto", "auto, cpu, cuda, cuda:1, mps.", RUN)
    precision: Literal["auto", "float32", "bfloat16", "tf32"] = setting(
        "auto", "Of the convolutions: auto takes bfloat16 where the processor computes in it, else float32.", RUN
    )

    def __post_init__(self) -> None:
        for declared in fields(self):
            object.__setattr__(self, declared.name, _checked(declared, getattr(self, declared.name)))

    def changed(self, **overrides: Any) -> "Settings":
        """These settings with some replaced; None leaves a setting as it is. Raises SettingsError for an unknown name."""
        known = {declared.name for declared in fields(self)}
        for name in overrides:
            if name not in known:
                raise SettingsError(f"There is no setting {name!r}: {did_you_mean(name, known)}")
        return replace(self, **{name: value for name, value in overrides.items() if value is not None})

    def effective(self) -> "Effective":
        """The settings with ``strength`` worked into the weights, ``quality`` and ``method`` into the iterations; strength and quality neutral.

        Style gains what content loses: factors (2s)² and (2 - 2s)² for a strength s, both 1 at the recipe's own
        balance of 0.5. At 0 only the content counts, and the content itself is the best picture. Smoothing and palette
        belong to the style: they go down with it, and are never raised. Places go down with it too; above the balance they are
        sought by less of the photograph. Where the content's colours are kept, it has no palette to follow.
        """
        up, down = (2 * self.strength) ** 2, (2 - 2 * self.strength) ** 2
        own = {declared.name: getattr(self, declared.name) for declared in fields(self)}
        worked_in = {
            "strength": 0.5,
            "quality": "normal",
            "iterations": max(
                1, round(self.iterations * QUALITIES[self.quality] * (_REFINE if self.method == "refine" else 1))
            ),
            "style_weight": self.style_weight * up,
            "content_weight": self.content_weight * down,
            "places_weight": self.places_weight * min(1.0, up),
            "places_photo": max(0.0, 1 - (1 - self.places_photo) * 2 * self.strength),
            "tv_weight": self.tv_weight * min(1.0, up),
            "palette": self.palette * min(1.0, 2 * self.strength) if self.keep_colour == "none" else 0.0,
        }
        return Effective(**own | worked_in)

    def dictionary(self) -> dict[str, Any]:
        """As plain values for JSON; ``Settings(**dictionary)`` gives the same settings."""
        return {declared.name: _plain(getattr(self, declared.name)) for declared in fields(self)}


@dataclass(frozen=True)
class Effective(Settings):
    """`Settings.effective`: what is computed. Where these are asked for, no others will do."""

    def effective(self) -> "Effective":
        return self


def group_of(name: str) -> str:
    """`LOOK` or `RUN`."""
    group: str = Settings.__dataclass_fields__[name].metadata["group"]
    return group


def _checked(declared: "Field[Any]", value: Any) -> Any:
    """``value`` in the one form of its setting, from whatever Python, the command line or a JSON record has of it."""
    parsers = {
        "style_layers": _layers,
        "content_layers": _layers,
        "places_layers": _layers,
        "style_scale": _style_scale,
        "protect": _amounts,
        "size": _size,
        "scales": _scales,
        "memory": _memory,
    }
    parse = parsers.get(declared.name)
    option = "--" + declared.name.replace("_", "-")
    if parse is not None:
        return parse(option, value)
    if get_origin(declared.type) is Literal:
        if value not in get_args(declared.type):
            raise SettingsError(f"{option} cannot be {value!r}: {did_you_mean(str(value), get_args(declared.type))}")
        return value
    assert isinstance(declared.type, type)
    try:
        number = declared.type(value)
    except (TypeError, ValueError):
        raise SettingsError(f"{option} must be a {declared.type.__name__}, not {value!r}.") from None
    if declared.type is not str:
        if (isinstance(number, float) and not math.isfinite(number)) or (isinstance(value, float) and number != value):
            raise SettingsError(f"{option} must be a finite {declared.type.__name__}, not {value!r}.")
        above, below = declared.metadata["above"], declared.metadata["below"]
        if (above is not None and number < above) or (below is not None and number > below):
            limits = f"from {above} to {below}" if below is not None else f"at least {above}"
            raise SettingsError(f"{option} must be {limits}, not {value!r}.")
    return number


def _layers(option: str, value: str | Iterable[str] | Layers) -> Layers:
    try:
        if not isinstance(value, Mapping):
            pairs = [part.partition(":") for part in (value.split(",") if isinstance(value, str) else value) if part]
            value = {name.strip(): float(share or 1) for name, _, share in pairs}
        shares = {name: float(share) for name, share in value.items()}
    except (AttributeError, TypeError, ValueError):
        raise SettingsError(f"{option} takes LAYER or LAYER:SHARE, separated by commas, not {value!r}.") from None
    if not shares or not all(math.isfinite(share) and share > 0 for share in shares.values()):
        raise SettingsError(f"{option} needs at least one layer, and shares above 0, not {value!r}.")
    return shares


def _amounts(option: str, value: str | Iterable[str] | Amounts) -> Amounts:
    try:
        if not isinstance(value, Mapping):
            texts = [
                text for part in ([value] if isinstance(value, str) else value) for text in part.split(",") if text
            ]
            value = dict(map(_amount, texts))
        amounts = {str(mask): float(amount) for mask, amount in value.items()}
    except (AttributeError, TypeError, ValueError):
        raise SettingsError(f"{option} takes MASK or MASK:AMOUNT, separated by commas, not {value!r}.") from None
    if not all(0 <= amount <= 1 for amount in amounts.values()):
        raise SettingsError(f"{option} takes amounts from 0 to 1, not {value!r}.")
    return amounts


def _amount(text: str) -> tuple[str, float]:
    """``faces:0.3`` -> ("faces", 0.3): what follows the last colon is an amount if it is a number."""
    mask, colon, tail = text.rpartition(":")
    try:
        return (mask, float(tail)) if colon and mask else (text, USUAL_AMOUNT)
    except ValueError:
        return text, USUAL_AMOUNT


def _size(option: str, value: int | str | Iterable[int]) -> int | str | tuple[int, int]:
    if value in ("auto", "native"):
        return str(value)
    try:
        parts = value.lower().split("x") if isinstance(value, str) else [value] if isinstance(value, int) else [*value]
        numbers = [int(part) for part in parts]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) not in (1, 2) or not all(16 <= number <= 2**15 for number in numbers):
        raise SettingsError(
            f"{option} must be a long side like 512, WIDTHxHEIGHT like 512x384, 16 to 32768, native or auto, not {value!r}."
        )
    return numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1])


def _scales(option: str, value: str | int | Iterable[int]) -> str | tuple[int, ...]:
    if value in ("auto", "single"):
        return str(value)
    try:
        scales = tuple(int(part) for part in (value.split(",") if isinstance(value, str) else value))  # type: ignore[union-attr]
    except (TypeError, ValueError):
        scales = ()
    if not scales or list(scales) != sorted(set(scales)) or scales[0] < 16:
        raise SettingsError(
            f"{option} must be auto, single, or rising long sides like 128,256,512 from 16 up, not {value!r}."
        )
    return scales


def _style_scale(option: str, value: str | float | Iterable[float]) -> tuple[float, ...]:
    try:
        parts = value.split(",") if isinstance(value, str) else [value] if isinstance(value, (int, float)) else [*value]
        scales = tuple(float(part) for part in parts)
    except (TypeError, ValueError):
        scales = ()
    if not scales or not all(0.05 <= scale <= 4 for scale in scales):
        raise SettingsError(f"{option} takes numbers from 0.05 to 4, separated by commas, not {value!r}.")
    return scales


def _memory(option: str, value: str) -> str:
    if value == "auto" or re.fullmatch(r"\d+(\.\d+)?[MG]B", str(value)):
        return str(value)
    raise SettingsError(f"{option} must be auto or a number of bytes like 800MB or 2GB, not {value!r}.")


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else list(value) if isinstance(value, tuple) else value

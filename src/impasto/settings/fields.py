"""Settings, declared once.

A field of `Settings` is a setting everywhere: its name is the Python keyword and, with dashes, the option;
its type is what is accepted; what it applies to says which commands have it, and where it is refused; its
value is what results are recorded with. Nothing heavy is imported here, so that help is quick. It
is one table, and so longer than other files.
"""

from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from impasto.errors import SettingsError, did_you_mean
from impasto.settings.parse import Amounts, Layers, bounded, checked, plain
from impasto.settings.setting import EVERY, OPTIMISED, PAINTED, RUN, setting

QUALITIES = {"draft": 0.4, "normal": 1.0, "fine": 3.0}
"""How many times the iterations a quality spends. Measured: docs/performance.md, "Fewer steps"."""

NETWORKS = ("any", "multi", "arbitrary", "multistyle26")
"""The networks of the fast method that have a name (`networks.zoo.BUILT_IN`)."""

PREDICTING, LEARNT = NETWORKS[:2]
"""The networks of the fast method that serve where none is named: for paintings, and for learnt styles."""

STARTS = ("content", "noise", "style")
"""The words of ``init``; anything else is a file."""

AUTO_SIZE = {"iterative": 512, "refine": 512, "fast": 1024}
"""The long side that ``size="auto"`` stands for, by ``method``: what takes some seconds on an ordinary
machine."""

_REFINE = 0.5
"""What the refine method spends of that, for its start has gone half the way: docs/fast.md."""


@dataclass(frozen=True)
class Settings:
    """Everything that decides what a run computes. The defaults are the recipe ``statistics``.

    Values are checked and brought to one form when it is made; what makes no sense raises SettingsError.
    """

    method: Literal["iterative", "fast", "refine"] = setting(
        "iterative",
        "iterative: the optimiser. fast: one pass of a network, at once. refine: the optimiser, started "
        "from the fast result. Of moving pictures fast, or iterative.",
        RUN,
        of="iterative refine fast video optimised-video",
    )
    network: str = setting(
        "auto",
        f"Network of the fast method, and of video: {', '.join(NETWORKS)}, or a file that impasto train has written.",
        RUN,
        of="refine fast video",
    )
    style_weight: float = setting(1.0, "Weight of the style loss.", of=PAINTED + " train", least=0)
    content_weight: float = setting(
        0.4, "Weight of the content loss.", of="iterative optimised-video refine reconstruct train", least=0
    )
    places_weight: float = setting(
        0.0,
        "Weight of the places loss: every place of the picture follows that of the painting most like it.",
        of=PAINTED + " train",
        least=0,
    )
    tv_weight: float = setting(
        5.0, "Weight of the total variation per pixel: more is smoother.", of=OPTIMISED + " train", least=0
    )
    style_layers: Layers = setting(
        "relu1_1,relu2_1,relu3_1,relu4_1:0.7,relu5_1:0.5",
        "Layers that make the style, with shares: relu1_1,relu2_1:2.",
        of=PAINTED + " train",
        needs="style_weight",
    )
    content_layers: Layers = setting(
        "relu3_2,relu4_2",
        "Layers that keep the content, with shares.",
        of="iterative optimised-video refine train",
        needs="content_weight",
    )
    structure: float = setting(
        0.0,
        "How much of the content's weight goes to where the photograph has fine structure, as eyes, "
        "windows and lettering have, 0 to 1; the rest is for all places alike.",
        of="iterative optimised-video refine reconstruct",
        needs="content_weight",
        least=0,
        most=1,
    )
    places_layers: Layers = setting(
        "relu1_1/4,relu2_1/2,relu3_1,relu3_4,relu4_1",
        "Layers by which places are compared, with shares; relu1_1/4 is averaged over 4×4 positions.",
        of=PAINTED + " train",
        needs="places_weight",
    )
    places_photo: float = setting(
        0.75,
        "How much of the photograph there is in what is compared with the painting's places, 0 to 1; the "
        "rest is the picture so far.",
        of="iterative optimised-video refine",
        needs="places_weight, scales!=single",
        least=0,
        most=1,
    )
    last_pass: float = setting(
        0.2,
        "Where places count, the share of the iterations in which at last every layer seeks its places "
        "for itself: crisper strokes.",
        of=PAINTED,
        needs="places_weight",
        least=0,
        most=0.9,
    )
    finest_layer: str = setting(
        "pool5",
        "Deepest layer that is looked at, at the finest of several scales: what deeper ones hold is settled at "
        "half the size. A term whose layers are all deeper keeps its shallowest.",
        of=PAINTED,
        needs="scales!=single",
    )
    style_loss: Literal[
        "moments", "gram", "mean-deviation", "mmd-linear", "mmd-poly", "mmd-gaussian", "wasserstein",
        "sliced-wasserstein", "nearest",
    ] = setting(
        "moments",
        "What is compared of two styles: moments, gram, mean-deviation, mmd-linear, mmd-poly, mmd-gaussian, wasserstein, sliced-wasserstein or nearest.",
        of=PAINTED + " train", needs="style_weight"
    )  # fmt: skip
    normalization: Literal["relative", "absolute"] = setting(
        "relative",
        "Divide content and style losses by their target's own size, or take plain means of squares.",
        of=OPTIMISED + " train",
        needs="style_weight or content_weight",
    )
    tv_norm: Literal["l2", "l1"] = setting(
        "l2",
        "Total variation of squares (l2) or of absolute differences (l1).",
        of=OPTIMISED + " train",
        needs="tv_weight",
    )
    pooling: Literal["max", "average"] = setting("max", "Pooling in the VGG19.", of=OPTIMISED + " train")
    padding: Literal["replicate", "zeros"] = setting(
        "replicate", "What the convolutions see beyond the border.", of=OPTIMISED + " train"
    )
    init: str = setting(
        "content",
        "Start from: content, noise, style, or a picture file.",
        of="iterative optimised-video texture reconstruct",
    )
    palette: float = setting(
        0.8,
        "How far the content's colours move towards the style's before its features are kept, 0 to 1.",
        of="iterative optimised-video refine train",
        needs="keep_colour=none or train, content_weight or places_weight or protect or init=content or train",
        least=0,
        most=1,
    )
    keep_colour: Literal["none", "luminance", "linear", "histogram"] = setting(
        "none",
        "Keep the content's colours: luminance paints in grey and tints it with them; linear and "
        "histogram paint with the style in the content's colours, or fast and then give them to what is painted.",
        of="iterative optimised-video refine fast",
    )
    style_scale: tuple[float, ...] = setting(
        (1.0,),
        "Size of the style pictures, and so of their strokes: 1 is as long as the picture, less is finer. "
        "One for all, or one for each: 1,0.5.",
        of=PAINTED,
        needs="style_weight or places_weight or palette",
    )
    protect: Amounts = setting(
        "",
        "Keep the drawing of faces, of people, or of what is white in a mask, with an amount from 0 to 1: "
        "faces, people:0.3, mask.png:0.8. Again for another.",
        of="iterative optimised-video refine",
        needs="style_weight or places_weight",
        repeats="MASK[:AMOUNT]",
    )
    feather: float = setting(
        0.0,
        "How softly the masks of regions are blurred: deviation over the long side.",
        of="iterative video optimised-video",
        needs="regions",
        least=0,
        most=0.2,
    )
    strength: float = setting(
        0.5,
        "From the photo itself (0) over the recipe's own balance (0.5) to style above all (1).",
        of=OPTIMISED + " fast video",
        least=0,
        most=1,
    )
    steady: Literal["light", "shots", "off"] = setting(
        "light",
        "How moving pictures keep still: light carries strokes along with what moves, shots paints every "
        "shot by one set of statistics, off paints every frame by itself.",
        of="video",
    )
    steady_weight: float = setting(
        200.0,
        "Optimised video: weight of staying like what has been painted before, carried along with what moves; "
        "0 paints every frame by itself.",
        of="optimised-video",
        least=0,
    )
    size: int | str | tuple[int, int] = setting(
        "auto",
        "Long side in pixels, WIDTHxHEIGHT, which crops what overhangs, native (the content's own), or "
        "auto: 512, 1024 for the fast method, and a clip's own, at most 512 where it is optimised.",
        RUN,
        of=OPTIMISED + " fast video",
    )
    stroke_size: int = setting(
        0,
        "Fast method, and video: the long side at which the picture is painted before it is scaled to `size`; less "
        "makes broader strokes. 0 is `size` itself.",
        RUN,
        of="fast video",
        least=0,
        most=2**15,
    )
    memory: str = setting(
        "auto",
        "What it may take, like 4GB: whole picture or tiles, and how much L-BFGS remembers, follow from "
        "it. auto is half of what is free.",
        RUN,
        of=OPTIMISED + " fast video",
        machines=True,
    )
    scales: str | tuple[int, ...] = setting(
        "auto",
        "Long sides to work through: auto (octaves from about 128, or 64 where places count), single, or "
        "a list like 128,256,512.",
        RUN,
        of=OPTIMISED,
    )
    iterations: int = setting(
        90,
        "Iterations over all scales: evaluations of the loss and its gradient. refine takes half of them.",
        RUN,
        of=OPTIMISED,
        least=1,
        most=10**7,
    )
    frame_iterations: int = setting(
        25,
        "Optimised video: iterations of every frame but the first of a shot, which starts from the one before.",
        RUN,
        of="optimised-video",
        least=1,
        most=10**7,
    )
    keyframes: int = setting(
        1,
        "Optimised video: of so many frames the last takes all of `frame_iterations`. Those before it are carried along "
        "from both sides, with a fifth of them: a film in half the time.",
        RUN,
        of="optimised-video",
        least=1,
        most=8,
    )
    quality: Literal["draft", "normal", "fine"] = setting(
        "normal", "How long to work: the iterations times 0.4 (draft), 1 (normal) or 3 (fine).", RUN, of=OPTIMISED
    )
    optimizer: Literal["lbfgs", "adam"] = setting("lbfgs", "How to descend.", RUN, of=OPTIMISED)
    history: int = setting(
        7, "Steps that L-BFGS remembers.", RUN, of=OPTIMISED, needs="optimizer=lbfgs", least=1, most=1000
    )
    learning_rate: float = setting(
        0.02,
        "Step size of Adam, in units of the pixel range.",
        RUN,
        of=OPTIMISED,
        needs="optimizer=adam",
        least=1e-6,
        most=1,
    )
    adam_beta1: float = setting(
        0.9,
        "Decay of Adam's running mean of gradients.",
        RUN,
        of=OPTIMISED,
        needs="optimizer=adam",
        least=0,
        most=0.9999,
    )
    adam_epsilon: float = setting(1e-8, "Adam's ε.", RUN, of=OPTIMISED, needs="optimizer=adam", least=0)
    averaging: float = setting(
        0.0,
        "Decay of the running average of pictures, 0 for none; 0.99 calms Adam.",
        RUN,
        of=OPTIMISED,
        least=0,
        most=0.9999,
    )
    allow_truncated: bool = setting(
        False,
        "Take what there is of a JPEG, PNG or TIFF that is cut off; what is missing is of one colour. Of a clip "
        "what is missing is left out.",
        RUN,
        of=EVERY,
    )
    seed: int = setting(
        0, "Seed of all that is random (noise starts).", RUN, of=OPTIMISED + " train", least=0, most=2**63 - 1
    )
    device: str = setting("auto", "auto, cpu, cuda, cuda:1, mps.", RUN, of=EVERY, machines=True)
    precision: Literal["auto", "float32", "bfloat16", "tf32"] = setting(
        "auto",
        "Of the convolutions: auto takes bfloat16 where the processor computes in it, else float32.",
        RUN,
        of=EVERY,
    )
    compile: Literal["auto", "on", "off"] = setting(
        "auto",
        "Compile what is between the VGG19's convolutions: auto where there is a gcc.",
        RUN,
        of=OPTIMISED + " train",
        machines=True,
    )

    def __post_init__(self) -> None:
        for declared in fields(self):
            object.__setattr__(self, declared.name, checked(declared, getattr(self, declared.name)))

    def changed(self, **overrides: Any) -> "Settings":
        """These with some replaced, which None does not. Raises SettingsError also for an unknown name."""
        for name in overrides:
            if name not in self.__dataclass_fields__:
                raise SettingsError(f"There is no setting {name!r}: {did_you_mean(name, self.__dataclass_fields__)}")
        return replace(self, **{name: value for name, value in overrides.items() if value is not None})

    def effective(self) -> "Effective":
        """These with ``strength`` worked into the weights, ``quality`` and ``method`` into the iterations.

        Style gains what content loses: factors (2s)² and (2 - 2s)² for a strength s, both 1 at the recipe's
        own balance of 0.5. At 0 only the content counts, and the content itself is the best picture.
        Smoothing and palette belong to the style: they go down with it, and are never raised. Places go down
        with it too; above the balance they are sought by less of the photograph. Where the content's colours
        are kept, it has no palette to follow.
        """
        up, down = (2 * self.strength) ** 2, (2 - 2 * self.strength) ** 2
        spent = self.iterations * QUALITIES[self.quality] * (_REFINE if self.method == "refine" else 1)
        worked_in: dict[str, Any] = {
            "strength": 0.5,
            "quality": "normal",
            "iterations": max(1, round(spent)),
            "style_weight": self.style_weight * up,
            "content_weight": self.content_weight * down,
            "places_weight": self.places_weight * min(1.0, up),
            "places_photo": max(0.0, 1 - (1 - self.places_photo) * 2 * self.strength),
            "tv_weight": self.tv_weight * min(1.0, up),
            "palette": self.palette * min(1.0, 2 * self.strength) if self.keep_colour == "none" else 0.0,
        }
        usual = {name: bounded(value) for name, value in worked_in.items() if isinstance(value, float)}
        return Effective(**vars(self) | worked_in | usual)

    def dictionary(self) -> dict[str, Any]:
        """As plain values for JSON; ``Settings(**dictionary)`` gives the same settings."""
        return {declared.name: plain(getattr(self, declared.name)) for declared in fields(self)}


MACHINES = tuple(declared.name for declared in fields(Settings) if declared.metadata["machines"])
"""The settings that fit a run to a machine: by them none is known again, and whoever runs a studio decides
them.
"""


@dataclass(frozen=True)
class Effective(Settings):
    """`Settings.effective`: what is computed. Where these are asked for, no others will do."""

    def effective(self) -> "Effective":
        return self

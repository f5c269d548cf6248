"""Named recipes: sets of settings, every number cited or measured."""

from impasto.errors import SettingsError, did_you_mean
from impasto.settings.fields import Settings

_CHANNELS = {"relu1_1": 64, "relu2_1": 128, "relu3_1": 256, "relu4_1": 512, "relu5_1": 512}
"""One layer of every scale of the network, with its channels (Gatys et al. 2016, section 3)."""

_TUTORIAL = Settings(
    # TensorFlow's tutorial "Neural style transfer" and the course report on it, which this project grew from:
    # VGG19 of Keras, whose block5_conv2 is relu5_2 here; means of squares; Adam on pixels in [0, 1], clipped;
    # style 1e-2 shared by five layers. Total variation is 30 times the *sum* of absolute differences there;
    # at the tutorial's 512 × 384 pixels and three channels the mean used here needs this many times the
    # weight.
    style_weight=1e-2,
    content_weight=1e4,
    tv_weight=30 * 512 * 384 * 3,
    style_layers=dict.fromkeys(_CHANNELS, 1.0),
    content_layers={"relu5_2": 1},
    style_loss="gram",
    normalization="absolute",
    tv_norm="l1",
    padding="zeros",
    palette=0,
    scales="single",
    iterations=1000,
    optimizer="adam",
    learning_rate=0.02,
    adam_beta1=0.99,
    adam_epsilon=0.1,
)

_GATYS = Settings(
    # Gatys, Ecker and Bethge, Image style transfer using convolutional neural networks, CVPR 2016. Layers,
    # average pooling and the start from noise are the paper's. Its ratio α/β belongs to sums over a picture
    # of unstated size, so the weights are those of the authors' later code (PytorchNeuralStyleTransfer),
    # which are means of squares: 10³/C² for a style layer of C channels, 1 for the content. The authors scale
    # the network to a mean activation of one; here it is as it was published.
    style_weight=sum(1e3 / channels**2 for channels in _CHANNELS.values()),  # a term divides by the sum of its shares
    content_weight=1,
    tv_weight=0,
    style_layers={layer: 1e3 / channels**2 for layer, channels in _CHANNELS.items()},
    content_layers={"relu4_2": 1},
    style_loss="gram",
    normalization="absolute",
    pooling="average",
    padding="zeros",
    palette=0,
    init="noise",
    scales="single",
    iterations=500,
    history=20,
)


_PAINTED = Settings(
    # Kolkin et al., Neural neighbor style transfer, 2022, with our own departures (`places`), the
    # moments of shallow layers, which carry palette and surface and no motifs, at every scale, and a little
    # of the content, without which faces dissolve, more where there is structure. The finest scale looks at
    # shallow layers alone, in half the time. docs/recipes.md.
    places_weight=1,
    places_photo=0.5,
    last_pass=0.2,
    finest_layer="relu3_1",
    style_weight=0.22,
    style_layers={"relu1_1": 1, "relu2_1": 1, "relu3_1": 1},
    content_weight=0.11,
    structure=0.5,
    protect={"faces": 0.35},
    content_layers={"relu3_1": 1, "relu4_1": 3},
    palette=0.5,
    tv_weight=0,
    iterations=74,
)

RECIPES: dict[str, Settings] = {
    "default": _PAINTED,
    # The best look there is, by a name that will keep it; and mean and covariance of the whole picture, the
    # default before it.
    "painted": _PAINTED,
    "statistics": Settings(),
    # Content alone, or style alone, from noise.
    "reconstruct": Settings(style_weight=0, content_weight=1, tv_weight=0.1, init="noise", iterations=300, history=20),
    "texture": Settings(content_weight=0, tv_weight=1, init="noise", iterations=160, history=20),
    "gatys": _GATYS,
    "tutorial": _TUTORIAL,
    "tutorial-strong-style": _TUTORIAL.changed(style_weight=1e-1),
    "tutorial-high-tv": _TUTORIAL.changed(tv_weight=1000 * 512 * 384 * 3),
    "tutorial-low-tv": _TUTORIAL.changed(tv_weight=3 * 512 * 384 * 3),
}


def recipe(name: str) -> Settings:
    """The named recipe's settings. Raises SettingsError, naming the nearest recipe there is."""
    try:
        return RECIPES[name]
    except KeyError:
        raise SettingsError(f"There is no recipe {name!r}: {did_you_mean(name, RECIPES)}") from None

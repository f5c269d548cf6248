"""What settings and kinds of inputs cannot be together: known, and said, before a picture is opened."""

from collections.abc import Sequence

from impasto.architecture import ARCHITECTURES, BACKBONE
from impasto.errors import SettingsError
from impasto.settings.fields import AUTO_SIZE, Effective, Settings

WEIGHTS = ("style_weight", "content_weight", "places_weight")
"""Those of the terms, but for smoothness: what there is to compute."""
_TERMS = {"texture": ("style_weight", "places_weight"), "reconstruct": ("content_weight",)}
"""The same for the ways that have not all of them."""
UNDIVIDED = ("sliced-wasserstein", "nearest")
"""Style losses that know no parts of a picture (`losses.style`)."""
_SINGLE = ("mmd-gaussian", *UNDIVIDED)
"""Style losses that compare with one painting at a time."""
_WITHOUT = {"texture": "content", "reconstruct": "style"}
"""The picture that a way has not, and cannot start from."""


def check(
    settings: Settings,
    way: str,
    *,
    styles: int | None = None,
    regions: int = 0,
    code: bool = False,
    start: bool = False,
    layers: Sequence[str] = (),
) -> None:
    """Refuse what makes no sense in one of the `setting.WAYS`, but for training.

    ``styles`` is the number of style pictures that are for the whole picture, None where that changes, and
    ``regions`` that of the regions, with a style each; ``code``: one of them is a style code, and no picture;
    ``start``: a picture is given to start from, whatever ``init`` says; ``layers`` are looked at besides
    those that the settings name. Raises SettingsError.
    """
    if regions and way in ("fast", "refine"):
        raise SettingsError(
            f"`regions` are for `method` iterative: choose that in place of {way}, or paint without regions."
        )
    if way in ("fast", "video"):
        return
    if code:
        raise SettingsError("A style code or `style_index` is for a network, not the optimiser: use `method` fast.")
    looked = (*settings.style_layers, *settings.content_layers, *settings.places_layers, settings.finest_layer)
    ARCHITECTURES[BACKBONE].check([*layers, *looked])
    effective, terms = settings.effective(), _TERMS.get(way, WEIGHTS)
    if not any(getattr(effective, name) > 0 for name in terms):
        named = " and ".join(f"`{name}`" for name in terms)
        raise SettingsError(f"Nothing is asked for: {named} come to 0 at this `strength`; raise one of them.")
    if effective.style_weight > 0 and way != "reconstruct":
        _check_loss(settings.style_loss, styles=styles or 0, regions=regions)
    if "pixels" in settings.places_layers and effective.places_weight > 0:
        raise SettingsError(
            "`places_layers` are of the network, and the pixels are none: take relu1_1/4 or a deeper one."
        )
    if way == "texture" and settings.size == "native":
        raise SettingsError("`size` native is a content's own, and a texture has none: give a length or WIDTHxHEIGHT.")
    if not start and settings.init == _WITHOUT.get(way):
        other = next(word for word in ("style", "content") if word != settings.init)
        raise SettingsError(f"`init` {settings.init} has no meaning here: start from noise or {other}.")
    scales = settings.style_scale
    if styles is not None and way != "reconstruct" and len(scales) not in (1, styles + regions):
        raise SettingsError(
            f"`style_scale` has {len(scales)} numbers for {styles + regions} style pictures: give one, or one for each, those of STYLE first."
        )
    if isinstance(settings.scales, tuple) and (length := _long_side(settings, way)):
        listed(effective, length)


def check_training(settings: Settings, kind: str, *, looks: bool) -> None:
    """Refuse what makes no sense in the training of a kind of network, of which one ``looks`` at paintings by
    itself. Raises SettingsError.
    """
    if not any(getattr(settings, name) for name in WEIGHTS):
        raise SettingsError(
            "Nothing is to be learnt: `style_weight`, `places_weight` and `content_weight` are 0; raise one of them."
        )
    if kind != "any" and settings.style_weight > 0 and settings.style_loss in UNDIVIDED:
        raise SettingsError(
            f"`style_loss` {settings.style_loss} compares pictures of one size, and those of a {kind} network have several: take moments or another, or kind any."
        )
    if looks and (settings.pooling != "max" or settings.padding != "replicate"):
        raise SettingsError(
            "A network for any style looks at paintings by max pooling and replicated borders: leave out `pooling` and `padding`."
        )


def _check_loss(name: str, *, styles: int, regions: int) -> None:
    """Raises SettingsError for a style loss that cannot have so many paintings, or regions."""
    usual = "take moments, gram, mean-deviation, mmd-linear, mmd-poly or wasserstein"
    if regions and name in UNDIVIDED:
        raise SettingsError(f"`style_loss` {name} compares whole pictures and knows no `regions`: {usual}.")
    if styles > 1 and name in _SINGLE:
        raise SettingsError(f"`style_loss` {name} compares with one painting at a time, not {styles}: {usual}.")


def listed(settings: Effective, length: int) -> list[int]:
    """The sides that a list of ``scales`` comes to, for a result of a long side. Raises SettingsError."""
    assert isinstance(settings.scales, tuple)
    if settings.scales[-1] > length:
        raise SettingsError(f"`scales` goes up to {settings.scales[-1]}, beyond the picture's long side of {length}.")
    lengths = [*(scale for scale in settings.scales if scale < length), length]
    if settings.iterations - last_pass(settings) < len(lengths):
        raise SettingsError(
            f"{settings.iterations} iterations are too few for {len(lengths)} scales: add some, or leave out `scales`."
        )
    return lengths


def last_pass(settings: Effective) -> int:
    """The iterations at last in which every layer seeks its own places; one is left before it at least."""
    if settings.places_weight == 0:
        return 0
    return min(settings.iterations - 1, round(settings.iterations * settings.last_pass))


def _long_side(settings: Settings, way: str) -> int | None:
    """The result's, None where the photograph or the clip decides it."""
    if isinstance(settings.size, tuple):
        return max(settings.size)
    if settings.size == "native" or way == "optimised-video":
        return None
    return AUTO_SIZE[settings.method] if isinstance(settings.size, str) else settings.size

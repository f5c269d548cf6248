"""Style codes: a painting in a hundred numbers, or a mixture of learnt styles. Made once, saved, mixed, used on any photo."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from impasto.errors import ImageError, OutputError, SettingsError
from impasto.files import write_atomic
from impasto.images import Picture
from impasto.large import LargePicture, resized
from impasto.networks import mobilenet
from impasto.networks.cin import ARCHITECTURES
from impasto.networks.pretrained import predictor


@dataclass(frozen=True)
class StyleCode:
    """What a styliser needs to know of a style: its name in `networks.cin.ARCHITECTURES`, and the code (1, L) float32.

    Codes of one network can be mixed (`mixed`): its γ and β are linear in them.
    """

    network: str
    values: Tensor

    def __post_init__(self) -> None:
        known = ARCHITECTURES.get(self.network)
        if known is None or self.values.shape != (1, known.codes) or not bool(self.values.isfinite().all()):
            raise SettingsError(
                f"A style code is for one of {', '.join(ARCHITECTURES)}, and of its length; got {self.network!r} and "
                f"{tuple(self.values.shape)}, or values that are not finite."
            )

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Write it to a .safetensors file of half a kilobyte. Raises OutputError."""
        if Path(path).suffix != ".safetensors":
            raise OutputError(f"A style code is a .safetensors file: name it so, not {Path(path).name!r}.")
        data = save({"code": self.values.contiguous()}, {"impasto": "style-code", "network": self.network})
        write_atomic(Path(path), data, force)

    @classmethod
    def load(cls, path: str | Path) -> "StyleCode":
        """The code saved there. Raises ImageError when the file holds none."""
        try:
            with safe_open(path, framework="pt") as file:
                return cls((file.metadata() or {}).get("network", ""), file.get_tensor("code").float())
        except (OSError, SafetensorError, SettingsError) as error:
            raise ImageError(f"{path} is no style code ({error}): make one with impasto style-code.") from error


def predicted(painting: Picture | LargePicture) -> StyleCode:
    """The code of any painting, by the style predictor. It sees the whole painting in 256 × 256, as in its training."""
    small = resized(painting, mobilenet.INPUT_SIZE)
    assert isinstance(small, Picture), "what is small is not large"
    with torch.no_grad():
        return StyleCode("arbitrary", predictor()(small.pixels))


def learnt_style(spec: str) -> StyleCode:
    """One of the 26 learnt styles, ``"7"``, or a mixture, ``"3:0.5,12:0.5"``. Raises SettingsError."""
    count = ARCHITECTURES["multistyle26"].codes
    values = torch.zeros(1, count)
    for part in spec.split(","):
        index, _, share = part.partition(":")
        try:
            position, weight = int(index), float(share or 1)
        except ValueError:
            position, weight = -1, 0.0
        if not 0 <= position < count:
            raise SettingsError(
                f"--style-index takes styles from 0 to {count - 1}, like 7 or 3:0.5,12:0.5, not {part.strip()!r}."
            )
        values[0, position] += weight
    return StyleCode("multistyle26", torch.tensor([normalised(values[0].tolist())]))


def normalised(shares: Sequence[float]) -> list[float]:
    """Weights of styles, made to sum to one. Raises SettingsError."""
    total = sum(shares)
    if not all(0 <= share < math.inf for share in shares) or total <= 0:
        raise SettingsError(f"Style weights must be finite, not negative, and not all 0: got {list(shares)}.")
    return [share / total for share in shares]


def mixed(codes: Sequence[tuple[StyleCode, float]]) -> StyleCode:
    """The weighted sum of codes, with shares that sum to one. Raises SettingsError for codes of different networks."""
    networks = {code.network for code, _ in codes}
    if len(networks) > 1:
        raise SettingsError(f"Styles of different networks ({', '.join(sorted(networks))}) cannot be mixed.")
    return StyleCode(networks.pop(), torch.stack([share * code.values for code, share in codes]).sum(0))

"""Style codes: what a network is told of a style. Made once, saved, mixed, used on any photo."""

import contextlib
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from impasto.colour import transfer
from impasto.errors import OutputError, SettingsError, StyleCodeError, WeightsError, briefly, did_you_mean
from impasto.machine import formats
from impasto.machine.files import at_home, sha256_of, write_atomic
from impasto.machine.tensors import read_tensors, tensor_bytes
from impasto.networks.contract import COLOURS, STYLE_MARK
from impasto.networks.encoder import looked_at
from impasto.networks.zoo import network
from impasto.pictures.large import LargePicture
from impasto.pictures.picture import Picture
from impasto.settings import names
from impasto.settings.fields import LEARNT
from impasto.settings.paths import is_network
from impasto.settings.style_names import place_of

log = logging.getLogger("impasto")

_FORMAT = 1
"""The version of the form of files."""
_LARGEST = 200
"""Of γ and β: paintings have 25 at the most, also black ones, white ones, noise and chessboards."""


@dataclass(frozen=True, eq=False, repr=False)
class StyleCode:
    """A style of a network: the network's name or file (`zoo.network`), and the style, float32.

    ``values`` are the code (1, L), in which γ and β are linear, or γ and β themselves (1, 2ΣC). ``colours``
    are the painting's (1, 12), as `transfer.of` gives them: networks that were trained so have theirs moved
    towards them (`Design.palette`), and what is painted in greys has no colour.
    """

    network: str
    values: Tensor
    colours: Tensor | None = None

    def __post_init__(self) -> None:
        if is_network(self.network):
            object.__setattr__(self, "network", str(at_home(self.network)))
        stylizer = network(self.network).stylizer
        lengths = stylizer.heads.in_features, stylizer.heads.out_features
        if self.values.ndim != 2 or self.values.shape[0] != 1 or self.values.shape[1] not in lengths:
            raise SettingsError(
                f"A style code for the network {self.network} has the shape (1, {lengths[0]}), or (1, {lengths[1]}) for γ and β, "
                f"not {tuple(self.values.shape)}."
            )
        if self.colours is not None and self.colours.shape != (1, COLOURS):
            raise SettingsError(
                f"The colours of a style have the shape (1, {COLOURS}), not {tuple(self.colours.shape)}."
            )
        if self.colours is not None and not bool(((self.colours >= 0) & (self.colours <= 1)).all()):
            raise SettingsError(
                "The colours of a style are moments of values from 0 to 1, and these are none: make it again."
            )
        largest = self.style().abs().max().item()
        if not largest <= _LARGEST:
            raise SettingsError(
                f"A style code gives γ and β of {_LARGEST} at the most, not {largest:.3g}, by which all would be black or white: "
                "make it again."
            )

    def __repr__(self) -> str:
        return f"StyleCode({self.network!r}, {self.values.shape[1]} numbers)"

    @torch.no_grad()
    def style(self) -> Tensor:
        """γ and β of all layers, one after the other: (1, 2ΣC)."""
        stylizer = network(self.network).stylizer
        return stylizer.style(self.values) if self.values.shape[1] == stylizer.heads.in_features else self.values

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Write it to a .safetensors file of some kilobytes. Raises OutputError.

        A network of one's own stays in its file, and is looked for beside the code, and then where it was.
        """
        path = at_home(path)
        if path.suffix != ".safetensors":
            raise OutputError(f"A style code is a .safetensors file: name it so, not {path.name!r}.")
        told = {"impasto": STYLE_MARK, "format": str(_FORMAT), "network": self.network}
        if is_network(self.network):
            told["sha256"] = sha256_of(Path(self.network))
            with contextlib.suppress(ValueError):  # on another drive
                told["network"] = Path(os.path.relpath(self.network, path.parent)).as_posix()
        tensors = {"code": self.values} | ({} if self.colours is None else {"colours": self.colours})
        write_atomic(path, tensor_bytes(tensors, told), force)

    @classmethod
    def load(cls, path: str | Path) -> "StyleCode":
        """The style saved there, or the one of a network that has learnt one. Raises StyleCodeError when the
        file holds none, and SettingsError and WeightsError for a network that has not one alone, or is
        damaged.
        """
        path = at_home(path)
        try:
            told, tensors = read_tensors(path)
            if (kind := told.get("impasto")) != "network":
                if kind != STYLE_MARK:
                    raise ValueError("it is of another kind")
                formats.check_version(told.get("format"), _FORMAT, path, StyleCodeError)
                values = tensors["code"].float()
                colours = tensors["colours"].double() if "colours" in tensors else None
                name = told["network"]
                if is_network(name):
                    name = _network_of(path, name, told.get("sha256", ""))
                return cls(name, values, colours)
        except OSError as error:
            raise StyleCodeError(
                f"The style code {path} cannot be read ({briefly(error)}): give the path of one."
            ) from error
        except (ValueError, KeyError, RuntimeError, WeightsError) as error:
            raise StyleCodeError(
                f"{path} is no style code ({briefly(error)}): make one with impasto style-code."
            ) from error
        return only_style(str(path))


def predicted(painting: Picture | LargePicture, name: str) -> StyleCode:
    """The style of any painting, as the network ``name`` sees it. Raises SettingsError for one with learnt
    styles alone.
    """
    values = network(name).predicted(painting)
    if values is None:
        raise SettingsError(
            f"The network {name} paints in its own styles alone: give `style_index` in place of a painting."
        )
    return StyleCode(name, values, _colours(painting))


def plain(photo: Picture | LargePicture, name: str) -> StyleCode:
    """The style in which a network leaves a photograph as it is, more or less. Raises SettingsError for one
    that has none.
    """
    chosen = network(name)
    design, count = chosen.design, chosen.stylizer.heads.in_features
    if not design.styles:
        return predicted(photo, name)
    if count == len(design.styles):
        raise SettingsError(f"`strength` below 0.5 is beyond the network {name}: its styles are all or none.")
    return StyleCode(name, torch.eye(count)[-1:], _colours(photo))


def learnt_style(spec: str | int | Mapping[str, float] | Mapping[int, float], name: str = "auto") -> StyleCode:
    """One of a network's learnt styles by number or name, ``7``, or a mixture, ``"3:0.5,12:0.5"`` or
    ``{3: 0.5, 12: 0.5}``; "auto" is the network that has some by default. Raises SettingsError.
    """
    name = LEARNT if name == "auto" else name
    chosen = network(name)
    design = chosen.design
    if not design.styles:
        raise SettingsError(f"The network {name} has no learnt styles: give it a painting in place of `style_index`.")
    values = torch.zeros(1, chosen.stylizer.heads.in_features, dtype=torch.float64)
    try:
        pairs = (
            [*spec.items()]
            if isinstance(spec, Mapping)
            else names.listed(str(spec), lambda style: place_of(style, design.styles) is not None)
        )
        for style, share in pairs:
            values[0, _place(str(style), design.styles)] += 1.0 if share is None else share
    except (SettingsError, ValueError, TypeError) as error:
        raise SettingsError(
            f"`style_index` takes styles of {name}, from 0 to {len(design.styles) - 1} or by name, like 7 or 3:0.5,12:0.5, "
            f"not {spec!r}: {error}"
        ) from None
    shares = torch.tensor([names.normalised(values[0].tolist())])
    return StyleCode(name, shares, design.colours_of(shares[:, : len(design.styles)]))


def only_style(name: str) -> StyleCode:
    """The style of a network that has learnt one. Raises SettingsError for one with more, or with none."""
    styles = network(name).design.styles
    if len(styles) != 1:
        told = "one of its styles with `style_index`" if styles else "a painting"
        raise SettingsError(
            f"The network {name} paints in {len(styles) or 'any'} styles: give it as `network`, with {told}."
        )
    return learnt_style("0", name)


def mixed(codes: Sequence[tuple[StyleCode, float]]) -> StyleCode:
    """The weighted sum of styles, with shares that sum to one. Raises SettingsError for styles of different
    networks.
    """
    networks = {identity(code.network): code.network for code, _ in codes}
    if len(networks) > 1:
        raise SettingsError(f"Styles of different networks ({', '.join(sorted(networks.values()))}) cannot be mixed.")
    alike = len({code.values.shape for code, _ in codes}) == 1
    parts = [share * (code.values if alike else code.style()) for code, share in codes]
    return StyleCode(codes[0][0].network, torch.stack(parts).sum(0), _averaged(codes))


def _averaged(codes: Sequence[tuple[StyleCode, float]]) -> Tensor | None:
    """The colours of a mixture of styles, if all have any."""
    parts = [share * code.colours for code, share in codes if code.colours is not None]
    return torch.stack(parts).sum(0) if len(parts) == len(codes) else None


def identity(name: str) -> str:
    """By what a network is known from others, whatever path names its file."""
    return str(at_home(name).resolve()) if is_network(name) else name


def _network_of(code: Path, named: str, digest: str) -> str:
    """The file of the network that a ``code`` was made for, by its SHA-256: beside it, where it was as seen
    from the code, or from here, as older codes tell it. Raises WeightsError.
    """
    for path in (code.with_name(Path(named).name), Path(os.path.normpath(code.parent / named)), Path(named)):
        if path.is_file() and sha256_of(path) == digest:
            return str(path)
    raise WeightsError(f"its network {named} is missing, or is not the one that it was made for")


def _place(style: str, styles: Sequence[str]) -> int:
    """The number of a style that is named or numbered. Raises ValueError."""
    place = place_of(style, styles)
    if place is None:
        raise ValueError(did_you_mean(style, styles))
    if style.isdecimal() and place != int(style) < len(styles):
        log.warning("A style is called %s: it is meant, and not number %s, %s.", style, style, styles[int(style)])
    return place


def _colours(painting: Picture | LargePicture) -> Tensor:
    return transfer.of(looked_at(painting).pixels)

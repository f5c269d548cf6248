"""How a network begins that is to be trained: from nothing, or from what another one has learnt."""

import copy
import logging
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from impasto.errors import ImageError, SettingsError
from impasto.networks import encoder
from impasto.networks.cin import StylizerShape
from impasto.networks.contract import Design, Network
from impasto.networks.encoder import STYLE_LENGTH, EncoderShape
from impasto.pictures import codecs
from impasto.pictures.picture import Picture
from impasto.settings.style_names import key, style_names
from impasto.training.course import Kind
from impasto.training.held_out import middle
from impasto.training.pictures import colours_of, loaded, of_one_colour
from impasto.training.teacher import Goal, Teacher

log = logging.getLogger("impasto")

_CONTRACT, _BLOCKS, _EXPAND = (32, 64, 128), 5, (32, 16)
_CODES, _HIDDEN = 64, 128
_SIZES = ("contract", "blocks", "expand", "biased")
_DESCRIBED = 64
"""How many pictures are looked at, about, to learn what descriptions of paintings and contents of photographs
are like."""


def design(kind: Kind, paintings: Sequence[Path], palette: float) -> Design:
    """What a network of a kind is, for these paintings; a table of styles has one more row, for the
    photograph's own.
    """
    if kind == "any":
        inputs = 2 * sum(encoder.CHANNELS)
        shape = StylizerShape(_CONTRACT, _BLOCKS, _EXPAND, _CODES, constant=True)
        return Design(shape, EncoderShape(inputs, _HIDDEN, _CODES), palette=palette)
    shape = StylizerShape(_CONTRACT, _BLOCKS, _EXPAND, len(paintings) + 1)
    colours = tuple(tuple(colours_of(path)[0].tolist()) for path in paintings) if palette else ()
    names = style_names(paintings)
    for path, name in zip(paintings, names, strict=True):
        if key(name) != key(path.stem.strip()):
            log.warning(
                "The style of %s is called %s: another has its name, or it is a number or cannot be written.",
                path,
                name,
            )
    return Design(shape, None, names, palette=palette, colours=colours)


@torch.no_grad()
def from_nothing(design: Design, seed: int, device: torch.device) -> Network:
    """A network with γ = 1 and β = 0 for every style, or nearly so; always the same for a seed, which is
    nobody else's.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed every accelerator as well
        network = Network(design).to(device)
        drawing = torch.default_generator if device.type == "cpu" else torch.Generator(device).manual_seed(seed)
        heads = network.stylizer.heads
        gammas = heads.out_features // 2
        constant = heads.weight if heads.bias is None else heads.bias
        if heads.bias is not None:
            heads.weight.normal_(0, 0.01, generator=drawing)
        constant[:gammas], constant[gammas:] = 1, 0
    return network


def acquaint(teacher: Teacher, photos: Sequence[Path], paintings: Sequence[Path], crop: int, *, table: bool) -> Tensor:
    """Show a teacher what there is to be learnt: the paintings' descriptions (M, …). Of a ``table`` it
    remembers all, else it looks at some. Raises ImageError where there is nothing to be seen.
    """
    chosen = ((path, codecs.load(path)) for path in paintings) if table else loaded(_some(paintings))
    looked = {path: _looked_at(picture, teacher) for path, picture in chosen}
    if not looked:
        codecs.load(paintings[0])  # which says why not
    blank = [path for path, pixels in looked.items() if of_one_colour(pixels)]
    if blank and (table or len(blank) == len(looked)):
        raise ImageError(f"The painting {blank[0]} is of one colour, and no style is in it: leave it out.")
    descriptions, goals = zip(*map(teacher.seen, looked.values()), strict=True)
    seen = [middle(picture, crop).to(teacher.device) for _, picture in loaded(_some(photos))]
    if not seen:
        codecs.load(photos[0])
    if all(map(of_one_colour, seen)):
        raise ImageError(f"The photographs show nothing, like {photos[0]}: give some that are of more than one colour.")
    teacher.acquaint(seen, goals)
    if table:
        teacher.table = Goal.joined(goals)
    return torch.cat(descriptions)


@torch.no_grad()
def take_over(network: Network, start: Network, teacher: Teacher, descriptions: Tensor, own: Path) -> None:
    """Give a network the convolutions of another, and its γ and β as far as it has any for paintings of these
    ``descriptions``, and for the style that the photograph ``own`` has itself. Raises SettingsError.
    """
    theirs, ours = start.design, network.design
    if any(getattr(theirs.architecture, name, None) != getattr(ours.architecture, name) for name in _SIZES):
        raise SettingsError(
            "That network has other sizes than those trained here: start from any, or from one that was trained here."
        )
    if ours.encoder:
        if theirs.encoder != ours.encoder:
            raise SettingsError("A network for any style goes on from another one for any style: leave out `start`.")
        network.load_state_dict(start.state_dict())
        return
    heads = network.stylizer.heads
    start = copy.deepcopy(start).to(heads.weight.device)
    convolutions = {name: own for name, own in start.stylizer.state_dict().items() if not name.startswith("heads.")}
    network.stylizer.load_state_dict(convolutions, strict=False)
    if start.encoder is not None:
        codes = start.encoder(torch.cat([descriptions, teacher.seen(_looked_at(codecs.load(own), teacher))[0]]))
    else:
        # A style of the same name goes on, a new one begins as the mean of those learnt; the photograph's own
        # is the last.
        learnt = torch.eye(start.stylizer.heads.in_features, device=heads.weight.device)
        known, mean = dict(zip(map(key, theirs.styles), learnt[:-1], strict=True)), learnt[:-1].mean(0)
        if gone_on := [name for name in ours.styles if key(name) in known]:
            log.warning("The network to begin from has styles of these names, which go on: %s.", ", ".join(gone_on))
        codes = torch.stack([*(known.get(key(name), mean) for name in ours.styles), learnt[-1]])
    heads.weight.copy_(start.stylizer.style(codes).T)


def _looked_at(picture: Picture, teacher: Teacher) -> Tensor:
    """Its pixels (1, 3, h, w) at the size at which paintings are looked at."""
    return picture.fitted(STYLE_LENGTH).pixels.to(teacher.device)


def _some(paths: Sequence[Path]) -> Sequence[Path]:
    return paths[:: 1 + len(paths) // _DESCRIBED]

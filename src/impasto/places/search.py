"""Places: every place of a picture finds the place of a painting that is most like it, and shall look like
that one.

Neural neighbor style transfer (Kolkin, Kucera, Paris, Sykora, Shechtman and Shakhnarovich 2022, section 3). A
place is a position of the grid of the shallowest layer that is looked at, with the features that all layers
have there, a *hypercolumn*. For every place of the photograph the nearest one of the painting is found, and
of the painting turned and mirrored, by the cosine after each side's mean has been taken off. What is wanted
of the picture are the features of the places that were found: fixed targets, place by place, for a
`losses.PlacesLoss`. In the paper's last pass every layer seeks for itself: here that is a search by each
layer alone.

Ours differs from the paper's in that every layer is compared on its own grid, shallow ones averaged down to
the grid of the search; in that places are sought along the painting's principal directions (`spaces`), which
hold some 95 % of what tells its places apart; in copies that are mirrored too; and in quotas where there are
several paintings.

The paintings are read twice, a copy and a tile at a time: once to find the nearest places, and once to fetch
their features. So no more has to be held than the features of one tile, and a tiled search finds what a whole
one does; what there is room for is remembered (`gallery`).
"""

import math
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as nn
from torch import Tensor

from impasto.backbones.features import Backbone
from impasto.pictures.picture import Picture, Size
from impasto.pictures.tiles import Tile
from impasto.places.gallery import VIEWS, Gallery, Look, Memory, View
from impasto.places.grids import Grid
from impasto.places.spaces import Space, spaces_of

MOST = 2**17
"""So many places, over all copies, are looked at at most: those of paintings of 512 pixels a side. Of more
every second, third … each way."""
_PRODUCTS = 2**23
"""So many pairs of places are compared at a time."""
_ROUNDS = 60
"""In so many rounds the quotas of several paintings are met, to about a hundredth."""


def replaced(
    backbone: Backbone,
    pixels: Tensor,
    paintings: Sequence[tuple[Picture, float]],
    groups: Sequence[Sequence[str]],
    *,
    tile: int | None = None,
    weight: Tensor | None = None,
    most: int = MOST,
    views: int = VIEWS,
    memory: Memory | None = None,
) -> dict[str, Tensor]:
    """The features that the places of ``pixels`` (1, 3, H, W) shall have: by layer (1, C, h, w), in bfloat16.

    The layers of each of the ``groups`` seek together, and groups for themselves. ``paintings`` come with
    their shares, which sum to one, of the picture's places. Transparent places of theirs are not looked at.
    Where ``weight`` (1, 1, H, W) is zero the picture's places are not looked at either, and get zeros.
    ``tile`` is the side of the tiles in which pictures are seen, None sees them whole; ``most`` is how many
    places of the paintings are looked at, in so many ``views`` of each; ``memory`` is what was seen of them
    already. Raises ImageError when there is no place to look at.
    """
    look = Look(backbone, tuple(layer for group in groups for layer in group), tile)
    gallery = Gallery(look, [picture for picture, _ in paintings], views, memory or Memory(0))
    grids = [Grid(backbone, tuple(group)) for group in groups]
    shares = [share for _, share in paintings]
    fetches = _found(look, gallery, grids, shares, pixels=pixels, weight=weight, most=most)
    for number, seen, features in gallery:
        for fetch in fetches:
            fetch.take(number, seen, features)
    return {name: plane for fetch in fetches for name, plane in fetch.maps().items()}


def _found(
    look: Look,
    gallery: Gallery,
    grids: Sequence[Grid],
    shares: Sequence[float],
    *,
    pixels: Tensor,
    weight: Tensor | None,
    most: int,
) -> list["_Fetch"]:
    """What is to be fetched, grid by grid. The queries are let go of at the end of it, for those of a large
    picture take as much as what is fetched.
    """
    size = pixels.shape[2], pixels.shape[3]
    spaces = spaces_of(gallery, grids, size)
    searches = [
        _Search(grid, space, queried, views=gallery.views, most=most)
        for grid, space, queried in zip(grids, spaces, _queries(look, grids, spaces, pixels, weight), strict=True)
    ]
    for number, seen, features in gallery:
        for search in searches:
            search.look(number, seen, features)
    return [_Fetch(search, search.settled(shares), search.grid.size(size)) for search in searches]


def _queries(
    look: Look, grids: Sequence[Grid], spaces: Sequence[Space], pixels: Tensor, weight: Tensor | None
) -> list[tuple[Tensor, Tensor]]:
    """The picture's places that count, (N, D), of length one about their mean, and their numbers in reading
    order (N,), grid by grid.
    """
    sizes = [grid.size((pixels.shape[2], pixels.shape[3])) for grid in grids]
    planes = [space.axes.new_empty(*size, space.axes.shape[1]) for size, space in zip(sizes, spaces, strict=True)]
    for tile, features in look.at(pixels):
        for grid, space, plane in zip(grids, spaces, planes, strict=True):
            top, bottom, left, right = tile.owned_at(grid.depth)
            along = space.along(grid.columns(tile, features))
            plane[top:bottom, left:right] = along.view(bottom - top, right - left, -1)
    found = []
    planes.reverse()
    for grid in grids:
        rows = planes.pop().flatten(0, 1)
        counts = torch.ones(len(rows)) if weight is None else nn.avg_pool2d(weight, 2**grid.depth).flatten()
        wanted = (counts > 0).nonzero()[:, 0]
        if len(wanted) < len(rows):
            rows = rows[wanted.to(rows.device)]
        # In place, for there are as many of them as a large picture has room for.
        rows -= (counts[wanted] / counts[wanted].sum()).to(rows) @ rows
        rows /= rows.norm(dim=1, keepdim=True).clamp_min(1e-12)
        found.append((rows, wanted))
    return found


class _Search:
    """For every query of a grid the nearest place of every painting so far. Places are numbered view after
    view, in reading order.
    """

    def __init__(
        self, grid: Grid, space: Space, queried: tuple[Tensor, Tensor], *, views: Sequence[View], most: int
    ) -> None:
        """``queried`` as `_queries` gives it."""
        self.grid, self._space, self.views = grid, space, views
        self._queries, self.wanted = queries, _ = queried
        sizes = [math.prod(grid.of(view)) for view in views]
        self.ends = torch.tensor([0, *sizes]).cumsum(0)
        self._every = grid.every(views, most)
        shape = 1 + views[-1].painting, len(queries)
        self._scores = torch.full(shape, -math.inf, device=queries.device)
        self._found = torch.zeros(shape, dtype=torch.long, device=queries.device)

    def look(self, number: int, tile: Tile, features: Mapping[str, Tensor]) -> None:
        """Compare with the places of a tile of a view. Of equals the first is the nearest, whatever the
        tiles.
        """
        view, window = self.views[number], tile.owned_at(self.grid.depth)
        chosen = self.grid.chosen(view, window, self._every)
        if not len(chosen):
            return
        top, _, left, right = window
        down, across = chosen // (right - left), chosen % (right - left)
        numbers = self.ends[number] + (top + down) * self.grid.of(view)[1] + left + across
        columns = self.grid.columns(tile, features)
        along = self._space.along({name: column[chosen.to(column.device)] for name, column in columns.items()})
        places, numbers = nn.normalize(along - self._space.mean, dim=1), numbers.to(along.device)
        best, nearest = self._scores[view.painting], self._found[view.painting]
        rows = max(1, _PRODUCTS // len(places))
        for start in range(0, len(self._queries), rows):
            part = slice(start, start + rows)
            cosine, index = (self._queries[part] @ places.T).max(1)
            better = (cosine > best[part]) | ((cosine == best[part]) & (numbers[index] < nearest[part]))
            best[part] = torch.where(better, cosine, best[part])
            nearest[part] = torch.where(better, numbers[index], nearest[part])

    def settled(self, shares: Sequence[float]) -> Tensor:
        """The number of every query's place (N,): of the painting that is nearest at prices at which each
        gets its share.
        """
        prices, wanted = self._scores.new_zeros(len(shares), 1), self._scores.new_tensor(shares)[:, None]
        owner = self._scores.argmax(0)
        for count in range(_ROUNDS if len(shares) > 1 else 0):
            taken = torch.bincount(owner, minlength=len(shares))[:, None] / len(owner)
            prices += 0.5 / (1 + count / 4) * (taken - wanted)
            owner = (self._scores - prices).argmax(0)
        return self._found.gather(0, owner[None])[0].cpu()


class _Fetch:
    """The features of the places that a search has found, gathered on the layers' own grids."""

    def __init__(self, search: _Search, found: Tensor, size: Size) -> None:
        """``size`` is that of the search's grid for the picture."""
        self._grid, self._views, self._ends = search.grid, search.views, search.ends
        self._found, order = found.sort(stable=True)
        self._positions = search.wanted[order]
        self._size = size
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, Tensor] = {}

    def take(self, number: int, tile: Tile, features: Mapping[str, Tensor]) -> None:
        """Take what was found in a tile of a view."""
        begin, end = torch.searchsorted(self._found, self._ends[number : number + 2]).tolist()
        top, bottom, left, right = tile.owned_at(self._grid.depth)
        place, width = self._found[begin:end] - self._ends[number], self._grid.of(self._views[number])[1]
        down, across = place // width, place % width
        inside = ((down >= top) & (down < bottom) & (across >= left) & (across < right)).nonzero()[:, 0]
        if not len(inside):
            return
        source = (down[inside] - top) * (right - left) + across[inside] - left
        position = self._positions[begin:end][inside]
        for name, column in self._grid.columns(tile, features).items():
            side, sums = self._grid.steps(name), self._room(name, column.shape[1])
            if name not in self._counts:
                sums.flatten(0, 1)[position.to(sums.device)] = column[source.to(column.device)].to(sums.dtype)
                continue
            y, x = position // self._size[1] // side, position % self._size[1] // side
            within = (y < sums.shape[0]) & (x < sums.shape[1])  # poolings leave out what is odd at the end
            at = (y * sums.shape[1] + x)[within].to(sums.device)
            sums.flatten(0, 1).index_add_(0, at, column[source[within].to(column.device)].float())
            self._counts[name].flatten(0, 1).index_add_(0, at, torch.ones(len(at), 1, device=sums.device))

    def _room(self, name: str, channels: int) -> Tensor:
        """Where the features of a layer are gathered."""
        if name not in self._sums:
            side, device = self._grid.steps(name), self._grid.backbone.device
            shape = self._size[0] // side, self._size[1] // side
            # Of a layer on the grid itself nothing has to be added up, and pictures can be large.
            dtype = torch.bfloat16 if side == 1 else torch.float32
            self._sums[name] = torch.zeros(*shape, channels, dtype=dtype, device=device)
            if side > 1:
                self._counts[name] = torch.zeros(*shape, 1, device=device)
        return self._sums[name]

    def maps(self) -> dict[str, Tensor]:
        """By layer (1, C, h, w): where several places share a position of a layer, their mean."""
        for name, counts in self._counts.items():
            self._sums[name] /= counts.clamp_min(1)
        return {name: means.permute(2, 0, 1)[None].bfloat16() for name, means in self._sums.items()}

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
hold nearly all of what tells its places apart; in copies that are mirrored too; and in quotas where there are
several paintings.

The paintings are read a copy and a tile at a time, and of each the features of those places are kept that are
the nearest so far. So no more has to be held than the features of one tile and of as many places as are
sought for, and a tiled search finds what a whole one does; what there is room for is remembered (`gallery`).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
_TOGETHER = 2**10
"""So many places of a view are compared at once, if it has them: to compare with a tile's few alone would
take as long as it takes to read all places of the picture."""
_ROWS = 2**15
"""So many places are gathered at a time."""
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
    found: dict[str, Tensor] = {}
    for places in _found(look, gallery, grids, shares, pixels=pixels, weight=weight, most=most):
        found |= places.maps()
    return found


def _found(
    look: Look,
    gallery: Gallery,
    grids: Sequence[Grid],
    shares: Sequence[float],
    *,
    pixels: Tensor,
    weight: Tensor | None,
    most: int,
) -> list["_Places"]:
    """The places, grid by grid. The queries are let go of at the end of it, for those of a large picture take
    as much as what is found.
    """
    size = pixels.shape[2], pixels.shape[3]
    spaces = spaces_of(gallery, grids, size)
    searches = [
        _Search(grid, space, queried, views=gallery.views, most=most)
        for grid, space, queried in zip(grids, spaces, _queries(look, grids, spaces, pixels, weight), strict=True)
    ]
    for number in range(len(gallery.views)):
        for seen, features in gallery.at(number):
            for search in searches:
                search.look(number, seen, features)
        for search in searches:
            search.leave(number)
    return [search.settled(shares, search.grid.size(size)) for search in searches]


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
        # With as many digits as the features have, for more of them take twice the time.
        found.append((rows.to(look.backbone.dtype), wanted))
    return found


class _Search:
    """For every query of a grid the nearest place of every painting so far, and what it looks like. Places
    are numbered view after view, in reading order.
    """

    def __init__(
        self, grid: Grid, space: Space, queried: tuple[Tensor, Tensor], *, views: Sequence[View], most: int
    ) -> None:
        """``queried`` as `_queries` gives it."""
        self.grid, self._space, self._views = grid, space, views
        self._queries, self._wanted = queries, _ = queried
        sizes = [math.prod(grid.of(view)) for view in views]
        self._ends = torch.tensor([0, *sizes]).cumsum(0)
        self._every = grid.every(views, most)
        shape = 1 + views[-1].painting, len(queries)
        self._scores = torch.full(shape, -math.inf, device=queries.device)
        self._found = torch.zeros(shape, dtype=torch.long, device=queries.device)
        self._taken: list[_Columns] = []
        self._kept: list[_Columns] = []

    def look(self, number: int, tile: Tile, features: Mapping[str, Tensor]) -> None:
        """Take the places of a tile of a view, and compare with them once there are enough."""
        view, window = self._views[number], tile.owned_at(self.grid.depth)
        chosen = self.grid.chosen(view, window, self._every)
        if not len(chosen):
            return
        top, _, left, right = window
        down, across = chosen // (right - left), chosen % (right - left)
        numbers = self._ends[number] + (top + down) * self.grid.of(view)[1] + left + across
        columns = {name: column[chosen.to(column.device)] for name, column in self.grid.columns(tile, features).items()}
        self._taken.append((numbers, columns))
        if sum(len(numbers) for numbers, _ in self._taken) >= _TOGETHER:
            self._compare(view.painting)

    def leave(self, number: int) -> None:
        """All of a view has been looked at: let go of what is not the nearest of any query."""
        if self._taken:
            self._compare(self._views[number].painting)
        nearest = self._nearest()
        self._kept = [
            (numbers[nearest[numbers]], {name: each[nearest[numbers]] for name, each in columns.items()})
            for numbers, columns in self._kept
        ]

    def _compare(self, painting: int) -> None:
        """Compare with what has been taken of a painting. Of equals the first is the nearest, whatever the
        tiles.
        """
        # In reading order, in which the first is taken of equals.
        numbers, order = torch.cat([numbers for numbers, _ in self._taken]).sort()
        columns = {name: torch.cat([columns[name] for _, columns in self._taken]) for name in self.grid.layers}
        if len(self._taken) > 1:
            columns = {name: each[order.to(each.device)] for name, each in columns.items()}
        self._taken = []
        along = self._space.along(columns)
        places = nn.normalize(along - self._space.mean, dim=1).to(self.grid.backbone.dtype)
        numbers = numbers.to(along.device)
        best, nearest = self._scores[painting], self._found[painting]
        passes = self.grid.backbone.passes
        rows = max(1, _PRODUCTS // len(places))
        for start in range(0, len(self._queries), rows):
            part = slice(start, start + rows)
            cosines = self._queries[part] @ places.T
            cosine, index = passes.largest(cosines) if passes else cosines.max(1)
            cosine = cosine.to(best.dtype)
            better = (cosine > best[part]) | ((cosine == best[part]) & (numbers[index] < nearest[part]))
            best[part] = torch.where(better, cosine, best[part])
            nearest[part] = torch.where(better, numbers[index], nearest[part])
        found = self._nearest()[numbers]
        # Of a layer on the grid itself nothing has to be added up.
        self._kept.append(
            (
                numbers[found],
                {name: _narrowed(each[found], self.grid.steps(name) == 1) for name, each in columns.items()},
            )
        )

    def _nearest(self) -> Tensor:
        """Which places are the nearest of a query so far, (M,)."""
        nearest = torch.zeros(int(self._ends[-1]), dtype=torch.bool, device=self._found.device)
        nearest[self._found.flatten()] = True
        return nearest

    def settled(self, shares: Sequence[float], size: Size) -> "_Places":
        """Every query's place, for a grid of a size: of the painting that is nearest at prices at which each
        gets its share.
        """
        prices, wanted = self._scores.new_zeros(len(shares), 1), self._scores.new_tensor(shares)[:, None]
        owner = self._scores.argmax(0)
        for count in range(_ROUNDS if len(shares) > 1 else 0):
            taken = torch.bincount(owner, minlength=len(shares))[:, None] / len(owner)
            prices += 0.5 / (1 + count / 4) * (taken - wanted)
            owner = (self._scores - prices).argmax(0)
        return _Places(self.grid, self._kept, self._found.gather(0, owner[None])[0], self._wanted, size)


_Columns = tuple[Tensor, dict[str, Tensor]]
"""The numbers of places (M,), and by layer what they look like (M, C)."""


def _narrowed(column: Tensor, alone: bool) -> Tensor:
    """As few digits as what is made of it will have: of means all that float32 has."""
    return column.bfloat16() if alone else column if column.dtype in {torch.bfloat16, torch.float16} else column.float()


@dataclass
class _Places:
    """The places that a search has found, to be gathered on the layers' own grids: the number of each, ``at``
    the positions of the grid, which has a ``size``, for which they were.
    """

    grid: Grid
    kept: list[_Columns]
    found: Tensor
    at: Tensor
    size: Size

    def maps(self) -> dict[str, Tensor]:
        """By layer (1, C, h, w), in bfloat16: where several places share a position of a layer, their mean.
        Lets go of what it has gathered.
        """
        numbers, order = torch.cat([numbers for numbers, _ in self.kept]).sort()
        # In the order in which they were seen, in which they are added up.
        rows, order = order[torch.searchsorted(numbers, self.found)].sort(stable=True)
        at = self.at.to(order.device)[order]
        return {name: self._map(name, rows, at)[None].bfloat16() for name in self.grid.layers}

    def _map(self, layer: str, rows: Tensor, at: Tensor) -> Tensor:
        """Of a layer (C, h, w), from the kept ``rows`` for positions of the grid."""
        column = torch.cat([columns.pop(layer) for _, columns in self.kept])
        side = self.grid.steps(layer)
        height, width = self.size[0] // side, self.size[1] // side
        sums = torch.zeros(
            height * width, column.shape[1], dtype=torch.bfloat16 if side == 1 else torch.float32, device=column.device
        )
        counts = torch.zeros(height * width, 1, device=column.device)
        for start in range(0, len(rows), _ROWS):
            row, position = rows[start : start + _ROWS], at[start : start + _ROWS]
            if side == 1:
                sums[position] = column[row]
                continue
            y, x = position // self.size[1] // side, position % self.size[1] // side
            within = (y < height) & (x < width)  # poolings leave out what is odd at the end
            here = (y * width + x)[within]
            sums.index_add_(0, here, column[row[within]].float())
            counts.index_add_(0, here, torch.ones(len(here), 1, device=counts.device))
        if side > 1:
            sums /= counts.clamp_min(1)
        return sums.view(height, width, column.shape[1]).permute(2, 0, 1)

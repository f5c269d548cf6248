"""Sheets to look at: a photograph in every learnt style, the edges of a picture."""

from collections.abc import Sequence

from PIL import Image
from torch import Tensor

from impasto.errors import SettingsError
from impasto.losses.statistics import total_variation
from impasto.networks.codes import learnt_style
from impasto.networks.zoo import network
from impasto.pictures import edges
from impasto.pictures.codecs import PictureLike
from impasto.pictures.picture import Picture
from impasto.pictures.sheet import Labelled, contact_sheet
from impasto.settings.fields import LEARNT
from impasto.tasks.inputs import usable
from impasto.tasks.stylize import plan_stylize

_COLUMNS = 6


def learnt_styles(content: PictureLike, size: int = 384, name: str = LEARNT) -> Image.Image:
    """A contact sheet: the photograph at a long side of ``size``, then all learnt styles of a network by
    their numbers and names. Raises SettingsError for a network without any.
    """
    styles = network(name).design.styles
    if not styles:
        raise SettingsError(f"The `network` {name} has no learnt styles to show: it paints in that of any painting.")
    photo = usable(content, "content").fitted(size)
    cells = [("photo", photo.image())]
    for index, style in enumerate(styles):
        painted = plan_stylize(photo, learnt_style(str(index), name), method="fast", size="native").finish().picture
        cells.append((str(index) if style == str(index) else f"{index} {style}", painted.image()))
    rows = [cells[start : start + _COLUMNS] for start in range(0, len(cells), _COLUMNS)]
    return contact_sheet(rows, cell=(photo.size[1], photo.size[0]))


def edge_sheet(pictures: Sequence[tuple[str, PictureLike]], size: int = 512) -> Image.Image:
    """Rows of a picture with its total variation per pixel, and its Sobel edges: upright, level, and their
    strength.

    Grey is no edge; darker and lighter are the two directions. All rows can be compared: they are drawn to
    one scale, and are of one long side, ``size`` or the smallest picture's, for what is enlarged is smoother.
    """
    found = [(name, usable(source, name)) for name, source in pictures]
    size = min([size, *(max(picture.size) for _, picture in found)])
    rows = [edge_row(name, picture.fitted(size)) for name, picture in found]
    return contact_sheet(rows, cell=(size, max(image.height for row in rows for _, image in row)))


def edge_row(name: str, picture: Picture) -> list[Labelled]:
    """One row of the `edge_sheet`."""
    across, down = edges.sobel(picture.pixels)
    variation = total_variation(picture.pixels, "l1").item()
    return [
        (f"{name}: total variation {variation:.4f}", picture.image()),
        ("upright edges", _grey(0.5 + 2 * across)),
        ("level edges", _grey(0.5 + 2 * down)),
        ("strength", _grey(1 - 4 * edges.strength(picture.pixels))),
    ]


def _grey(plane: Tensor) -> Image.Image:
    return Picture(plane.clamp(0, 1).expand(-1, 3, -1, -1)).image()

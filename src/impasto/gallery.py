"""A photograph in every learnt style."""

from PIL import Image

from impasto.codes import learnt
from impasto.images import PictureLike
from impasto.inputs import usable
from impasto.networks.cin import ARCHITECTURES
from impasto.sheet import contact_sheet
from impasto.tasks import plan_stylize

_COLUMNS = 7


def learnt_styles(content: PictureLike, size: int = 384) -> Image.Image:
    """A contact sheet: the photograph at a long side of ``size``, then all 26 styles by their numbers."""
    photo = usable(content, "content").fitted(size)
    cells = [("photo", photo.image())]
    for index in range(ARCHITECTURES["multistyle26"].codes):
        painted = plan_stylize(photo, learnt(str(index)), method="fast", size="native").finish().picture
        cells.append((str(index), painted.image()))
    rows = [cells[start : start + _COLUMNS] for start in range(0, len(cells), _COLUMNS)]
    return contact_sheet(rows, cell=(photo.size[1], photo.size[0]))

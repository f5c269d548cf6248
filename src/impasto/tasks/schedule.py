"""The scales that are worked through, coarse to fine, with their shares of the iterations."""

import itertools
import math
from collections.abc import Sequence

from impasto.pictures.picture import Size, long_side
from impasto.settings.fields import Effective
from impasto.settings.whole import last_pass, listed
from impasto.solver.solve import Stage
from impasto.tasks.inputs import MIN_SIDE


def schedule(size: Size, settings: Effective) -> list[Stage]:
    """The scales with their shares of the iterations, as 1 to 2 to 3 …: what a coarse scale settles takes
    few. So does the finest where a last pass goes on there. Raises SettingsError.
    """
    final = max(size)
    last = last_pass(settings)
    if settings.scales == "auto":
        octaves = max(0, round(math.log2(final / (64 if settings.places_weight > 0 else 128))))
        if settings.style_weight == settings.places_weight == 0 and settings.init == "content":
            octaves = 0  # the start is the goal already, and coarse scales would only blur it
        if settings.method == "refine":
            octaves = min(octaves, 1)  # the start has what the coarsest scales would settle
        lengths = [round(final / 2**k) for k in range(octaves, -1, -1)]
        lengths = [length for length in lengths if length == final or min(long_side(size, length)) >= MIN_SIDE]
        # The first iteration of a scale looks at what it starts from: with one alone the coarsest would
        # change nothing of it, and the next would start from a blur.
        while len(lengths) > 1 and settings.iterations - last < len(lengths) + _shares(lengths, last)[-1]:
            lengths = lengths[1:]
    elif isinstance(settings.scales, tuple):
        lengths = listed(settings, final)
    else:
        lengths = [final]
    spare = settings.iterations - last - len(lengths)
    shares = _shares(lengths, last)
    spent = [spare * share // shares[-1] for share in shares]
    stages = [
        Stage(long_side(size, length), 1 + after - before)
        for length, before, after in zip(lengths, spent, spent[1:], strict=False)
    ]
    return [*stages, Stage(stages[-1].size, last, last=True)] if last else stages


def _shares(lengths: Sequence[int], last: int) -> list[int]:
    """What all scales before each one, and before the end, have of the iterations together, but for the last
    pass.
    """
    counts = [*range(1, len(lengths)), 1 if last else len(lengths)]
    return [*itertools.accumulate(counts, initial=0)]

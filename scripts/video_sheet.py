"""Write the strip of docs/video.md: frames of a clip, painted frame by frame and steadied, and what changes.

python scripts/video_sheet.py CLIP PAINTING docs/video.jpg
"""

import itertools
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from impasto.video import flow
from impasto.video.clip import Clip
from impasto.video.colour import Floats
from impasto.video.film import Film
from impasto.video.job import VideoDelivery, VideoJob
from impasto.video.work import VideoWork

SIZE, SECONDS, COUNT = 192, 1.25, 8


def main(clip: str, painting: str, output: Path) -> None:
    rows: list[list[Floats]] = []
    film = Film(VideoJob(clip, ((painting, 1.0),), end=SECONDS, settings={"size": SIZE}))
    originals = [frame.pixels for frame in film.frames(film.first, film.last)]
    flows = [flow_between(after, before) for before, after in itertools.pairwise(originals)]
    with tempfile.TemporaryDirectory() as folder:
        for steady in ("off", "light"):
            delivery = VideoDelivery(str(Path(folder) / f"{steady}.mkv"), codec="ffv1", metadata=False)
            settings = {"size": SIZE, "steady": steady}
            job = VideoJob(clip, ((painting, 1.0),), end=SECONDS, settings=settings, delivery=delivery)
            VideoWork(job).finish()
            frames = [frame.pixels for frame in Clip(delivery.output).frames()]
            changes = [
                np.clip(4 * np.abs(after - own.warped(before)), 0, 1)
                for (before, after), own in zip(itertools.pairwise(frames), flows, strict=True)
            ]
            places = [number * (len(changes) - 1) // (COUNT - 1) for number in range(COUNT)]
            rows += [[frames[place] for place in places], [changes[place] for place in places]]
    rows.insert(0, [originals[place] for place in places])
    strip = np.vstack([np.hstack(row) for row in rows])
    Image.fromarray(np.rint(strip * 255).astype(np.uint8)).save(output, quality=80)


def flow_between(after: Floats, before: Floats) -> flow.Flow:
    grey = flow.grey(after), flow.grey(before)
    return flow.between(*grey, flow.ways(*grey), (after.shape[0], after.shape[1]))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))

"""The sheet in docs/using.md, of the demo's pictures: python scripts/story_sheet.py OUT.jpg

Rows: the photograph as five layers remember it; the painting's texture by more and more layers; the plain
model on its way.
"""

import sys
from pathlib import Path

import impasto
from impasto.pictures import codecs
from impasto.pictures.sheet import Labelled, contact_sheet

SIZE, ITERATIONS = 256, 1000


def main(out: Path) -> None:
    photo, painting = (picture.fitted(SIZE) for picture in impasto.demo_pair())
    remembered: list[Labelled] = [("photograph", photo.image())]
    for layer in ("relu1_2", "relu2_2", "relu3_2", "relu4_2", "relu5_2"):
        made = impasto.reconstruct(photo, layer, size=SIZE, iterations=ITERATIONS // 5)
        remembered.append((layer, made.picture.image()))
    textures: list[Labelled] = [("painting", painting.image())]
    layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
    for depth in range(1, len(layers) + 1):
        made = impasto.texture(painting, size=(SIZE, SIZE), style_layers=layers[:depth], iterations=ITERATIONS // 5)
        textures.append((f"to {layers[depth - 1]}", made.picture.image()))
    run = impasto.plan_stylize(photo, painting, "tutorial", size=SIZE, iterations=ITERATIONS)
    moments = [round(share * ITERATIONS) for share in (0.2, 0.3, 0.6, 0.7, 0.8, 1.0)]
    on_the_way: list[Labelled] = [
        (f"{step.iteration} iterations", run.picture().image()) for step in run.steps() if step.iteration in moments
    ]
    sheet = contact_sheet([remembered, textures, on_the_way], cell=(SIZE, SIZE))
    codecs.save(codecs.load(sheet), out, force=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

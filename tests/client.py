"""A program that uses the library, for `mypy --strict` to read and nobody to run: what is right passes,
and what is wrong is found, for an ignore that nothing needs is an error.
"""

import impasto
from impasto import Picture, Result


def right(photo: str) -> Picture:
    result: Result = impasto.stylize(photo, ["a.jpg", ("b.jpg", 0.5)], size=512, strength=0.6, scales=(128, 256))
    run = impasto.plan_stylize(photo, "a.jpg", optimizer="adam", learning_rate=0.02)
    for step in run.steps():
        print(step.iteration, step.losses["total"])
    impasto.texture("a.jpg", size="512x384", seed=1, start=photo).save("texture.png", force=True)
    return result.picture


def wrong() -> None:
    impasto.stylize("a.jpg", "b.jpg", strngth=3)  # type: ignore[call-arg]
    impasto.stylize("a.jpg", "b.jpg", strength="much")  # type: ignore[arg-type]
    impasto.texture("a.jpg", style_loss="grams")  # type: ignore[arg-type]
    impasto.plan_reconstruct("a.jpg", iterations="many")  # type: ignore[arg-type]
    impasto.plan_stylize("a.jpg", "b.jpg", qualty="fine")  # type: ignore[call-overload]
    impasto.stylise("a.jpg", "b.jpg")  # type: ignore[attr-defined]

"""Scores and edges."""

import numpy as np
import pytest
import torch
from PIL import Image

import impasto
from impasto.errors import ImageError
from impasto.judge.gallery import edge_row, edge_sheet
from impasto.pictures import edges
from impasto.pictures.codecs import load
from impasto.pictures.picture import Picture
from impasto.pictures.sheet import Labelled, contact_sheet
from tests.helpers import painting, photo


def test_the_photo_and_the_painting_score_as_they_must() -> None:
    content, style = photo(64, 96), painting(96, 96)
    of_photo = impasto.score(content, style, content)
    assert of_photo["content"]["mean"] == 0 and of_photo["content"]["edges"] == pytest.approx(1)
    assert of_photo["content"]["held_out"] == 0
    assert of_photo["style"]["embedding"] == pytest.approx(1) and of_photo["style"]["mean"] > 0.5
    of_style = impasto.score(content, style, style)
    assert of_photo["style"]["strokes"] == pytest.approx(1) and of_photo["style"]["coverage"] < 0.5
    assert of_style["style"]["strokes"] < 1e-3 and of_style["style"]["coverage"] == 1
    assert of_style["style"]["mean"] < 1e-6 and of_style["style"]["held_out"] < 1e-6
    assert of_style["style"]["embedding"] < 1e-3 and of_style["surface"]["roughness"] == pytest.approx(1)
    assert of_style["content"]["mean"] > 0.3 and of_style["content"]["edges"] < 0.5
    assert 0.5 < of_style["content"]["held_out"] < 1.5


def test_a_result_is_nearer_to_the_style_than_the_photo_and_to_the_photo_than_the_style() -> None:
    content, style = photo(72, 96), painting(96, 96)
    made = impasto.stylize(content, style, size=64, iterations=12).picture
    of_made, of_photo, of_style = (impasto.score(content, style, each) for each in (made, content, style))
    for key in ("mean", "held_out"):
        assert of_made["style"][key] < 0.7 * of_photo["style"][key]
    for key in ("mean", "held_out"):
        assert of_made["content"][key] < of_style["content"][key]
    assert of_made["content"]["edges"] > of_style["content"]["edges"]


def test_strokes_see_what_is_painted() -> None:
    """A mosaic of the painting is painted all over, with a half of the painting; half of it, half."""
    content, style = photo(96, 128), painting(96, 128)
    half = style.copy()
    half[:, 64:] = content[:, 64:]
    mosaic = np.concatenate([style[:, :64], style[:, :64]], 1)
    of_half, of_mosaic = (impasto.score(content, style, each)["style"] for each in (half, mosaic))
    assert 0.3 < of_half["strokes"] < 0.7 and of_mosaic["strokes"] < 0.25
    assert 0.4 < of_half["coverage"] < 1 and 0.4 < of_mosaic["coverage"] < 1


def test_large_results_are_compared_at_a_length_that_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    content, style, result = photo(96, 128), painting(120, 100), photo(96, 128, seed=3)
    whole = impasto.score(content, style, result)
    monkeypatch.setattr("impasto.judge.scores.LONGEST", 64)
    found, small = impasto.score(content, style, result), impasto.score(content, style, load(result).fitted(64))
    assert found["style"] == small["style"] != whole["style"]
    assert found["content"] == small["content"] != whole["content"]
    assert found["surface"] == whole["surface"] != small["surface"]


def test_flat_and_tiny_pictures() -> None:
    flat = np.full((32, 32, 3), 128, np.uint8)
    scores = impasto.score(flat, flat, flat)
    assert (
        scores["content"]["edges"] == scores["content"]["held_out"] == 0
        and scores["surface"]["tv"] == 0
        and scores["style"]["embedding"] == 0
    )
    with pytest.raises(ImageError, match="result picture is 8×8"):
        impasto.score(flat, flat, flat[:8, :8])


def test_sobel_by_hand() -> None:
    ramp = torch.linspace(0, 1, 11)[None, None, None, :].expand(1, 3, 5, 11)
    across, down = edges.sobel(ramp)
    assert torch.allclose(across[..., 1:-1], torch.tensor(0.1)) and torch.allclose(down, torch.tensor(0.0), atol=1e-6)
    across, down = edges.sobel(ramp.mT)
    assert torch.allclose(down[:, :, 1:-1], torch.tensor(0.1)) and torch.allclose(across, torch.tensor(0.0), atol=1e-6)
    step = torch.zeros(1, 3, 6, 6)
    step[..., 3:] = 1
    assert edges.strength(step).max() == pytest.approx(0.5)


def test_the_edge_sheet_has_a_row_for_every_picture() -> None:
    one = edge_sheet([("photo", photo(48, 64))], size=300)
    two = edge_sheet([("photo", photo(48, 64)), ("painting", Image.fromarray(painting(48, 64)))], size=300)
    (labelled,) = edge_row("photo", load(photo(16, 16)))[:1]
    narrow = np.asarray(contact_sheet([[labelled]], (16, 16)))
    assert (narrow[:, -8:] == 255).all(), "labels are whole"
    beside = np.asarray(edge_sheet([("photo", photo(16, 16))], size=16))
    assert np.array_equal(beside[:, : narrow.shape[1]], narrow), "and do not run into one another"
    assert isinstance(one, Image.Image) and two.height > 1.8 * one.height - 20
    assert load(edge_sheet([("photo", photo(150, 200)), ("painting", painting(240, 320))], size=300)).size[1] > 4 * 200


def test_edges_of_all_pictures_are_seen_at_the_smallest_ones_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is enlarged is smoother: a small result would have less total variation than `score` tells."""
    seen: list[tuple[int, int]] = []

    def row(name: str, picture: Picture) -> list[Labelled]:
        seen.append(picture.size)
        return edge_row(name, picture)

    monkeypatch.setattr("impasto.judge.gallery.edge_row", row)
    large, small = ("photo", photo(96, 128)), ("result", photo(48, 64))
    for pictures, size, sizes in (
        ([large, small], 300, [(48, 64), (48, 64)]),
        ([large], 300, [(96, 128)]),
        ([large, small], 32, [(24, 32), (24, 32)]),
    ):
        seen.clear()
        edge_sheet(pictures, size)
        assert seen == sizes


def test_a_sheet_of_edges_is_a_picture() -> None:
    two = edge_sheet([("photo", photo(48, 64)), ("painting", Image.fromarray(painting(48, 64)))], size=300)
    assert load(two).size == (two.height, two.width)

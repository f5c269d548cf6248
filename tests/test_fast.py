"""The fast method: tiles, statistics from samples, pictures of any size, codes, and its one interface with
the optimiser.
"""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save, save_file

import impasto
from impasto.colour import oklab
from impasto.errors import ImageError, NotReadyError, OutputError, SettingsError, StyleCodeError, WeightsError
from impasto.networks import codes
from impasto.networks import zoo as pretrained
from impasto.networks.codes import StyleCode
from impasto.networks.painter import Painter
from impasto.pictures import codecs, large
from impasto.pictures.codecs import PictureLike
from impasto.pictures.large import LargePicture, load_own
from impasto.pictures.picture import Picture
from impasto.settings.fields import Settings
from impasto.tasks import inputs, sweep, sweep_budget
from impasto.tasks.fast import plan_fast
from tests.helpers import painting, photo, small_network
from tests.test_networks import CPU, picture

pytestmark = pytest.mark.usefixtures("small_looks", "narrow")


def painter_of(dtype: torch.dtype) -> tuple[Painter, int]:
    network = pretrained.network("arbitrary").stylizer
    code = codes.predicted(codecs.load(painting(100, 120)), "arbitrary")
    return Painter(network, network.style(code.values), dtype=dtype, device=CPU), network.reach


def test_large_pictures_are_painted_like_small_ones() -> None:
    painter, reach = painter_of(torch.float32)
    array = np.dstack([photo(300, 260), np.full((300, 260), 77, np.uint8)])
    pixels = picture(array[..., :3])
    paint = painter.frozen(painter.measured(pixels)[1])
    in_float, in_8_bits = Picture(pixels.clone()), LargePicture(Image.fromarray(array))
    for canvas in (in_float, in_8_bits):
        list(sweep.paint_tiles(canvas, paint, 128, reach))
    found = np.asarray(in_8_bits.image())
    assert np.abs(found[..., :3].astype(int) - in_float.array(8)).max() <= 1
    assert (found[..., 3] == 77).all()


def test_samples_are_spread_over_the_picture() -> None:
    rows = torch.arange(1000.0)[:, None].expand(1000, 600) / 1000
    samples = sweep.samples(Picture(rows.expand(1, 3, -1, -1)), 12)
    assert samples.shape == (12, 3, 128, 128)
    assert abs(samples.mean().item() - 0.5) < 0.01 and samples.min() < 0.1 and samples.max() > 0.9
    assert sweep.samples(Picture(torch.rand(1, 3, 20, 900)), 64).shape == (7, 3, 20, 128)


@pytest.mark.slow
def test_a_budget_makes_tiles_of_nearly_the_same_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_budget, "_FEWEST_SAMPLES", 12)  # as many as cover it, for it is small
    content, style = photo(500, 550), painting(100, 120)
    whole, tiled = (
        impasto.stylize(content, style, method="fast", size="native", memory=memory, precision="float32")
        for memory in ("16GB", "480MB")
    )
    assert whole.record["tiles"].startswith("none") and tiled.record["steps"] > 1
    assert (whole.picture.pixels - tiled.picture.pixels).abs().mean() < 5 / 255


def test_a_large_file_goes_its_whole_way_in_8_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "LARGE", 200 * 200)  # above the 128 × 128 at which paintings are looked at here
    Image.fromarray(photo(350, 250)).save(tmp_path / "photo.png", exif=_rotated())
    result = impasto.stylize(
        tmp_path / "photo.png", painting(60, 60), method="fast", size="native", memory="800MB", precision="float32"
    )
    assert isinstance(result.painted, LargePicture) and result.painted.size == (250, 350)
    for name in ("out.png", "out.tif", "out.jpg"):
        result.save(tmp_path / name)
        assert np.abs(codecs.load(tmp_path / name).array(8) - result.picture.array(8).astype(int)).mean() < 2
    result.save(tmp_path / "deep.tif", depth=16)
    assert np.array_equal(codecs.load(tmp_path / "deep.tif").array(8), result.picture.array(8))
    # Smaller on request: an ordinary picture again.
    small = impasto.stylize(tmp_path / "photo.png", painting(60, 60), method="fast", size=64)
    assert isinstance(small.painted, Picture) and small.painted.size == (46, 64)


def test_a_small_painting_scaled_to_a_large_picture_stays_in_8_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "LARGE", 520 * 520)
    result = impasto.stylize(photo(500, 700), painting(60, 60), method="fast", size="native", stroke_size=100)
    assert isinstance(result.painted, LargePicture) and result.painted.size == (500, 700)


def test_sixteen_bits_are_kept_also_of_a_large_picture_in_broad_strokes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "LARGE", 200 * 200)
    content = photo(250, 350).astype(np.uint16) * 257
    made = impasto.stylize(content, painting(60, 60), method="fast", size="native", stroke_size=64).picture.array()
    assert made.dtype == np.uint16 and (made % 257 != 0).mean() > 0.9


def kept(way: Any, tile: int | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """A photograph, and what the fast method makes of it with its colours kept, float64."""
    content = photo(160, 200) if tile is None else photo(280, 400)
    run = impasto.plan_stylize(
        content, painting(100, 120), method="fast", size="native", keep_colour=way, precision="float32"
    )
    assert isinstance(run, impasto.FastRun)
    run.tile, run._samples = tile, 12
    return picture(content).double(), run.finish().picture.pixels.double()


@pytest.mark.parametrize("tile", [None, pytest.param(256, marks=pytest.mark.slow)])
@pytest.mark.parametrize("way", ["luminance", "linear", "histogram"])
def test_the_photographs_colours_can_be_kept(way: str, tile: int | None) -> None:
    """Also in tiles, where they are known from samples."""
    own, made = kept(way, tile)
    assert (own - made).abs().mean() > 0.02, "it is painted all the same"
    if way == "luminance":  # the hue of every place, and its chroma as far as a display shows it
        (a, b), (a_made, b_made) = (oklab.from_srgb(each)[0, 1:].flatten(1) for each in (own, made))
        assert (a * b_made - b * a_made).abs().max() < 1e-3
        assert (a_made.hypot(b_made) - a.hypot(b)).max() < 1e-3
        assert (a_made.hypot(b_made) - a.hypot(b)).abs().median() < 1e-3
        plain = kept("none", tile)[1]
        assert (oklab.from_srgb(made)[:, 0] - oklab.from_srgb(plain)[:, 0]).abs().mean() < 0.002
    else:
        near = {"linear": 0.03, "histogram": 0.015}[way] * (1 if tile is None else 2)
        assert (own.mean((2, 3)) - made.mean((2, 3))).abs().max() < near
        assert (own.flatten(2).std(2) - made.flatten(2).std(2)).abs().max() < 2 * near
    if way == "histogram":
        light, light_made = (oklab.from_srgb(each)[0, 0].flatten().sort().values for each in (own, made))
        assert (light - light_made).abs().mean() < near


def test_broad_strokes_keep_a_sharp_outline() -> None:
    alpha = np.where(np.arange(256) < 100, 0, 255).astype(np.uint8)
    content = np.dstack([photo(192, 256), np.broadcast_to(alpha, (192, 256))])
    result = impasto.stylize(content, painting(60, 60), method="fast", size="native", stroke_size=64)
    assert (result.picture.array(8)[..., 3] == alpha).all()


def test_a_pass_is_made_once_and_to_its_end() -> None:
    run = impasto.plan_stylize(photo(64, 64), painting(60, 60), method="fast", size="native")
    with pytest.raises(NotReadyError, match="There is no picture yet"):
        run.result()
    run.finish()
    with pytest.raises(NotReadyError, match="painted over once"):
        next(run.steps())


def test_photo_and_painting_may_change_places() -> None:
    one, other = photo(64, 96), painting(60, 60)
    for content, style in ((one, other), (other, one)):
        assert impasto.stylize(content, style, method="fast", size="native").picture.size == content.shape[:2]


def _rotated() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def test_a_picture_that_is_given_is_not_painted_over() -> None:
    given: list[PictureLike] = [codecs.load(photo(64, 64)), Image.fromarray(photo(64, 64)), photo(64, 64)]
    for content in given:
        impasto.stylize(content, painting(60, 60), method="fast", size="native")
        assert np.array_equal(codecs.load(content).array(8), photo(64, 64))


def test_the_default_size_alpha_and_depth() -> None:
    alpha = np.linspace(0, 65535, 48 * 64).astype(np.uint16).reshape(48, 64, 1)
    content = np.concatenate([photo(48, 64).astype(np.uint16) * 257, alpha], 2)
    result = impasto.stylize(content, painting(60, 60), method="fast", size="native")
    assert result.picture.array().dtype == np.uint16 and np.array_equal(result.picture.array()[..., 3:], alpha)
    assert impasto.stylize(content, painting(60, 60), method="fast").picture.size == (768, 1024)


def test_stroke_size_is_the_size_it_is_painted_at() -> None:
    content, style = photo(192, 256), painting(60, 60)
    broad = impasto.stylize(content, style, method="fast", size="native", stroke_size=64)
    assert broad.picture.size == (192, 256) and broad.record["painted_at"] == "64x48"
    small = impasto.stylize(content, style, method="fast", size=64)
    assert (broad.picture.resized((48, 64)).pixels - small.picture.pixels).abs().mean() < 0.03
    cropped = impasto.stylize(content, style, method="fast", size=(100, 100), stroke_size=50)
    assert cropped.picture.size == (100, 100) and cropped.record["painted_at"] == "50x50"


def test_a_transparent_pipe_is_read_once_whatever_its_strokes() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    alpha = np.linspace(0, 255, 96 * 128).astype(np.uint8).reshape(96, 128, 1)
    image, packed = np.concatenate([photo(96, 128), alpha], 2), io.BytesIO()
    Image.fromarray(image).save(packed, "PNG")
    for stroke_size in (64, 192):
        whole, piped = (
            impasto.stylize(source, painting(60, 60), method="fast", size=96, stroke_size=stroke_size).picture
            for source in (image, Pipe(packed.getvalue()))
        )
        assert torch.equal(piped.pixels, whole.pixels) and piped.alpha is not None
        expected = codecs.load(image).resized((72, 96)).alpha
        assert expected is not None and (piped.alpha - expected).abs().max() < 0.02


def test_strength_goes_from_the_photos_own_style_to_the_paintings() -> None:
    content, style = photo(96, 128), painting(60, 60)
    own = impasto.stylize(content, content, method="fast", size="native").picture.pixels
    none, half, full, most = (
        impasto.stylize(content, style, method="fast", size="native", strength=s).picture.pixels
        for s in (0, 0.25, 0.5, 1)
    )
    assert (none - own).abs().max() < 1e-2 and torch.equal(full, most)
    assert (half - none).abs().mean() < (full - none).abs().mean()


def test_codes_can_be_saved_mixed_and_reused(tmp_path: Path) -> None:
    one, other = painting(60, 60, 1), painting(60, 60, 2)
    impasto.style_code(one).save(tmp_path / "one.safetensors")
    saved = StyleCode.load(tmp_path / "one.safetensors")
    assert torch.equal(saved.values, impasto.style_code(one).values)
    mixture = impasto.style_code([(str(tmp_path / "one.safetensors"), 3.0), (other, 1.0)])
    expected = 0.75 * impasto.style_code(one).values + 0.25 * impasto.style_code(other).values
    assert torch.allclose(mixture.values, expected)
    content = photo(48, 64)
    by_code = impasto.stylize(content, mixture, method="fast", size="native").picture.pixels
    by_paintings = impasto.stylize(content, [(one, 0.75), (other, 0.25)], method="fast", size="native").picture.pixels
    assert torch.allclose(by_code, by_paintings, atol=1e-2)
    with pytest.raises(SettingsError, match="use `method` fast"):
        impasto.stylize(content, saved)
    with pytest.raises(SettingsError, match="cannot be mixed"):
        impasto.style_code([saved, codes.learnt_style("3")])


def test_learnt_styles_by_number() -> None:
    for seven in ("7", 7, np.int64(7), {7: 0.3}):
        assert codes.learnt_style(seven).values[0, 7] == 1  # type: ignore[arg-type]
    assert torch.allclose(codes.learnt_style("3:1, 12:3").values[0, [3, 12]], torch.tensor([0.25, 0.75]))
    for wrong in ("16", "-1", "x", "1:2:3", "1:nan", "1:inf", "1:0", "1,:", "", 16, 7.5, {"7": "much"}):
        with pytest.raises(SettingsError):
            codes.learnt_style(wrong)  # type: ignore[arg-type]


def test_a_file_that_holds_no_code_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(b"nonsense")
    save_file({"code": torch.zeros(1, 100)}, tmp_path / "y.safetensors", {"network": "unheard-of"})
    save_file({"code": torch.full((1, 100), torch.nan)}, tmp_path / "z.safetensors", {"network": "arbitrary"})
    for name in ("x", "y", "z"):
        with pytest.raises(StyleCodeError, match="is no style code"):
            StyleCode.load(tmp_path / f"{name}.safetensors")
    with pytest.raises(StyleCodeError, match=r"cannot be read \(No such file"):
        StyleCode.load(tmp_path / "missing.safetensors")
    with pytest.raises(SettingsError, match="arbitrary has the shape"):
        StyleCode("arbitrary", torch.zeros(1, 26))
    with pytest.raises(OutputError, match=r"a \.safetensors file"):
        codes.learnt_style("1").save(tmp_path / "code.bin")


def test_refine_starts_from_the_fast_result() -> None:
    content, style = photo(64, 96), painting(60, 60)
    painted = impasto.stylize(content, style, method="fast", size="native").picture
    run = impasto.plan_stylize(content, style, method="refine", size="native", scales="single")
    next(run.steps())
    assert run.last is not None and torch.equal(run.last.pixels, painted.pixels)


def test_too_little_memory_says_how_much_it_takes() -> None:
    with pytest.raises(SettingsError, match=r"it takes at least `memory` \d+MB"):
        impasto.plan_stylize(photo(64, 64), painting(60, 60), method="fast", memory="100MB")


@pytest.mark.parametrize("hidden", [0, 255])
def test_what_cannot_be_seen_of_a_large_picture_has_the_mean_colour(
    hidden: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As of a small one, whatever hides there: it counts in the network's statistics."""
    shown = np.zeros((400, 300, 1), np.uint8)
    shown[50:290, 40:200], shown[100:120] = 255, 100
    pixels = np.concatenate([photo(400, 300), shown], 2)
    pixels[pixels[..., 3] == 0, :3] = hidden
    Image.fromarray(pixels).save(tmp_path / "a.png")
    small = codecs.load(tmp_path / "a.png").array()
    monkeypatch.setattr(large, "LARGE", 200 * 200)
    for source in (tmp_path / "a.png", Image.fromarray(pixels)):
        _, found = load_own(source, max)
        assert isinstance(found, LargePicture)
        assert np.abs(np.asarray(found.image()).astype(int) - small).max() <= 1
    less = large.resized(found, (350, 262))
    assert isinstance(less, LargePicture) and np.ptp(less.read((0, 20, 0, 20)).numpy(), (2, 3)).max() == 0
    assert np.abs(less.read((0, 20, 0, 20)).mean((2, 3)).numpy() * 255 - small[0, 0, :3]).max() < 5
    with pytest.raises(ImageError, match="transparent everywhere"):
        load_own(Image.new("RGBA", (300, 300)), max)


def test_a_large_outline_stays_sharp_whatever_the_strokes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.pictures.large.LARGE", 140 * 140)
    alpha = np.where(np.arange(256) < 100, 0, 255).astype(np.uint8)
    content = np.dstack([photo(192, 256), np.broadcast_to(alpha, (192, 256))])
    given = io.BytesIO()
    Image.fromarray(content).save(given, "PNG")
    for strokes, size in ((64, "native"), (256, "native"), (256, 64)):
        made = impasto.stylize(given.getvalue(), painting(60, 60), method="fast", size=size, stroke_size=strokes)
        image = made.picture.image()
        assert image.size == ((256, 192) if size == "native" else (64, 48))
        if size == "native":
            assert (np.asarray(image)[..., 3] == alpha).all(), strokes


def test_a_network_that_is_no_style_says_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of several styles, or damaged; and with one that sees no paintings, they are looked at once."""
    name = small_network(tmp_path / "mine.safetensors")
    with pytest.raises(SettingsError, match=r"mine\.safetensors paints in 2 styles: give it as `network`"):
        StyleCode.load(name)
    (tmp_path / "half.safetensors").write_bytes(network_without_a_weight(Path(name)))
    with pytest.raises(WeightsError, match=r"half\.safetensors"):
        StyleCode.load(tmp_path / "half.safetensors")
    looked: list[Any] = []

    def counted(*given: Any) -> Any:
        looked.append(given)
        return load_own(*given)

    monkeypatch.setattr(inputs, "load_own", counted)
    Image.fromarray(painting(60, 60)).save(tmp_path / "painting.png")
    for _ in range(2):
        with pytest.raises(SettingsError, match="in its own styles alone"):
            inputs.style_code(tmp_path / "painting.png", name)
        assert len(looked) == 1
        looked.clear()


def network_without_a_weight(path: Path) -> bytes:
    with safe_open(path, "pt") as file:
        tensors = {key: file.get_tensor(key) for key in [*file.keys()][1:]}
        return save(tensors, file.metadata())


def test_a_network_is_the_same_by_any_name_of_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    small_network(Path("mine.safetensors"))
    for name in ("mine.safetensors", "./mine.safetensors", str(tmp_path / "mine.safetensors")):
        code = codes.learnt_style("red", name)
        made = impasto.stylize(photo(48, 64), code, method="fast", size="native", network=name)
        assert made.record["network"].endswith("mine.safetensors")
    assert codes.learnt_style("3", "auto").network == codes.learnt_style("3").network == "multi"


def test_a_code_finds_its_network_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("nets", "codes", "elsewhere"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    small_network(Path("nets/mine.safetensors"))
    codes.learnt_style("red", "nets/mine.safetensors").save("codes/red.safetensors")
    assert str(tmp_path) not in Path("codes/red.safetensors").read_bytes().decode("latin-1")
    assert StyleCode.load("codes/red.safetensors").network == str(Path("nets/mine.safetensors"))
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert Path(StyleCode.load("../codes/red.safetensors").network).samefile(tmp_path / "nets/mine.safetensors")
    (tmp_path / "codes/mine.safetensors").write_bytes(b"another of that name")
    assert Path(StyleCode.load("../codes/red.safetensors").network).samefile(tmp_path / "nets/mine.safetensors")
    (tmp_path / "nets/mine.safetensors").replace(tmp_path / "codes/mine.safetensors")
    assert Path(StyleCode.load("../codes/red.safetensors").network).samefile(tmp_path / "codes/mine.safetensors")
    (tmp_path / "codes/mine.safetensors").unlink()
    with pytest.raises(StyleCodeError, match=r"its network \.\./nets/mine\.safetensors is missing"):
        StyleCode.load("../codes/red.safetensors")


def test_refine_paints_its_start_in_the_memory_that_it_has(caplog: pytest.LogCaptureFixture) -> None:
    asked: list[Settings] = []

    def noted(content: Any, style: Any, settings: Settings) -> Any:
        asked.append(settings)
        return plan_fast(content, style, settings)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("impasto.tasks.stylize.plan_fast", noted)
        for strength in (0.3, 0.9):
            impasto.plan_stylize(
                photo(64, 96), painting(60, 60), method="refine", size=96, memory="3GB", strength=strength
            )
    assert [(each.memory, each.strength) for each in asked] == [("3GB", 0.3), ("3GB", 0.5)] and not caplog.text

"""A batch before its first picture: what it is of, what its results are called, and what is refused."""

import json
import os
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from impasto.batch import inputs, manifest
from impasto.batch import items as items_
from impasto.batch.inputs import is_many, sources_of
from impasto.batch.ledger import Ledger
from impasto.batch.looks import Wish
from impasto.batch.outputs import Template, refuse_collisions
from impasto.batch.plan import Plan, plan_batch
from impasto.batch.shards import Shard
from impasto.batch.stores import STATE
from impasto.errors import ImpastoError, OutputError, SettingsError
from impasto.jobs.job import Delivery, Job, RegionFiles
from impasto.networks.codes import learnt_style
from tests.helpers import painting

OUT = Path("out")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("wave.jpg", "kiss.png"):
        Image.fromarray(painting(32, 32)).save(name)


def made(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()


def planned(*inputs: str, wish: Wish | None = None, **options: Any) -> Plan:
    return plan_batch(inputs, OUT, wish or Wish((("wave.jpg", 1.0),)), Ledger(OUT), **options)


def outputs(*inputs: str, wish: Wish | None = None) -> list[str]:
    return [item.output for item in planned(*inputs, wish=wish).items]


def test_folders_keep_their_tree_without_what_is_neither_photograph_nor_clip() -> None:
    made(
        "p/a.jpg",
        "p/x/b.HEIC",
        "p/x/y/c.png",
        "p/x/@eaDir/b.jpg",
        "p/.a.jpg",
        "p/a.jpg.part",
        "p/notes.txt",
        "p/film.mov",
        "p/code.ts",
    )
    os.mkfifo("p/pipe.jpg")
    Path("p/x/up").symlink_to(Path("p").absolute(), target_is_directory=True)
    Path("elsewhere").mkdir()
    made("elsewhere/d.jpg")
    Path("p/link").symlink_to(Path("elsewhere").absolute(), target_is_directory=True)
    found = planned("p")
    names = ["a-wave.jpg", "film-wave.mov", "link/d-wave.jpg", "x/b-wave.png", "x/y/c-wave.png"]
    assert [item.output for item in found.items] == names
    assert [found.passed[name] for name in (".txt", ".ts", ".part", "@eaDir", "hidden files")] == [1, 1, 1, 1, 1]
    assert outputs("p", wish=Wish((("wave.jpg", 1.0),), name="{style}/{stem}.webp"))[3] == "x/wave/b.webp"


def test_globs_are_placed_below_what_has_no_wildcards() -> None:
    made("p/2020/a.jpg", "p/2021/b.jpg", "p/2021/.c.jpg", "p/2021/d.txt", "p/2021/deep/e.jpg", "p/[x].jpg")
    assert outputs("p/20*/*.jpg") == ["2020/a-wave.jpg", "2021/b-wave.jpg"]
    assert outputs("p/**/*.jpg")[-1] == "[x]-wave.jpg" and len(outputs("p/**/*.jpg")) == 4
    assert outputs("p/20*") == ["2020/a-wave.jpg", "2021/b-wave.jpg", "2021/deep/e-wave.jpg"]
    assert outputs("p/[x].jpg") == ["[x]-wave.jpg"]  # a file that is called so
    assert is_many("s3://b/photos/") and not is_many("s3://b/wave.safetensors") and not is_many("s3://b/wave.jpg")
    assert is_many("p/20*") and not is_many("p/[x].jpg") and is_many("p") and not is_many("wave.jpg")
    with pytest.raises(SettingsError, match="no picture"):
        planned("p/*.gif")
    with pytest.raises(SettingsError, match="no file or folder"):
        planned("q")


def test_globs_enter_each_folder_once() -> None:
    """As folders are, wherever links lead; of two that lead back, the ways would be a million millions."""
    made("p/a.jpg", "p/x/b.jpg", "p/x/y/c.jpg", "p/x/y/z/d.png", "p/x/@eaDir/b.jpg", "p/.h/e.jpg", "elsewhere/f.jpg")
    for name in ("self", "again"):
        Path("p", name).symlink_to(".", target_is_directory=True)
    Path("p/x/y/up").symlink_to(Path("p").absolute(), target_is_directory=True)
    Path("p/link").symlink_to(Path("elsewhere").absolute(), target_is_directory=True)
    made("q/y/c.jpg", "q/x/y/z/d.png", "q/x/e.jpg")
    whole = ["a", "link/f", "x/b", "x/y/c"]
    for pattern, found in (
        ("p/**/*.jpg", whole),
        (f"{Path().absolute()}/p/**/*.jpg", whole),
        ("[p]/**/*.jpg", [f"p/{name}" for name in whole]),
        ("p/**", [*whole, "x/y/z/d"]),
        ("p/**/x/*.jpg", ["x/b"]),
        ("q/**/y/**/*", ["x/y/z/d", "y/c"]),
        ("q/*/**/*.png", ["x/y/z/d"]),
        ("q/**/c.jpg", ["y/c"]),
    ):
        assert [output.rpartition("-wave.")[0] for output in outputs(pattern)] == found, pattern
    os.chdir("q")
    assert [each.path for each in sources_of(["**/*.jpg"], OUT).found] == ["x/e.jpg", "y/c.jpg"]


def test_lists_name_files_from_where_they_are() -> None:
    made("lists/a.jpg", "lists/x/b.jpg", "c.jpg")
    Path("lists/all.txt").write_text(f"a.jpg\n\nx/b.jpg\n../c.jpg\n{Path('c.jpg').absolute()}\n")
    found = sources_of(["lists/all.txt"], OUT).found
    assert [Path(each.path).exists() for each in found] == [True] * 4
    deep = str(Path.cwd()).lstrip("/")
    assert [each.place for each in found] == ["", "x", "", deep]


def test_a_manifest_says_what_is_different() -> None:
    made("m/a.jpg", "m/b.jpg", "m/c.jpg", "m/d.jpg")
    for name in ("m/own.jpg", "m/second.jpg", "m/sky.png"):
        Image.fromarray(painting(32, 32)).save(name)
    rows = [
        {"content": "a.jpg"},
        {"content": "b.jpg", "style": ["own.jpg:0.7", "second.jpg:0.3"], "size": 64, "output": "special/b.png"},
        {"content": "c.jpg", "region": "sky.png:own.jpg", "size": "300x200"},
        {"content": "d.jpg", "style_index": {"rhone": 0.5, "7": 0.5}},
        {"content": "d.jpg", "style_index": 0},
    ]
    Path("m/all.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = planned("m/all.jsonl", wish=Wish((("wave.jpg", 1.0),), settings={"size": 96})).items
    first, second, third, fourth, fifth = [item.job(OUT) for item in found]
    assert first.styles == ((str(Path("wave.jpg").absolute()), 1.0),) and first.settings == {
        "method": "fast",
        "size": 96,
    }
    assert second.styles == (("m/own.jpg", 0.7), ("m/second.jpg", 0.3)) and second.settings["size"] == 64
    assert second.output == OUT / "special/b.png" and first.output == OUT / "a-wave.jpg"
    assert third.regions == (RegionFiles("m/sky.png", "m/own.jpg"),) and "method" not in third.settings
    assert third.settings["size"] == [300, 200] and third.styles == first.styles
    assert json.loads(fourth.style_index) == {"rhone": 0.5, "7": 0.5} and not fourth.styles
    assert fifth.style_index == "0" and fifth.output == OUT / "d-0.jpg"
    Path("m/all.csv").write_text(
        "content,style,size,recipe,allow_truncated\na.jpg,,64,,True\nb.jpg,own.jpg,,statistics,FALSE\n"
    )
    first, second = [item.job(OUT) for item in planned("m/all.csv").items]
    assert first.settings == {"method": "fast", "size": 64, "allow_truncated": True}
    assert second.settings == {"allow_truncated": False} and second.recipe == "statistics"
    Path("m/all.csv").write_text(
        'content,style,recipe\na.jpg,"[""own.jpg:0.7"", ""second.jpg:0.3""]",\nb.jpg,"{""own.jpg"": 2}",default\n'
    )
    first, second = [item.job(OUT) for item in planned("m/all.csv").items]
    assert first.styles == (("m/own.jpg", 0.7), ("m/second.jpg", 0.3)) and second.styles == (("m/own.jpg", 2.0),)
    assert first.settings == {"method": "fast"} and not second.settings, "a recipe is for the optimiser"
    for text, told in (
        ("style\nwave.jpg\n", "line 1: it names no column `content`"),
        ("a.jpg\nb.jpg\n", "line 1: it names no column `content`"),
        ('content,style\na.jpg,"[1, 2]"\n', "line 2: `style` is a painting, a list of them, or"),
        ('content,style\na.jpg,"[own.jpg]"\n', "line 2: `style` is no list in JSON"),
        ("content,sise\na.jpg,3\n", "did you mean 'size'"),
        ("content,size\na.jpg,3\n", "size"),
        ("content\na.jpg,3\n", "more values"),
        ("content,output\na.jpg,../a.png\n", "within the folder"),
        ("content,tv_weight\na.jpg,3\n", "no effect"),
        ("content,strength,strength\na.jpg,0.1,0.9\n", "line 1: it names a column twice"),
        ('content,recipe\n"a.jpg,default\n', "it is no CSV"),
        ("content,output\na.jpg,.impasto/a.png\n", "within the folder"),
        ("content,output\na.jpg,.Impasto/a.png\n", "within the folder"),
        ("content,output\na.jpg,.impa\u017fto/a.png\n", "within the folder"),  # a long s is an s to some systems
        ('content,style\na.jpg,"{""own.jpg"": -1}"\n', "not negative"),
        ("content,style\na.jpg,own.jpg:0\n", "not all 0"),
    ):
        Path("m/all.csv").write_text(text)
        with pytest.raises(SettingsError, match=told):
            planned("m/all.csv")
    Path("m/all.csv").write_text("\ufeffcontent, strength\r\na.jpg,0.5\r\n")
    assert planned("m/all.csv").items[0].pattern.job.settings["strength"] == 0.5
    with pytest.raises(SettingsError, match="'size' is there twice"):
        Path("m/all.jsonl").write_text('{"content": "a.jpg", "size": 64, "size": 512}')
        planned("m/all.jsonl")
    with pytest.raises(SettingsError, match="no style"):
        Path("m/all.csv").write_text("content\na.jpg\n")
        planned("m/all.csv", wish=Wish())


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"style": 5}, "`style` is a painting, a list of them, or"),
        ({"style": True}, "`style` is"),
        ({"style": [["wave.jpg"]]}, "`style` is"),
        ({"style": {"wave.jpg": "x"}}, "`style` is"),
        ({"style": {"wave.jpg": True}}, "`style` is"),
        ({"style_index": {"a": "b"}}, "`style_index` is a learnt style's name"),
        ({"style_index": [1]}, "`style_index` is"),
        ({"style_index": 1.5}, "`style_index` is"),
        ({"region": {"a": 1}}, "`region` is MASK:STYLE"),
        ({"region": ["a:b", 3]}, "`region` is"),
        ({"recipe": [1]}, "`recipe` is a recipe's name"),
        ({"output": 7}, "`output` is the path of a result, not 7"),
        ({"output": "a\0b.png"}, "`output` is"),
        ({"content": ["a.jpg"]}, "`content` is the path of a photograph"),
        ({"content": "a\0.jpg"}, "`content` is"),
        ({"content": "\ud800.jpg"}, "`content` is"),
    ],
)
def test_what_a_row_says_is_of_its_kind(row: dict[str, Any], told: str) -> None:
    made("a.jpg")
    Path("all.jsonl").write_text(json.dumps({"content": "a.jpg"}) + "\n" + json.dumps({"content": "a.jpg"} | row))
    with pytest.raises(SettingsError, match=re.escape(told)) as error:
        planned("all.jsonl")
    assert "all.jsonl, line 2: " in str(error.value)


def test_lines_in_the_memory_that_are_none_of_ours_are_passed_over() -> None:
    made("a.jpg")
    (item,) = planned("a.jpg").items
    Path("out", STATE).mkdir(parents=True)
    index, errors, state = Path("out", STATE, "index.jsonl"), Path("out/errors.jsonl"), (1, 2)
    Ledger(OUT).note_made(item, state, "0", state)
    Ledger(OUT).note_failed(item, state, OutputError("it"), "it")
    (made_,), (failed,) = ([json.loads(line) for line in path.read_text().splitlines()] for path in (index, errors))
    values: list[Any] = [["x"], {}, 1.5, "x", None, [1], [1, "2"]]
    for path, sound in ((index, made_), (errors, failed)):
        wrong = [sound | {name: value} for name in sound for value in values]
        wrong += [{key: value for key, value in sound.items() if key != name} for name in sound]
        hostile = ["[" * 200_000, "\0" * 1000, '{"output": "a', "9" * 5000, "null", "[1", "2]", "{}"]
        path.write_text("\n".join([*hostile, *map(json.dumps, wrong), *hostile, json.dumps(sound)]) + "\n")
    ledger = Ledger(OUT)
    assert not ledger.is_news(item)
    ledger.read()
    assert ledger.made[item.output]["changed"] == [1, 2] and ledger.failed[item.output]["reason"] == "it"
    assert planned("a.jpg").counts["total"] == 1
    ledger.settle([item.output])


def test_rows_and_lines_end_where_json_and_systems_end_them(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["a\u2028b.jpg", "a\x85b.jpg", "a\x1cb.jpg", "a\x0cb.jpg"]
    made(*names)
    Path("all.jsonl").write_text("\n".join(json.dumps({"content": name}, ensure_ascii=False) for name in names))
    Path("all.txt").write_text("\r\n".join(names))
    assert [each.path for each in sources_of(["all.jsonl"], OUT).found] == names
    assert [each.path for each in sources_of(["all.txt"], OUT).found] == names
    Image.fromarray(painting(32, 32)).save("sky.png")
    Path("all.jsonl").write_text(json.dumps({"content": names[0], "region": [["sky.png", "wave.jpg"]]}))
    (item,) = planned("all.jsonl").items
    assert [each.mask for each in item.job(OUT).regions] == ["sky.png"]
    monkeypatch.setattr(manifest, "LONGEST", 100)
    Path("all.txt").write_text("x" * 101)
    with pytest.raises(SettingsError, match="part it"):
        sources_of(["all.txt"], OUT)
    monkeypatch.setattr(inputs, "MOST", 2)
    Path("all.txt").write_text("a\na\na\n")
    with pytest.raises(SettingsError, match="more than 2 photographs: part it"):
        sources_of(["all.txt"], OUT)


def test_each_style_makes_a_result_of_its_own() -> None:
    made("a.jpg")
    Path("paintings").mkdir()
    for name in ("paintings/Wave.png", "paintings/x.jpg"):
        Image.fromarray(painting(32, 32)).save(name)
    styles = (("wave.jpg", 1.0), ("paintings", 1.0))
    assert outputs("a.jpg", wish=Wish(styles, each_style=True)) == ["a-wave.jpg", "a-Wave-2.jpg", "a-x.jpg"]
    assert outputs("a.jpg", wish=Wish((("wave.jpg", 1.0), ("kiss.png", 3.0)))) == ["a-wave+kiss.jpg"]
    assert outputs("a.jpg", wish=Wish(style_indices=("rhone:0.5,7", "7"), each_style=True)) == [
        "a-rhonex0.5+7.jpg",
        "a-7.jpg",
    ]
    wave = (("wave.jpg", 1.0),)
    Path("code.safetensors").write_bytes(b"{}")
    for name, index, network in (("rhone", "rhone", "multi"), ("own", "3", "multistyle26")):
        learnt_style(index, network).save(Path(f"{name}.safetensors"))
    for wish, told in (
        (Wish(styles), "each_style"),
        (Wish((("wave.jpg", 1.0), ("kiss.png", 0.7)), each_style=True), r"leave out the weight of .*kiss\.png"),
        (Wish(style_indices=("3", "7")), "more than once"),
        (Wish((("none.jpg", 1.0),)), "none.jpg cannot be read"),
        (Wish((("a.jpg", 1.0),)), "a.jpg"),  # an empty file
        (Wish((("wave.jpg", 1.0),), settings={"tv_weight": 3}), "no effect"),
        (Wish(style_indices=("rohne",)), "styles of multi.* not 'rohne'"),
        (Wish(style_indices=("26",), settings={"network": "multistyle26"}), "from 0 to 25"),
        (Wish((("wave.jpg", 1.0),), settings={"method": "iterative", "style_layers": "relu9_9"}), "no layer 'relu9_9'"),
        (Wish(wave, settings={"network": "nonsense"}), "no network 'nonsense'"),
        (Wish(wave, settings={"network": "none.safetensors"}), r"none\.safetensors cannot be read"),
        (Wish(wave, settings={"network": "multi"}), "multi paints in its own styles alone"),
        (Wish(wave, settings={"method": "refine", "network": "multi"}), "multi paints in its own styles alone"),
        (Wish((("wave.jpg", 1.0), ("code.safetensors", 1.0))), r"code\.safetensors is no style code"),
        (Wish((("rhone.safetensors", 1.0), ("own.safetensors", 1.0))), "different networks .* cannot be mixed"),
        (Wish((("own.safetensors", 1.0), ("wave.jpg", 1.0))), "multistyle26 paints in its own styles alone"),
        (Wish(wave, settings={"device": "cuda:99"}), "'cuda:99' is not on this machine"),
        (Wish(wave, settings={"device": "cpu", "precision": "tf32"}), "not of cpu"),
        (Wish((("wave.jpg", 1.0),), name="{stem}-{colour}.png"), "no {colour}"),
        (Wish((("wave.jpg", 1.0),), name="../{stem}.png"), "within the folder"),
        (Wish((("wave.jpg", 1.0),), name="{stem"), "no template"),
    ):
        with pytest.raises(ImpastoError, match=told):
            planned("a.jpg", wish=wish)
    for settings in ({"device": "cuda:99"}, {"device": "cpu", "precision": "tf32"}):
        assert len(planned("a.jpg", wish=Wish(wave, settings=settings), elsewhere=True).to_do) == 1


def test_a_manifest_names_networks_from_where_it_is(tmp_path: Path) -> None:
    """Also where their learnt styles are looked for."""
    made("a.jpg")
    own = tmp_path / "elsewhere"
    own.mkdir()
    (own / "list.jsonl").write_text(
        json.dumps({"content": str(Path("a.jpg").resolve()), "style_index": "9", "network": "n.safetensors"})
    )
    with pytest.raises(ImpastoError, match=f"{own.name}/n.safetensors"):
        planned(str(own / "list.jsonl"))


@pytest.mark.parametrize(
    ("names", "template"),
    [
        (["a.jpg", "a.png"], "{stem}.png"),
        (["a.jpg", "A.jpg"], ""),
        (["caf\u00e9.jpg", "cafe\u0301.jpg"], ""),
        (["Stra\u00dfe.jpg", "STRASSE.jpg"], ""),
        (["a.heic", "a.png"], ""),
        (["x/a.jpg", "y/a.jpg"], "{stem}/one.png"),
        (["a.jpg", "a.JPG"], ""),
    ],
)
def test_results_that_collide_are_told_before_the_first(names: list[str], template: str) -> None:
    made(*[f"p/{name}" for name in names])
    wish = Wish((("wave.jpg", 1.0),), name=template or "")
    inputs = [f"p/{name}" for name in names] if "x/a.jpg" in names else ["p"]
    if inputs != ["p"]:
        made("p/x/a.jpg", "p/y/a.jpg")
    with pytest.raises(OutputError, match="1 results would have the name of another"):
        planned(*inputs, wish=wish)
    apart = outputs("p", wish=Wish((("wave.jpg", 1.0),), name="{name}-{hash}{suffix}"))
    assert len({unicodedata.normalize("NFC", output).casefold() for output in apart}) == len(names)


def test_what_is_named_twice_is_one(tmp_path: Path) -> None:
    """In one look, that is; and elsewhere in the tree it is another result."""
    made("p/a.jpg", "p/x/b.jpg")
    Path("link").symlink_to("p")
    Path("all.txt").write_text("p/a.jpg\n./p/a.jpg\nmissing.jpg\nmissing.jpg\n")
    again = planned("p", "p/a.jpg", "./p/a.jpg", str(tmp_path / "p"), "link", "p/*.jpg", "p/**/*.jpg")
    assert [item.output for item in again.items] == ["a-wave.jpg", "x/b-wave.jpg"]
    assert again.counts["total"] == 2 and again.passed["named again"] == 1 + 1 + 2 + 2 + 1 + 2
    assert outputs("p", "p/x/b.jpg") == ["a-wave.jpg", "x/b-wave.jpg", "b-wave.jpg"]
    assert outputs("all.txt") == ["p/a-wave.jpg", "missing-wave.jpg"]
    Path("all.jsonl").write_text('{"content": "p/a.jpg", "strength": 0.4}\n{"content": "p/a.jpg"}\n')
    with pytest.raises(OutputError, match="in a manifest by `output`"):
        planned("all.jsonl")
    Image.fromarray(painting(32, 32)).save("kiss.png")
    with pytest.raises(OutputError, match="1 results would have the name of another"):
        planned("p/a.jpg", wish=Wish((("wave.jpg", 1.0), ("kiss.png", 1.0)), each_style=True, name="{stem}.png"))


def test_a_folder_in_place_of_a_file_collides() -> None:
    refuse_collisions([("a/b.png", "1"), ("a.png", "2")])
    with pytest.raises(OutputError, match="a folder for 1"):
        refuse_collisions([("A.png/b.png", "1"), ("a.png", "2")])


def test_results_are_no_inputs() -> None:
    made("p/a.jpg")
    (OUT / STATE).mkdir(parents=True)
    made("p/done/a-wave.jpg", "p/done/deep/b-wave.jpg", f"p/done/{STATE}/index.jsonl")
    plan = plan_batch(["p"], Path("p/out"), Wish((("wave.jpg", 1.0),)), Ledger(Path("p/out")))
    assert [item.output for item in plan.items] == ["a-wave.jpg"] and plan.passed["results"] == 2
    for folder in ("p", "p/done/deep"):
        with pytest.raises(SettingsError, match="output of a batch"):
            plan_batch([folder], Path("p"), Wish((("wave.jpg", 1.0),)), Ledger(Path("p")))


def test_what_is_there_is_not_written_over() -> None:
    made("p/a.jpg")
    OUT.mkdir()
    (OUT / "a-wave.jpg").write_text("mine")
    with pytest.raises(OutputError, match="none of a batch"):
        planned("p")
    assert planned("p", force=True).counts["changed"] == 1
    (OUT / "a-wave.jpg").unlink()
    (OUT / "a-wave.jpg").mkdir()
    with pytest.raises(OutputError, match="none of a batch"):
        planned("p")
    (OUT / "a-wave.jpg").rmdir()
    os.link("wave.jpg", OUT / "a-wave.jpg")
    with pytest.raises(OutputError, match=r"wave\.jpg itself"):
        planned("p", force=True)


def test_places_that_cannot_be_written_are_told() -> None:
    made("p/x/a.jpg", "out/x")
    with pytest.raises(OutputError, match="cannot be written"):
        planned("p")
    Path("out/x").unlink()
    with pytest.raises(OutputError, match="does not end in a known picture format"):
        planned("p", wish=Wish((("wave.jpg", 1.0),), name="{stem}.gif"))
    with pytest.raises(OutputError, match="8 bits a channel, not 16"):
        planned("p", wish=Wish((("wave.jpg", 1.0),), delivery=Delivery(bits=16)))
    made(f"q/{'n' * 250}.jpg")
    assert all(len(part) <= 255 for part in outputs("q")[0].split("/"))


def test_keys_tell_apart_what_makes_another_picture() -> None:
    def key(path: str, content: str = "00", output: str = "a.png", **changed: Any) -> str:
        job = Job("stylize", items_.ANY, ((path, 1.0),), settings={"method": "fast", **changed})
        return items_.Item("a.jpg", output, items_.Pattern(job)).key(content)

    own = key("wave.jpg")
    assert own == key("wave.jpg") and own == key(str(Path("wave.jpg").absolute()))
    others = [key("kiss.png"), key("wave.jpg", "01"), key("wave.jpg", size=64), key("wave.jpg", output="a.jpg")]
    assert len({own, *others}) == 5
    Path("copy.jpg").write_bytes(Path("wave.jpg").read_bytes())
    assert key("copy.jpg") == own


def test_items_come_back_from_json() -> None:
    made("p/a.jpg", "p/b.jpg")
    found = planned("p", wish=Wish((("wave.jpg", 1.0), ("kiss.png", 1.0)), each_style=True)).items
    again = items_.of(json.loads(json.dumps(items_.dictionary(found))))
    assert [(each.job(OUT), each.key("00")) for each in again] == [(each.job(OUT), each.key("00")) for each in found]
    assert len({id(each.pattern) for each in again}) == 2


def test_shards_part_what_there_is() -> None:
    names = [f"{number}.png" for number in range(1000)]
    parts = [[name for name in names if Shard(number, 4).has(name)] for number in (1, 2, 3, 4)]
    assert sorted(name for part in parts for name in part) == sorted(names) and all(
        200 < len(part) < 300 for part in parts
    )


@pytest.mark.parametrize(
    ("text", "environment", "shard"),
    [
        ("3/10", {}, (3, 10)),
        ("1/1", {"RANK": "x"}, (1, 1)),
        ("auto", {"RANK": "0", "WORLD_SIZE": "4"}, (1, 4)),
        ("auto", {"SLURM_ARRAY_TASK_ID": "7", "SLURM_ARRAY_TASK_COUNT": "8"}, (8, 8)),
        ("auto", {"SLURM_ARRAY_TASK_ID": "9", "SLURM_ARRAY_TASK_COUNT": "5", "SLURM_ARRAY_TASK_MIN": "1", "SLURM_ARRAY_TASK_STEP": "2"}, (5, 5)),
        ("auto/6", {"JOB_COMPLETION_INDEX": "5"}, (6, 6)),
    ],
)  # fmt: skip
def test_a_shard_is_read_from_what_schedulers_say(
    text: str, environment: dict[str, str], shard: tuple[int, int]
) -> None:
    found = Shard.of(text, environment)
    assert (found.number, found.count) == shard


@pytest.mark.parametrize("text", ["0/10", "11/10", "a/b", "3", "-1/4", "1/4/2", "auto", "auto/6"])
def test_a_shard_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="`shard` takes"):
        Shard.of(text, {"RANK": "0", "SLURM_ARRAY_TASK_ID": "1"})
    with pytest.raises(SettingsError, match="`shard` takes"):
        Shard.of(text, {"JOB_COMPLETION_INDEX": "6"})


def test_templates_fill_in_what_they_say() -> None:
    template = Template("{folder}/{style}/{name}.png")
    assert template.fill("p/x/a.jpg", "x", "a/b") == "x/a-b/a.jpg.png"
    assert template.fill("p/a.jpg", "", "w") == "w/a.jpg.png"

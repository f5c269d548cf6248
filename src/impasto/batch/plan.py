"""The plan of a batch: its items, and which of them are done, before the first is begun."""

import contextlib
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from impasto.backbones.passes import passes
from impasto.batch import outputs
from impasto.batch.copies import told_as_given
from impasto.batch.inputs import Sources, sources_of
from impasto.batch.items import Item, Pattern
from impasto.batch.ledger import Ledger
from impasto.batch.looks import Looks, Wish
from impasto.batch.shards import Shard
from impasto.batch.stores import HEARD, STATE, Found, Place, found_or_none
from impasto.errors import NotInstalledError, OutputError, SettingsError, WeightsError
from impasto.extras import needed
from impasto.machine import memory
from impasto.machine.devices import DTYPES, choose_device, choose_precision
from impasto.pictures import codecs
from impasto.settings.fields import Settings
from impasto.settings.paths import is_code
from impasto.tasks.inputs import style_code
from impasto.video.forms import is_clip

_AGAIN = 5.0
"""Seconds between two looks at what others remember."""
_NAMED = 5


@dataclass(frozen=True)
class Plan:
    """All ``items`` of a folder in order, of which this process does those ``to_do``. ``counts`` are how many
    are ``new``, ``changed`` (the photograph, the look or the result is not what it was), ``failed`` before,
    and ``done``.
    """

    place: Place
    items: list[Item]
    to_do: list[Item]
    failed: list[Item]
    counts: dict[str, int]
    passed: Counter[str]


@told_as_given()
@memory.uncollected()
def plan_batch(
    inputs: Sequence[str],
    place: str | Path | Place,
    wish: Wish,
    ledger: Ledger,
    *,
    shard: Shard | None = None,
    retry_failed: bool = False,
    force: bool = False,
    elsewhere: bool = False,
) -> Plan:
    """What there is to do, by this machine or ``elsewhere``. Nothing is written, and no photograph read.

    Raises SettingsError, ImageError, StyleCodeError, WeightsError and NotInstalledError for what cannot be
    done at all; OutputError where outputs collide, are inputs, or cannot be written, or a file is there that
    is no result of a batch, unless ``force``.
    """
    place = place if isinstance(place, Place) else Place(place)
    sources = sources_of(inputs, str(place))
    items = list(_once(_items(sources, wish), sources.passed))
    outputs.refuse_collisions((item.output, item.content) for item in items)
    outputs.check_places(place.folder, [(item.output, item.pattern.is_film) for item in items], wish.delivery.bits)
    patterns = {id(item.pattern): item.pattern for item in items}.values()
    _check_files(patterns)
    chosen = [(pattern, pattern.job.chosen()) for pattern in patterns]
    _check_networks(chosen, elsewhere=elsewhere)
    if not elsewhere:  # whose devices are not known here
        for _, settings in chosen:
            device = choose_device(settings.device)
            precision = choose_precision(settings.precision, device)
            if settings.method != "fast":  # once for all workers
                passes(settings.compile, device, DTYPES[precision])
    place.opened()
    ledger.read()
    if shard is not None:
        items = [item for item in items if shard.has(item.output)]
    known = {each.path: Found(each.seen, each.path) for each in sources.found if each.seen}
    sorted_out = _sorted_out(place, items, ledger, known, force)
    counts = {"total": len(items)} | {name: len(found) for name, found in sorted_out.items()}
    to_do = {item.output for name in ("new", "changed", *(["failed"] * retry_failed)) for item in sorted_out[name]}
    left = [] if retry_failed else sorted_out["failed"]
    return Plan(place, items, [item for item in items if item.output in to_do], left, counts, sources.passed)


def _items(sources: Sources, wish: Wish) -> Iterator[Item]:
    films = [is_clip(source.path) for source in sources.found]
    if True in films:
        with needed("video", f"The film {sources.found[films.index(True)].path}"):
            import av  # noqa: F401 - so that it is told before the first is painted
    template, looks = outputs.Template(wish.name or outputs.USUAL), Looks(wish, {*films})
    for source, film in zip(sources.found, films, strict=True):
        found = looks.of(source, film=film)
        if "output" in source.row and len(found) > 1:
            raise SettingsError(f"{source.path} has an `output` and several styles: leave out `each_style`.")
        for style, pattern in found:
            if "output" in source.row:
                output = outputs.checked(str(source.row["output"]))
            else:
                output = template.fill(source.path, source.place, style, film=film)
            yield Item(source.path, output, pattern)


def _once(items: Iterable[Item], passed: Counter[str]) -> Iterator[Item]:
    """Without those whose photograph is named again in the same look, by whatever path."""
    taken: dict[str, Item] = {}
    for item in items:
        first = taken.setdefault(item.output, item)
        if first is item or first.pattern is not item.pattern or not _is_one(first.content, item.content):
            yield item
        else:
            passed["named again"] += 1


def _is_one(content: str, other: str) -> bool:
    if content == other:
        return True
    found, second = found_or_none(content), found_or_none(other)
    return found is not None and second is not None and found.identity == second.identity


def _sorted_out(
    place: Place, items: list[Item], ledger: Ledger, known: dict[str, Found], force: bool
) -> dict[str, list[Item]]:
    """The items by what is to be done with them; of some photographs it is ``known`` what is there. What is
    none of this batch's may have been made by another while the index was read, who is heard again; in a
    store, where the index comes later than results, for as long as that may take.
    """
    contents: dict[str, Found | None] = {**known}
    there: dict[object, str] = {}
    found = _by_kinds(place, items, ledger, contents, there, force=force)
    _refuse_inputs(place, items, contents, there)
    shared = any(name.startswith(f"{STATE}/claims/") for name in place.there)
    ends = time.monotonic() + (2 * HEARD if shared else 0)
    while found["foreign"]:
        place.hear(ledger.index, ledger.errors)
        ledger.read()
        for kind, those in _by_kinds(place, found.pop("foreign"), ledger, contents, there, force=force).items():
            found.setdefault(kind, []).extend(those)
        if foreign := [place.of(item.output) for item in found["foreign"]]:
            if time.monotonic() >= ends:
                shown = ", ".join(foreign[:_NAMED]) + ", …" * (len(foreign) > _NAMED)
                raise OutputError(
                    f"{len(foreign)} files are where results would be, and are none of a batch, or are no longer: {shown}. Choose another "
                    "folder or `name`, or allow overwriting with `force`."
                )
            time.sleep(_AGAIN)
    del found["foreign"]
    return found


def _by_kinds(
    place: Place,
    items: Iterable[Item],
    ledger: Ledger,
    contents: dict[str, Found | None],
    there: dict[object, str],
    *,
    force: bool,
) -> dict[str, list[Item]]:
    """The same, with those "foreign" whose results are not known; what there is is noted."""
    found: dict[str, list[Item]] = {"new": [], "changed": [], "failed": [], "done": [], "foreign": []}
    for item in items:
        if item.content not in contents:
            contents[item.content] = found_or_none(item.content)
        content, output = contents[item.content], place.found(item.output)
        seen = None if content is None else content.seen
        if output is None:
            kind = "failed" if ledger.has_failed(item, seen) else "new"
        else:
            there[output.identity] = item.output
            if seen is not None and ledger.is_made(item, seen, output.seen):
                kind = "done"
            else:
                kind = "failed" if ledger.has_failed(item, seen) else "changed"
                ours = ledger.made.get(item.output, {"changed": None})["changed"] == [*output.seen]
                if not (ours or force) and item.key_in(place.bring(item.output)) is None:
                    kind = "foreign"
        found[kind].append(item)
    return found


def _check_files(patterns: Iterable[Pattern]) -> None:
    """Raises ImageError for a painting or a mask that cannot be read, or is no picture."""
    for pattern in patterns:
        assert pattern.digest  # which reads all of them
    allowed = {path: pattern.job.settings.get("allow_truncated") for pattern in patterns for path in pattern.files()}
    for path, cut_off in allowed.items():
        if not (is_code(path) or is_clip(path)):
            codecs.load(Path(path), bool(cut_off))  # whole, or all items would fail by it


def _check_networks(chosen: Iterable[tuple[Pattern, Settings]], *, elsewhere: bool) -> None:
    """Raises SettingsError, StyleCodeError and WeightsError for a network that is none, for style codes that
    are none, of another network or of several, and for paintings given to a network that looks at none.
    ``elsewhere`` there may be weights that are not here.
    """
    tried: dict[tuple[str, ...], tuple[list[str], bool]] = {}
    for pattern, settings in chosen:
        job = pattern.here
        for blended in [[path for path, _ in job.styles], *([each.style] for each in job.regions)]:
            saved = [path for path in blended if is_code(path)]
            painted = [path for path in blended if not is_code(path)][:1]  # one shows it for all
            if settings.method != "iterative" and (saved or (painted and settings.network != "auto")):
                kind = settings.network, *saved, *("" for _ in painted)
                tried.setdefault(kind, (saved + painted, settings.allow_truncated))
    for (network, *_), (paths, cut_off) in tried.items():
        with codecs.truncation(cut_off), contextlib.suppress(*[NotInstalledError, WeightsError] * elsewhere):
            style_code(paths, network)


def _refuse_inputs(
    place: Place, items: list[Item], contents: dict[str, Found | None], there: dict[object, str]
) -> None:
    """Raises OutputError where a result would be written over an input, by whatever name or link."""
    patterns = {id(item.pattern): item.pattern for item in items}.values()
    read = {path: found_or_none(path) for pattern in patterns for path in pattern.files()} | contents
    for source, found in read.items():
        if found is not None and (output := there.get(found.identity)):
            raise OutputError(
                f"The output {place.of(output)} is the input {source} itself: choose another folder or `name`."
            )

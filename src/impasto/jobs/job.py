"""A job: everything that can be asked for, as a value that turns into JSON and back."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from impasto.errors import RecordError, SettingsError, briefly, did_you_mean
from impasto.jobs.plain import known, learnt, understood, weighted
from impasto.machine import formats, strict_json
from impasto.machine.files import joined, placed
from impasto.settings import names, paths, recipes, whole
from impasto.settings.applies import chosen_settings
from impasto.settings.fields import Settings

if TYPE_CHECKING:
    from impasto.tasks.result import Prepared

Task = Literal["stylize", "texture", "reconstruct"]
TASKS: tuple[Task, ...] = get_args(Task)

_TAKES: dict[Task, tuple[str, ...]] = {
    "stylize": ("content", "styles", "style_index", "regions"),
    "texture": ("styles",),
    "reconstruct": ("content", "layer"),
}
"""What a task is made of. A content, and some kind of style, must be there if they are among it."""
_STYLES = ("styles", "style_index", "regions")

_WHAT = "job"
"""The key by which JSON is known as a job, with the version of its form."""
_FORM = 1
_LAYER = "relu4_2"


@dataclass(frozen=True)
class Delivery:
    """What becomes of a result.

    ``output`` is the file to write, "" one that is named after the inputs, "folder/" that one in a folder.
    ``snapshots`` are the iterations at which the picture is also written: "20,40" or "every:20". ``bits`` a
    channel are 8, 16, or None for as many as the input has. Without ``metadata`` no record is written.
    ``checkpoint_every`` is in seconds, None writes none. ``keep_metadata`` is how much the result says of
    what the photograph says of itself, "all", "some" or "none" (`pictures.origin.origin_of`), "" for some
    where there is a record and else none; its colours are saved in the ``profile`` of the photograph with
    "keep", else in sRGB.
    """

    output: str = ""
    snapshots: str = ""
    bits: Literal[8, 16] | None = None
    metadata: bool = True
    checkpoint_every: float | None = None
    keep_metadata: Literal["", "all", "some", "none"] = ""
    profile: Literal["srgb", "keep"] = "srgb"

    def __post_init__(self) -> None:
        for name, words in (("keep_metadata", ("all", "some", "none", "")), ("profile", ("srgb", "keep"))):
            if (value := getattr(self, name)) not in words:
                raise SettingsError(f"`{name}` must be one of {', '.join(filter(None, words))}, not {value!r}.")
        if self.bits not in (None, 8, 16):
            raise SettingsError(f"`bits` must be 8 or 16, not {briefly(repr(self.bits))}.")
        if self.checkpoint_every is not None and not 0 <= self.checkpoint_every < math.inf:
            raise SettingsError(f"`checkpoint_every` must be at least 0 seconds, not {briefly(self.checkpoint_every)}.")

    def moments(self, iterations: int) -> list[int]:
        """The iterations of the snapshots, out of so many. Raises SettingsError.

        >>> Delivery(snapshots="every:40").moments(100)
        [40, 80]
        """
        text = self.snapshots
        if not text:
            return []
        if iterations == 0:
            raise SettingsError(
                "`snapshots` have no meaning with `method` fast, which has no iterations: leave them out."
            )
        try:
            if text.startswith("every:"):
                every = int(text.removeprefix("every:"))
                found = list(range(every, iterations + 1, every)) if every > 0 else []
            else:
                found = sorted({int(part) for part in text.split(",")})
        except ValueError:
            found = []
        if not found or found[0] < 0 or found[-1] > iterations:
            raise SettingsError(
                f"`snapshots` take iterations from 0 to {iterations}, like 20,40 or every:20, not {text!r}."
            )
        return found


@dataclass(frozen=True)
class RegionFiles:
    """The files of a `masks.regions.Region`; ``mask`` may also be one of the words `settings.names.MASKS`."""

    mask: str
    style: str
    style_mask: str | None = None

    def files(self) -> list[str]:
        """The paths, and the word that may stand in the place of one."""
        return [each for each in (self.mask, self.style, self.style_mask) if each]

    def moved(self, file: Callable[[str], str]) -> "RegionFiles":
        """The same with every path replaced by what ``file`` makes of it."""
        return RegionFiles(names.moved(self.mask, file), file(self.style), self.style_mask and file(self.style_mask))

    def __str__(self) -> str:
        return ":".join(self.files())


@dataclass(frozen=True)
class Job:
    """A task with its inputs, recipe, settings and delivery. Files are named by their paths, relative ones to
    the working folder.

    ``content`` is the photograph, and what a reconstruction is of, by what one ``layer`` (relu4_2 if not
    named) remembers; ``styles`` are paintings or saved style codes with their weights, or ``style_index``
    names learnt styles of a network in their place; ``regions`` have styles of their own. ``settings`` are
    those that replace the recipe's. Raises SettingsError, naming the setting, for what makes no sense as a
    whole.
    """

    WORK: ClassVar[str] = "impasto.jobs.deliver:Work.of"

    task: Task
    content: str = ""
    styles: tuple[tuple[str, float], ...] = ()
    style_index: str = ""
    regions: tuple[RegionFiles, ...] = ()
    layer: str = ""
    recipe: str = "default"
    settings: Mapping[str, Any] = field(default_factory=dict)
    delivery: Delivery = field(default_factory=Delivery)

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise SettingsError(f"There is no `task` {self.task!r}: {did_you_mean(str(self.task), TASKS)}")
        takes = _TAKES[self.task]
        object.__setattr__(self, "styles", weighted(self.styles))
        for name in ("content", "layer", *_STYLES):
            if getattr(self, name) and name not in takes:
                raise SettingsError(f"A `task` {self.task} has no `{name}`: leave it out.")
        if "content" in takes and not self.content:
            raise SettingsError(f"A `task` {self.task} needs a `content`.")
        styles = [name for name in _STYLES if name in takes]
        if styles and bool(self.styles or self.regions) + bool(self.style_index) != 1:
            others = ", or `regions`, or a `style_index` alone" if len(styles) > 1 else ""
            raise SettingsError(f"Give one or more `styles`{others}.")
        chosen = self.chosen()
        plain = chosen.dictionary()
        given = {name: plain[name] for name, value in self.settings.items() if value is not None}
        object.__setattr__(self, "settings", given)  # in the one form that they have
        for path in [self.delivery.output, *self.files()]:
            names.check(path)
        if self.styles:
            names.normalised([weight for _, weight in self.styles])
        paintings = [*(path for path, _ in self.styles), *(each.style for each in self.regions)]
        whole.check(
            chosen,
            chosen.method if self.task == "stylize" else self.task,
            styles=len(self.styles),
            regions=len(self.regions),
            code=bool(self.style_index) or any(map(paths.is_code, paintings)),
            layers=[self.layer] if self.layer else [],
        )
        self.delivery.moments(self.iterations)
        if self.task == "texture" and (self.delivery.keep_metadata or self.delivery.profile == "keep"):
            raise SettingsError("A texture has no photograph: leave out `keep_metadata` and `profile`.")
        if self.iterations == 0 and self.delivery.checkpoint_every is not None:
            raise SettingsError("`checkpoint_every` has no meaning with `method` fast: leave it out.")

    def chosen(self) -> Settings:
        """Its settings. Raises SettingsError."""
        return chosen_settings(self.recipe, dict(self.settings), self.task, ["regions"] if self.regions else [])

    def files(self) -> Iterator[str]:
        """The paths of the files that it reads, and the words that stand in the place of regions' masks."""
        yield from (self.content, *(path for path, _ in self.styles))
        for each in self.regions:
            yield from each.files()
        yield from paths.paths(self.settings)

    @property
    def iterations(self) -> int:
        """Over all scales; 0 for the fast method."""
        settings = recipes.recipe(self.recipe).changed(**self.settings).effective()
        return 0 if settings.method == "fast" else settings.iterations

    @property
    def output(self) -> Path:
        """The file to write."""
        return placed(self.delivery.output, self._name)

    @property
    def _name(self) -> str:
        """What a result is called that has no name of its own."""
        parts = [Path(self.content).stem] if self.content else []
        if self.task == "reconstruct":
            parts.append(self.layer or _LAYER)
        elif self.style_index:
            parts.append(f"style-{names.as_name(self.style_index)}")
        else:
            parts.append(Path(self.styles[0][0] if self.styles else self.regions[0].style).stem)
        if self.task == "texture":
            parts.append("texture")
        return joined(parts) + ".png"

    @property
    def inputs(self) -> list[str]:
        """What it is made of, for people to read."""
        named = [path if weight == 1 else f"{path}:{names.written(weight)}" for path, weight in self.styles]
        learnt = [f"style {self.style_index}"] if self.style_index else []
        return [
            *([self.content] if self.content else []),
            *named,
            *learnt,
            *(f"region {each}" for each in self.regions),
        ]

    def prepared(self) -> "Prepared":
        """The task made ready. Raises what `tasks.stylize` and its siblings do."""
        # Here and not above, so that a job can be made and sent without torch.
        from impasto.masks.regions import Region
        from impasto.networks.codes import learnt_style
        from impasto.tasks.reconstruct import plan_reconstruct
        from impasto.tasks.stylize import plan_stylize
        from impasto.tasks.texture import plan_texture

        settings = dict(self.settings)
        if self.task == "texture":
            return plan_texture(list(self.styles), self.recipe, **settings)
        if self.task == "reconstruct":
            return plan_reconstruct(self.content, self.layer or _LAYER, self.recipe, **settings)
        if self.style_index:
            style: Any = learnt_style(self.style_index, settings.get("network", "auto"))
        else:
            style = list(self.styles) or None
        regions = [Region(each.mask, each.style, each.style_mask) for each in self.regions]
        run: Prepared = plan_stylize(self.content, style, self.recipe, regions=regions, **settings)
        return run

    def moved(self, file: Callable[[str], str]) -> "Job":
        """The same with every path replaced by what ``file`` makes of it."""
        return replace(
            self,
            content=self.content and file(self.content),
            styles=tuple((file(path), weight) for path, weight in self.styles),
            regions=tuple(each.moved(file) for each in self.regions),
            settings=paths.moved(self.settings, file),
            delivery=replace(self.delivery, output=self.delivery.output and file(self.delivery.output)),
        )

    def to(self, output: str) -> "Job":
        """The same with another output."""
        return replace(self, delivery=replace(self.delivery, output=output))

    def __hash__(self) -> int:
        return hash(strict_json.dumps(self.dictionary()))

    def dictionary(self) -> dict[str, Any]:
        """As plain values for JSON; `Job.of` makes the same job of them."""
        return {_WHAT: _FORM, **strict_json.loads(strict_json.dumps(asdict(self)))}

    @classmethod
    def of(cls, data: Any) -> "Job":
        """The job of a `dictionary`. Raises RecordError for what is none, and SettingsError for one that
        makes no sense.
        """
        form = data.get(_WHAT) if isinstance(data, Mapping) else None
        if type(form) is int and form > _FORM:
            raise RecordError(
                f"This job was written by a newer Impasto (format {briefly(form)}; this one reads up to {_FORM}): update Impasto."
            )
        if form != _FORM:
            raise RecordError(f'This is no job of Impasto: expected a JSON object with "{_WHAT}": {_FORM}.')
        with understood():
            given = known(cls, {name: value for name, value in data.items() if name != _WHAT})
            return cls(
                **given
                | {
                    "style_index": learnt(given.get("style_index", "")),
                    "styles": tuple((str(path), float(weight)) for path, weight in given.get("styles", ())),
                    "regions": tuple(RegionFiles(**known(RegionFiles, each)) for each in given.get("regions", ())),
                    "settings": dict(given.get("settings", {})),
                    "delivery": Delivery(**known(Delivery, given.get("delivery", {}))),
                }
            )

    @classmethod
    def read(cls, text: str | bytes) -> "Job":
        """The job of a JSON text. Raises as `of`."""
        try:
            data = formats.parsed(text)
        except ValueError as error:
            raise RecordError(f"This is no job of Impasto ({briefly(error)}).") from error
        return cls.of(data)

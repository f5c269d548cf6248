"""A study: a folder of variants that can be left and taken up again, and the report on them."""

import functools
import hashlib
import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from impasto._version import __version__
from impasto.errors import OutputError, SettingsError
from impasto.jobs.deliver import hashed
from impasto.jobs.job import Delivery
from impasto.jobs.process import Process
from impasto.machine import files, formats
from impasto.machine.claim import claimed
from impasto.networks.zoo import predictor
from impasto.pictures import codecs
from impasto.progress import Progress
from impasto.settings.applies import chosen_settings
from impasto.settings.fields import Settings
from impasto.settings.paths import paths
from impasto.study.cell import CELL, RESULT, job_of
from impasto.study.outcome import SUMMARY, Cell, is_whole, unreadable
from impasto.study.variants import Variant, chosen, iterations_of
from impasto.tasks import record
from impasto.tasks.stylize import plan_stylize

_OVERHEAD = 4.0
"""Seconds that a variant takes besides its iterations: to start, to save, to be scored."""


@dataclass
class Study:
    """A study made ready, as `plan_study` gives it. ``failures`` are the variants that could not be computed,
    and why.
    """

    content: Path
    style: Path
    folder: Path
    variants: list[Variant]
    base: Settings
    preset: str | None
    failures: dict[str, str] = field(default_factory=dict)
    _seconds: dict[str, float] = field(default_factory=dict)
    """What `estimate` found."""

    @property
    def report(self) -> Path:
        """The file that holds the report once `steps` has come to its end."""
        return self.folder / "report.html"

    @property
    def summary_file(self) -> Path:
        """The file that holds all but the pictures and the curves, as JSON."""
        return self.folder / SUMMARY

    @property
    def missing(self) -> list[Variant]:
        """The variants that are still to be computed."""
        return [each for each in self.variants if self._outcome(each) is None]

    def estimate(self) -> dict[str, float]:
        """Roughly the seconds that each missing variant will take. Raises what all of them would fail
        with.
        """
        photo, painting = (codecs.load(path, self.base.allow_truncated) for path in (self.content, self.style))
        seconds: dict[str, float] = {}
        known: dict[str, float] = {}
        trouble: Exception | None = None
        for each in self.missing:
            key = _cost(each)
            if key not in known:
                try:
                    run = plan_stylize(photo, painting, each.recipe, **each.settings)
                    known[key] = _OVERHEAD + run.estimate()[0]
                except SettingsError as error:
                    raise SettingsError(f"{each.name}: {error}") from error
                except Exception as error:  # this variant will fail and say so, others may not
                    trouble, known[key] = error, 0.0
            seconds[each.name] = known[key]
        if trouble is not None and not any(seconds.values()) and len(seconds) == len(self.variants):
            raise trouble
        self._seconds = seconds
        return seconds

    def steps(self) -> Generator[Progress, None, None]:
        """Compute what is missing, variant by variant, then write the report. Close the generator to stop.

        A variant that fails is noted in ``failures``, and tried again by the next study in the folder. Raises
        OutputError when the folder cannot be written, or another process computes a study there; what was
        finished is kept.
        """
        files.create_folder(self.folder)
        with claimed(self.report):
            yield from self._steps()

    def _steps(self) -> Generator[Progress, None, None]:
        begun: dict[str, Any] = {
            "impasto": "study",
            "complete": False,
            "pictures": self.pictures,
            "base": self.base.dictionary(),
        }
        begun["variants"] = [{"name": each.name} for each in self.variants]
        _write(self.summary_file, record.encoded(begun))
        self.failures.clear()
        missing = self.missing
        work = [self._seconds.get(each.name) or 1.0 for each in missing]
        for index, variant in enumerate(missing):
            done, own = sum(work[:index]) / sum(work), work[index] / sum(work)
            text = f"{index + 1}/{len(missing)} {variant.name}"
            with self._process(variant) as process:
                for progress in process.events():
                    yield Progress(done + own * progress.done, f"{text}  {progress.text}")
                if process.error == OutputError.__name__:
                    raise OutputError(f"{process.failure} Run the same command again to go on.")
                failure = process.failure or (
                    "Its process was asked to stop." if process.outcome == "cancelled" else ""
                )
                if failure:
                    self.failures[variant.name] = failure
                failed = f" failed: {failure}" if failure else ": done"
                yield Progress(done + own, text, f"{variant.name}{failed}")
        yield Progress(1.0, "the report")
        self._write_report()
        yield Progress(1.0, "the report", f"the report is in {self.report}")

    def finish(self) -> Path:
        """Compute to the end and give the report's file."""
        for _ in self.steps():
            pass
        return self.report

    def check_kept(self) -> None:
        """Raises OutputError when the folder holds something else than (a part of) this study."""
        if self.folder.exists() and not self.folder.is_dir():
            raise OutputError(f"{self.folder} is a file: name a folder for the study.")
        if self.folder.exists() and any(self.folder.iterdir()) and not self.summary_file.exists():
            raise OutputError(f"{self.folder} holds other files: choose an empty folder, or allow it with `force`.")
        kept, base = _read(self.summary_file) or {}, self.base.dictionary()
        others = _names(kept) - {each.name for each in self.variants}
        if others or kept.get("pictures", self.pictures) != self.pictures or kept.get("base", base) != base:
            raise OutputError(
                f"{self.folder} holds another study: choose another folder, or write over its report with `force`."
            )
        for each in self.variants:
            outcome = _read(self._place(each) / CELL)
            if outcome and outcome.get("fingerprint") != self._fingerprint(each):
                raise OutputError(
                    f"{self.folder} holds {each.name!r} with other settings or snapshots, or by another version: choose another folder, or "
                    "compute it anew with `force`."
                )

    def _place(self, variant: Variant) -> Path:
        return self.folder / "runs" / variant.folder

    @functools.cached_property
    def pictures(self) -> dict[str, str]:
        """The SHA-256 of both files."""
        return {"content": files.sha256_of(self.content), "style": files.sha256_of(self.style)}

    @functools.cached_property
    def _files(self) -> dict[str, str]:
        """The SHA-256 of the files that settings name: of masks, a start, a network of one's own."""
        return {path: hashed(path) for each in self.variants for path in paths(each.resolved().dictionary())}

    def _fingerprint(self, variant: Variant) -> str:
        """Of all that decides what the variant's folder holds."""
        settings = variant.resolved().dictionary()
        decisive = {
            "pictures": self.pictures,
            "files": {path: self._files[path] for path in paths(settings)},
            "recipe": variant.recipe,
            "settings": settings,
            "snapshots": variant.snapshots,
            "version": __version__,
        }
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()

    def _outcome(self, variant: Variant) -> dict[str, Any] | None:
        """What a finished variant left, None for one that is not finished, or not this one."""
        outcome = _read(self._place(variant) / CELL)
        if outcome is None or outcome.get("fingerprint") != self._fingerprint(variant) or not is_whole(outcome):
            return None
        return outcome if (self._place(variant) / RESULT).exists() else None

    def _process(self, variant: Variant) -> Process:
        """The process that computes a variant."""
        place = self._place(variant)
        files.create_folder(place)
        (place / CELL).unlink(missing_ok=True)
        job = job_of(
            self.content, self.style, variant.recipe, variant.settings, snapshots=variant.snapshots, folder=place
        )
        arguments = {"job": job.dictionary(), "fingerprint": self._fingerprint(variant)}
        return Process("impasto.study.cell:Scored", arguments)

    def _write_report(self) -> None:
        from impasto.study.report import Report  # with what an extra brings

        cells = []
        for each in self.variants:
            place, outcome, error = self._place(each), self._outcome(each), self.failures.get(each.name, "")
            if outcome and (error := unreadable(place / RESULT)):
                outcome = None
            cells.append(Cell(each, place, outcome, error))
        report = Report(self.content, self.style, cells, self.base, self.preset, self.pictures)
        for name, content in report.files().items():
            _write(self.folder / name, content)


def plan_study(
    content: str | Path,
    style: str | Path,
    folder: str | Path,
    *,
    sweeps: Mapping[str, Sequence[Any]] | None = None,
    recipes: Sequence[str] = ("default",),
    preset: str | None = None,
    snapshots: str | Sequence[int] = "",
    force: bool = False,
    **settings: Any,
) -> Study:
    """Prepare a study of one pair of pictures.

    ``sweeps`` maps settings to values; every ``recipes`` is computed with every combination of them.
    ``preset="report"`` takes the variants of the course report in place of both. ``snapshots`` are the
    iterations at which pictures are kept, by the variants that come so far: some of the most that any has, or
    a text as `jobs.job.Delivery` takes it. ``settings`` hold for all variants. Variants that ``folder`` holds
    already are kept, unless they are of other pictures or settings: then OutputError, or with ``force`` they
    are computed anew.

    Raises SettingsError for a grid that makes no sense, and NotInstalledError or WeightsError where something
    is missing that scores and report need: at once, not after hours of painting.
    """
    import impasto.study.report  # noqa: F401

    predictor()
    settings = {name: value for name, value in settings.items() if value is not None}
    variants, base = chosen(sweeps or {}, recipes, preset, settings)
    for each in variants:
        try:
            chosen_settings(each.recipe, dict(each.settings))
        except SettingsError as error:
            raise SettingsError(f"{each.name}: {error}") from error
    text = snapshots if isinstance(snapshots, str) else ",".join(map(str, snapshots))
    if moments := Delivery(snapshots=text).moments(max(map(iterations_of, variants))):
        variants = [
            replace(each, snapshots=tuple(moment for moment in moments if moment <= most))
            if (most := iterations_of(each))
            else each
            for each in variants
        ]
    content, style, folder = (files.at_home(path) for path in (content, style, folder))
    study = Study(content, style, folder, variants, base, preset)
    for path in (study.content, study.style):
        codecs.load(path, base.allow_truncated)  # what cannot be read is told now
    if not force:
        study.check_kept()
    outputs = [*study.folder.glob("runs/*/*"), *study.folder.glob("figures/*")]
    jobs = [
        job_of(study.content, study.style, each.recipe, each.settings, snapshots=(), folder=study.folder)
        for each in variants
    ]
    files.refuse_inputs(outputs, {path for job in jobs for path in job.files()})
    return study


def _cost(variant: Variant) -> str:
    """All that may decide how long a variant takes: equal costs are estimated once. The seed does not; of a
    number that weighs something it is whether there is any; the share of the last pass is one of iterations.
    """
    settings = variant.resolved().effective()
    own = {name: value for name, value in vars(settings).items() if name != "seed"}
    deciding = [value > 0 if isinstance(value, float) else value for value in own.values()]
    return repr([*deciding, settings.last_pass])


def _read(path: Path) -> dict[str, Any] | None:
    """A JSON object, None where there is none, or a damaged one."""
    try:
        return formats.read(path)
    except (OSError, ValueError):
        return None


def _names(kept: Mapping[str, Any]) -> set[str]:
    """The variants that the summary of a study names."""
    variants = kept.get("variants")
    listed = variants if isinstance(variants, list) else []
    return {str(each["name"]) for each in listed if isinstance(each, dict) and "name" in each}


def _write(path: Path, content: bytes) -> None:
    files.create_folder(path.parent)
    files.write_atomic(path, content, force=True)

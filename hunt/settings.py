"""Settings that nobody means: whatever is given is taken as it is meant, or refused by its name."""

import json
from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as some

from impasto.errors import ImpastoError
from impasto.jobs.job import TASKS, Job
from impasto.settings.applies import chosen_settings
from impasto.settings.fields import Settings
from impasto.settings.recipes import RECIPES

NAMES = sorted(Settings.__dataclass_fields__)
VALUES = some.recursive(
    some.none()
    | some.booleans()
    | some.integers()
    | some.floats()
    | some.text()
    | some.from_regex(r"[0-9.,:xe+-]{1,12}"),
    lambda values: some.lists(values, max_size=3) | some.dictionaries(some.text(), values, max_size=3),
    max_leaves=5,
)
"""Whatever JSON, or Python, may have."""


def hunt(count: int, number: int = 0) -> None:
    """Try so many. Raises what was found, with the smallest values that show it."""

    @seed(number)
    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(some.sampled_from(NAMES), VALUES, some.sampled_from(sorted(RECIPES)), some.sampled_from([*TASKS, "train"]))
    def alone(name: str, value: Any, recipe: str, task: str) -> None:
        try:
            chosen = chosen_settings(recipe, {name: value}, task)
        except ImpastoError as error:
            _check_told(error)
            return
        plain = json.dumps(chosen.dictionary(), allow_nan=False)
        assert Settings(**json.loads(plain)) == chosen and chosen.effective().effective() == chosen.effective()

    @seed(number)
    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(some.dictionaries(some.sampled_from([*Job.__dataclass_fields__, "job"]), VALUES))
    def within(changed: dict[str, Any]) -> None:
        whole = Job("stylize", "a.png", (("b.png", 1.0),), settings={"size": 64}).dictionary()
        try:
            job = Job.of(whole | changed)
        except ImpastoError as error:
            _check_told(error)
            return
        assert Job.read(json.dumps(job.dictionary(), allow_nan=False)) == job

    alone()
    within()


def _check_told(error: ImpastoError) -> None:
    said = str(error)
    assert 10 < len(said) < 2000 and "\x1b" not in said, said[:300]

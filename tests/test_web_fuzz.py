"""Whatever is sent to the studio, it answers, and never that something should not have happened."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.web import TOKEN, Visit, noise, served

HEADERS = {"Authorization": f"Bearer {TOKEN}"}
JSON = {"Content-Type": "application/json"}
"""Or nothing of a body is looked at."""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of a library that is here for tests alone
def test_nothing_that_the_api_may_be_sent_is_a_fault_of_ours(tmp_path: Path) -> None:
    # Here, for all processes of a test run collect this file, and these take as long to import as torch.
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from schemathesis.checks import not_a_server_error

    calm = settings(
        deadline=None, max_examples=40, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[*HealthCheck],
    )  # fmt: skip
    with served(tmp_path, queue=4) as (visit, _):
        schema = schemathesis.openapi.from_url(f"{visit.base}/api/openapi.json", headers=HEADERS)
        tried = 0
        for found in schema.get_all_operations():
            operation: Any = found.ok()  # type: ignore[union-attr]
            if operation.path == "/api/events":  # which has no end
                continue

            @calm
            @given(case=operation.as_strategy())
            def answered(case: Any) -> None:
                nonlocal tried
                tried += 1
                case.call_and_validate(headers=HEADERS, checks=[not_a_server_error], timeout=60)

            answered()
        assert tried > 300


ODD: list[Any] = [
    None, True, -1, 0, 2**70, 1e308, "", "\ud800", "\x00", "ü" * 5000, [], {}, [[[]]], {"a": {"b": None}}, "1e999", "٣",
    ["relu1_1"], {"relu1_1": "x"}, "9" * 5000,
]  # fmt: skip


@pytest.mark.slow
def test_odd_values_of_every_setting_are_refused_or_mean_something(tmp_path: Path) -> None:
    with served(tmp_path, queue=10_000) as (visit, _):
        photo, style = visit.pair()
        own: dict[str, Any] = {"photo": photo, "styles": [{"painting": style}]}
        running = visit.ask(**own, settings={"iterations": 10**6})["id"]
        for setting in visit.http.get("/api/choices").json()["settings"]:
            for value in ODD:
                body = json.dumps(own | {"settings": {setting["name"]: value}})
                answer = visit.http.post("/api/jobs", content=body, headers=JSON)
                assert answer.status_code in (201, 422), (setting["name"], value, answer.text)
        assert visit.job(running)["state"] == "running"
        visit.http.post(f"/api/jobs/{running}/cancel")
        for job in visit.http.get("/api/jobs").json():
            visit.http.post(f"/api/jobs/{job['id']}/cancel")


def test_bodies_that_are_none_are_refused(tmp_path: Path) -> None:
    with served(tmp_path) as (visit, _):
        for body in (
            "",
            "[",
            "null",
            "[]",
            "7",
            '{"photo": NaN}',
            "{" * 10_000,
            '{"a":' * 50_000,
            "\ufeff{}",
            '{"settings": {"a\\ud800": 1}}',
        ):
            answer = visit.http.post("/api/jobs", content=body.encode(), headers=JSON)
            assert answer.status_code in (400, 422), body[:20]


@pytest.mark.parametrize("id", ["A" * 16, "_" * 16, "-" * 16])
def test_ids_of_nothing_are_told_as_such(tmp_path: Path, id: str) -> None:
    with served(tmp_path) as (visit, _):
        Visit(visit.base)
        visit.send(noise(20))
        for path in (
            f"pictures/{id}",
            f"pictures/{id}/file",
            f"jobs/{id}",
            f"jobs/{id}/picture",
            f"jobs/{id}/download",
        ):
            assert visit.http.get(f"/api/{path}").status_code == 404

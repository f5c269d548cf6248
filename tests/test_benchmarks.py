"""The script for a borrowed card, here with the CPU in its place."""

import json
from pathlib import Path

import pytest

from benchmarks import device, floor, table
from benchmarks.clock import timed


@pytest.mark.slow
@pytest.mark.usefixtures("small_looks")
def test_a_device_is_checked_and_measured_in_one_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (device, floor):  # nobody reads the figures, and once is enough for them
        monkeypatch.setattr(module, "median", lambda work, device, *_: timed(work, device))
    output = tmp_path / "device.json"
    assert device.main(["--device", "cpu", "--sizes", "48", "--output", str(output)]) == 0
    found = json.loads(output.read_text())
    assert not [title for title, each in found.items() if "left_out" in each]
    checks = [each for title, each in found.items() if title.startswith("check")]
    assert len(checks) >= 4 and all(check["right"] for check in checks)
    assert all(each["gradient"] < 1e-4 for each in found["check gradients, float32"].values() if isinstance(each, dict))
    assert "All that was checked is right." in capsys.readouterr().out


def test_the_floor_and_the_machine_stand_below_the_table_where_they_were_measured() -> None:
    results = json.loads((Path(table.__file__).with_name("results.json")).read_text())
    for name, texts in table.TEXTS.items():
        results["step"]["512"].pop("floor", None)
        results.pop("rates", None)
        before = table.table(results, texts)
        results["step"]["512"]["floor"] = {"seconds": results["step"]["512"]["impasto"]["seconds"] / 1.5}
        results["rates"] = {"float32": {"gflops": 123.4, "gbytes": 5.6}}
        added = set(table.table(results, texts).splitlines()) - set(before.splitlines())
        assert len(added) == 2, name
        assert any("1.50" in line and "512" in line for line in added)
        assert any("123" in line and "5.6" in line for line in added)

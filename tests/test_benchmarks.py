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


def test_every_step_stands_beside_its_convolutions_and_the_machine_below_the_table() -> None:
    results = json.loads((Path(table.__file__).with_name("results.json")).read_text())
    for size, each in results["step"].items():
        each["floor"] = {"seconds": each["impasto"]["seconds"] / (1.5 if size == "512" else 1.25)}
    results["rates"] = {"float32": {"gflops": 123.4, "gbytes": 5.6}}
    for name, texts in table.TEXTS.items():
        lines = table.table(results, texts).splitlines()
        columns = {line.count("|") for line in lines[1 : lines.index("", 1)]}
        assert columns == {9}, name
        ratios = [line.split("|")[-2].strip() for line in lines if line.startswith(f"| {texts['step'].split('{')[0]}")]
        assert ratios == ["1.25×", "1.50×", "1.25×"], name
        assert any("123" in line and "5.6" in line for line in lines), name

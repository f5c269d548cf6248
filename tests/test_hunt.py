"""The programs that hunt for faults: slices of what `make fuzz` does for longer."""

from hunt.settings import hunt


def test_settings_and_jobs_are_taken_as_meant_or_refused() -> None:
    hunt(150)

"""Programs that hunt for faults, minutes to hours long: `make fuzz`. Slices of them are in the suite."""

"""Programs that hunt for faults, as long as one likes: `make fuzz`. Slices of them are in the suite."""

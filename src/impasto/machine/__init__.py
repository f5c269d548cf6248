"""What it runs on: devices, memory, files."""

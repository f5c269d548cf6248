"""``python -m impasto`` is the command ``impasto``."""

from impasto.cli import app

app(prog_name="impasto")

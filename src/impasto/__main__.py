"""The command ``impasto``, also as ``python -m impasto``."""

import signal

from impasto.machine import interrupts


def main() -> None:
    """Run it, and end the process."""
    with interrupts.handled(signal.SIG_DFL):  # nothing has begun yet: Ctrl-C ends it, without a traceback
        from impasto.cli import app
    app(prog_name="impasto")


if __name__ == "__main__":
    main()

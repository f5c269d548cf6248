"""Work that counts, for tests of processes: they need not import torch before it begins."""

import os
import signal
import sys
import time
from collections.abc import Generator
from pathlib import Path

from impasto.errors import NotReadyError, SettingsError
from impasto.progress import Progress

NOISE = b"not a message\n{'nor': 'this'}\n{\"nor\": \"this\"}\n{\xff\n\xfe\n" + b'{"a":' * 2000 + b"\n50 %"
"""What libraries may say, too."""


def greet() -> None:
    print("hello", file=sys.stderr)


class Counting:
    """Work of so many steps; ``how`` it goes wrong at the third."""

    def __init__(self, steps: int, how: str = "", note: str = "", says: str = "") -> None:
        self.steps, self.how, self.note, self.done = steps, how, note, 0
        if says:
            print(says, file=sys.stderr)

    def events(self) -> Generator[Progress, None, None]:
        try:
            for step in range(1, self.steps + 1):
                self.done = step
                if self.done == 3 and self.how == "error":
                    raise SettingsError("`size` is out of the question.")
                if self.done == 3 and self.how == "death":
                    os.kill(os.getpid(), signal.SIGKILL)
                if self.done == 3 and self.how == "stubborn":
                    time.sleep(60)
                sys.stdout.buffer.write(NOISE)
                sys.stdout.flush()
                yield Progress(self.done / self.steps, iteration=self.done, losses={"total": 0.1})
                time.sleep(0.02)
        finally:
            if self.note:
                Path(self.note).write_text(str(self.done))

    def lend(self, path: Path) -> None:
        import torch

        from impasto.pictures.codecs import save
        from impasto.pictures.picture import Picture

        if not self.done:
            raise NotReadyError("There is none.")
        save(Picture(torch.full((1, 3, 4, 5), self.done / 255)), path, force=True)

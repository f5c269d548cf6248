"""Shards: several machines that share a batch without a word to each other, each doing its part of the
items.
"""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from impasto.errors import SettingsError

_TAKES = "`shard` takes NUMBER/COUNT like 1/10, the numbers counted from 1; auto; or auto/COUNT"


@dataclass(frozen=True)
class Shard:
    """One part of ``count``, counted from 1. ``source`` is what told of it."""

    number: int
    count: int
    source: str = ""

    @classmethod
    def of(cls, text: str, environment: Mapping[str, str] = os.environ) -> "Shard":
        """``3/10``, or ``auto``: what a scheduler's variables say, those of torchrun (RANK and WORLD_SIZE),
        of SLURM's arrays (SLURM_ARRAY_TASK_ID, _COUNT, _MIN and _STEP), or of Kubernetes' indexed jobs
        (JOB_COMPLETION_INDEX), which tell no count: ``auto/10``. Raises SettingsError.

        >>> Shard.of("auto/10", {"JOB_COMPLETION_INDEX": "0"})
        Shard(number=1, count=10, source='JOB_COMPLETION_INDEX')
        """
        word, _, count = text.partition("/")
        if word != "auto":
            return cls._checked(word, count, "", 0, text)
        found = [name for name in ("RANK", "SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX") if name in environment]
        if len(found) != 1:
            told = f"{' and '.join(found)} are set" if found else "no scheduler's variables are set"
            raise SettingsError(f"{_TAKES}, and {told}: write which part it is.")
        (source,) = found
        number = environment[source]
        if source == "RANK":
            count = count or environment.get("WORLD_SIZE", "")
        if source == "SLURM_ARRAY_TASK_ID":
            count = count or environment.get("SLURM_ARRAY_TASK_COUNT", "")
            least, step = (
                environment.get(f"SLURM_ARRAY_TASK_{name}", usual) for name, usual in (("MIN", "0"), ("STEP", "1"))
            )
            if all(map(_is_number, (number, least, step))) and int(step):
                number = str((int(number) - int(least)) // int(step))
        return cls._checked(number, count, source, 1, text)

    @classmethod
    def _checked(cls, number: str, count: str, source: str, first: int, text: str) -> "Shard":
        if not (_is_number(number) and _is_number(count) and 1 <= int(number) + first <= int(count)):
            told = f"{source}={number}, of {count or 'an unknown number'}" if source else repr(text)
            raise SettingsError(f"{_TAKES}, not {told}.")
        return cls(int(number) + first, int(count), source)

    @property
    def part(self) -> str:
        """What parts its files from others'."""
        return f"-{self.number}-of-{self.count}"

    def has(self, output: str) -> bool:
        """Whether an item belongs to it: by the name of its output, so that no listing has to be the same
        everywhere.
        """
        return (
            int.from_bytes(hashlib.sha256(output.encode(errors="surrogateescape")).digest()[:8]) % self.count
            == self.number - 1
        )


def _is_number(text: str) -> bool:
    return re.fullmatch("[0-9]{1,9}", text) is not None

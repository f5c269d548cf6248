"""What a process is allowed, on made-up systems: control groups of both versions, nested as containers, batch
systems and services nest them.
"""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from impasto.machine import limits, memory

MB = 2**20
SECOND = "40 30 0:30 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
FIRST = (
    "41 30 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "42 30 0:32 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
)


def system(root: Path, mounts: str, groups: str, files: dict[str, str]) -> Path:
    """A made-up /proc and /sys."""
    told = {"proc/self/mountinfo": f"22 1 8:1 / / rw - ext4 /dev/root rw\n{mounts}", "proc/self/cgroup": groups}
    for name, text in (told | files).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def group(place: str, limit: str, used: int, read: int = 0) -> dict[str, str]:
    """Of a control group of version 2."""
    stat = f"anon 5\ninactive_file {read}\nactive_file 7\n"
    names = {"memory.max": limit, "memory.high": "max", "memory.current": str(used), "memory.stat": stat}
    return {f"sys/fs/cgroup/{place}{name}": f"{text}\n" for name, text in names.items()}


def first(place: str, limit: int, used: int, read: int = 0) -> dict[str, str]:
    """Of version 1."""
    stat = f"inactive_file 1\ntotal_inactive_file {read}\n"
    names = {"memory.limit_in_bytes": limit, "memory.usage_in_bytes": used, "memory.stat": stat}
    return {f"sys/fs/cgroup/memory/{place}{name}": str(text) for name, text in names.items()}


SLURM, SYSTEMD = "system.slice/slurmstepd.scope/job_7", "user.slice/user-1000.slice/app.slice/run-9.scope"
UNLIMITED = 9223372036854771712  # version 1 has a number for it


@pytest.mark.parametrize(
    ("mounts", "groups", "files", "left"),
    [
        ("", "", {}, None),  # no Linux
        (SECOND, "0::/\n", group("", "max", 9), None),
        (SECOND, "0::/\n", group("", f"{500 * MB}", 200 * MB, 50 * MB), 350),
        (SECOND, f"0::/{SLURM}/step_0\n", group(f"{SLURM}/", f"{400 * MB}", 100 * MB), 300),
        (
            SECOND,
            f"0::/{SLURM}/step_0\n",
            group(f"{SLURM}/step_0/", f"{900 * MB}", 50 * MB) | group(f"{SLURM}/", f"{400 * MB}", 100 * MB),
            300,
        ),
        (
            SECOND,
            f"0::/{SYSTEMD}\n",
            group(f"{SYSTEMD}/", "max", MB) | {f"sys/fs/cgroup/{SYSTEMD}/memory.high": f"{100 * MB}\n"},
            99,
        ),
        # Lines that are none, or lack what others have: a file system may be mounted from nowhere.
        (f"50 1 0:50 / /mnt rw - tmpfs  rw\n\n51 1\n{SECOND}", "\nwhat\n0::/a:b\n", group("a:b/", f"{9 * MB}", MB), 8),
        (
            SECOND,
            "0::/a\n",
            group("a/", f"{9 * MB}", MB) | {"sys/fs/cgroup/a/memory.stat": "inactive_file many\n\nfile\n"},
            8,
        ),
        (
            SECOND.replace("/sys/fs/cgroup", "/sys/fs/c\\011g\\134x"),
            "0::/a\n",
            {name.replace("cgroup", "c\tg\\x"): text for name, text in group("a/", f"{9 * MB}", MB).items()},
            8,
        ),
        # A process that holds more than it may, until it is noticed.
        (SECOND, "0::/a\n", group("a/", f"{100 * MB}", 120 * MB), 0),
        (FIRST, "4:memory:/\n1:cpu,cpuacct:/\n", first("", UNLIMITED, 9), None),
        (FIRST, "4:memory:/slurm/uid_5/job_7\n", first("slurm/uid_5/", 700 * MB, 100 * MB, 20 * MB), 620),
        # In a container that sees the host's path, and of the host's tree its own part.
        (
            "41 30 0:31 /docker/4f1 /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
            "4:memory:/docker/4f1\n",
            first("", 256 * MB, 56 * MB),
            200,
        ),
        (SECOND, "0::/../../kubepods/pod8\n", group("", f"{256 * MB}", 56 * MB), 200),
        # Both at once, as many systems have them.
        (
            FIRST + "43 30 0:33 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
            "4:memory:/job\n0::/job\n",
            first("job/", 64 * MB, 0) | first("", 32 * MB, MB),
            31,
        ),
        (SECOND, "0::/a\n", {"sys/fs/cgroup/a/memory.max": "\n", "sys/fs/cgroup/memory.max": "none of it"}, None),
    ],
)
def test_the_least_memory_of_all_levels_counts(
    mounts: str, groups: str, files: dict[str, str], left: int | None, tmp_path: Path
) -> None:
    found = limits.memory_left(system(tmp_path, mounts, groups, files))
    assert found == (2**62 if left is None else left * MB)


@pytest.mark.parametrize(
    ("mounts", "groups", "files", "count"),
    [
        ("", "", {}, 8),
        (SECOND, "0::/\n", {"sys/fs/cgroup/cpu.max": "max 100000\n"}, 8),
        (SECOND, "0::/\n", {"sys/fs/cgroup/cpu.max": "150000 100000\n"}, 2),
        (SECOND, "0::/\n", {"sys/fs/cgroup/cpu.max": "20000 100000\n"}, 1),
        (SECOND, "0::/\n", {"sys/fs/cgroup/cpu.max": "3200000 100000\n"}, 8),
        (
            SECOND,
            f"0::/{SYSTEMD}\n",
            {
                f"sys/fs/cgroup/{SYSTEMD}/cpu.max": "max 100000\n",
                "sys/fs/cgroup/user.slice/user-1000.slice/cpu.max": "400000 100000\n",
                "sys/fs/cgroup/user.slice/cpu.max": "600000 100000\n",
            },
            4,
        ),
        (
            FIRST,
            "1:cpu,cpuacct:/batch/job\n4:memory:/\n",
            {
                "sys/fs/cgroup/cpu,cpuacct/batch/job/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu,cpuacct/batch/job/cpu.cfs_period_us": "100000\n",
                "sys/fs/cgroup/cpu,cpuacct/batch/cpu.cfs_quota_us": "150000\n",
                "sys/fs/cgroup/cpu,cpuacct/batch/cpu.cfs_period_us": "50000\n",
            },
            3,
        ),
        (SECOND, "0::/\n", {"sys/fs/cgroup/cpu.max": "100000 0\n"}, 8),
    ],
)
def test_as_many_processors_as_the_least_level_gives(
    mounts: str, groups: str, files: dict[str, str], count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    root = system(tmp_path, mounts, groups, files)
    assert limits.processors(root) == count
    for told, threads in (
        (None, count if count < 8 else None),
        ("3", None),
        ("4,2", None),
        ("0", count),
        ("x", count),
        ("٣", count),
    ):
        if told is None:
            monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
        else:
            monkeypatch.setenv("OMP_NUM_THREADS", told)
        assert limits.threads_to_set(root) == threads


@pytest.mark.parametrize(
    ("given", "spins"),
    [({}, limits._SPINS), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "active"}, None)],
)
def test_threads_that_wait_sleep_soon_unless_the_user_has_said_how(
    given: dict[str, str], spins: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    limits.advise_openmp()
    assert os.environ.get("GOMP_SPINCOUNT") == spins


@pytest.mark.parametrize("kind", [resource.RLIMIT_AS, resource.RLIMIT_DATA])
def test_the_limits_of_the_shell_count(kind: int) -> None:
    script = (
        "import resource, sys\n"
        f"resource.setrlimit({kind}, (2**30, resource.RLIM_INFINITY))\n"
        "from impasto.machine import limits\n"
        "before = limits.memory_left()\n"
        "kept = bytearray(2**28)\n"
        "print(before, before - limits.memory_left())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    left, taken = map(int, done.stdout.split())
    assert 2**29 < left < 2**30 and 2**28 <= taken < 2**28 + 2**24


def test_a_budget_heeds_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    monkeypatch.setattr(limits, "memory_left", lambda: 100 * MB)
    least = memory.budget("auto", cpu)
    monkeypatch.setattr(limits, "memory_left", lambda: 300 * MB)
    assert abs(memory.budget("auto", cpu) - least - 100 * MB) < 20 * MB  # half of it, and what is held already

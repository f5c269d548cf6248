"""What a process is allowed of a machine: memory and processors, as containers, batch systems and the shell
limit them.

Linux control groups nest, and the least limit of all levels holds: a batch system's job lies below its step,
a service below its slice, each with a limit of its own or without. Both versions of them are read, for many
machines have both (the kernel's Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst).
"""

import math
import os
import re
from collections.abc import Iterator
from pathlib import Path

_UNLIMITED = 2**62
_SYSTEM = Path("/")


def memory_left(root: Path = _SYSTEM) -> int:
    """The bytes that this process may still take by its control groups and the shell's limits (``ulimit -v``
    and ``-d``); what the machine has is another matter. ``root`` is where /proc and /sys lie.
    """
    return max(0, min([_UNLIMITED, *_left_by_groups(root), *_left_by_shell()]))


def processors(root: Path = _SYSTEM) -> int:
    """How many processors this process may use: those that it may run on, or fewer where control groups give
    it less of their time. A part of one counts as one.
    """
    return max(1, min([_allowed(), *map(math.ceil, _quotas(root))]))


_SPINS = "3000"
"""How often a thread of OpenMP looks whether there is work before it sleeps. With libgomp's own 300 000, on a
busy machine, it keeps from the processor whom all wait for.
"""


def advise_openmp() -> None:
    """Tell OpenMP, by its variables, what it does not find out by itself. It heeds them when torch is loaded,
    here and in processes that are begun from here.
    """
    if threads := threads_to_set():
        os.environ["OMP_NUM_THREADS"] = str(threads)
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", _SPINS)


def threads_to_set(root: Path = _SYSTEM) -> int | None:
    """How many threads to ask OpenMP for, by its variable OMP_NUM_THREADS, before torch is loaded; None where
    the user has set it to something sensible, or OpenMP finds out by itself.
    """
    told = os.environ.get("OMP_NUM_THREADS")
    if told is not None and all(re.fullmatch(r"\s*0*[1-9][0-9]{0,5}\s*", part, re.ASCII) for part in told.split(",")):
        return None
    count = processors(root)
    return count if told is not None or count < _allowed() else None


def _allowed() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _left_by_groups(root: Path) -> Iterator[int]:
    """What every level leaves; files that it has read are dropped on demand, and count as free."""
    for group in _groups(root, "memory"):
        for limit, used, files in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.high", "memory.current", "inactive_file"),  # beyond it, all is slowed down to a crawl
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            if most := _numbers(group / limit):
                dropped = [
                    line for line in _lines(group / "memory.stat") if re.fullmatch(rf"{files} [0-9]{{1,18}}", line)
                ]
                yield most[0] - sum(_numbers(group / used)) + sum(int(line.split()[1]) for line in dropped)


def _left_by_shell() -> Iterator[int]:
    try:
        import resource
    except ImportError:  # Windows
        return
    import psutil

    taken = psutil.Process().memory_info()
    for limit, used in ((resource.RLIMIT_AS, taken.vms), (resource.RLIMIT_DATA, getattr(taken, "data", 0))):
        most, _ = resource.getrlimit(limit)
        if most != resource.RLIM_INFINITY:
            yield most - used


def _quotas(root: Path) -> Iterator[float]:
    """The processors whose time every level gives."""
    for group in _groups(root, "cpu"):
        either = (_numbers(group / "cpu.max"), _numbers(group / "cpu.cfs_quota_us", group / "cpu.cfs_period_us"))
        for quota, period in (found for found in either if len(found) == 2):
            if quota > 0 and period > 0:
                yield quota / period


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """The folders of the control groups that this process is in, from its own up to the topmost to be
    seen.
    """
    mounts = [mount for line in _lines(root / "proc/self/mountinfo") if (mount := _mount(line))]
    lines = (line.split(":", 2) for line in _lines(root / "proc/self/cgroup"))
    for _, controllers, path in (line for line in lines if len(line) == 3):
        second = controllers == ""
        if not second and controller not in controllers.split(","):
            continue
        for kind, options, top, point in mounts:
            if kind == ("cgroup2" if second else "cgroup") and (second or controller in options):
                # Within a container the path may be told as from outside, where `top` is the container's own.
                inside = path.removeprefix(top) if f"{path}/".startswith(f"{top}/") else ""
                place = root / point / inside.strip("/")
                yield from [place, *(each for each in place.parents if each.is_relative_to(root / point))]


def _mount(line: str) -> tuple[str, list[str], str, str] | None:
    """Of a line of mountinfo (proc(5)) the file system's kind and options, the part of it that is mounted,
    and where, without the slash in front. What is mounted from may be empty.
    """
    found = re.fullmatch(r"\S+ \S+ \S+ (\S+) (\S+) .*?- (\S+) \S* (\S+).*", line)
    if found is None:
        return None
    top, point, kind, options = (
        re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), each) for each in found.groups()
    )
    return kind, options.split(","), top.rstrip("/"), point.lstrip("/")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []


def _numbers(*paths: Path) -> list[int]:
    """The numbers in files, none if one of them has another word, as "max", or is not there."""
    words = [_lines(path)[:1] or ["none"] for path in paths]
    try:
        return [int(word) for (line,) in words for word in line.split()]
    except ValueError:
        return []

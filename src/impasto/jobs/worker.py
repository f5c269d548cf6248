"""What runs in a `process.Process`: work that is told of on standard input, and tells of itself on standard
output, both in JSON lines.

    → {"ready": "impasto.web.ready:ready"}      a function to call before there is work
    → {"work": "impasto.jobs.deliver:Work.of", "arguments": {…}}      what gives the work, and with what; when
    it is done there may be more
    → {"picture": "FILE.png"}      write the picture so far there, once the evaluation at hand is done
    → {"cancel": true}             stop once the evaluation at hand is done; what has no reader any more is
    cancelled, too
    → {"pause": true}              the same, and before it write what the work can be taken up from again; so
    does a signal that asks to stop
    ← {"progress": {…}}            a `Progress`
    ← {"picture": "FILE.png", "written": true}      false: there is none yet, or nobody waits for it any more
    ← {"failed": "…", "error": "SettingsError"}, {"cancelled": true}, last, or {"done": true}
"""

import contextlib
import importlib
import json
import os
import queue
import sys
import threading
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, Protocol

from impasto.errors import ImpastoError, NotReadyError, OutputError
from impasto.machine import interrupts, limits, standstill
from impasto.progress import Progress


class Worker(Protocol):
    """What can be done in a process of its own. What can be taken up again, and so be paused, has a method
    ``checkpoint`` as well, which writes what it goes on from, between two of its events.
    """

    def events(self) -> Generator[Progress, None, None]:
        """Work, telling how far it is. When it is closed, what there is is saved."""
        ...

    def lend(self, path: Path) -> None:
        """Write the picture so far, over what is there, with all that a result says of itself: it may be what
        is left. Raises NotReadyError before there is one, and OutputError.
        """
        ...


def main() -> None:
    """The process: see the module."""
    standstill.woken_with_parents_end()
    limits.advise_openmp()
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def listen() -> None:
        for line in iter(sys.stdin.readline, ""):
            requests.put(json.loads(line))
        requests.put({"cancel": True})  # nobody is there any more

    threading.Thread(target=listen, daemon=True).start()
    try:
        while _obeyed(requests.get(), requests):
            pass
    except BrokenPipeError:
        os._exit(1)  # nobody reads, and Python would complain when it closes stdout


def _tell(message: Mapping[str, Any]) -> None:
    sys.stdout.write("\n" + json.dumps(message) + "\n")  # a line of its own, whatever a library has left half
    sys.stdout.flush()


def _obeyed(order: Mapping[str, Any], requests: "queue.SimpleQueue[dict[str, Any]]") -> bool:
    """Do what is requested while nothing is worked at; whether there may be more to do."""
    if "ready" in order:
        _named(order["ready"])()
    elif "picture" in order:
        _tell({"picture": order["picture"], "written": False})
    elif "work" in order:
        last = _worked(order, requests)
        _tell(last)
        return "done" in last
    else:
        return False
    return True


def _worked(order: Mapping[str, Any], requests: "queue.SimpleQueue[dict[str, Any]]") -> dict[str, Any]:
    """Do the work of an order; what is to be told last of it."""
    try:
        # By a batch system or systemd, for one, which send their signal to every process.
        with interrupts.handled(lambda *_: requests.put({"pause": True})):
            return _carried_out(_named(order["work"])(**order["arguments"]), requests)
    except BrokenPipeError:
        raise
    except ImpastoError as error:
        return {"failed": str(error), "error": type(error).__name__}
    except Exception as error:
        return {"failed": f"{type(error).__name__}: {error}", "error": type(error).__name__}


def _named(function: str) -> Any:
    module, _, names = function.partition(":")
    found: Any = importlib.import_module(module)
    for name in names.split("."):
        found = getattr(found, name)
    return found


def _carried_out(worker: Worker, requests: "queue.SimpleQueue[dict[str, Any]]") -> dict[str, Any]:
    """Do it, and what is requested in between; the last message."""
    with contextlib.closing(worker.events()) as events:
        for progress in events:
            _tell({"progress": progress.dictionary()})
            while not requests.empty():
                request = requests.get()
                if "picture" in request:
                    _tell({"picture": request["picture"], "written": _written(worker, request["picture"])})
                    continue
                if "pause" in request and hasattr(worker, "checkpoint"):
                    with contextlib.suppress(OutputError):  # the one before is still there
                        worker.checkpoint()
                return {"cancelled": True}
    return {"done": True}


def _written(worker: Worker, path: str) -> bool:
    if not Path(path).parent.exists():  # whoever asked has given up
        return False
    try:
        worker.lend(Path(path))
    except (NotReadyError, OutputError):  # a picture that cannot be lent is no reason to stop working
        return False
    return True

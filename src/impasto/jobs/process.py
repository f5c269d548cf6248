"""Work in a process of its own: its memory is its own, and whatever it dies of, the one that watches goes on.

The process reads JSON lines from its standard input: first the work, then requests. It answers in JSON lines
on its standard output.

    → {"work": "impasto.jobs.deliver:Work.of", "arguments": {…}}      what gives the work, and with what
    → {"picture": "FILE.png"}      write the picture so far there, once the evaluation at hand is done
    → {"cancel": true}             stop once the evaluation at hand is done; what has no reader any more, or
    is asked to stop by a signal, is cancelled, too
    ← {"progress": {…}}            a `Progress`
    ← {"picture": "FILE.png", "written": true}      false: there is none yet, or nobody waits for it any more
    ← {"failed": "…", "error": "SettingsError"}, {"cancelled": true} or {"done": true}, last
"""

import contextlib
import importlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from impasto.errors import ImpastoError, NotReadyError, OutputError
from impasto.machine import interrupts
from impasto.progress import Progress

if TYPE_CHECKING:
    from impasto.pictures.picture import Picture

GRACE = 3.0
"""Seconds that a process has to obey, before it is killed."""

Outcome = Literal["running", "done", "failed", "cancelled", "died"]


class Worker(Protocol):
    """What can be done in a process of its own."""

    def events(self) -> Generator[Progress, None, None]:
        """Work, telling how far it is. When it is closed, what there is is saved."""
        ...

    def picture(self) -> "Picture":
        """The picture so far. Raises NotReadyError before there is one."""
        ...


class Process:
    """Work that is done in a process of its own, begun at once. Close it, or use it in a ``with``, so that
    nothing is left running.

    ``outcome`` says how it ended; ``failure`` is why, in a sentence, where it failed or died, and ``error``
    the name of the error's class.
    """

    def __init__(self, work: str, arguments: Mapping[str, Any]) -> None:
        """``work`` is "module:function" or "module:Class.method": what makes a `Worker` of the ``arguments``,
        which are plain values.
        """
        self.outcome: Outcome = "running"
        self.failure = self.error = ""
        self._log = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115 - closed with the process
        # In a session of its own, so that Ctrl-C reaches this process alone, which then ends that one.
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from impasto.jobs.process import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            start_new_session=True,
        )
        self._messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._pictures: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._asked = threading.Lock()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self._say({"work": work, "arguments": dict(arguments)})

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def events(self) -> Iterator[Progress]:
        """What the work tells, to its end; of an end that is none, by a signal or for want of memory, the
        last event.
        """
        while (message := self._messages.get()) is not None:
            if "progress" in message:
                yield Progress(**message["progress"])
            elif "failed" in message:
                self.outcome, self.failure, self.error = "failed", message["failed"], message["error"]
            else:
                self.outcome = "cancelled" if "cancelled" in message else "done"
        code = self._process.wait()
        if self.outcome == "running":
            self.outcome, self.failure = "died", self._cause(code)
            yield Progress(0, event=self.failure)

    def picture(self, timeout: float | None = None) -> "Picture | None":
        """The picture so far, None where there is none yet, or none any more, or the wait of so many seconds
        was for nothing.
        """
        from impasto.pictures.codecs import load

        with self._asked, tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "picture.png")
            self._say({"picture": path})
            try:
                # What answers an earlier request, for which nobody waited, is passed over.
                while (answer := self._pictures.get(timeout=timeout)) and answer["picture"] != path:
                    pass
            except queue.Empty:
                return None
            if answer is None:
                self._pictures.put(None)  # whoever asks next is told the same
            return load(path) if answer and answer["written"] else None

    def cancel(self, grace: float = GRACE) -> None:
        """Let it stop and save what there is once the evaluation at hand is done, or kill it after so many
        seconds.
        """
        self._say({"cancel": True})
        try:
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            self.outcome = "cancelled"
            self._process.kill()

    def close(self) -> None:
        """Kill it if it still runs."""
        self._process.kill()
        self._process.wait()
        self._listener.join()
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate()  # closes the pipes
        self._log.close()

    def _say(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # it is dead already: `events` will tell why
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()

    def _listen(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            if not line.startswith("{"):  # a library may have something to say, too
                continue
            message = json.loads(line)
            if "picture" in message:
                self._pictures.put(message)
            else:
                self._messages.put(message)
        self._pictures.put(None)
        self._messages.put(None)

    def _cause(self, code: int) -> str:
        if code == -signal.SIGKILL:
            return "Its process was killed, most likely for want of memory: choose a smaller `size`."
        if code < 0:
            return f"Its process was ended by {signal.Signals(-code).name}."
        self._log.seek(0)
        tail = self._log.read().strip().splitlines()[-1:] or ["it said nothing"]
        return f"Its process ended with code {code} ({tail[0]})."


def main() -> None:
    """The process: see the module."""
    lines = iter(sys.stdin.readline, "")
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    order = json.loads(next(lines))

    def listen() -> None:
        for line in lines:
            requests.put(json.loads(line))
        requests.put({"cancel": True})  # nobody is there any more

    def tell(message: Mapping[str, Any]) -> None:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()

    threading.Thread(target=listen, daemon=True).start()
    try:
        # By a batch system, for one, which sends its signal to every process of a job.
        with interrupts.handled(lambda *_: requests.put({"cancel": True})):
            tell(_carried_out(_made(order["work"], order["arguments"]), requests, tell))
    except ImpastoError as error:
        tell({"failed": str(error), "error": type(error).__name__})
    except BrokenPipeError:
        os._exit(1)  # nobody reads, and Python would complain when it closes stdout
    except Exception as error:
        tell({"failed": f"{type(error).__name__}: {error}", "error": type(error).__name__})


def _made(work: str, arguments: Mapping[str, Any]) -> Worker:
    module, _, names = work.partition(":")
    maker: Any = importlib.import_module(module)
    for name in names.split("."):
        maker = getattr(maker, name)
    worker: Worker = maker(**arguments)
    return worker


def _carried_out(worker: Worker, requests: "queue.SimpleQueue[dict[str, Any]]", tell: Any) -> dict[str, Any]:
    """Do the work, and what is requested in between; the last message."""
    with contextlib.closing(worker.events()) as events:
        for progress in events:
            tell({"progress": progress.dictionary()})
            while not requests.empty():
                request = requests.get()
                if "cancel" in request:
                    return {"cancelled": True}
                tell({"picture": request["picture"], "written": _written(worker, request["picture"])})
    return {"done": True}


def _written(worker: Worker, path: str) -> bool:
    from impasto.pictures.codecs import save

    if not Path(path).parent.exists():  # whoever asked has given up
        return False
    try:
        save(worker.picture(), Path(path), force=True)
    except (NotReadyError, OutputError):  # a picture that cannot be lent is no reason to stop working
        return False
    return True

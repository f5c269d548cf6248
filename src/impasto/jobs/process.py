"""Work in a process of its own: its memory is its own, and whatever it dies of, the one that watches goes on.

What it is told and tells is in `worker`, which is what runs there; whoever watches needs no torch.
"""

import contextlib
import json
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from impasto.machine import standstill
from impasto.progress import Progress

if TYPE_CHECKING:
    from impasto.jobs.underway import Asked
    from impasto.pictures.picture import Picture

GRACE = 3.0
"""Seconds that a process has to obey, before it is killed."""

Outcome = Literal["running", "done", "failed", "cancelled", "died"]


class Process:
    """Work that is done in a process of its own. Close it, or use it in a ``with``, so that nothing is left
    running.

    ``outcome`` says how it ended; ``failure`` is why, in a sentence, where it failed or died, and ``error``
    the name of the error's class.
    """

    def __init__(self, work: str = "", arguments: Mapping[str, Any] | None = None, *, ready: str = "") -> None:
        """``work`` is "module:function" or "module:Class.method": what makes a `worker.Worker` of the
        ``arguments``, which are plain values.

        Without it the process waits until it is to `begin`. ``ready`` names a function that is called there
        meanwhile, so that the work finds what it needs loaded.
        """
        self.outcome: Outcome = "running"
        self.failure = self.error = self._given_up = ""
        self._log = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115 - closed with the process
        self._past = 0
        # In a session of its own, so that Ctrl-C reaches this process alone, which then ends that one.
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from impasto.jobs.worker import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._pictures: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._asked = threading.Lock()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        if ready:
            self._say({"ready": ready})
        if work:
            self.begin(work, arguments or {})

    @classmethod
    def of(cls, job: "Asked", *, resume: bool = False, force: bool = False) -> "Process":
        """What carries out a job, a `Job` or a `VideoJob`.

        Existing files are written over with ``force`` only; ``resume`` goes on from what an earlier run of
        the job has left.
        """
        return cls(job.WORK, {"job": job.dictionary(), "resume": resume, "force": force})

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its number among the system's."""
        return self._process.pid

    def begin(self, work: str, arguments: Mapping[str, Any]) -> None:
        """Let it do the work that it has waited for; when that is done, it waits for more."""
        self._past += len(self.said()) if self.outcome == "done" else 0
        self.outcome = "running"
        self._say({"work": work, "arguments": dict(arguments)})

    def events(self) -> Iterator[Progress]:
        """What the work tells, to its end; of an end that is none, by a signal or for want of memory, the
        last event. After the end it is nothing.
        """
        if self.outcome == "done":
            return
        while (message := self._messages.get()) is not None:
            if "progress" in message:
                yield Progress(**message["progress"])
            elif "failed" in message:
                self.outcome, self.failure, self.error = "failed", message["failed"], message["error"]
            elif "cancelled" in message:
                self.outcome = "cancelled"
            elif "done" in message:
                self.outcome = "done"
                return
        self._messages.put(None)  # whoever asks next is told the same
        code = self._process.wait()
        if self.outcome == "running":
            self.outcome, self.failure = "died", self._cause(code)
            yield Progress(0, event=self.failure)

    def picture(self, timeout: float | None = None) -> "Picture | None":
        """The picture so far, None where there is none yet, or none any more, or the wait of so many seconds
        was for nothing.
        """
        from impasto.pictures.codecs import load  # with torch, which `lend` does without

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "picture.png"
            return load(path) if self.lend(path, timeout) else None

    def lend(self, path: Path, timeout: float | None = None) -> bool:
        """Have the picture so far written to a file in a folder that is there, over what is there; False
        where `picture` would give None.
        """
        with self._asked:
            self._say({"picture": str(path)})
            try:
                # What answers an earlier request, for which nobody waited, is passed over.
                while (answer := self._pictures.get(timeout=timeout)) and answer["picture"] != str(path):
                    pass
            except queue.Empty:
                return False
            if answer is None:
                self._pictures.put(None)  # whoever asks next is told the same
            return bool(answer and answer["written"])

    def cancel(self, grace: float = GRACE) -> None:
        """Let it stop and save what there is once the evaluation at hand is done, or kill it after so many
        seconds.
        """
        self._stop("cancel", grace)

    def pause(self, grace: float = GRACE) -> None:
        """The same, and let it write before it what it can be taken up from again."""
        self._stop("pause", grace)

    def _stop(self, how: str, grace: float) -> None:
        self._say({how: True})
        try:
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            self.outcome = "cancelled"
            self._process.kill()

    def give_up(self, why: str) -> None:
        """Kill it, for ``why`` is its failure then, in a sentence."""
        self._given_up = why
        self._process.kill()

    def held(self) -> contextlib.AbstractContextManager[None]:
        """Within it, it stands still wherever it is, where that can be: it goes on when this process ends."""
        return standstill.held(self._process)

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
            try:
                message = json.loads(line)
            except (ValueError, RecursionError):  # even that
                continue
            if "picture" in message:
                self._pictures.put(message)
            else:
                self._messages.put(message)
        self._pictures.put(None)
        self._messages.put(None)

    def said(self) -> str:
        """What it has written on its standard error, of its latest work, once that has ended and it is not
        closed yet.
        """
        self._log.seek(0)
        return self._log.read()[self._past :]

    def _cause(self, code: int) -> str:
        if self._given_up:
            return self._given_up
        if code == -9:  # SIGKILL, which has no name on Windows
            return "Its process was killed, most likely for want of memory: choose a smaller `size`."
        if code < 0:
            return f"Its process was ended by {signal.Signals(-code).name}."
        tail = self.said().strip().splitlines()[-1:] or ["it said nothing"]
        return f"Its process ended with code {code} ({tail[0]})."

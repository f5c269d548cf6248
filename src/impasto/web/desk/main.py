"""The desk's process: JSON lines on standard input, answers on standard output.

→ {"do": "show", …}        one of `_DOES`, with its arguments
← {…, "length": 1234}      what it tells, and then so many bytes of a picture
← {"failed": "…", "error": "ImageError"}
"""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

from impasto.errors import ImpastoError
from impasto.machine import interrupts
from impasto.web.desk import downloading, painting, showing, taking

Done = tuple[dict[str, Any], bytes]


def _filming(name: str) -> Callable[..., Done]:
    """A function of `filming`: what moving pictures need is an extra, and takes a while to be loaded."""

    def done(**arguments: Any) -> Done:
        from impasto.web.desk import filming

        found: Done = getattr(filming, name)(**arguments)
        return found

    return done


_DOES: dict[str, Callable[..., Done]] = {
    "arrive": taking.ready,
    "take": taking.take,
    "film": _filming("take"),
    "estimate": _filming("estimate"),
    "moment": _filming("moment"),
    "show": showing.show,
    "download": downloading.download,
    "ready": painting.ready,
    "paint": painting.paint,
}


def main() -> None:
    """Answer until nobody asks any more."""
    interrupts.ignored()  # the server ends it
    most = int(sys.argv[1])
    _limit(2 * most)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print is no answer
    for line in iter(sys.stdin.buffer.readline, b""):
        told, content = _done(json.loads(line))
        head = told | {"length": len(content), "bytes_held": _held()}
        answers.write(json.dumps(head).encode() + b"\n" + content)
        answers.flush()


def _done(request: dict[str, Any]) -> Done:
    try:
        return _DOES[request.pop("do")](**request)
    except ImpastoError as error:
        return {"failed": str(error), "error": type(error).__name__}, b""
    except MemoryError:
        return {"failed": "This takes more memory than it may: take a smaller one.", "error": "ImageError"}, b""
    except Exception as error:
        return {"failed": f"{type(error).__name__}: {error}", "error": type(error).__name__}, b""


def _limit(most: int) -> None:
    """Let no more memory be had, so that what is too much is an error and not the end of all."""
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_DATA, (most, resource.getrlimit(resource.RLIMIT_DATA)[1]))


def _held() -> int:
    import psutil

    return int(psutil.Process().memory_info().rss)


if __name__ == "__main__":
    main()

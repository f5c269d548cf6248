"""The studio's log: one JSON object a line on standard error, for people with jq and for what gathers logs.

Neither tokens nor names of files are ever in it: routes are told without what stands in them.
"""

import json
import logging
import sys
from datetime import UTC, datetime

_PLAIN = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
"""What every record has of itself; the rest was told."""


class Lines(logging.Formatter):
    """A record as a line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **{name: value for name, value in vars(record).items() if name not in _PLAIN},
        }
        if record.exc_info:
            told["error"] = self.formatException(record.exc_info)
        return json.dumps(told, default=str)


class Now(logging.Handler):
    """To standard error as it is when there is something to say: what it was at the start may be closed."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(self.format(record) + "\n")  # which flushes at the end of a line
        except Exception:  # as every handler: a log that cannot be written ends nothing
            self.handleError(record)


def begin(level: int = logging.INFO) -> None:
    """Let the studio, and the server under it, log so."""
    handler = Now()
    handler.setFormatter(Lines())
    for name, own in (("impasto.web", level), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(own)

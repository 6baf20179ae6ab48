"""The log of the service on stderr, as text or as JSON, a line for each record."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Mapping
from typing import Any

FORMATS = ("text", "json")
STARTUP = "voxstack.serve.startup"
"""The logger of what the command reports."""

_PLAIN = re.compile(r"[\w./:+-]+")
_LONGEST = 200


def configure_logging(format: str | None = None) -> None:
    """Write the log to stderr, unless the program around has set handlers up.

    :param format: one of :data:`FORMATS`, with a line for each stream and each other request; None: warnings, and what
        the command reports, without more.
    """
    handler = logging.StreamHandler()
    handler.setFormatter({"json": JsonFormatter, "text": TextFormatter, None: logging.Formatter}[format]())
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.captureWarnings(format is not None)
    logging.getLogger("voxstack").setLevel(logging.INFO if format else logging.NOTSET)
    logging.getLogger(STARTUP).setLevel(logging.INFO)


def log_event(name: str, **fields: Any) -> None:
    """Log an event with its fields: none has a text, a key or an address of a client."""
    logging.getLogger("voxstack.serve").info(name, extra={"fields": fields})


class JsonFormatter(logging.Formatter):
    """A record as an object of JSON: its time, level, logger, process and message, the fields of an event, an error."""

    def format(self, record: logging.LogRecord) -> str:
        found = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            found["exception"] = self.formatException(record.exc_info)
        return json.dumps(found, default=str)


class TextFormatter(logging.Formatter):
    """A record as a line of text: time, level, message, and the fields of an event."""

    def format(self, record: logging.LogRecord) -> str:
        fields = [f"{name}={_plain(value)}" for name, value in _fields(record).items() if value not in ("", None)]
        line = " ".join([_time(record), record.levelname, record.getMessage(), *fields])
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _fields(record: logging.LogRecord) -> Mapping[str, Any]:
    fields = getattr(record, "fields", {})
    return {name: value[:_LONGEST] if isinstance(value, str) else value for name, value in fields.items()}


def _plain(value: object) -> str:
    return str(value) if _PLAIN.fullmatch(str(value)) else json.dumps(str(value))


def _time(record: logging.LogRecord) -> str:
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03d}Z"

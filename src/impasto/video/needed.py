"""PyAV, through which FFmpeg reads and writes moving pictures: an extra, for its wheel is large."""

from impasto.errors import ImpastoError

try:
    import av
except ImportError as error:
    raise ImpastoError("Moving pictures need the package av: pip install 'impasto[video]'.") from error

__all__ = ["av"]

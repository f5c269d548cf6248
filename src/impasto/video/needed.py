"""PyAV, through which FFmpeg reads and writes moving pictures: an extra, for its wheel is large."""

from impasto.extras import needed

with needed("video"):
    import av

__all__ = ["av"]

"""The studio's process: uvicorn with the app, until it is asked to stop."""

import socket
from collections.abc import Callable
from dataclasses import replace
from types import FrameType

import uvicorn

from impasto.errors import OutputError
from impasto.web.app import app_of
from impasto.web.config import Config
from impasto.web.punctual import Punctual
from impasto.web.studio import Studio

_CONNECTIONS = 512
"""At once; who comes beyond is answered 503."""


def serve(config: Config, started: Callable[[str], None]) -> None:
    """Run a studio until SIGINT or SIGTERM. ``started`` is called with the address once it can be asked.

    Raises OutputError where the folder or the port cannot be had.
    """
    with _listening(config) as listening:
        _serve(config, listening, started)


def _serve(config: Config, listening: socket.socket, started: Callable[[str], None]) -> None:
    config = replace(config, port=listening.getsockname()[1])
    studio = Studio.of(config)
    server = _Server(
        studio,
        uvicorn.Config(
            app_of(studio),
            log_config=None,
            access_log=False,
            server_header=False,
            http=Punctual,
            limit_concurrency=_CONNECTIONS,
            timeout_graceful_shutdown=3,
            h11_max_incomplete_event_size=2**16,
        ),
    )
    started(config.address())
    server.run([listening])


class _Server(uvicorn.Server):
    """One that lets open pages go when it is asked to stop, for it waits for them."""

    def __init__(self, studio: Studio, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._studio = studio

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._studio.hub.close()
        super().handle_exit(sig, frame)


def _listening(config: Config) -> socket.socket:
    """A socket that listens, so that the port is known, and ours, before anything else begins."""
    family = socket.AF_INET6 if ":" in config.bind else socket.AF_INET
    try:
        listening = socket.create_server(
            (config.bind, config.port), family=family, backlog=128, dualstack_ipv6=config.both
        )
    except OSError as error:
        raise OutputError(
            f"{config.bind}:{config.port} cannot be listened on ({error.strerror}): choose another `port`, 0 for any."
        ) from error
    # What is accepted takes it over. Without it a body that follows its headers waits until the client says
    # that these have come, which it puts off for 40 ms.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening

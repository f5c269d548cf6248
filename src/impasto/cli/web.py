"""The command web."""

import contextlib
import os
import sys
import threading
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.app import app
from impasto.cli.options import with_exit_codes
from impasto.cli.printing import say
from impasto.extras import needed

_TEXT = ("www-browser", "links", "elinks", "lynx", "w3m")
"""Browsers that would take the terminal for themselves, and run no scripts."""


@app.command()
@with_exit_codes
def web(
    *,
    host: Annotated[
        list[str] | None,
        typer.Option(
            help="An address to listen on, or a name by which the studio is asked for, as through a proxy. Again for another.",
            show_default="127.0.0.1",
        ),
    ] = None,
    port: Annotated[int, typer.Option(help="Port, 0 for any that is free.", min=0, max=65535)] = 7860,
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
    folder: Annotated[
        Path | None,
        typer.Option(help="Where pictures, results and history are kept.", show_default="in the user's data"),
    ] = None,
    queue: Annotated[int, typer.Option(help="Jobs that may wait.", min=1, max=10_000)] = 32,
    memory: Annotated[str, typer.Option(help="What a job may take, like 4GB; auto is half of what is free.")] = "auto",
    max_upload: Annotated[int, typer.Option(help="Megabytes of a picture that is sent.", min=1, max=4096)] = 64,
    max_size: Annotated[int, typer.Option(help="Long side of a result in pixels.", min=64, max=32768)] = 4096,
    max_clip: Annotated[int, typer.Option(help="Megabytes of a clip that is sent.", min=1, max=16384)] = 256,
    max_frames: Annotated[int, typer.Option(help="Frames of a clip.", min=1, max=1_000_000)] = 3600,
    users: Annotated[
        bool, typer.Option("--users", help="Every browser is a visitor of its own, with its own pictures.")
    ] = False,
    root_path: Annotated[
        str, typer.Option(help="The path under which a proxy shows the studio, like /impasto.", show_default="none")
    ] = "",
) -> None:
    """Open the studio in the browser: drop a photograph and a painting, and watch it being painted."""
    with needed("web"):
        from impasto.web import logs
        from impasto.web.config import Config
        from impasto.web.server import serve
    from platformdirs import user_data_path

    config = Config(
        folder or user_data_path("impasto") / "studio",
        hosts=tuple(host or ()),
        port=port,
        queue=queue,
        memory=memory,
        max_upload=max_upload * 2**20,
        max_size=max_size,
        max_clip=max_clip * 2**20,
        max_frames=max_frames,
        users=users,
        root_path=root_path,
        **({"token": token} if (token := os.environ.get("IMPASTO_WEB_TOKEN")) else {}),
    )

    logs.begin()

    def started(address: str) -> None:
        say(address)
        sys.stdout.flush()  # for whoever reads it through a pipe
        if open_page:
            threading.Thread(target=_show, args=[address], daemon=True).start()  # some wait until they are closed

    with contextlib.suppress(KeyboardInterrupt):  # which is how a studio ends
        serve(config, started)


def _show(address: str) -> None:
    """Open the page, unless there is but a browser of text, as over SSH."""
    with contextlib.suppress(webbrowser.Error):  # there is none
        browser = webbrowser.get()
        if Path(browser.name).name not in _TEXT:
            browser.open(address)

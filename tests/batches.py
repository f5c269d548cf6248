"""Small batches, for the tests of them."""

import gc
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from impasto.batch import copies, stores
from impasto.cli import app
from impasto.pictures import codecs
from tests.helpers import painting, photo

SMALL = ["--size", "32", "--precision", "float32", "--workers", "1"]


def make_inputs() -> None:
    """Two paintings, and three photographs in a folder ``p``, here."""
    for name in ("wave.jpg", "kiss.png"):
        Image.fromarray(painting(48, 48, len(name))).save(name)
    Path("p/x").mkdir(parents=True)
    for number, name in enumerate(("a.jpg", "b.png", "x/c.jpg")):
        Image.fromarray(photo(40, 48, number)).save(Path("p") / name)


def run(*arguments: str, input: str | bytes | None = None) -> tuple[int, dict[str, Any], str]:
    """The exit code, the report, and what was said."""
    small = SMALL[:-2] if "--server" in arguments else SMALL  # which has workers of its own
    done = CliRunner().invoke(app, ["batch", *arguments, *small, "--json"], input=input, catch_exceptions=False)
    gc.unfreeze()  # what a command of its own may leave to its end
    return done.exit_code, json.loads(done.stdout or "{}"), " ".join(done.stderr.split())


def results(folder: str = "out") -> dict[str, bytes]:
    paths = sorted(path for path in Path(folder).rglob("*") if path.suffix in codecs.FORMATS)
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def failures(folder: str = "out") -> list[dict[str, Any]]:
    path = Path(folder, "errors.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@contextmanager
def store_server() -> Iterator[None]:
    """Within it, s3:// is a server in this process."""
    s3fs = pytest.importorskip("s3fs")
    made = pytest.importorskip("moto.server").ThreadedMotoServer(port=0, verbose=False)
    made.start()
    host, port = made.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        stores._system.cache_clear()  # which knows another server's address, as s3fs does itself
        s3fs.S3FileSystem.clear_instance_cache()
        yield
    made.stop()


def filled_store() -> Any:
    """The store, with all that lies here in a bucket ``box``."""
    copies.here.cache_clear()
    system = stores._system("s3")
    if system.exists("box"):
        system.rm("box", recursive=True)
    system.mkdir("box")
    for path in sorted(path for path in Path().rglob("*") if path.is_file()):
        system.put_file(str(path), f"box/{path}")
    return system


def stored(store: Any, folder: str = "box/out") -> dict[str, bytes]:
    """The results that are in a store, by their names."""
    names = [name for name in store.find(folder) if name.endswith((".jpg", ".png"))]
    return {name.removeprefix(f"{folder}/"): store.cat_file(name) for name in names}

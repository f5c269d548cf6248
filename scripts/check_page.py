"""Check the studio's page, where there is node: style, types and tests of its source; that the committed
bundle is what the source makes, byte for byte; and that its types are those of the server's API.

    python scripts/check_page.py            # check
    python scripts/check_page.py --types    # first write the types anew, after a change of the API
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from impasto.web.app import app_of
from impasto.web.config import Config
from impasto.web.page import BUNDLE
from impasto.web.studio import Studio

PAGE = Path(__file__).parents[1] / "page"
SCHEMA = PAGE / "src/api/schema.ts"


def npm(*arguments: str) -> None:
    """Run npm for the page. Raises CalledProcessError."""
    subprocess.run(["npm", "--prefix", str(PAGE), "--no-fund", "--no-audit", *arguments], check=True)


def types(folder: Path) -> bytes:
    """The API's types in TypeScript, from the server's own description of it."""
    (folder / "studio").mkdir()
    described = folder / "openapi.json"
    described.write_text(json.dumps(app_of(Studio.of(Config(folder / "studio"))).openapi()))
    npm("run", "types", "--", str(described), "--output", str(folder / SCHEMA.name))
    return (folder / SCHEMA.name).read_bytes()


def files(folder: Path) -> dict[str, bytes]:
    """The files of a bundle by name."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--types", action="store_true", help="write the types of the API anew")
    write = parser.parse_args().types
    npm("ci")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        now = types(folder)
        if write:
            SCHEMA.write_bytes(now)
        elif now != SCHEMA.read_bytes():
            print("The API has changed: python scripts/check_page.py --types, and commit page/src/api/schema.ts.")
            return 1
        npm("run", "check")
        npm("run", "build", "--", "--outDir", str(folder / "page"))
        if files(folder / "page") != files(BUNDLE):
            print("The bundle is not what the source makes: make page, and commit src/impasto/web/page.")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

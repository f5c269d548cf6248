"""A folder of photographs in three styles, by one command that is killed twice, and then finished on a Ray
cluster of two nodes, each with one processor of this machine:

    python -m benchmarks.killed_twice PHOTOGRAPHS… [--count 200] [--size 256] [--sheet SHEET.jpg]

What is made must be all that was asked for, and, of a sample, byte for byte what one process makes that
nobody kills. It tells what each run did, how fast, what was painted in vain, and the seconds of each stage.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image

from impasto.machine import folders
from impasto.pictures.kinds import SUFFIXES
from impasto.pictures.sheet import contact_sheet

STYLES = ("rhone", "kirifuri-waterfall", "composition-vii")
KILLED_AT = (0.2, 0.5)
SAMPLE = 4
SHOWN = 6


def main() -> None:
    options = argparse.ArgumentParser("python -m benchmarks.killed_twice", description=__doc__)
    options.add_argument("photographs", type=Path, nargs="+")
    options.add_argument("--count", type=int, default=200, help="how many of the photographs (200)")
    options.add_argument("--size", type=int, default=256, help="the longer side of the results in pixels (256)")
    options.add_argument("--style", action="append", help=f"a learnt style, again for another ({', '.join(STYLES)})")
    options.add_argument("--sheet", type=Path, help="a contact sheet of the first results")
    given = options.parse_args()
    styles, sheet = tuple(given.style or STYLES), given.sheet and given.sheet.absolute()
    walked = [path for folder in given.photographs for path in folders.walk(folder).files]
    found = [path.absolute() for path in walked if path.suffix.lower() in SUFFIXES]
    photographs = found[: given.count]
    wanted = len(photographs) * len(styles)
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        linked("photographs", photographs)
        for share in KILLED_AT:
            print(killed(command("photographs", "painted", given.size, styles), round(share * wanted)), flush=True)
        report = on_two_nodes(command("photographs", "painted", given.size, styles))
        told(report, wanted)
        linked("sample", photographs[:: max(1, len(photographs) // SAMPLE)])
        subprocess.run(command("sample", "whole", given.size, styles), check=True, stdout=subprocess.DEVNULL)
        pairs = [(Path("painted", name), Path("whole", name)) for name in results("whole")]
        same = sum(one.read_bytes() == other.read_bytes() for one, other in pairs)
        print(f"{len(results('painted'))} of {wanted} results; {same} of {len(pairs)} are the bytes of one process")
        if sheet:
            shown = sorted(Path("photographs").iterdir())[:SHOWN]
            rows = [
                [photo, *(Path("painted", f"{photo.stem}-{style}{photo.suffix}") for style in styles)]
                for photo in shown
            ]
            labelled = [[(path.stem, Image.open(path).convert("RGB")) for path in row] for row in rows]
            contact_sheet(labelled, cell=(192, 160)).save(sheet, quality=88)


def linked(folder: str, photographs: list[Path]) -> None:
    """A folder with links to photographs, no two called alike."""
    Path(folder).mkdir()
    for photo in photographs:
        digest = hashlib.sha256(os.fsencode(photo)).hexdigest()[:6]
        Path(folder, f"{photo.stem}-{digest}{photo.suffix}").symlink_to(photo)


def command(inputs: str, output: str, size: int, styles: tuple[str, ...]) -> list[str]:
    """The one command of all runs."""
    looks = [part for style in styles for part in ("--style-index", style)]
    program = [sys.executable, "-c", "from impasto.cli import app; app()"]
    own = ["--each-style", "--size", str(size), "-o", output, "-q", "--json"]
    return [*program, "batch", inputs, *looks, *own]


def killed(command: list[str], after: int) -> str:
    """Begin it, and kill it and its workers once so many results are there."""
    before, began = len(results("painted")), time.monotonic()
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, process_group=0)
    while (made := len(results("painted"))) < after and run.poll() is None:
        time.sleep(0.2)
    os.killpg(run.pid, 9)
    run.wait()
    return f"killed when there were {made}: {made - before} in {time.monotonic() - began:.0f} s"


def on_two_nodes(command: list[str]) -> dict[str, Any]:
    """The report of what the command does with two nodes, of one processor each."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        for _ in range(2):
            cluster.add_node(num_cpus=1)
        done = subprocess.run([*command, "--ray", cluster.address], capture_output=True, text=True, check=False)
    finally:
        cluster.shutdown()
    if done.returncode:
        raise SystemExit(f"it ended with {done.returncode}: {done.stderr}")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def told(report: dict[str, Any], wanted: int) -> None:
    """Say what the last run did."""
    made, rate = report["done_now"], report["pictures_per_s"]
    print(f"two nodes: {made} of {wanted} in {report['elapsed_s']:.0f} s, {rate:.2f}/s, {report['failures']} failures")
    print("seconds a picture: " + ", ".join(f"{name} {s / max(1, made):.3f}" for name, s in report["seconds"].items()))
    lines = [json.loads(line) for path in Path("painted/.impasto").glob("index*.jsonl") for line in path.open()]
    names = [row["output"] for row in lines]
    print(f"painted or looked at again: {len(names) - len({*names})}")


def results(folder: str) -> list[str]:
    return sorted(path.name for path in Path(folder).glob("*") if path.suffix in SUFFIXES)


if __name__ == "__main__":
    main()

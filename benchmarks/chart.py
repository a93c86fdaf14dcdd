"""`python -m benchmarks.chart POINTS SVG`: the sweep as a picture. Needs matplotlib alone."""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

COLOURS = {"boosting": "#1f6feb", "logistic": "#d9730d"}
GREY = "#57606a"
THOUSANDS = FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}")


def draw(points: list[dict[str, Any]], target: Path) -> None:
    """Two panels over the number of customers: time, and peak memory."""
    mpl.rcParams.update({"font.family": "sans-serif", "font.size": 10, "svg.hashsalt": "sweep", "svg.fonttype": "none"})
    figure, (time, memory) = plt.subplots(1, 2, figsize=(9.5, 3.8), layout="constrained")
    figure.patch.set_facecolor("white")
    for model, colour in COLOURS.items():
        mine = [point for point in points if point["model"] == model]
        rows = [point["rows"] for point in mine]
        for axes, figure_ in ((time, "milliseconds"), (memory, "peak_megabytes")):
            axes.plot(rows, [point[figure_] for point in mine], "o-", color=colour, label=model, markersize=4)
    largest = max(points, key=lambda point: (point["rows"], point["milliseconds"]))
    _guide(time, largest["rows"], largest["milliseconds"])
    time.set(title="time of one batch, ms", xscale="log", yscale="log")
    memory.set(title="peak memory of the worker, MB", xscale="log", ylim=(0, None))
    for axes in (time, memory):
        _tidy(axes)
    time.legend(frameon=False, loc="upper left")
    figure.savefig(target, metadata={"Date": None})


def _guide(axes: Axes, rows: int, milliseconds: float) -> None:
    """A line of slope one through the largest batch: what lies on it grows linearly."""
    axes.plot([1, rows], [milliseconds / rows, milliseconds], ":", color=GREY, linewidth=1, label="linear")


def _tidy(axes: Axes) -> None:
    axes.set_xlabel("customers in the batch")
    axes.xaxis.set_major_formatter(THOUSANDS)
    axes.yaxis.set_major_formatter(THOUSANDS)
    axes.grid(visible=True, color="#d0d7de", linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))

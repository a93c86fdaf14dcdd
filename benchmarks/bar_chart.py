"""`python -m benchmarks.bar_chart FIGURES SVG`: what the defaults cost as a picture. Needs matplotlib alone."""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes

BLUE, ORANGE, GREY = "#1f6feb", "#d9730d", "#57606a"


def draw(figures: dict[str, dict[str, float]], target: Path) -> None:
    """Two panels: each step's requests a second as a share of the floor's, and the processor time of each part."""
    mpl.rcParams.update(
        {"font.family": "sans-serif", "font.size": 10, "svg.hashsalt": "defaults", "svg.fonttype": "none"}
    )
    figure, (shares, added) = plt.subplots(2, 1, figsize=(9.5, 5.6), layout="constrained")
    figure.patch.set_facecolor("white")
    names = list(figures["shares"])
    colours = [GREY if name == names[0] else ORANGE if "Redis" in name else BLUE for name in names]
    _bars(shares, figures["shares"], "{:.2f}", colours)
    shares.set_title("requests a second, as a share of the floor's", loc="left")
    _bars(added, figures["added"], "{:+.0f} µs", [ORANGE if "Redis" in name else BLUE for name in figures["added"]])
    added.set_title("processor time that each part adds to a request", loc="left")
    figure.savefig(target, metadata={"Date": None})


def _bars(axes: Axes, values: dict[str, float], label: str, colours: list[str]) -> None:
    # What is less than nothing is less than can be measured.
    lengths = [max(0.0, value) for value in values.values()]
    bars: Any = axes.barh(list(values), lengths, color=colours, height=0.65)
    axes.bar_label(bars, [label.format(value) for value in values.values()], padding=4)
    axes.invert_yaxis()
    axes.set_xlim(0, max(values.values()) * 1.12)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.tick_params(bottom=False, labelbottom=False, left=False)


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))

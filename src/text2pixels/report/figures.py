"""Figures as SVG text: drawn once by matplotlib, no script in the page, readable on light and dark."""

import io
from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import pandas as pd
from cycler import cycler
from matplotlib.figure import Figure

from text2pixels.report.statistics import Ranking

# Mid-gray ink is legible on both grounds; the palette is Okabe and Ito's, made for colour-blind readers.
INK = "#808890"
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442")
STYLE: Any = {  # Any: the stubs spell out three hundred keys, and "str" is none of them
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.prop_cycle": cycler(color=PALETTE),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10,
    "font.size": 9,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "svg.fonttype": "none",
    "svg.hashsalt": "text2pixels",  # the same figure gives the same bytes
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


def curves(history: pd.DataFrame) -> str:
    """Draw a training history (columns epoch, level, name, value): one panel a quantity, one line a level."""
    names = list(dict.fromkeys(history["name"]))
    across = min(len(names), 3)
    down = -(-len(names) // across)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(3.4 * across, 2.4 * down), layout="constrained")
        axes = figure.subplots(down, across, squeeze=False).ravel()
        for axis in axes[len(names) :]:
            axis.remove()
        for axis, name in zip(axes, names, strict=False):
            for level, line in history[history["name"] == name].groupby("level", sort=False):
                axis.plot(line["epoch"], line["value"], label=level, marker=".", linewidth=1.3)
            axis.set_title(str(name).replace("_", " "))
            axis.set_xlabel("epoch")
            axis.legend(fontsize=7)
        return _svg(figure)


def cost_and_quality(points: Mapping[str, tuple[float, float]], cost: str, quality: str) -> str:
    """Draw methods as points: seconds on a logarithmic axis, average rank (best on top)."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 3.4), layout="constrained")
        axis = figure.subplots()
        for index, (method, (seconds, rank)) in enumerate(points.items()):
            axis.scatter(seconds, rank, color=PALETTE[index % len(PALETTE)], s=28)
            axis.annotate(method, (seconds, rank), xytext=(5, 4), textcoords="offset points", fontsize=8)
        axis.set_xscale("log")
        axis.invert_yaxis()
        axis.set_xlabel(cost)
        axis.set_ylabel(quality)
        return _svg(figure)


def critical_difference(ranking: Ranking) -> str:
    """Draw average ranks on a line; bars join methods that Nemenyi's test does not tell apart (Demsar, 2006)."""
    names = list(ranking.ranks)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 0.9 + 0.24 * (len(names) + len(ranking.groups))), layout="constrained")
        axis = figure.subplots()
        for row, name in enumerate(names):
            rank = ranking.ranks[name]
            axis.plot([rank, rank], [0, -row - 1], color=INK, linewidth=0.8)
            axis.annotate(
                f"{name}  {rank:.2f}", (rank, -row - 1), xytext=(4, -3), textcoords="offset points", fontsize=8
            )
        for level, group in enumerate(ranking.groups):
            ends = [ranking.ranks[group[0]] - 0.03, ranking.ranks[group[-1]] + 0.03]
            axis.plot(ends, [0.5 + 0.5 * level] * 2, color=PALETTE[3], linewidth=3, solid_capstyle="butt")
        axis.set_xlim(0.9, len(names) + 0.8)
        axis.set_ylim(-len(names) - 1.4, 0.8 + 0.5 * len(ranking.groups))
        axis.xaxis.tick_top()
        axis.spines[["left", "bottom"]].set_visible(False)
        axis.spines["top"].set_visible(True)
        axis.spines["top"].set_position(("data", 0))
        axis.set_yticks([])
        return _svg(figure)


def _svg(figure: Figure) -> str:
    stream = io.StringIO()
    figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    text = stream.getvalue()
    return text[text.index("<svg") :]

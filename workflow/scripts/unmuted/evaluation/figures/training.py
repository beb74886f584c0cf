"""Training curves: loss in the course of training, one panel per system, one line per seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from unmuted.evaluation.figures.style import COLOURS, GREY, new_figure, shorten, styled

Losses = Sequence[float]  # one per epoch, from epoch 1 on


@styled
def training_curves(
    systems: Mapping[str, Mapping[int, Losses]],
    caption: str,
    chosen: Mapping[str, Mapping[int, int]] | None = None,
    loss: str = "Training loss",
    units: Mapping[str, str] | None = None,
) -> Figure:
    """Draw the losses of each system's seeds; each panel has its own scale, from 0 on.

    systems: by name and seed. chosen: by name and seed the epoch whose checkpoint was chosen on
    validation clips, drawn as a dot. loss: its name, for the axis. units: by name what there is one
    loss for, if it is not an epoch.
    """
    columns = min(3, len(systems))
    rows = -(-len(systems) // columns)
    dots = "Dots: the checkpoint chosen on validation. " if chosen else ""
    scales = "Scales differ between panels. " if len(systems) > 1 else ""
    figure = new_figure(
        max(6.0, 3.6 * columns),
        1.6 + 2.6 * rows,
        f"{loss} in the course of training, one line a seed",
        f"{scales}{dots}{caption}",
    )
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    seeds = list(dict.fromkeys(seed for runs in systems.values() for seed in runs))
    looks = {seed: _look(i) for i, seed in enumerate(seeds)}
    for panel, (name, runs) in zip(panels, systems.items(), strict=False):
        for seed, losses in runs.items():
            epochs = range(1, len(losses) + 1)
            panel.plot(epochs, losses, lw=1.2, **looks[seed])
            epoch = (chosen or {}).get(name, {}).get(seed)
            if epoch is not None:
                panel.plot([epoch], [losses[epoch - 1]], "o", ms=5, color=looks[seed]["color"])
        panel.set_title(shorten(name), loc="left")
        panel.set_ylim(bottom=0)
        panel.set_xlabel((units or {}).get(name, "Epoch"))
        panel.set_ylabel(loss)
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.grid(axis="y")
    for panel in panels[len(systems) :]:
        panel.set_axis_off()
    figure.legend(
        [Line2D([], [], **looks[seed]) for seed in seeds],
        [f"seed {seed}" for seed in seeds],
        loc="outside right upper",
        frameon=False,
        fontsize=9,
        labelcolor=GREY,
    )
    return figure


def _look(number: int) -> dict[str, Any]:
    """Return colour and line of the seed with this number."""
    line = "-" if number < len(COLOURS) else "--"
    return {"color": COLOURS[number % len(COLOURS)], "linestyle": line}

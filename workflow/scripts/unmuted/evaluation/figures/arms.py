"""Accuracy by arm: a dot and an interval for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from unmuted.evaluation.controls import ALARM
from unmuted.evaluation.figures.style import (
    BLACK,
    COLOURS,
    FAINT,
    GREY,
    LEAKS,
    PALE,
    RED,
    Row,
    Rows,
    narrow_figure,
    new_figure,
    percent_axis,
    shorten,
    styled,
)

ROLES = ("arm", "control", "leaks")


@dataclass(frozen=True)
class ArmAccuracy:
    """One row of the figure.

    accuracy, low, high: mean over seeds and the ends of its 95 % interval, shares of clips.
    per_seed: accuracy of each seed. role: "arm"; "control", which must not win; or "leaks", which
    reads the true label of test clips. status: of a control, "ok", "undecided" or "ALARM".
    """

    name: str
    accuracy: float
    low: float
    high: float
    per_seed: Sequence[float] = ()
    role: str = "arm"
    status: str = ""

    @property
    def colour(self) -> str:
        """Colour of its mark; an alarm is as red as a leak."""
        return RED if self.status == ALARM else _LOOKS[self.role].colour

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise ValueError(f"{self.name}: role is {self.role!r}, expected one of {ROLES}")


@dataclass(frozen=True)
class _Look:
    colour: str
    marker: str
    face: str
    note: str


_LOOKS = {
    "arm": _Look(COLOURS[0], "o", COLOURS[0], ""),
    "control": _Look(GREY, "s", "white", "control"),
    "leaks": _Look(RED, "D", "white", LEAKS),
}


@styled
def accuracy_by_arm(
    arms: Sequence[ArmAccuracy],
    reference: str,
    caption: str,
    chance: float | None = None,
    is_narrow: bool = False,
) -> Figure:
    """Draw arms from top to bottom in the given order, controls below them.

    reference: name of the arm with whose accuracy the others are compared, drawn as a line with
    its interval. chance: accuracy of guessing, drawn as a dotted line. is_narrow: for a telephone.
    """
    ordered = [arm for role in ("arm", "leaks", "control") for arm in arms if arm.role == role]
    rows = Rows([_row(arm) for arm in ordered], is_narrow)
    title = "Accuracy on the test clips by arm"
    caption = (
        "Large marks: mean over seeds with 95 % interval; small marks: single seeds. Dashed line "
        f"and grey band: {reference} and its interval. {caption}"
    )
    if is_narrow:
        figure = narrow_figure(0.8 + rows.height, title, caption)
    else:
        figure = new_figure(8.5, 1.9 + rows.height, title, caption)
    axis = figure.add_subplot()
    base = {arm.name: arm for arm in ordered}[reference]
    axis.axvspan(base.low, base.high, color=PALE, alpha=0.45, lw=0, zorder=0)
    axis.axvline(base.accuracy, color=BLACK, lw=1, ls="--", zorder=1)
    if chance is not None:
        axis.axvline(chance, color=GREY, lw=1, ls=":", zorder=1)
        axis.annotate(
            "chance",
            (chance, 1),
            (3, 3),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            fontsize=8.5,
            color=GREY,
        )
    for row, arm in enumerate(ordered):
        _draw_arm(axis, row, arm, rows.drop)
    if not is_narrow:
        _separate_controls(axis, ordered)
    rows.label(axis)
    of = "" if is_narrow else " (share of test clips classified correctly)"
    axis.set_xlabel(f"Accuracy{of}")
    axis.grid(axis="x")
    percent_axis(axis, "x")
    return figure


def _row(arm: ArmAccuracy) -> Row:
    words = f"{100 * arm.accuracy:.1f} %  [{100 * arm.low:.1f}, {100 * arm.high:.1f}]"
    return Row(_row_label(arm), words, BLACK if arm.role == "arm" else arm.colour)


def _draw_arm(axis: Axes, row: int, arm: ArmAccuracy, drop: float) -> None:
    look = _LOOKS[arm.role]
    seeds = len(arm.per_seed)
    axis.plot(arm.per_seed, [row + drop] * seeds, "|", ms=5, color=arm.colour, alpha=FAINT)
    axis.plot([arm.low, arm.high], [row, row], color=arm.colour, lw=2, solid_capstyle="butt")
    axis.plot([arm.accuracy], [row], look.marker, ms=7.5, color=arm.colour, mfc=look.face, mew=1.6)


def _separate_controls(axis: Axes, arms: Sequence[ArmAccuracy]) -> None:
    others = sum(arm.role != "control" for arm in arms)
    if 0 < others < len(arms):
        axis.axhline(others - 0.5, color=GREY, lw=0.8)


def _row_label(arm: ArmAccuracy) -> str:
    note = ": ".join(filter(None, (_LOOKS[arm.role].note, arm.status)))
    return f"{shorten(arm.name)} ({note})" if note else shorten(arm.name)

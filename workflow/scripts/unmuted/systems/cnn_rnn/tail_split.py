"""The training and validation clips of the CNN-RNN recogniser.

By default they are those of the run's splits. In seed mode they are those of the source document:
its table is sorted by class, and Keras' `validation_split` takes the tail of the table, so that the
last classes by name have validation clips but few or no training clips.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from unmuted.errors import UserError
from unmuted.samples.experiment import Clip, Experiment

SORTED_TAIL = "sorted_tail"


def cnn_rnn_clips(
    experiment: Experiment, settings: Mapping[str, Any]
) -> tuple[list[Clip], list[Clip]]:
    """Return training and validation clips; settings: the configuration's section `cnn_rnn`.

    The test split is the experiment's in either mode.
    """
    train, val = experiment.split("train"), experiment.split("val")
    if settings["split"] != SORTED_TAIL:
        return train, val
    return sorted_tail([*train, *val], settings["tail_share"])


def sorted_tail(clips: Sequence[Clip], share: float) -> tuple[list[Clip], list[Clip]]:
    """Sort clips by class, and cut them where Keras does for `validation_split=share`.

    Within a class they are in the order of their content keys. So clips of one source are on both
    sides of the cut, and most classes on one side only: this mode shows that flaw. Raises UserError
    if a side is empty.
    """
    ordered = sorted(clips, key=lambda clip: (clip.label, clip.key, clip.digests("cnn_sequence")))
    cut = int(len(ordered) * (1.0 - share))
    if not 0 < cut < len(ordered):
        raise UserError(
            f"cnn_rnn.tail_share {share:g} of {len(ordered)} clips leaves {cut} to train on and "
            f"{len(ordered) - cut} to choose by: set another share, or cnn_rnn.split: groups"
        )
    return ordered[:cut], ordered[cut:]

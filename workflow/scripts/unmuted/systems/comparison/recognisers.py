"""The recognisers among the arms, by arm: a new one is a line here and its row of the arms."""

from __future__ import annotations

from unmuted.systems.cnn_rnn import arm as cnn_rnn
from unmuted.systems.pilot import arm as pilot

RECOGNISERS = {"pilot": pilot.RECOGNISER, "cnn_rnn": cnn_rnn.RECOGNISER}

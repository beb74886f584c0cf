"""The networks of the chosen checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from unmuted.engine.executor import Artifact
from unmuted.systems.classifier.lstm import Classifier
from unmuted.systems.classifier.training import load_classifier
from unmuted.training.checkpoints import snapshot


def load_chosen(
    classifiers: Mapping[int, Mapping[str, Artifact]],
    selection: Mapping[str, Sequence[Mapping[str, Any]]],
    device: str,
) -> dict[str, list[Classifier]]:
    """Build the network of each arm's chosen checkpoint, one per seed, in the order of seeds."""

    def network(arm: str, choice: Mapping[str, Any]) -> Classifier:
        packed = classifiers[choice["seed"]][arm].tensors()
        return load_classifier(snapshot(packed, choice["snapshot"]), device)

    return {arm: [network(arm, choice) for choice in choices] for arm, choices in selection.items()}

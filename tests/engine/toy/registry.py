"""A workflow of four numpy stages over files of numbers, for the tests of the engine.

read: the numbers of a file. scale: times a factor. fit: their mean over the training videos, with a
jitter of the seed. centre: the scaled numbers less the means. A file that holds no numbers is a row
of the ledger. Nothing of it is known to the library.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from unmuted.dataset.manifest import read_manifest
from unmuted.dataset.videos import Dataset
from unmuted.engine import job
from unmuted.engine.stage import Registry, Report, Stage
from unmuted.errors import UserError

HERE = Path(__file__).resolve().parent
DEFAULTS = {
    "videos_per_shard": 8,
    "threads": 1,
    "seeds": [0, 1, 2],
    "seeds_per_job": None,
    "splits": {"train": 0.6, "val": 0.2, "seed": 0},
    "toy": {"factor": 2.0, "jitter": 0.5, "spread": 1.0, "delay": 0.0},
    "alternatives": {},
    "scenarios": [],
}


def check_config(given: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with all defaults; refuses keys of `toy` that do not exist."""
    config = copy.deepcopy(DEFAULTS) | copy.deepcopy(dict(given))
    config["toy"] = DEFAULTS["toy"] | config["toy"]
    if unknown := config["toy"].keys() - DEFAULTS["toy"].keys():
        raise UserError(f"toy: unknown keys {sorted(unknown)}")
    return config


def read_dataset(config: Mapping[str, Any]) -> Dataset:
    """The files of a manifest."""
    dataset = read_manifest(Path(config["videos"]["manifest"]), None, {}, False)
    return replace(dataset, videos_per_shard=config["videos_per_shard"])


def dataset_identity(config: Mapping[str, Any]) -> dict[str, str]:
    """The manifest's name."""
    return {"source": "manifest", "path": str(config["videos"]["manifest"])}


STAGES = (
    Stage("numbers", "read_numbers", ".safetensors", reads_source=True),
    Stage(
        "scaled",
        "scale_numbers",
        ".safetensors",
        inputs=("numbers",),
        settings=("toy.factor",),
        indirect_settings=("toy.delay",),
    ),
    Stage(
        "means",
        "fit_means",
        ".safetensors",
        pooled=("scaled",),
        splits=("train",),
        settings=("toy.jitter",),
        is_sharded=False,
        by_seed=True,
    ),
    Stage(
        "centred",
        "centre_numbers",
        ".json",
        inputs=("scaled",),
        fits=("means",),
        settings=("toy.spread",),
    ),
)

REGISTRY = Registry(
    stages={stage.name: stage for stage in STAGES},
    check_config=check_config,
    read_dataset=read_dataset,
    dataset_identity=dataset_identity,
    scripts=HERE / "scripts",
    reports={
        "summary": Report(
            "write_summary",
            pooled=("centred",),
            fits=("means",),
            scenarios=lambda config: config["scenarios"],
            in_scenarios=("centred",),
        )
    },
    exports={"numbers.safetensors": "numbers", "centred.json": "centred"},
    infrastructure=frozenset({"registry"}),
)

run_job = partial(job.run_job, registry=REGISTRY)

"""Where a result comes from: models, versions, configuration and seeds."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Sequence
from importlib import metadata

import unmuted
from unmuted.dataset.videos import STRADDLING, straddling_sources
from unmuted.engine.code_digests import SCRIPTS
from unmuted.engine.job import ReportJob

PACKAGES = (
    "torch",
    "transformers",
    "sentence-transformers",
    "snakemake",
    "numpy",
    "torchvision",
    "scikit-learn",
    "opencv-python-headless",
    "safetensors",
)


ARTIFACTS = {  # where each model's dtype stands
    "vit": "vit_rgb",
    "ast": "ast",
    "blip": "captions",
    "pilot_backbone": "cnn_rgb",
    "cnn_rnn_backbone": "cnn_sequence",
}
# Keys that change no result: how seeds are dealt out to jobs, and how decoders are confined.
WITHOUT_EFFECT = ("seeds_per_job", "media")
ROLES = ("vit", "ast", "blip", "sentence")  # of the models behind every system


def provenance(
    job: ReportJob, video_ids: Sequence[str], roles: Sequence[str] = ROLES
) -> dict[str, object]:
    """Build the section "provenance"; dtypes are those in the artifacts of these videos.

    roles: of the models behind the report. The fastest dtype depends on the machine: if several
    were used, all are listed. Where published splits have sources in two of them, it says so.
    """
    from unmuted.media import ffmpeg

    models = {}
    for role in roles:
        given = job.config["models"][role]
        models[role] = {
            "id": given.get("id") or published_path(given["path"]),
            "revision": job.model_identity(role),
            "dtype": " and ".join(_dtypes(job, role, video_ids)) or "none used",
        }
    config = {key: value for key, value in job.config.items() if key not in WITHOUT_EFFECT}
    text = json.dumps(config, sort_keys=True)
    straddling = straddling_sources(job.videos.values())
    return {
        **({} if straddling is None else {STRADDLING: straddling}),
        "models": models,
        "config_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "versions": {
            "unmuted": unmuted.__version__,
            "python": platform.python_version(),
            "ffmpeg": ffmpeg.version(),
            **{name: metadata.version(name) for name in PACKAGES},
        },
        "seeds": list(job.seeds),
    }


def published_path(path: str) -> str:
    """Return how reports name a model's folder: inside the project by its path, else by its name.

    Where a folder lies on a machine, and whose it is, concerns no reader of a report.
    """
    folder = (SCRIPTS.parents[1] / path).resolve()
    root = SCRIPTS.parents[1].resolve()
    return folder.relative_to(root).as_posix() if folder.is_relative_to(root) else folder.name


def _dtypes(job: ReportJob, role: str, video_ids: Sequence[str]) -> list[str]:
    if role not in ARTIFACTS:
        return ["float32"]
    stage = ARTIFACTS[role]
    found = job.artifacts(stage, video_ids).values()
    if job.suffix_of(stage) == ".json":
        return sorted({artifact.json()["dtype"] for artifact in found})
    return sorted({bytes(artifact.tensors()["dtype"]).decode() for artifact in found})

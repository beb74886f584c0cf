"""Where a result comes from: models, versions, configuration and seeds."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib import metadata

import unmuted
from unmuted.project import Project

PACKAGES = (
    "torch",
    "transformers",
    "sentence-transformers",
    "snakemake",
    "numpy",
    "scikit-learn",
    "opencv-python-headless",
    "safetensors",
)


def provenance(project: Project) -> dict[str, object]:
    """The report's "provenance" section; dtypes are those chosen on the machine that runs this."""
    from unmuted.features.device import pick_device, pick_dtype
    from unmuted.media import ffmpeg

    device = pick_device(project.config["device"])
    models = {}
    for role in project.config["models"]:
        spec = project.model_spec(role)
        dtype = "float32" if role == "sentence" else str(pick_dtype(device, spec.dtype))
        given = project.config["models"][role]
        models[role] = {
            "id": given.get("id", given.get("path")),
            "revision": project.model_identity(role),
            "dtype": dtype.removeprefix("torch."),
        }
    text = json.dumps(project.config, sort_keys=True)
    return {
        "models": models,
        "config_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "versions": {
            "unmuted": unmuted.__version__,
            "python": platform.python_version(),
            "ffmpeg": ffmpeg.version(),
            **{name: metadata.version(name) for name in PACKAGES},
        },
        "seeds": list(project.config["seeds"]),
    }

"""Files of a Hugging Face model at a pinned commit: from the local cache, else from the network."""

from __future__ import annotations

from pathlib import Path

from unmuted.errors import UserError


def snapshot_folder(repository: str, revision: str) -> Path:
    """Where the local cache keeps this commit, whether it is there or not."""
    from huggingface_hub import constants

    name = f"models--{repository.replace('/', '--')}"
    return Path(constants.HF_HUB_CACHE) / name / "snapshots" / revision


def download(repository: str, revision: str, patterns: tuple[str, ...]) -> Path:
    """Fetch the files that match `patterns` and return their folder; UserError where that fails."""
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import HTTPError

    try:
        folder = snapshot_download(repository, revision=revision, allow_patterns=list(patterns))
    except (OSError, HTTPError) as error:
        reason = str(error).strip().splitlines()[:1]
        raise UserError(
            f"model {repository} at revision {revision} is not in the cache"
            f" {constants.HF_HUB_CACHE} and could not be downloaded"
            f" ({type(error).__name__}: {' '.join(reason)}).\n"
            f"  With network: hf download {repository} --revision {revision}\n"
            "  Without: run that elsewhere with `--local-dir DIR`, bring DIR here, and write"
            " `path: DIR` in the config in place of `id` and `revision`.\n"
            "  The variable HF_HOME moves the cache."
        ) from error
    return Path(folder)


def incomplete(repository: str, revision: str, missing: list[str]) -> UserError:
    """The error for a commit that is there, but not as this project reads models."""
    return UserError(
        f"model {repository} at revision {revision} has no {', no '.join(missing)}.\n"
        "  Weights are read from safetensors only. Where a revision has them as a pickle"
        " (pytorch_model.bin), convert them once:\n"
        f"  python workflow/scripts/fetch_model.py {repository} {revision} DIR\n"
        "  and write `path: DIR` in the config in place of `id` and `revision`."
    )

"""Files of a Hugging Face model at a pinned commit: from the local cache, else from the network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from unmuted.errors import UserError

ANSWER_WITHIN_S = 10.0


class Unavailable(UserError):
    """Models that are neither in the cache nor to be had from the network; says where to get them.

    models: (repository, revision) of each. cause: what the network answered.
    """

    def __init__(self, models: Sequence[tuple[str, str]], cause: str) -> None:
        from huggingface_hub import constants

        self.models, self.cause = tuple(models), cause
        named = "\n".join(f"  hf download {name} --revision {commit}" for name, commit in models)
        super().__init__(
            f"{len(self.models)} model(s) of the configuration are not in the cache "
            f"{constants.HF_HUB_CACHE} and could not be downloaded ({cause}).\n"
            f"Where there is network, these commands fill the cache (HF_HOME moves it):\n{named}\n"
            "For a machine without network, add `--local-dir DIR` there, bring DIR here, and write "
            "`path: DIR` in the configuration in place of `id` and `revision`."
        )


def snapshot_folder(repository: str, revision: str) -> Path:
    """Return where the local cache keeps this commit, whether it is there or not."""
    from huggingface_hub import constants

    name = f"models--{repository.replace('/', '--')}"
    return Path(constants.HF_HUB_CACHE) / name / "snapshots" / revision


def download(repository: str, revision: str, patterns: tuple[str, ...]) -> Path:
    """Fetch the files that match `patterns` and return their folder; raises `Unavailable`."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HTTPError

    try:
        ask(repository, revision)
        folder = snapshot_download(repository, revision=revision, allow_patterns=list(patterns))
    except (OSError, HTTPError) as error:
        first_line = " ".join(str(error).strip().splitlines()[:1])
        cause = f"{type(error).__name__}: {first_line}"
        raise Unavailable([(repository, revision)], cause) from error
    return Path(folder)


def ask(repository: str, revision: str) -> None:
    """Request the commit once, so that a missing network is noticed without minutes of retries.

    Raises:
        OSError or HTTPError: of the request.
    """
    from huggingface_hub import HfApi

    HfApi().model_info(repository, revision=revision, timeout=ANSWER_WITHIN_S)


def incomplete(repository: str, revision: str, missing: list[str]) -> UserError:
    """Return the error for a commit that is there, but not as this project reads models."""
    return UserError(
        f"model {repository} at revision {revision} has no {', no '.join(missing)}.\n"
        "  Weights are read from safetensors only. Where a revision has them as a pickle"
        " (pytorch_model.bin), convert them once:\n"
        f"  python workflow/scripts/fetch_model.py {repository} {revision} DIR\n"
        "  and write `path: DIR` in the config in place of `id` and `revision`."
    )

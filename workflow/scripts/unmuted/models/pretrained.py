"""Weights into modules: complete, of the right kind, from safetensors only."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import torch
from transformers import PreTrainedModel
from transformers.utils import logging

from unmuted.errors import UserError
from unmuted.models.checking import check_described, read_json, reading
from unmuted.models.described import described_values
from unmuted.models.loading import ModelSpec

Model = TypeVar("Model", bound=PreTrainedModel)


def quiet_transformers() -> None:
    """Keep progress bars and load reports out of the logs; `load_model` checks the latter."""
    logging.disable_progress_bar()
    logging.set_verbosity_error()


def load_model(
    cls: type[Model],
    spec: ModelSpec,
    folder: Path,
    device: torch.device,
    dtype: torch.dtype,
    **options: bool,
) -> Model:
    """Return a `cls` with the weights of a model in `folder`, in evaluation mode, gradients off.

    Weights the module does not use (a checkpoint's classifier, a pooler) are left out. Raises
    UserError where the folder cannot be read, holds another architecture or lacks weights that the
    module uses: transformers would fill these with random numbers.
    """
    loader: Any = cls  # its types know neither its configuration nor the pair that it returns
    expected = loader.config_class.model_type
    model_type = read_json(folder / "config.json", spec.title).get("model_type")
    if model_type != expected:
        raise UserError(
            f"{spec.title}: {folder / 'config.json'}: model_type is {model_type!r}, expected"
            f" {expected!r}"
        )
    quiet_transformers()
    with reading(spec.title, folder):
        config = loader.config_class.from_pretrained(folder)
        check_described(described_values(lambda: cls(config, **options)), folder, spec.title)
        model, report = loader.from_pretrained(
            folder,
            dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
            **options,
        )
    absent = sorted(map(str, [*report["missing_keys"], *report["mismatched_keys"]]))
    if absent:
        raise UserError(
            f"{spec.title}: {folder}: {len(absent)} tensors of {cls.__name__} are missing or of"
            f" another shape, such as {', '.join(absent[:3])}; is this the right checkpoint?"
        )
    return model.requires_grad_(False).eval().to(device)

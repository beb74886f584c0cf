"""Weights that torchvision publishes, by name: from the local cache, else from the network.

They are published as pickles. This is the one place where the workflow reads one: before its first
job (`require_models`) or in fetch_model.py, after its digest was checked, and restricted to tensors
(`torch.load(weights_only=True)`). Jobs read the safetensors that are made of it here.

Imports neither torch nor torchvision, because the Snakefile asks for identities on every parse.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

from unmuted.errors import UserError

if TYPE_CHECKING:
    import torch
    from torch import nn
    from torchvision.models import WeightsEnum

    from unmuted.models.architectures import BackboneConfig

PREFIX = "torchvision:"
FORMAT = 1  # to be raised by every change of what is made of the published weights
ANSWER_WITHIN_S = 10.0
GONE = (
    "jobs fetch nothing: the weights were there when the run began, so let TORCH_HOME be a folder "
    "that all nodes see"
)
LIST_NAMES = (
    'python -c "from torchvision import models as m;'
    " print(*(w for n in m.list_models(m) for w in m.get_model_weights(n)), sep='\\n')\""
)


class Unavailable(UserError):
    """Weights that are neither in the cache nor to be had from the network; says how to get them.

    models: names of the weights. cause: what the network answered.
    """

    def __init__(self, models: Sequence[str], cause: str) -> None:
        self.models, self.cause = tuple(models), cause
        named = "\n".join(
            f"  python workflow/scripts/fetch_model.py {PREFIX}{name} DIR   # {published(name).url}"
            for name in models
        )
        super().__init__(
            f"{len(self.models)} model(s) of torchvision are not in the cache {cache_folder()} and"
            f" could not be downloaded ({cause}).\n"
            "Where there is network, the workflow fetches them itself (TORCH_HOME moves the cache)."
            " For a machine without network, run there, a folder DIR for each,\n"
            f"{named}\n"
            "bring the folders here, and write `path: DIR` in the configuration in place of `id`."
        )


def cache_folder() -> Path:
    """Return where converted weights are kept: in torch hub's folder, which TORCH_HOME moves."""
    caches = os.getenv("XDG_CACHE_HOME", "~/.cache")
    torch_folder = os.getenv("TORCH_HOME", os.path.join(caches, "torch"))
    return Path(torch_folder).expanduser() / "hub" / f"unmuted-format-{FORMAT}"


def folder_of(name: str) -> Path:
    """Return where the cache keeps these weights as a backbone's folder, or would keep them."""
    return cache_folder() / name


def fetch(name: str) -> Path:
    """Fetch weights, convert them, and return their folder in the cache.

    Raises:
        UserError: there are no such weights, their network is not supported, or their file is not
            the published one.
        Unavailable: there is no network.
    """
    weights = published(name)
    untrained(weights)  # a network without support is refused before anything is downloaded
    folder, file = folder_of(name), _downloaded(weights)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".unfinished-") as unfinished:
        converted = convert(weights, file, Path(unfinished) / name)
        try:
            converted.rename(folder)
        except OSError:  # another process was faster, or one has left half of it
            if not (folder / "model.safetensors").is_file():
                shutil.rmtree(folder)
                converted.rename(folder)
    return folder


def convert(weights: WeightsEnum, file: Path, folder: Path) -> Path:
    """Write the backbone's folder of published weights that lie in `file`."""
    from unmuted.models.architectures import fill, write_backbone

    model, config = untrained(weights)
    fill(model, _read(file), f"{weights}: {config.architecture}")
    return write_backbone(folder, config, model.state_dict())


def untrained(weights: WeightsEnum) -> tuple[nn.Module, BackboneConfig]:
    """Return the network that published weights are for, and the content of its config.json.

    Raises UserError for networks that are not supported.
    """
    from unmuted.models.architectures import INCEPTIONS, BackboneConfig, Preprocessing, pooled

    name = architecture_of(weights)
    # Google's weights were trained on values from -1 to 1, whatever the preset normalises to.
    arguments = {"transform_input": True} if name in INCEPTIONS else {}
    model, dim = pooled(name, arguments)
    preprocessing = Preprocessing.of(weights.transforms())
    return model, BackboneConfig(name, dim, preprocessing, arguments, str(weights))


def published(name: str) -> WeightsEnum:
    """Return the entry of torchvision of this name; raise UserError where it has none."""
    import torchvision

    try:
        return torchvision.models.get_weight(name)
    except (ValueError, KeyError) as error:
        raise UserError(
            f"model {PREFIX}{name}: torchvision {torchvision.__version__} has no weights of this"
            f" name; this lists those it has:\n  {LIST_NAMES}"
        ) from error


def architecture_of(weights: WeightsEnum) -> str:
    """Return the name of the classifier that these weights are for; raise UserError without one."""
    from torchvision import models

    from unmuted.models.architectures import SUPPORTED

    for name in models.list_models(models):
        if isinstance(weights, models.get_model_weights(name)):
            return name
    raise UserError(f"model {PREFIX}{weights}: not of a picture classifier; supported: {SUPPORTED}")


def _downloaded(weights: WeightsEnum) -> Path:
    """Return the published file in torch hub's cache, its digest checked."""
    from torch import hub

    url = weights.url
    file = cache_folder().parent / "checkpoints" / url.rsplit("/", 1)[-1]
    in_name = hub.HASH_REGEX.search(file.name)
    if in_name is None:
        raise ValueError(f"{url}: expected the beginning of the file's SHA-256 in its name")
    start = in_name[1]  # at least 8 hexadecimal digits
    fresh = not file.is_file()
    if fresh:
        try:
            ask(url)
            file.parent.mkdir(parents=True, exist_ok=True)
            hub.download_url_to_file(url, str(file))
        except (OSError, HTTPException) as error:
            raise Unavailable([str(weights)], f"{type(error).__name__}: {error}") from error
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    if not digest.startswith(start):
        if fresh:
            file.unlink()
        raise UserError(
            f"{file}: its SHA-256 begins with {digest[: len(start)]}, expected {start}: not what"
            f" was published as {url}, but damaged, or a proxy's answer;"
            f" {'try again' if fresh else 'delete it, and it is fetched anew'}"
        )
    return file


def ask(url: str) -> None:
    """Send one request, so that a missing network is noticed within seconds; raises OSError."""
    with urlopen(Request(url, method="HEAD"), timeout=ANSWER_WITHIN_S):
        pass


def _read(file: Path) -> dict[str, torch.Tensor]:
    import torch

    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise UserError(f"{file}: holds something else than tensors, and was not read") from error

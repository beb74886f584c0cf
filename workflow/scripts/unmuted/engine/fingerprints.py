"""Fingerprints: digests that say exactly what an artifact was made from.

A fingerprint is derived in two places by the same function. Snakemake sees that of a job in
`params:`, computed over path, size and time stamp of the source videos, and so runs the jobs that
may have work to do. The job computes that of each artifact over the *content* of what it reads, and
so makes only the artifacts whose fingerprint changed. Because the content of the inputs enters, a
change stops at the first stage whose output comes out the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from unmuted.digests import digest_json
from unmuted.engine.code_versions import code_identity
from unmuted.engine.configured import ConfiguredModels, ConfiguredStages, Tools
from unmuted.engine.settings import setting
from unmuted.engine.stage import Registry, Stage


def fingerprint(stage: str, code: str, settings: object, models: object, inputs: object) -> str:
    """Return the digest of everything that shapes an artifact, or the artifacts of a job.

    stage: its name. code: identifies its code, see `unmuted.engine.code_versions`. settings,
    models: JSON values (the configuration values it reads, the identities of the models it runs and
    the versions of the programs it calls).
    inputs: a JSON value, the digests of what it reads.
    """
    return digest_json(
        {"stage": stage, "code": code, "settings": settings, "models": models, "inputs": inputs}
    )


class Fingerprints:
    """The fingerprints of artifacts under one configuration."""

    def __init__(
        self,
        config: Mapping[str, Any],
        registry: Registry,
        stages: ConfiguredStages,
        models: ConfiguredModels,
        tools: Tools,
    ) -> None:
        self._config, self._registry = config, registry
        self._stages, self._models, self._tools = stages, models, tools
        self._fixed: dict[str, tuple[str, object, object]] = {}
        self._of_settings: dict[str, str] = {}

    def settings(self, keys: Iterable[str]) -> dict[str, Any]:
        """Return the values of these configuration keys, by key."""
        return {key: setting(self._config, key) for key in keys}

    def of_artifact(self, stage_name: str, inputs: object) -> str:
        """Return the fingerprint of an artifact of a stage made from `inputs`, a JSON value."""
        if stage_name not in self._fixed:
            self._fixed[stage_name] = self._fixed_parts(self._stages[stage_name])
        return fingerprint(stage_name, *self._fixed[stage_name], inputs)

    def _fixed_parts(self, stage: Stage) -> tuple[str, object, object]:
        """Return code, settings, and models with tools: the same for all artifacts of a stage."""
        models = {role: self._models.fingerprint(role) for role in stage.models}
        device = self._config["device"] if stage.models else None
        code = code_identity(stage, self._registry)
        tools = [self._tools.versions(stage.tools)] if stage.tools else []
        return code, self.settings(stage.settings), [models, device, *tools]

    def of_settings(self, stage_name: str) -> str:
        """Return the digest of all settings and models that reach a stage, whatever the videos."""
        if stage_name not in self._of_settings:
            stage = self._stages[stage_name]
            reached: list[object] = [self.of_settings(name) for name in stage.upstream]
            reached.append(self.settings(stage.indirect_settings))
            self._of_settings[stage_name] = self.of_artifact(stage_name, reached)
        return self._of_settings[stage_name]

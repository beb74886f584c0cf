"""What a registry declares, under one configuration: the stages, the reports and the models.

Imported by the Snakefile, so free of torch, numpy and pandas: every cluster job parses it again.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from unmuted.engine.stage import Declared, ModelCatalog, Registry, Report, Stage, without_labels
from unmuted.errors import MachineError


class ConfiguredStages(Mapping[str, Stage]):
    """The stages by name, each with what it reads under a configuration.

    has_labels: whether there are labels to learn from; asked only where that matters.
    """

    def __init__(
        self, config: Mapping[str, Any], registry: Registry, has_labels: Callable[[], bool]
    ) -> None:
        self._config, self._registry, self._has_labels = config, registry, has_labels
        self._stages: dict[str, Stage] = {}
        self._on_splits: dict[str, bool] = {}

    def __getitem__(self, name: str) -> Stage:
        if name not in self._stages:
            self._stages[name] = self._of_labels(self._registry.stages[name].under(self._config))
        return self._stages[name]

    def _of_labels(self, row: Declared) -> Declared:
        """Return a row with what it reads of a run with or without labels."""
        if row.without_labels is None or self._has_labels():
            return row
        wanted = set(row.without_labels(self._config)).intersection(row.upstream)
        return without_labels(row, {n for n in wanted if not self.depends_on_splits(n)})

    def __iter__(self) -> Iterator[str]:
        return iter(self._registry.stages)

    def __len__(self) -> int:
        return len(self._registry.stages)

    def of_script(self, script: str) -> list[Stage]:
        """Return the stages that one job of a script makes, in the order of the registry."""
        return [self[stage.name] for stage in self._registry.stages_of_script[script]]

    def depends_on_splits(self, name: str) -> bool:
        """Return whether a stage, or one upstream of it, reads the table of splits."""
        if name not in self._on_splits:
            stage = self[name]
            reads = bool(stage.pooled) or stage.reads_splits
            self._on_splits[name] = reads or any(map(self.depends_on_splits, stage.upstream))
        return self._on_splits[name]

    def report(self, name: str) -> Report:
        """Return the report of a name, with what it reads under the configuration."""
        return self.of_report(self._registry.reports[name])

    def of_report(self, report: Report) -> Report:
        """Return a report with what it reads under the configuration."""
        return self._of_labels(report.under(self._config))


class ConfiguredModels:
    """The models of a configuration by role, a key of its section `models`."""

    def __init__(self, config: Mapping[str, Any], registry: Registry) -> None:
        self._config, self._registry = config, registry
        self._identities: dict[str, str] = {}

    @property
    def _catalog(self) -> ModelCatalog:
        if self._registry.models is None:
            raise ValueError("the registry has stages with models, but no catalog of models")
        return self._registry.models

    @property
    def roles(self) -> list[str]:
        """The roles that the configuration names."""
        return list(self._config.get("models", {}))

    def spec(self, role: str) -> Any:
        """Return what a script needs to load the model."""
        return self._catalog.spec(self._config["models"][role], role)

    def identity(self, role: str) -> str:
        """Return what identifies the model's content; looked up once."""
        if role not in self._identities:
            settings = self._config["models"][role]
            self._identities[role] = self._catalog.identity(settings, role)
        return self._identities[role]

    def fingerprint(self, role: str) -> Any:
        """Return a JSON value of all that shapes what the model makes."""
        settings = self._config["models"][role]
        return self._catalog.fingerprint(settings, self.identity(role))

    def require(self, roles: Collection[str]) -> None:
        """Fetch the models that are not at hand. Raises UserError naming all that are missing."""
        if roles:
            wanted = {role: self._config["models"][role] for role in sorted(roles)}
            self._catalog.require(wanted)


class Tools:
    """The versions of the programs that stages call, looked up once.

    planned: those with which the run was planned, in one of its jobs; None while it is planned.
    """

    def __init__(self, registry: Registry, planned: Mapping[str, str] | None = None) -> None:
        self._registry, self._planned = registry, planned
        self._versions: dict[str, str] = {}

    def versions(self, names: Iterable[str]) -> dict[str, str]:
        """Return the versions with which the run is planned, by the name of the program."""
        return {name: (self._planned or {}).get(name) or self._found(name) for name in names}

    def check(self, names: Iterable[str]) -> None:
        """Raise MachineError unless this machine has the programs in the planned versions."""
        for name, planned in self.versions(names).items():
            if self._found(name) != planned:
                raise MachineError(
                    f"{name}: the run was planned with version {planned}, but "
                    f"{socket.gethostname()} has {self._found(name)}. Give all machines of the run "
                    "the same version, or plan the run where its jobs run"
                )

    def _found(self, name: str) -> str:
        if name not in self._versions:
            self._versions[name] = self._registry.tools[name]()
        return self._versions[name]

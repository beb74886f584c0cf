"""The cluster profile, as far as it can be checked without a cluster."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from small_project import make_config
from test_rules import ON_GPU

LABELS = {f"{label}{i}": label for label in ("cats", "dogs") for i in range(5)}


def profile(repository: Path) -> Path:
    return repository / "profiles" / "slurm"


def test_the_profile_names_every_rule_that_uses_a_gpu(repository: Path) -> None:
    text = (profile(repository) / "config.yaml").read_text(encoding="utf-8")
    resources = yaml.safe_load(text)["set-resources"]
    assert resources.keys() == ON_GPU
    assert all(given == resources["extract_vit"] for given in resources.values())


@pytest.mark.workflow
@pytest.mark.parametrize("options", [[], ["--executor", "dryrun"], ["-n"]], ids=str)
def test_a_profile_that_is_not_filled_in_is_refused(
    repository: Path, tmp_path: Path, options: list[str]
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(make_config(tmp_path, LABELS)))
    config = ["--directory", str(tmp_path), "--configfile", str(tmp_path / "config.json")]
    options = ["--profile", str(profile(repository)), *options, *config]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *options],
        cwd=repository,
        capture_output=True,
        text=True,
    )
    text = done.stdout + done.stderr
    assert done.returncode != 0 and "Traceback" not in text, text
    assert "still has YOUR_ACCOUNT, YOUR_GPU_PARTITION, YOUR_PARTITION" in text, text
    assert "Job stats" not in text

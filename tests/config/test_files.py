"""Configuration files that must not be loaded: programs, bombs of aliases, files of no end."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from unmuted.config.files import LARGEST_FILE, check_config_file, files_of, guard_command_line
from unmuted.errors import UserError

BASE = """
videos: {source: demo}
models:
  vit: {path: resources/tiny_models/vit}
  ast: {path: resources/tiny_models/ast}
  blip: {path: resources/tiny_models/blip}
"""
BOMB = "alternatives:\n  a: &a0 {x: lol}\n" + "".join(
    f"  b{i}: &a{i} {{" + ", ".join(f"k{k}: *a{i - 1}" for k in range(10)) + "}\n"
    for i in range(1, 9)
)
LIST_BOMB = BOMB.replace("{x: lol}", "[lol]").replace("{k", "[{k").replace("}\n", "}]\n")
MERGE_BOMB = "alternatives:\n  a: &a0 {x: 1}\n" + "".join(
    f"  b{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 10)}]}}\n" for i in range(1, 9)
)
PROGRAM = "__use_yte__: true\n__definitions__:\n  - import os\n"
CODE = 'threads: ?1 + os.system("touch CODE_RAN")\n'


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "config.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (BASE + BOMB, "more than 20,000 values, those of aliases included"),
        (BASE + LIST_BOMB, "more than 20,000 values"),
        (BASE + MERGE_BOMB, "more than 20,000 values"),
        (BASE + "ablations: {a: {b: [" + "1," * 25_000 + "]}}\n", "more than 20,000 values"),
        (BASE + "alternatives: &r\n  x: *r\n", "*r contains itself"),
        (BASE + "alternatives:\n  x: {y: &r [1, [*r]]}\n", "*r contains itself"),
        (BASE + "alternatives: " + "[" * 2000 + "]" * 2000 + "\n", "nested more than 20 levels"),
        (BASE + "# " + "x" * 10_000_000, f"more than {LARGEST_FILE:,} bytes"),
        (BASE + f"threads: {'9' * 5000}\n", "a value of 5,000 characters, expected at most 4,096"),
        (PROGRAM + BASE + CODE, "line 1: found the key __use_yte__"),
        ('"__use\\x5fyte__": true\n' + BASE, "line 1: found the key __use_yte__"),
        ("? !!str __use_yte__\n: true\n" + BASE, "found the key __use_yte__"),
        ("x: &x {__use_yte__: true}\n<<: *x\n" + BASE, "found the key __use_yte__"),
        ('{"__use_yte__": true}', "found the key __use_yte__"),
        (BASE + "__variables__: {}\n", "line 7: found the key __variables__"),
        (BASE + "device: !!python/name:os.system\n", "line 7: found the tag"),
        (BASE + "threads: 1\nseeds: [0]\nthreads: 2\n", "line 9: found the key threads twice"),
        (BASE.encode() + b"# caf\xe9\n", "not UTF-8"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) and len(value) < 60 else "file",
)
def test_what_must_not_be_loaded_is_refused_at_once(
    tmp_path: Path, content: str | bytes, expected: str
) -> None:
    path = written(tmp_path, content)
    started = time.process_time()
    with pytest.raises(UserError) as error:
        check_config_file(path)
    assert time.process_time() - started < 5
    assert expected in str(error.value) and str(path) in str(error.value)
    assert len(str(error.value)) < 400


@pytest.mark.parametrize(
    "content",
    [
        BASE,
        BASE + "alternatives: {a: &a {x: 1}, b: {<<: *a, y: *a}, c: {x: 1}}\n",
        '{"a":\t[1, {"b": null}]}',  # JSON that is no YAML
        "a: [1\nb: }",  # Snakemake says what is wrong
        "",
    ],
)
def test_what_is_harmless_is_left_to_snakemake(tmp_path: Path, content: str) -> None:
    check_config_file(written(tmp_path, content))
    check_config_file(tmp_path / "absent.yaml")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--cores 1 --configfile a.yaml b.yaml -n target", ["a.yaml", "b.yaml"]),
        ("--configfile=a.yaml -n", ["a.yaml"]),
        ("target --configfiles a.yaml --config x=1 --configfile b.yaml", ["a.yaml", "b.yaml"]),
        ("--config x=1 target", []),
    ],
)
def test_files_of_a_command_line(line: str, expected: list[str]) -> None:
    assert list(files_of(line.split())) == [Path(name) for name in expected]


def test_the_guard_ends_the_process_in_one_line(tmp_path: Path) -> None:
    path = written(tmp_path, PROGRAM + BASE)
    with pytest.raises(SystemExit, match=r"^error: .*__use_yte__.*$"):
        guard_command_line(["-n", "--configfile", str(path)])
    guard_command_line(["-n", "--configfile", str(written(tmp_path, BASE))])


@pytest.mark.workflow
@pytest.mark.parametrize("options", [[], ["-s", "workflow/Snakefile"], ["--profile", "default"]])
def test_no_code_of_a_configuration_runs(
    repository: Path, tmp_path: Path, options: list[str]
) -> None:
    path = written(tmp_path, PROGRAM + BASE + CODE.replace("CODE_RAN", f"{tmp_path}/CODE_RAN"))
    if "--profile" in options:  # one of the user's own, besides that of the workflow
        (tmp_path / "default").mkdir()
        (tmp_path / "default" / "config.yaml").write_text("keep-going: true\n")
        options = ["--profile", str(tmp_path / "default")]
    done = snakemake(repository, tmp_path, path, *options)
    assert done.returncode != 0 and "found the key __use_yte__" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "CODE_RAN").exists()


@pytest.mark.workflow
def test_without_the_profile_the_workflow_refuses_it_too(repository: Path, tmp_path: Path) -> None:
    path = written(tmp_path, PROGRAM + BASE)
    done = snakemake(repository, tmp_path, path, "--workflow-profile", "none")
    assert done.returncode != 0 and "found the key __use_yte__" in done.stdout + done.stderr


def snakemake(
    repository: Path, folder: Path, config: Path, *options: str
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "snakemake", "-n", "--cores", "1", *options]
    return subprocess.run(
        [*command, "--directory", str(folder), "--configfile", str(config)],
        cwd=repository,
        capture_output=True,
        text=True,
    )

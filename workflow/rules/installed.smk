# Before anything else: the library is that of this workflow, and the configuration can be loaded.
from pathlib import Path

from snakemake.exceptions import WorkflowError

WORKFLOW = Path(str(workflow.current_basedir)).parent
INSTALL = (
    f"run `pip install --editable {WORKFLOW.parent}` in the environment of Snakemake"
)

try:
    import unmuted
except ModuleNotFoundError:
    raise WorkflowError(
        f"the library of this workflow is not installed: {INSTALL}"
    ) from None
if Path(unmuted.__file__).resolve().parents[1] != (WORKFLOW / "scripts").resolve():
    raise WorkflowError(
        f"the library that is installed, {unmuted.__file__}, is not that of this workflow: {INSTALL}"
    )

from unmuted.config.files import check_config_file
from unmuted.errors import UserError


def check_config_files(paths):
    """Refuse files that Snakemake must not load. The default profile did so earlier, where it is
    read."""
    try:
        for path in paths:
            check_config_file(Path(path))
    except UserError as error:
        raise WorkflowError(str(error)) from None

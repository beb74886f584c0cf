# What the rules share: the registry of all stages, the engine, and the resources of kinds of jobs.
import re
import sys

from unmuted.checkout import path_problem
from unmuted.dataset.limits import video_limits
from unmuted.pipeline.ablations import ablation_inputs, ablation_fingerprint
from unmuted.pipeline.registry import FAMILIES, REGISTRY

if workflow.is_main_process and (
    problem := path_problem(str(WORKFLOW), sys.executable)
):
    raise WorkflowError(problem)


include: "cluster.smk"
include: "engine.smk"
include: "targets.smk"


ENVIRONMENT = WORKFLOW.parent / "envs" / "unmuted.yaml"
THREADS = RUN.config["threads"]

# Of jobs that open the videos: a decoder may be killed, and a disk be away for a moment.
MACHINE_RETRIES = 2

# Memory in MB and minutes of the first attempt.
TABLE = limits(2000, 60)
MEDIA = limits(2000, 60)
DECODING_MB = video_limits(RUN.config).memory // 10**6
DECODING = limits(DECODING_MB, 60)
CPU_MODEL = limits(4000, 60)
CPU_FIT = limits(8000, 60)
GPU_MODEL = limits(6000, 120, gpu=1)
GPU_SEEING = limits(4000 + DECODING_MB, 120, gpu=1)  # a model that sees what is decoded
GPU_TRAINING = limits(8000, 240, gpu=1)
GPU_CHOICE = limits(8000, 60, gpu=1)
GPU_SERVING = limits(4000, 60, gpu=1)

# Match highlights: events, the steps of picture and sound, and what is made of them.
include: "spotting.smk"
include: "reel.smk"


HIGHLIGHTS_REPORT = "highlights_metrics"
SHOWN = ("reel.mp4", "timeline.png")


@in_words
def highlights_targets(wildcards):
    """Return the table of all arms, and the reel and timeline of the first test match."""
    RUN.check_experiment()
    splits, videos = RUN.dataset.splits, RUN.dataset.videos
    tested = [videos[name].unit for name, split in splits.items() if split == "test"]
    shown = [name for name in SHOWN if name in REGISTRY.unit_exports]
    metrics = [HIGHLIGHTS_REPORT] if HIGHLIGHTS_REPORT in REGISTRY.reports else []
    return [
        *(f"results/{name}.json" for name in metrics),
        *(f"results/by_match/{min(tested)}/{name}" for name in shown),
    ]


rule highlights:
    input:
        highlights_targets,


rule read_events:
    input:
        stage_inputs("events"),
    output:
        "results/{scenario}events/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}read_events/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}read_events/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **TABLE,
    params:
        fingerprint=job_fingerprints("events"),
    script:
        "../scripts/read_events.py"


rule see_match:
    input:
        stage_inputs("step_visual"),
    output:
        "results/{scenario}step_visual/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}see_match/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}see_match/{shard}.tsv"
    retries: MACHINE_RETRIES
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **GPU_MODEL,
    params:
        fingerprint=job_fingerprints("step_visual"),
    script:
        "../scripts/see_match.py"


rule hear_match:
    input:
        stage_inputs("step_sound"),
    output:
        "results/{scenario}step_sound/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}hear_match/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}hear_match/{shard}.tsv"
    retries: MACHINE_RETRIES
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **DECODING,
    params:
        fingerprint=job_fingerprints("step_sound"),
    script:
        "../scripts/hear_match.py"

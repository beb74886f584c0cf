# Audio-visual segmentation: pictures, sound and truth of every second, and what is made of them.
AVS_REPORT = "avs_metrics"
AVS_SHOWN = ("sounding.mp4",)


@in_words
def segmentation_targets(wildcards):
    """Return the table of all arms, and what is shown of the first test video."""
    RUN.check_experiment()
    tested = [name for name, split in RUN.dataset.splits.items() if split == "test"]
    shown = [name for name in AVS_SHOWN if name in REGISTRY.exports]
    metrics = [AVS_REPORT] if AVS_REPORT in REGISTRY.reports else []
    return [
        *(f"results/{name}.json" for name in metrics),
        *(f"results/by_video/{tested[0]}/{name}" for name in shown),
        *RUN.layout.all_ledgers("avs_audio"),
        *RUN.layout.all_ledgers("avs_boxes"),
    ]


rule segmentation:
    input:
        segmentation_targets,


rule extract_avs_frames:
    input:
        stage_inputs("avs_frames"),
    output:
        "results/{scenario}avs_frames/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}extract_avs_frames/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}extract_avs_frames/{shard}.tsv"
    retries: MACHINE_RETRIES
    conda:
        ENVIRONMENT
    resources:
        **DECODING,
    params:
        fingerprint=job_fingerprints("avs_frames"),
    script:
        "../scripts/extract_avs_frames.py"


rule extract_avs_audio:
    input:
        stage_inputs("avs_audio"),
    output:
        "results/{scenario}avs_audio/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}extract_avs_audio/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}extract_avs_audio/{shard}.tsv"
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **GPU_MODEL,
    params:
        fingerprint=job_fingerprints("avs_audio"),
    script:
        "../scripts/extract_avs_audio.py"


rule make_avs_truth:
    input:
        stage_inputs("avs_truth"),
    output:
        "results/{scenario}avs_truth/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}make_avs_truth/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}make_avs_truth/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **TABLE,
    params:
        fingerprint=job_fingerprints("avs_truth"),
    script:
        "../scripts/make_avs_truth.py"


rule read_avs_boxes:
    input:
        stage_inputs("avs_boxes"),
    output:
        "results/{scenario}avs_boxes/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}read_avs_boxes/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}read_avs_boxes/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **TABLE,
    params:
        fingerprint=job_fingerprints("avs_boxes"),
    script:
        "../scripts/read_avs_boxes.py"

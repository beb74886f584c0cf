# From video files to frames, timelines, flow, sound and representative frames.
rule probe_videos:
    input:
        stage_inputs("probe"),
    output:
        "results/{scenario}probe/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}probe_videos/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}probe_videos/{shard}.tsv"
    retries: MACHINE_RETRIES
    conda:
        ENVIRONMENT
    resources:
        **DECODING,
    params:
        fingerprint=job_fingerprints("probe"),
    script:
        "../scripts/probe_videos.py"


rule extract_frames:
    input:
        stage_inputs("frames"),
    output:
        "results/{scenario}frames/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}extract_frames/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}extract_frames/{shard}.tsv"
    retries: MACHINE_RETRIES
    conda:
        ENVIRONMENT
    resources:
        **DECODING,
    params:
        fingerprint=job_fingerprints("frames"),
    script:
        "../scripts/extract_frames.py"


rule extract_sequence_frames:
    input:
        stage_inputs("sequence_frames"),
    output:
        "results/{scenario}sequence_frames/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}extract_sequence_frames/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}extract_sequence_frames/{shard}.tsv"
    retries: MACHINE_RETRIES
    conda:
        ENVIRONMENT
    resources:
        **DECODING,
    params:
        fingerprint=job_fingerprints("sequence_frames"),
    script:
        "../scripts/extract_sequence_frames.py"


rule extract_timeline_frames:
    input:
        stage_inputs("timeline_frames"),
    output:
        "results/{scenario}timeline_frames/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}extract_timeline_frames/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}extract_timeline_frames/{shard}.tsv"
    retries: MACHINE_RETRIES
    conda:
        ENVIRONMENT
    resources:
        **DECODING,
    params:
        fingerprint=job_fingerprints("timeline_frames"),
    script:
        "../scripts/extract_timeline_frames.py"


rule extract_wav:
    input:
        stage_inputs("wav"),
    output:
        "results/{scenario}wav/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}extract_wav/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}extract_wav/{shard}.tsv"
    retries: MACHINE_RETRIES
    conda:
        ENVIRONMENT
    resources:
        **DECODING,
    params:
        fingerprint=job_fingerprints("wav"),
    script:
        "../scripts/extract_wav.py"


rule compute_flow:
    input:
        stage_inputs("flow"),
    output:
        "results/{scenario}flow/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}compute_flow/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}compute_flow/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **MEDIA,
    params:
        fingerprint=job_fingerprints("flow"),
    script:
        "../scripts/compute_flow.py"


rule find_representative_frames:
    input:
        stage_inputs("representative_frames"),
    output:
        "results/{scenario}representative_frames/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}find_representative_frames/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}find_representative_frames/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **MEDIA,
    params:
        fingerprint=job_fingerprints("representative_frames"),
    script:
        "../scripts/find_representative_frames.py"

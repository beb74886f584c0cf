# From video files to frames, flow, sound and representative frames.
rule probe_videos:
    input:
        reads("probe"),
    output:
        "results/{variant}probe/{shard}.ledger.csv",
    log:
        "results/logs/{variant}probe_videos/{shard}.log",
    benchmark:
        "results/benchmarks/{variant}probe_videos/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **MEDIA,
    params:
        recipe=visit("probe"),
    script:
        "../scripts/probe_videos.py"


rule extract_frames:
    input:
        reads("frames"),
    output:
        "results/{variant}frames/{shard}.ledger.csv",
    log:
        "results/logs/{variant}extract_frames/{shard}.log",
    benchmark:
        "results/benchmarks/{variant}extract_frames/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **MEDIA,
    params:
        recipe=visit("frames"),
    script:
        "../scripts/extract_frames.py"


rule extract_sequence_frames:
    input:
        reads("sequence_frames"),
    output:
        "results/{variant}sequence_frames/{shard}.ledger.csv",
    log:
        "results/logs/{variant}extract_sequence_frames/{shard}.log",
    benchmark:
        "results/benchmarks/{variant}extract_sequence_frames/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **MEDIA,
    params:
        recipe=visit("sequence_frames"),
    script:
        "../scripts/extract_sequence_frames.py"


rule extract_wav:
    input:
        reads("wav"),
    output:
        "results/{variant}wav/{shard}.ledger.csv",
    log:
        "results/logs/{variant}extract_wav/{shard}.log",
    benchmark:
        "results/benchmarks/{variant}extract_wav/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **MEDIA,
    params:
        recipe=visit("wav"),
    script:
        "../scripts/extract_wav.py"


rule compute_flow:
    input:
        reads("flow"),
    output:
        "results/{variant}flow/{shard}.ledger.csv",
    log:
        "results/logs/{variant}compute_flow/{shard}.log",
    benchmark:
        "results/benchmarks/{variant}compute_flow/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **MEDIA,
    params:
        recipe=visit("flow"),
    script:
        "../scripts/compute_flow.py"


rule find_representative_frames:
    input:
        reads("representative_frames"),
    output:
        "results/{variant}representative_frames/{shard}.ledger.csv",
    log:
        "results/logs/{variant}find_representative_frames/{shard}.log",
    benchmark:
        "results/benchmarks/{variant}find_representative_frames/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **MEDIA,
    params:
        recipe=visit("representative_frames"),
    script:
        "../scripts/find_representative_frames.py"

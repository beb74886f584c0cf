# From video files to frames, flow, sound and representative frames.
rule probe_videos:
    input:
        lambda wildcards: PROJECT.source_ledgers(wildcards.shard),
    output:
        "results/probe/{shard}.ledger.csv",
    log:
        "results/logs/probe_videos/{shard}.log",
    benchmark:
        "results/benchmarks/probe_videos/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        recipe=visit("probe"),
    script:
        "../scripts/probe_videos.py"


rule extract_frames:
    input:
        lambda wildcards: PROJECT.source_ledgers(wildcards.shard),
        probe="results/probe/{shard}.ledger.csv",
    output:
        "results/frames/{shard}.ledger.csv",
    log:
        "results/logs/extract_frames/{shard}.log",
    benchmark:
        "results/benchmarks/extract_frames/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        recipe=visit("frames"),
    script:
        "../scripts/extract_frames.py"


rule extract_wav:
    input:
        lambda wildcards: PROJECT.source_ledgers(wildcards.shard),
        probe="results/probe/{shard}.ledger.csv",
    output:
        "results/wav/{shard}.ledger.csv",
    log:
        "results/logs/extract_wav/{shard}.log",
    benchmark:
        "results/benchmarks/extract_wav/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        recipe=visit("wav"),
    script:
        "../scripts/extract_wav.py"


rule compute_flow:
    input:
        frames="results/frames/{shard}.ledger.csv",
    output:
        "results/flow/{shard}.ledger.csv",
    log:
        "results/logs/compute_flow/{shard}.log",
    benchmark:
        "results/benchmarks/compute_flow/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        recipe=visit("flow"),
    script:
        "../scripts/compute_flow.py"


rule find_representative_frames:
    input:
        frames="results/frames/{shard}.ledger.csv",
    output:
        "results/representative_frames/{shard}.ledger.csv",
    log:
        "results/logs/find_representative_frames/{shard}.log",
    benchmark:
        "results/benchmarks/find_representative_frames/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        recipe=visit("representative_frames"),
    script:
        "../scripts/find_representative_frames.py"

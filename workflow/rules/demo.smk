# The built-in world (videos.source: demo): its clips and the truth about them.
rule make_clips:
    input:
        stage_inputs("clips"),
    output:
        "results/clips/{shard}.ledger.csv",
    log:
        "results/logs/make_clips/{shard}.log",
    benchmark:
        "results/benchmarks/make_clips/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **TABLE,
    params:
        fingerprint=job_fingerprints("clips"),
    script:
        "../scripts/make_clips.py"


rule make_truth:
    input:
        stage_inputs("truth"),
    output:
        "results/truth/{shard}.ledger.csv",
    log:
        "results/logs/make_truth/{shard}.log",
    benchmark:
        "results/benchmarks/make_truth/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **TABLE,
    params:
        fingerprint=job_fingerprints("truth"),
    script:
        "../scripts/make_truth.py"

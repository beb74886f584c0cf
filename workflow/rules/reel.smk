# What a user gets of a match: its highlights, their timeline and a reel.
rule pick_highlights:
    input:
        stage_inputs("match_highlights"),
    output:
        "results/{scenario}match_highlights/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}pick_highlights/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}pick_highlights/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **TABLE,
    params:
        fingerprint=job_fingerprints("match_highlights"),
    script:
        "../scripts/pick_highlights.py"


rule draw_timeline:
    input:
        stage_inputs("timelines"),
    output:
        "results/{scenario}timelines/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}draw_timeline/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}draw_timeline/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        fingerprint=job_fingerprints("timelines"),
    script:
        "../scripts/draw_timeline.py"


rule cut_reel:
    input:
        stage_inputs("reels"),
    output:
        "results/{scenario}reels/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}cut_reel/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}cut_reel/{shard}.tsv"
    retries: MACHINE_RETRIES
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **DECODING,
    params:
        fingerprint=job_fingerprints("reels"),
    script:
        "../scripts/cut_reel.py"

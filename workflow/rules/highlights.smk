# Match highlights: events, the steps of picture and sound, and what is made of them.
include: "spotting.smk"
include: "reel.smk"


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

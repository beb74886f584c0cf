# Architecture 2: mapping captions to labels, the generator and what it generates.
rule map_captions:
    input:
        stage_inputs("mapping"),
    output:
        "results/{scenario}mapping/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}map_captions/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}map_captions/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **MEDIA,
    params:
        fingerprint=job_fingerprints("mapping"),
    script:
        "../scripts/map_captions.py"


rule train_generator:
    input:
        stage_inputs("generator"),
    output:
        "results/{scenario}generator/{seeds}.ledger.csv",
    log:
        "results/logs/{scenario}train_generator/{seeds}.log",
    benchmark:
        "results/benchmarks/{scenario}train_generator/{seeds}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_TRAINING,
    params:
        fingerprint=job_fingerprints("generator"),
    script:
        "../scripts/train_generator.py"


rule generate_audio:
    input:
        stage_inputs("generated"),
    output:
        "results/{scenario}generated/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}generate_audio/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}generate_audio/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_SERVING,
    params:
        fingerprint=job_fingerprints("generated"),
    script:
        "../scripts/generate_audio.py"


rule map_captions_as_trained:
    input:
        stage_inputs("trained_mapping"),
    output:
        "results/{scenario}trained_mapping/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}map_captions_as_trained/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}map_captions_as_trained/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **MEDIA,
    params:
        fingerprint=job_fingerprints("trained_mapping"),
    script:
        "../scripts/map_captions_as_trained.py"


rule train_null_generator:
    input:
        stage_inputs("null_generator"),
    output:
        "results/{scenario}null_generator/{seeds}.ledger.csv",
    log:
        "results/logs/{scenario}train_null_generator/{seeds}.log",
    benchmark:
        "results/benchmarks/{scenario}train_null_generator/{seeds}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_TRAINING,
    params:
        fingerprint=job_fingerprints("null_generator"),
    script:
        "../scripts/train_null_generator.py"


rule generate_null_audio:
    input:
        stage_inputs("null_generated"),
    output:
        "results/{scenario}null_generated/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}generate_null_audio/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}generate_null_audio/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_SERVING,
    params:
        fingerprint=job_fingerprints("null_generated"),
    script:
        "../scripts/generate_null_audio.py"

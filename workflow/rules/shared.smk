# Inputs of several systems: source groups, the projection, prototypes and retrieval.
rule join_sources:
    input:
        stage_inputs("sources"),
    output:
        "results/{scenario}sources.ledger.csv",
    log:
        "results/logs/{scenario}join_sources/all.log",
    benchmark:
        "results/benchmarks/{scenario}join_sources/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        fingerprint=job_fingerprints("sources"),
    script:
        "../scripts/join_sources.py"


rule fit_projection:
    input:
        stage_inputs("projection"),
    output:
        "results/{scenario}projection.ledger.csv",
    log:
        "results/logs/{scenario}fit_projection/all.log",
    benchmark:
        "results/benchmarks/{scenario}fit_projection/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_FIT,
    params:
        fingerprint=job_fingerprints("projection"),
    script:
        "../scripts/fit_projection.py"


rule fit_prototypes:
    input:
        stage_inputs("prototypes"),
    output:
        "results/{scenario}prototypes.ledger.csv",
    log:
        "results/logs/{scenario}fit_prototypes/all.log",
    benchmark:
        "results/benchmarks/{scenario}fit_prototypes/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_FIT,
    params:
        fingerprint=job_fingerprints("prototypes"),
    script:
        "../scripts/fit_prototypes.py"


rule fit_baselines:
    input:
        stage_inputs("baselines"),
    output:
        "results/{scenario}baselines.ledger.csv",
    log:
        "results/logs/{scenario}fit_baselines/all.log",
    benchmark:
        "results/benchmarks/{scenario}fit_baselines/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_FIT,
    params:
        fingerprint=job_fingerprints("baselines"),
    script:
        "../scripts/fit_baselines.py"


rule list_lookup_set:
    input:
        stage_inputs("lookup_set"),
    output:
        "results/{scenario}lookup_set.ledger.csv",
    log:
        "results/logs/{scenario}list_lookup_set/all.log",
    benchmark:
        "results/benchmarks/{scenario}list_lookup_set/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        fingerprint=job_fingerprints("lookup_set"),
    script:
        "../scripts/list_lookup_set.py"


rule retrieve_audio:
    input:
        stage_inputs("retrieved"),
    output:
        "results/{scenario}retrieved/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}retrieve_audio/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}retrieve_audio/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_FIT,
    params:
        fingerprint=job_fingerprints("retrieved"),
    script:
        "../scripts/retrieve_audio.py"

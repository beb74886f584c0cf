# From representative frames to captions and to the AudioSet labels nearest to them.
rule caption_frames:
    input:
        stage_inputs("captions"),
    output:
        "results/{scenario}captions/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}caption_frames/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}caption_frames/{shard}.tsv"
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **GPU_MODEL,
    params:
        fingerprint=job_fingerprints("captions"),
    script:
        "../scripts/caption_frames.py"


rule embed_captions:
    input:
        stage_inputs("caption_embeddings"),
    output:
        "results/{scenario}caption_embeddings/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}embed_captions/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}embed_captions/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        fingerprint=job_fingerprints("caption_embeddings"),
    script:
        "../scripts/embed_captions.py"


rule embed_labels:
    input:
        stage_inputs("label_embeddings"),
    output:
        "results/{scenario}label_embeddings.ledger.csv",
    log:
        "results/logs/{scenario}embed_labels/all.log",
    benchmark:
        "results/benchmarks/{scenario}embed_labels/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        fingerprint=job_fingerprints("label_embeddings"),
    script:
        "../scripts/embed_labels.py"


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


rule build_dictionary:
    input:
        stage_inputs("dictionary"),
    output:
        "results/{scenario}dictionary.ledger.csv",
    log:
        "results/logs/{scenario}build_dictionary/all.log",
    benchmark:
        "results/benchmarks/{scenario}build_dictionary/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        fingerprint=job_fingerprints("dictionary"),
    script:
        "../scripts/build_dictionary.py"


rule predict_labels:
    input:
        stage_inputs("predicted_labels"),
    output:
        "results/{scenario}predicted_labels/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}predict_labels/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}predict_labels/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        fingerprint=job_fingerprints("predicted_labels"),
    script:
        "../scripts/predict_labels.py"

# From representative frames to captions and to the AudioSet labels nearest to them.
rule caption_frames:
    input:
        reads("captions"),
    output:
        "results/{variant}captions/{shard}.ledger.csv",
    log:
        "results/logs/{variant}caption_frames/{shard}.log",
    benchmark:
        "results/benchmarks/{variant}caption_frames/{shard}.tsv"
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **GPU_MODEL,
    params:
        recipe=visit("captions"),
    script:
        "../scripts/caption_frames.py"


rule embed_captions:
    input:
        reads("caption_embeddings"),
    output:
        "results/{variant}caption_embeddings/{shard}.ledger.csv",
    log:
        "results/logs/{variant}embed_captions/{shard}.log",
    benchmark:
        "results/benchmarks/{variant}embed_captions/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        recipe=visit("caption_embeddings"),
    script:
        "../scripts/embed_captions.py"


rule embed_labels:
    input:
        reads("label_embeddings"),
    output:
        "results/{variant}label_embeddings.ledger.csv",
    log:
        "results/logs/{variant}embed_labels/all.log",
    benchmark:
        "results/benchmarks/{variant}embed_labels/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        recipe=visit("label_embeddings"),
    script:
        "../scripts/embed_labels.py"


rule map_captions:
    input:
        reads("mapping"),
    output:
        "results/{variant}mapping/{shard}.ledger.csv",
    log:
        "results/logs/{variant}map_captions/{shard}.log",
    benchmark:
        "results/benchmarks/{variant}map_captions/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **MEDIA,
    params:
        recipe=visit("mapping"),
    script:
        "../scripts/map_captions.py"


rule build_dictionary:
    input:
        reads("dictionary"),
    output:
        "results/{variant}dictionary.ledger.csv",
    log:
        "results/logs/{variant}build_dictionary/all.log",
    benchmark:
        "results/benchmarks/{variant}build_dictionary/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        recipe=visit("dictionary"),
    script:
        "../scripts/build_dictionary.py"


rule predict_labels:
    input:
        reads("predicted_labels"),
    output:
        "results/{variant}predicted_labels/{shard}.ledger.csv",
    log:
        "results/logs/{variant}predict_labels/{shard}.log",
    benchmark:
        "results/benchmarks/{variant}predict_labels/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        recipe=visit("predicted_labels"),
    script:
        "../scripts/predict_labels.py"

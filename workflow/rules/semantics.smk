# From representative frames to captions and to the AudioSet labels nearest to them.
rule caption_frames:
    input:
        frames="results/frames/{shard}.ledger.csv",
        representative_frames="results/representative_frames/{shard}.ledger.csv",
    output:
        "results/captions/{shard}.ledger.csv",
    log:
        "results/logs/caption_frames/{shard}.log",
    benchmark:
        "results/benchmarks/caption_frames/{shard}.tsv"
    conda:
        ENVIRONMENT
    threads: PROJECT.config["threads"]
    resources:
        gpu=1,
        mem_mb=growing(6000),
        runtime=growing(120),
    params:
        recipe=visit("captions"),
    script:
        "../scripts/caption_frames.py"


rule embed_captions:
    input:
        captions="results/captions/{shard}.ledger.csv",
    output:
        "results/caption_embeddings/{shard}.ledger.csv",
    log:
        "results/logs/embed_captions/{shard}.log",
    benchmark:
        "results/benchmarks/embed_captions/{shard}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        recipe=visit("caption_embeddings"),
    script:
        "../scripts/embed_captions.py"


rule embed_labels:
    output:
        "results/label_embeddings.ledger.csv",
    log:
        "results/logs/embed_labels/all.log",
    benchmark:
        "results/benchmarks/embed_labels/all.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        recipe=refit("label_embeddings"),
    script:
        "../scripts/embed_labels.py"


rule map_captions:
    input:
        captions="results/captions/{shard}.ledger.csv",
        caption_embeddings="results/caption_embeddings/{shard}.ledger.csv",
        label_embeddings="results/label_embeddings.ledger.csv",
    output:
        "results/mapping/{shard}.ledger.csv",
    log:
        "results/logs/map_captions/{shard}.log",
    benchmark:
        "results/benchmarks/map_captions/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        recipe=visit("mapping"),
    script:
        "../scripts/map_captions.py"

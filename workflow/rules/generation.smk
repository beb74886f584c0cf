# The audio feature generator: its space, its label features, its training and what it makes.
rule fit_projection:
    input:
        experiment("ast"),
    output:
        "results/projection.ledger.csv",
    log:
        "results/logs/fit_projection/all.log",
    benchmark:
        "results/benchmarks/fit_projection/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        recipe=refit("projection"),
    script:
        "../scripts/fit_projection.py"


rule fit_prototypes:
    input:
        experiment("ast"),
        projection="results/projection.ledger.csv",
    output:
        "results/prototypes.ledger.csv",
    log:
        "results/logs/fit_prototypes/all.log",
    benchmark:
        "results/benchmarks/fit_prototypes/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        recipe=refit("prototypes"),
    script:
        "../scripts/fit_prototypes.py"


rule train_generator:
    input:
        experiment("ast"),
        labels="results/label_embeddings.ledger.csv",
        projection="results/projection.ledger.csv",
        prototypes="results/prototypes.ledger.csv",
    output:
        "results/generator/seed-{seed}.ledger.csv",
    log:
        "results/logs/train_generator/seed-{seed}.log",
    benchmark:
        "results/benchmarks/train_generator/seed-{seed}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        gpu=1,
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        recipe=refit("generator"),
    script:
        "../scripts/train_generator.py"


rule generate_audio:
    input:
        experiment(),
        all_seeds("generator"),
        vit_rgb="results/vit_rgb/{shard}.ledger.csv",
        vit_flow="results/vit_flow/{shard}.ledger.csv",
        caption_embeddings="results/caption_embeddings/{shard}.ledger.csv",
        labels="results/label_embeddings.ledger.csv",
        projection="results/projection.ledger.csv",
        prototypes="results/prototypes.ledger.csv",
    output:
        "results/generated/{shard}.ledger.csv",
    log:
        "results/logs/generate_audio/{shard}.log",
    benchmark:
        "results/benchmarks/generate_audio/{shard}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        gpu=1,
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        recipe=visit("generated"),
    script:
        "../scripts/generate_audio.py"

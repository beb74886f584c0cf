# One classifier per arm and seed, its snapshot chosen on validation, its predictions.
rule train_classifier:
    input:
        experiment("ast", "generated"),
        projection="results/projection.ledger.csv",
    output:
        "results/classifier/seed-{seed}.ledger.csv",
    log:
        "results/logs/train_classifier/seed-{seed}.log",
    benchmark:
        "results/benchmarks/train_classifier/seed-{seed}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        gpu=1,
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        recipe=refit("classifier"),
    script:
        "../scripts/train_classifier.py"


rule select_classifier:
    input:
        experiment("ast", "generated"),
        all_seeds("classifier"),
        projection="results/projection.ledger.csv",
    output:
        "results/selection.ledger.csv",
    log:
        "results/logs/select_classifier/all.log",
    benchmark:
        "results/benchmarks/select_classifier/all.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        gpu=1,
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        recipe=refit("selection"),
    script:
        "../scripts/select_classifier.py"


rule predict_classes:
    input:
        all_seeds("classifier"),
        "results/splits.csv",
        vit_rgb="results/vit_rgb/{shard}.ledger.csv",
        vit_flow="results/vit_flow/{shard}.ledger.csv",
        caption_embeddings="results/caption_embeddings/{shard}.ledger.csv",
        ast="results/ast/{shard}.ledger.csv",
        generated="results/generated/{shard}.ledger.csv",
        selection="results/selection.ledger.csv",
        projection="results/projection.ledger.csv",
    output:
        "results/predictions/{shard}.ledger.csv",
    log:
        "results/logs/predict_classes/{shard}.log",
    benchmark:
        "results/benchmarks/predict_classes/{shard}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        gpu=1,
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        recipe=visit("predictions"),
    script:
        "../scripts/predict_classes.py"

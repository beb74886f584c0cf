# Features of what is seen (ViT and CNNs on frames and on flow) and of what is heard (AST).
rule extract_vit:
    input:
        reads("vit_rgb", "vit_flow"),
    output:
        "results/{variant}vit_rgb/{shard}.ledger.csv",
        "results/{variant}vit_flow/{shard}.ledger.csv",
    log:
        "results/logs/{variant}extract_vit/{shard}.log",
    benchmark:
        "results/benchmarks/{variant}extract_vit/{shard}.tsv"
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **GPU_MODEL,
    params:
        recipe=visit("vit_rgb", "vit_flow"),
    script:
        "../scripts/extract_vit.py"


rule extract_ast:
    input:
        reads("ast"),
    output:
        "results/{variant}ast/{shard}.ledger.csv",
    log:
        "results/logs/{variant}extract_ast/{shard}.log",
    benchmark:
        "results/benchmarks/{variant}extract_ast/{shard}.tsv"
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **GPU_MODEL,
    params:
        recipe=visit("ast"),
    script:
        "../scripts/extract_ast.py"


rule extract_cnn:
    input:
        reads("cnn_rgb", "cnn_flow"),
    output:
        "results/{variant}cnn_rgb/{shard}.ledger.csv",
        "results/{variant}cnn_flow/{shard}.ledger.csv",
    log:
        "results/logs/{variant}extract_cnn/{shard}.log",
    benchmark:
        "results/benchmarks/{variant}extract_cnn/{shard}.tsv"
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **GPU_MODEL,
    params:
        recipe=visit("cnn_rgb", "cnn_flow"),
    script:
        "../scripts/extract_cnn.py"


rule extract_cnn_sequence:
    input:
        reads("cnn_sequence"),
    output:
        "results/{variant}cnn_sequence/{shard}.ledger.csv",
    log:
        "results/logs/{variant}extract_cnn_sequence/{shard}.log",
    benchmark:
        "results/benchmarks/{variant}extract_cnn_sequence/{shard}.tsv"
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **GPU_MODEL,
    params:
        recipe=visit("cnn_sequence"),
    script:
        "../scripts/extract_cnn_sequence.py"

# Features of what is seen (ViT and CNNs on frames and on flow) and of what is heard (AST).
VIEWS = {
    "rgb": "results/frames/{shard}.ledger.csv",
    "flow": "results/flow/{shard}.ledger.csv",
}


rule extract_vit:
    input:
        lambda wildcards: reads(f"vit_{wildcards.view}")(wildcards),
    output:
        "results/{variant}vit_{view}/{shard}.ledger.csv",
    log:
        "results/logs/{variant}extract_vit/{view}/{shard}.log",
    benchmark:
        "results/benchmarks/{variant}extract_vit/{view}/{shard}.tsv"
    conda:
        ENVIRONMENT
    threads: PROJECT.config["threads"]
    resources:
        gpu=1,
        mem_mb=growing(6000),
        runtime=growing(120),
    params:
        recipe=lambda wildcards: visit(f"vit_{wildcards.view}")(wildcards),
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
    threads: PROJECT.config["threads"]
    resources:
        gpu=1,
        mem_mb=growing(6000),
        runtime=growing(120),
    params:
        recipe=visit("ast"),
    script:
        "../scripts/extract_ast.py"


rule extract_cnn:
    input:
        lambda wildcards: reads(f"cnn_{wildcards.view}")(wildcards),
    output:
        "results/{variant}cnn_{view}/{shard}.ledger.csv",
    log:
        "results/logs/{variant}extract_cnn/{view}/{shard}.log",
    benchmark:
        "results/benchmarks/{variant}extract_cnn/{view}/{shard}.tsv"
    conda:
        ENVIRONMENT
    threads: PROJECT.config["threads"]
    resources:
        gpu=1,
        mem_mb=growing(6000),
        runtime=growing(120),
    params:
        recipe=lambda wildcards: visit(f"cnn_{wildcards.view}")(wildcards),
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
    threads: PROJECT.config["threads"]
    resources:
        gpu=1,
        mem_mb=growing(6000),
        runtime=growing(120),
    params:
        recipe=visit("cnn_sequence"),
    script:
        "../scripts/extract_cnn_sequence.py"

# Features, captions and embeddings of frames, flow and sound, by pre-trained models.
rule extract_vit:
    input:
        stage_inputs("vit_rgb", "vit_flow"),
    output:
        "results/{scenario}vit_rgb/{shard}.ledger.csv",
        "results/{scenario}vit_flow/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}extract_vit/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}extract_vit/{shard}.tsv"
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **GPU_MODEL,
    params:
        fingerprint=job_fingerprints("vit_rgb", "vit_flow"),
    script:
        "../scripts/extract_vit.py"


rule extract_ast:
    input:
        stage_inputs("ast"),
    output:
        "results/{scenario}ast/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}extract_ast/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}extract_ast/{shard}.tsv"
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **GPU_MODEL,
    params:
        fingerprint=job_fingerprints("ast"),
    script:
        "../scripts/extract_ast.py"


rule extract_cnn:
    input:
        stage_inputs("cnn_rgb", "cnn_flow"),
    output:
        "results/{scenario}cnn_rgb/{shard}.ledger.csv",
        "results/{scenario}cnn_flow/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}extract_cnn/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}extract_cnn/{shard}.tsv"
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **GPU_MODEL,
    params:
        fingerprint=job_fingerprints("cnn_rgb", "cnn_flow"),
    script:
        "../scripts/extract_cnn.py"


rule extract_cnn_sequence:
    input:
        stage_inputs("cnn_sequence"),
    output:
        "results/{scenario}cnn_sequence/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}extract_cnn_sequence/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}extract_cnn_sequence/{shard}.tsv"
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **GPU_MODEL,
    params:
        fingerprint=job_fingerprints("cnn_sequence"),
    script:
        "../scripts/extract_cnn_sequence.py"


rule extract_timeline_cnn:
    input:
        stage_inputs("timeline_cnn"),
    output:
        "results/{scenario}timeline_cnn/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}extract_timeline_cnn/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}extract_timeline_cnn/{shard}.tsv"
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **GPU_MODEL,
    params:
        fingerprint=job_fingerprints("timeline_cnn"),
    script:
        "../scripts/extract_timeline_cnn.py"


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

"""What several generators share: projection, data, training, cross-fitting, retrieval, serving."""

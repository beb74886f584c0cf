"""Running models: devices, GPU leases, batches, prefetching."""

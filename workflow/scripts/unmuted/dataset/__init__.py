"""Which videos there are: folders, manifests, UCF101, and their splits."""

"""What the workflow is compared with, written plainly and as fast as its kind allows."""

"""A static site that opens from disk: pages, figures and tables; it knows no system."""

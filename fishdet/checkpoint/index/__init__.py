"""Models by name: the index, where its files are fetched from and kept."""

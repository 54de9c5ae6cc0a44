"""What maintainers run: documents that are generated or checked."""

"""Tools for maintainers: they generate and check documents."""

"""Tools with which maintainers generate and check documents."""

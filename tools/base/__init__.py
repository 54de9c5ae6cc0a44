"""Shared by the tools: processes, logs, plots and pages."""

"""What the tools share: processes, logs, plots and pages."""

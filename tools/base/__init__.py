"""Code that the tools share: processes, logs, plots and pages."""

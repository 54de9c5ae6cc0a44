"""Training runs: plan, run, record, report and publish."""

"""Plans, runs, records, reports and publishes training runs."""

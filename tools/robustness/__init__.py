"""Programs that inject faults, mutate input and watch long runs."""

"""Programs around the re-creation; installed as cifar10_compat_tools."""

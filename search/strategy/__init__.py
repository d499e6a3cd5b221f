"""Which configuration is tried next, and which trial is stopped: samplers and pruners."""

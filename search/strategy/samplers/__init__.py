"""Which configuration is tried next: one sampler per file, known by the file's name."""

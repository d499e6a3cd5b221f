"""Which trial is stopped early: one pruner per file, known by the file's name."""

"""Schedulers, which stop trials early: one per file, named as the file; `--pruner` names one."""

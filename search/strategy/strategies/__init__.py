"""Strategies, each a proposer and a scheduler: one per file, named as the file; `--strategy` names one."""

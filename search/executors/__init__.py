"""How trials are run: one contract, several executors."""

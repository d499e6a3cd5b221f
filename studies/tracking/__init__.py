"""MLflow: every event reaches it, once, and nobody waits for it."""

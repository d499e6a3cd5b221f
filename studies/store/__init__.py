"""The database: SQLite with Optuna's schema, locks, heartbeats."""

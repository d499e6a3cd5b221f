"""What is kept: the Optuna store, MLflow tracking, records."""

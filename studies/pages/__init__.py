"""`hpo ui`: optuna-dashboard and the MLflow UI behind a guard."""

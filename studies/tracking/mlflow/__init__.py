"""MLflow: its stores, the spool of events, the shipper, the model registry."""

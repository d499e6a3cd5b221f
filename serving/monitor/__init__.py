"""Monitoring of a served model: prediction log and drift alarms."""

"""Reading a study: its trials, its counts, its best."""

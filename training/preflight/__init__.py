"""What is tried before the first trial."""

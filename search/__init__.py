"""The composer: command line, event loop, strategies, executors, recovery, retraining. Imports every other room."""

"""From a search space to the configuration of a trial."""

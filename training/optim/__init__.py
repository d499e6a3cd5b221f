"""How weights are moved: optimisers, parameter groups, learning-rate schedules, averages."""

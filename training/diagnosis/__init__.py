"""What ails a run: a verdict from its history, and checks that look at data, model and gradients."""

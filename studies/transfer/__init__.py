"""Studies on the move: from one store and home to another."""

"""`hpo retrain-best`: the winner trained again, tested once, exported."""

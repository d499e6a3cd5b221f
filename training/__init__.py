"""What a trial does: data, models, the loop, checkpoints, evaluation, export. The only room that knows torch."""

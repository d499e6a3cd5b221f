"""What a trial does: data, model, training, evaluation, export.

The only room that knows torch.
"""

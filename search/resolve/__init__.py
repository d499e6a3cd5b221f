"""From what a user wrote to what is meant: a model, data, a served export."""

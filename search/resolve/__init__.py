"""From a user's words to a model, data or a served export."""

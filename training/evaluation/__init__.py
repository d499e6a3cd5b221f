"""What a trained model is worth: its metrics, how far they may be trusted, and whether its confidence may be."""

"""What a served model does in the world: a log of its predictions, and alarms where they are no longer as expected."""

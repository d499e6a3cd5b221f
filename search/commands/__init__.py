"""What each verb does, composed from the rooms: one folder a verb, its options beside it."""

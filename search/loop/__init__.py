"""The search while it runs: claims, events, interrupts."""

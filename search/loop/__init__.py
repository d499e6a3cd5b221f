"""The running search: event loop, brake, checkpoints, interrupts."""

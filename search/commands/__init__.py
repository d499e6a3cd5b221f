"""The work behind each command: a folder per verb, options included."""

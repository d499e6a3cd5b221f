"""How a step runs on this machine: device, precision, compilation, memory, seeds."""

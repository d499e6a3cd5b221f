"""The seed of a trial's sampler."""

SEED_STRIDE = 1_000_003  # a prime, so that neighbouring study seeds do not share trials' seeds


def trial_seed(seed: int, number: int) -> int:
    """Return the seed for trial `number` (from 0) of a study seeded with `seed`, in [0, 2^32)."""
    return (seed * SEED_STRIDE + number) % 2**32

"""How sure an accuracy is."""

from scipy.stats import binomtest


def wilson(correct: int, count: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of the share correct / count (Wilson 1927, JASA 22:209), both ends in [0, 1].

    Unlike the textbook interval it stays within [0, 1] and has a width also where every answer is right.

    Args:
        correct: how many of `count` answers are right.
        count: at least 1.
        confidence: in (0, 1).
    """
    found = binomtest(correct, count).proportion_ci(confidence, method="wilson")
    return float(found.low), float(found.high)

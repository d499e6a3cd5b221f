"""Avoidance of the interpreter's pauses."""

import gc
import sys

_SWITCH_S = 0.0005  # a tenth of Python's: the answering thread waits at most half a millisecond for the writing one


def avoid_pauses() -> None:
    """Exempt what is loaded from collection; shorten threads' turns.

    Called once all is loaded: what lives as long as the process is left alone.

    A collection of all that FastAPI, SQLAlchemy and ONNX Runtime bring takes 80 ms, and never finds anything. A thread
    that wants to go on waits for Python's usual 5 ms while the one that writes the log is at work.
    """
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(_SWITCH_S)

"""What an error of MLflow's client means: who is away, who refuses, what is gone."""

from ....common.masking import first_line

_UNKNOWN_USER = ("UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED")  # MLflow's names of 401
_FORBIDDEN = "PERMISSION_DENIED"  # of 403


def is_lasting(error: Exception) -> bool:
    """Tell whether MLflow would refuse the same request again."""
    return _code(error) in ("INVALID_PARAMETER_VALUE", "BAD_REQUEST", _FORBIDDEN)


def is_missing(error: Exception) -> bool:
    """Tell whether MLflow no longer knows the run or experiment."""
    return _code(error) == "RESOURCE_DOES_NOT_EXIST"


def is_refusal(error: Exception) -> bool:
    """Tell whether a server does not let this user in."""
    return _code(error) in (*_UNKNOWN_USER, _FORBIDDEN)


def is_answer(error: Exception) -> bool:
    """Tell whether a server has answered: MLflow's, or the store of its files."""
    return not is_absence(error) and (bool(_code(error)) or hasattr(error, "response"))


def is_absence(error: Exception) -> bool:
    """Tell whether nothing was reached at all: a refused connection, an unknown host, a timeout."""
    return isinstance(_root(error), OSError)


def reason(error: Exception) -> str:
    """Return the line that says why, without secrets."""
    # requests and MLflow put the address and their own objects before what the system says
    return first_line(_root(error) if is_absence(error) else error)


def _code(error: Exception) -> str:
    return str(getattr(error, "error_code", ""))


def _root(error: BaseException) -> BaseException:
    """Return what was raised first."""
    while (before := error.__cause__ or error.__context__) is not None:
        error = before
    return error

"""Start of a server with its monitor, from command-line flags."""

from collections.abc import Callable

from ..common.cores import available_cores
from .flags import ServeFlags
from .monitor.monitor import MakeMonitor
from .monitor.options import MonitorOptions
from .options import ServeOptions, Source, read_token
from .prediction import Forgetful
from .workers import Say, run

Find = Callable[[str], Source]
"""From what `--challenger` names to where it is found."""


def start(flags: ServeFlags, champion: Source, find: Find, say: Say) -> None:
    """Serve until a signal.

    Raises:
        ServeError: a flag cannot be, the address or the log cannot be had, or a model cannot be served.
        KeyboardInterrupt: it was ended by Ctrl-C.
    """
    options = serve_options(flags, champion, find)
    arms = tuple(arm for arm in (options.champion, options.challenger) if arm is not None)
    watched = MonitorOptions(
        flags.false_alarm_every, flags.watch_per_second, flags.keep_days, flags.keep_rows, flags.thumbnails
    )
    run(options, Forgetful if flags.log == "none" else MakeMonitor(arms, watched, flags.log), say)


def serve_options(flags: ServeFlags, champion: Source, find: Find) -> ServeOptions:
    """Return the server's options by its flags."""
    return ServeOptions(
        champion=champion,
        challenger=find(flags.challenger) if flags.challenger is not None else None,
        share=flags.share,
        shadow=flags.shadow,
        host=flags.host,
        port=flags.port,
        workers=flags.workers,
        # cores are shared out: more threads than cores make every answer slower
        threads=max(1, available_cores() // max(flags.workers, 1)),
        token=read_token(flags.token_file) if flags.token_file else None,
        allowed_hosts=tuple(name.lower() for name in flags.allow_host or ()),
        max_batch=flags.max_batch,
        queue=flags.queue,
        max_body_mb=flags.max_body_mb,
        max_model_mb=flags.max_model_mb,
        timeout_s=flags.timeout,
        formats=tuple(kind.strip().upper() for kind in flags.formats.split(",")),
    )

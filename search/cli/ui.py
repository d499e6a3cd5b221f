"""`hpo ui`: the web pages of a home, started and stopped together."""

import time

from ..commands.ui.options import UiOptions
from .common import command, say


@command
def ui(options: UiOptions) -> None:
    """Start the web pages of the studies, until Ctrl-C.

    They are optuna-dashboard, the MLflow UI and, where a study has event files, TensorBoard.
    """
    from ...errors import StudyError
    from ...studies.home import Home
    from ...studies.pages.ui import serve
    from ...studies.records.lookup import study_names
    from ...studies.records.reader import open_to_read
    from ...studies.store.storage import storage_to_read
    from ...studies.tracking.event_files import event_files
    from ...studies.tracking.mlflow.stores import choose_stores, newest_kept, tracked_studies
    from ...studies.tracking.mlflow_tracker import ship_pending
    from ..loop.interrupt import terminate_as_interrupt

    home, storage, named = Home.locate(options.home), options.storage, options.study
    url = storage_to_read(storage, home)
    stores = choose_stores(options.tracking_uri, home, newest_kept(home) if named is None else named, say)
    if stores is None:
        raise StudyError("hpo ui shows MLflow's pages, which --tracking-uri none leaves out; give a URI, or nothing")
    for name in tracked_studies(home):
        ship_pending(home, name, stores.tracking, say)  # the page shows what MLflow has: what waits is sent first
    # the one worked on last
    study = next(iter(study_names(open_to_read(storage, home))), None) if named is None else named
    files = None if study is None else event_files(home, study, say)
    ports = options.port, options.mlflow_port, files, options.tensorboard_port
    say("starting the pages ...")
    with (
        terminate_as_interrupt(),  # SIGTERM must end the servers, too
        serve(url, stores, home.artifacts, home.attachments, study, *ports) as (pages, servers),
    ):
        say(f"studies (optuna-dashboard): {pages.dashboard}")
        say(f"runs (MLflow):              {pages.mlflow}")
        if pages.tensorboard:
            say(f"curves (TensorBoard):       {pages.tensorboard}")
        say("Ctrl-C stops them")
        while True:
            time.sleep(1)  # seconds until a page that died is noticed
            for server in servers:
                server.check_alive()

"""`hpo ui`: the web pages of a home, started and stopped together."""

import time

from ..commands.ui.options import UiOptions
from .common import command, say


@command
def ui(options: UiOptions) -> None:
    """Start optuna-dashboard, the MLflow UI and, where a study has event files, TensorBoard, until Ctrl-C."""
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

    place, storage, named = Home.locate(options.home), options.storage, options.study
    url = storage_to_read(storage, place)
    stores = choose_stores(options.tracking_uri, place, newest_kept(place) if named is None else named, say)
    if stores is None:
        raise StudyError("hpo ui shows MLflow's pages, which --tracking-uri none leaves out; give a URI, or nothing")
    for name in tracked_studies(place):
        ship_pending(place, name, stores.tracking, say)
    shown = next(iter(study_names(open_to_read(storage, place))), None) if named is None else named
    files = None if shown is None else event_files(place, shown, say)
    ports = options.port, options.mlflow_port, files, options.tensorboard_port
    say("starting the pages ...")
    with (
        terminate_as_interrupt(),
        serve(url, stores, place.artifacts, place.attachments, shown, *ports) as (pages, servers),
    ):
        say(f"studies (optuna-dashboard): {pages.dashboard}")
        say(f"runs (MLflow):              {pages.mlflow}")
        if pages.tensorboard:
            say(f"curves (TensorBoard):       {pages.tensorboard}")
        say("Ctrl-C stops them")
        while True:
            time.sleep(1)
            for server in servers:
                server.check_alive()

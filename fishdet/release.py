"""Leave the model of a training published in its work dir, so that it is one file to use."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.logging import print_log

from fish_dataset.errors import FishDataError
from fish_dataset.files import replacing
from fishdet.checkpoint.publishing.model_papers import PublishOptions
from fishdet.checkpoint.publishing.publish import Publication, publish
from fishdet.checkpoint.training.saving import BEST, LAST, noted
from fishdet.errors import FishdetError
from fishdet.runner import FishRunner

FOLDER = "model"


def release_best(runner: FishRunner) -> Publication | None:
    """Publish the best checkpoint of a training, where the config asks for it, and return what.

    The config says ``publish = dict(half=True)``. The release takes the place of an earlier one in
    ``WORK_DIR/model``. A training that went well is not failed by its release: what goes wrong
    there is logged, with the command to repeat it.
    """
    settings = runner.cfg.get("publish")
    work_dir = Path(runner.work_dir)
    best = noted(work_dir, BEST) or noted(work_dir, LAST)
    if settings is None or best is None or not is_main_process():
        return None
    half = bool(settings.get("half", False))
    try:
        with replacing(work_dir / FOLDER) as folder:
            done = publish(PublishOptions(best, out=folder, half=half))
    except (FishdetError, FishDataError, OSError) as error:
        again = f"python tools/publish.py {best}" + " --half" * half
        print_log(f"The model was not published: {error}. Repeat it: {again}", "current", 30)
        return None
    return replace(done, file=work_dir / FOLDER / done.file.name)

"""What each of two processes does in ``test_two_processes.py``; prints one line of JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dist import collect_results, get_rank
from mmengine.model import BaseModel, MMDistributedDataParallel
from mmengine.optim import OptimWrapper

import fishdet.registered  # noqa: F401
from fish_dataset.coco import read_classes
from fishdet.errors import FishdetError
from fishdet.evaluation import FishMetric
from fishdet.evaluation.gather import ImageResult
from fishdet.hooks import records
from fishdet.hooks.finite_loss import FiniteLossHook
from fishdet.parallel import explaining_lost_process, require_agreement
from fishdet.processes import join_cpu_processes
from fishdet.training import TrainOptions, train

SEEN = {0: [1, 2, 3, 4], 1: [1, 2, 5, 6, 6]}  # uneven, one twice in a process, two in both


def message(action: Any) -> str:
    """Return the text of the error that an action ends with."""
    try:
        action()
    except FishdetError as error:
        return str(error)
    return "no error"


def disagree(rank: int) -> str:
    facts = {"code commit": f"c0ffee{rank}", "classes": ["eel", "salmon"][:: 1 - 2 * rank], "x": 1}
    return message(lambda: require_agreement(facts))


def one_nan(rank: int) -> str:
    """The loss of the second process alone is NaN."""
    updates: list[Any] = []
    runner = SimpleNamespace(
        iter=6, epoch=0, work_dir=".", save_checkpoint=lambda *a, **k: None,
        optim_wrapper=SimpleNamespace(update_params=updates.append),
    )  # fmt: skip
    hook = FiniteLossHook()
    hook.before_train(runner)
    sample = SimpleNamespace(img_path=f"picture_of_{rank}.jpg")
    hook.before_train_iter(runner, 0, {"data_samples": [sample]})
    loss = torch.tensor([1.0, float("nan")][rank])
    said = message(lambda: runner.optim_wrapper.update_params(loss))
    assert not updates, "no process may use a loss of this step"
    return said


def results_of(image_ids: list[int]) -> list[ImageResult]:
    box = np.array([[10.0, 10.0, 40.0, 30.0]], np.float32)
    return [ImageResult(i, box, np.ones(1, np.float32), np.zeros(1, np.int64)) for i in image_ids]


def evaluate(data: Path, image_ids: list[int]) -> dict[str, Any]:
    """Score some images; tell which were counted and which mmengine's gathering would leave."""
    metric = FishMetric(ann_file=data / "val.json", image_dir=data / "images")
    metric.dataset_meta = {"classes": read_classes(data / "val.json")}
    metric.results = results_of(image_ids)
    upstream = collect_results(list(metric.results), 6, "cpu", tmpdir=None)
    scores = metric.evaluate(6)
    counted = metric.evaluated[0].image_ids.tolist() if metric.evaluated else []
    kept = sorted({result.img_id for result in upstream or []})
    metric.results = results_of([99])
    return {"scores": scores, "counted": counted, "upstream": kept,
            "unknown": message(lambda: metric.evaluate(6))}  # fmt: skip


class Line(BaseModel):
    """The least model that mmengine's wrapper for several processes takes."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(3, 1)

    def forward(self, inputs: torch.Tensor, mode: str = "loss") -> torch.Tensor:
        return self.layer(inputs).square().mean()


def one_step(rank: int) -> dict[str, list[float]]:
    """A step of each process with its half of a batch, and one alone with all of it."""
    torch.manual_seed(0)
    both, alone = torch.randn(2, 3), Line()
    shared = Line()
    shared.load_state_dict(alone.state_dict())
    wrapped = MMDistributedDataParallel(module=shared)
    for model, inputs in ((wrapped, both[rank : rank + 1]), (alone, both)):
        wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
        wrapper.update_params(model(inputs))
    return {"shared": shared.layer.weight.flatten().tolist(),
            "alone": alone.layer.weight.flatten().tolist()}  # fmt: skip


def main(options: dict[str, Any]) -> None:
    join_cpu_processes("pytorch", timeout=20)
    rank, data = get_rank(), Path(options["data"])
    found = {"disagree": disagree(rank), "nan": one_nan(rank)}
    found |= evaluate(data, SEEN[rank])
    found["step"] = one_step(rank)
    found["losses"] = records.mean_losses({"loss": torch.tensor(2.0 * rank), f"of_{rank}": 3.0})
    print("FOUND " + json.dumps(found), flush=True)
    if rank == 1:
        return  # without a word: the other waits for it

    def wait() -> None:
        with explaining_lost_process(20):
            torch.distributed.barrier()

    print("LOST " + json.dumps(message(wait)), flush=True)


def learn(options: dict[str, Any]) -> None:
    Config.pretty_text = property(lambda config: "")
    records.plot_curves = lambda rows, work_dir: None
    torch.set_num_threads(1)
    options |= {key: Path(options[key]) for key in ("config", "data", "work_dir")}
    train(TrainOptions(**options, launcher="pytorch"))
    print("FOUND {}", flush=True)


if __name__ == "__main__":
    {"faults": main, "train": learn}[sys.argv[1]](json.loads(sys.argv[2]))

"""What to try, by where the time goes. Each line stands on a figure of the table."""

from __future__ import annotations

from collections.abc import Mapping

from .clock import Stage


def advice(
    stages: Mapping[str, Stage], *, training: bool, facts: Mapping[str, object]
) -> list[str]:
    """Return sentences on the stages that take much, the largest share first.

    Args:
        stages: what was counted, by name.
        training: of a training, or of a prediction.
        facts: ``precision``, ``device``, ``bf16`` (whether the CPU has it), ``shapes`` (how many
            picture sizes there were), ``light`` (whether the backbone is a small one), ``exported``
            (whether an export lies beside the model), ``threads`` and ``cores``.
    """
    whole = sum(stage.seconds for stage in stages.values())
    if whole <= 0:
        return []
    share = {name: stage.seconds / whole for name, stage in stages.items()}
    rules = [*_common(share, facts), *(_training(share) if training else _prediction(share, facts))]
    rules.sort(key=lambda rule: -rule[0])
    return [f"{words} ({part:.0%} of the time)" for part, words in rules]


Rule = tuple[float, str]


def _common(share: Mapping[str, float], facts: Mapping[str, object]) -> list[Rule]:
    dense = sum(share.get(name, 0) for name in ("backbone", "neck", "RPN"))
    rules: list[Rule] = []
    if dense > 0.5:
        rules.append((dense, "convolutions of backbone, neck and RPN: train at a smaller "
                      "--img-scale (their cost grows with the number of pixels), with the "
                      "128-wide neck of configs/fish.py"
                      + ("" if facts.get("light") else ", or a smaller backbone "
                         "(EfficientNet-Lite0)")))  # fmt: skip
    threads, cores = facts.get("threads"), facts.get("cores")
    if isinstance(threads, int) and isinstance(cores, int) and threads < cores:
        rules.append((dense, f"{threads} of {cores} cores compute: OMP_NUM_THREADS={cores}"))
    if facts.get("bf16") and facts.get("precision") == "fp32" and dense > 0.2:
        rules.append((dense, "this CPU has bf16 instructions: --precision bf16"))
    if facts.get("device") != "cpu" and facts.get("precision") == "fp32" and dense > 0.2:
        rules.append((dense, "on a GPU half precision: --precision fp16 (training: --amp)"))
    shapes = facts.get("shapes")
    if isinstance(shapes, int) and shapes > 8:
        rules.append((dense, f"{shapes} picture sizes: each new size builds kernels anew on a CPU; "
                      "one --img-scale, or pad_size_divisor of 64 or more"))  # fmt: skip
    return rules


def _prediction(share: Mapping[str, float], facts: Mapping[str, object]) -> list[Rule]:
    rules: list[Rule] = []
    dense = sum(share.get(name, 0) for name in ("backbone", "neck", "RPN"))
    if dense > 0.5 and facts.get("device") == "cpu" and not facts.get("exported"):
        rules.append((dense, "the same network in another runtime: tools/export.py --format "
                      "openvino (or onnx)"))  # fmt: skip
    if share.get("RoIAlign", 0) > 0.15:
        rules.append((share["RoIAlign"], "RoIAlign: fewer proposals (--proposals; "
                      "tools/analysis/proposals.py says what they cost)"))  # fmt: skip
    loading = share.get("load", 0) + share.get("transform", 0)
    if loading > 0.25:
        rules.append((loading, "reading and sizing pictures: smaller files, or an exported model "
                      "(tools/export.py), which sizes inside its graph"))  # fmt: skip
    if share.get("heads", 0) > 0.2:
        rules.append((share["heads"], "the heads: fewer proposals (--proposals; "
                      "tools/analysis/proposals.py says what they cost)"))  # fmt: skip
    if share.get("NMS", 0) > 0.15:
        rules.append((share["NMS"], "final NMS: a higher test_cfg.rcnn.score_thr keeps boxes out "
                      "that nobody looks at"))  # fmt: skip
    if share.get("proposals", 0) > 0.15:
        rules.append((share["proposals"], "proposals: a smaller test_cfg.rpn.nms_pre"))
    return rules


def _training(share: Mapping[str, float]) -> list[Rule]:
    rules: list[Rule] = []
    loading = sum(share.get(name, 0) for name in ("load", "transform", "collate"))
    if loading > 0.1:
        rules.append((loading, "loading, as it runs in this process: with train_dataloader."
                      "num_workers=2 it runs beside the network; smaller files"))  # fmt: skip
    if share.get("backward", 0) > 0.5:
        rules.append((share["backward"], "the backward pass: freeze what is pretrained "
                      "(backbone.frozen_stages, norm_eval)"))  # fmt: skip
    if share.get("optimiser", 0) > 0.1:
        rules.append((share["optimiser"], "the optimiser costs the same whatever the batch: a "
                      "larger batch_size, or fused=True"))  # fmt: skip
    if share.get("RoIAlign", 0) > 0.15:
        rules.append((share["RoIAlign"], "RoIAlign: fewer samples (train_cfg.rcnn.sampler.num), or "
                      "roi_layer.sampling_ratio=2 in place of 0"))  # fmt: skip
    targets = share.get("sampling", 0) + share.get("RPN loss", 0) + share.get("loss", 0)
    if targets > 0.2:
        rules.append((targets, "targets and losses: fewer samples (train_cfg.*.sampler.num)"))
    return rules

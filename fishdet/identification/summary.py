"""The numbers of ``study`` in lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .gallery import Fitted


def summary(report: Mapping[str, Any]) -> list[str]:
    """Return lines for the screen: values with their 95 % intervals in brackets."""
    lines = [
        f"known species: {report['crops']} crops of {report['species']} species",
        f"  top-1 {_with(report['top1'])}, top-5 {_with(report['top5'])}, "
        f"mean of species {_with(report['macro_top1'])}",
        f"  calibration error {_with(report['ece_before'])} before, "
        f"{_with(report['ece_after'])} after",
        "  right where so much is answered: "
        + ", ".join(f"{k} {_with(v)}" for k, v in report["accuracy_at_coverage"].items()),
        f"  mean share wrong over all shares answered (AURC): {_with(report['aurc'])}",
        *_distances(report),
        f"  answers: {_claims(report['claims'])}",
    ]
    if "open" in report:
        found = report["open"]
        on = found["thresholds_from"]
        lines += [
            f"unknown species: {found['unknown_crops']} crops",
            f"  AUROC {_with(found['auroc'])}, taken for known where 95 % of the known are kept: "
            f"{_with(found['false_claims_at_95_recall'])}",
            f"  threshold fitted for {found['rate']:.0%} on {on['strangers']} crops of "
            f"{on['stranger_species']} species ({on['how']}): "
            f"{_with(found['false_claims_at_fitted'])} of the unknown claimed,"
            f" {_with(found['known_kept_at_fitted'])} of the known kept",
            f"  answers: {_claims(found['claims'])}",
        ]
    if "few_photos" in report:
        few = report["few_photos"]
        lines += [
            f"newly enrolled from {few['shots']} photos each: {few['crops']} crops of "
            f"{few['species']} species, mean of {few['draws']} draws",
            f"  top-1 among them {_with(few['top1'])}, beside the known ones "
            f"{_with(few['top1_beside_known'])}",
        ]
    return lines


def told(fitted: Fitted) -> list[str]:
    """Return what thresholds were fitted on, and whether their rate is promised."""
    on, rate = fitted.on, fitted.false_claims
    lines = [
        f"at most {rate:.0%} wrong claims on {on['strangers']} crops of {on['stranger_species']} "
        f"species ({on['how']})"
    ]
    if on["left_out"] is not None:
        lines.append(
            f"each of them left out of the fit in turn: {on['left_out']['mean']:.1%} claimed on "
            f"the mean, {on['left_out']['worst']:.0%} of the worst species"
        )
    if not on["promised"]:
        need = int(np.ceil(1 / rate - 1e-9)) - 1
        lines.append(
            f"note: {rate:.0%} is no promise for new species: that needs fish of {need} species "
            "or more that the network was not taught; name a data set of such in --strangers"
        )
    return lines


def _distances(report: Mapping[str, Any]) -> list[str]:
    taxa = report["taxonomy"]
    wrong = sum(count for name, count in taxa["levels"].items() if name != "species")
    lines = []
    if wrong:
        within = {k: v for k, v in report["errors_within"].items() if v is not None}
        told = ", ".join(f"{value:.2f} in the right {level}" for level, value in within.items())
        lines.append(
            f"  {wrong} wrong names: {told}; mean distance of a wrong name (genus 1 … nothing in "
            f"common 6) {_with(taxa['mistake_severity'])}, of all names "
            f"{_with(taxa['hierarchical_distance'])}"
        )
    if taxa["left_out"]:
        lines.append(f"  {taxa['left_out']} fish of species that the catalogue has not, left out")
    return lines


def _claims(found: Mapping[str, Mapping[str, float]]) -> str:
    return ", ".join(
        f"{one['fish']} of a {rank} ({one['right']:.3f} right)" if rank != "fish"
        else f"{one['fish']} just \"fish\""
        for rank, one in found.items()
    )  # fmt: skip


def _with(value: Mapping[str, float]) -> str:
    return f"{value['value']:.3f} [{value['low']:.3f}, {value['high']:.3f}]"

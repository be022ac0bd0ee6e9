"""Benchmarks: detectors × data sets × seeds, started by one command (docs/benchmarks.md).

Everything stands in files below one folder, so that a benchmark that was killed goes on::

    OUT/runs/DATA__MODEL__seedN/   run.json what was asked, record.json what came of it,
                                   predictions.json COCO results, log.txt, work/ of the training
    OUT/truth/SHA.json             the annotation files that results are scored against
    OUT/estimates/                 measured training steps
    OUT/tables/                    what ``compare`` writes
"""

"""Very many pictures: addresses in, Parquet out, on the workers of a machine or a cluster.

``addresses`` (what is asked for) → ``work`` (a chunk of pictures to rows) → ``parts`` (files);
``ray_engine`` gives chunks to workers, ``run`` ties them together.
"""

from __future__ import annotations

"""The nearest species in a gallery: exact matrix product against faiss's exact index.

    python benchmarks/gallery_search.py            # 1,000 species of 100 photos
    pip install faiss-cpu                          # for the comparison; fishdet does not need it

Ours gives each query's likeness to every species, for which all its photos count; faiss finds the
300 nearest photos, of which species would still have to be made.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np

from fishdet.identification.likeness import blocks_of, likeness


def random_points(rng: np.random.Generator, count: int, width: int) -> np.ndarray:
    """Return unit vectors float32 (count, width)."""
    points = rng.normal(size=(count, width)).astype(np.float32)
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def median_ms(run: Callable[[], object], repeats: int) -> float:
    """Return the median time of a call in milliseconds, after one to warm up."""
    run()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        run()
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times)


def main() -> None:
    """Print milliseconds a batch of queries."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--species", type=int, default=1000)
    parser.add_argument("--photos", type=int, default=100)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    gallery = random_points(rng, options.species * options.photos, options.width)
    blocks = blocks_of(gallery, np.repeat(np.arange(options.species), options.photos))
    try:
        import faiss
    except ImportError:
        faiss = None
        print("faiss is not installed; only the matrix product is timed")
    index = None
    if faiss is not None:
        index = faiss.IndexFlatIP(options.width)
        index.add(gallery)
    for batch in (1, 10, 100):
        queries = random_points(rng, batch, options.width)
        product = median_ms(lambda q=queries: q @ gallery.T, options.repeats)
        ours = median_ms(lambda q=queries: likeness(q, blocks), options.repeats)
        line = f"{batch:>4} queries: product {product:.1f} ms, likeness to species {ours:.1f} ms"
        if index is not None:
            found = median_ms(lambda q=queries: index.search(q, 300), options.repeats)
            line += f", faiss IndexFlatIP, 300 nearest {found:.1f} ms"
        print(line)


if __name__ == "__main__":
    main()

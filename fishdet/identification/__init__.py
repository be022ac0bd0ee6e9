"""From a fish to its species: embeddings of crops, a gallery of known species, honest doubt.

Importing the package is cheap; ``fishdet.identification.registered`` registers the network.
"""

from __future__ import annotations

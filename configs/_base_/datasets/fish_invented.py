"""Drawn species that do not exist: which are held out, to be met later as new ones.

Ten of the twenty-eight, and forty of 264 further ones (``doubt``), on which thresholds are fitted.
"""

builtin_data = dict(
    root="data/fish_invented_further", cast="invented", train=400, val=200, size=256, further=1200,
    pairs=132,
)  # fmt: skip
held_out = (
    "lined copperfin", "plain copperfin", "masked moonplate", "tailspot moonplate",
    "striped glasslance", "dotted glasslance", "yellowtail slatehump", "ringed slatehump",
    "blacktail sand sail", "ribboned sand sail",
)  # fmt: skip
doubt = tuple(f"{one} further {n:03d}" for n in range(113, 133) for one in ("first", "second"))

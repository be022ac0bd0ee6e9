"""RTMDet-tiny by the recipe of minutes, from random weights where there is no internet."""

_base_ = ["../_base_/models/rtmdet_tiny.py", "../_base_/recipes/minutes.py"]

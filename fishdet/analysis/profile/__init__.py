"""Where the time and the memory of a detector go, by stage of the pipeline.

``clock`` counts, ``stages`` says which methods of a detector belong to which stage, ``prediction``
and ``training`` run one, ``advice`` says what to try, ``run`` stands behind
``tools/analysis/profile.py``.
"""

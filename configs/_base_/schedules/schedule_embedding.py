"""A schedule of minutes for an embedding: AdamW, one cosine, weights averaged as it goes.

The projection starts from the linear discriminant of the crops (``DiscriminantStart``), which large
steps would forget; the backbone moves at a third of its rate. The average (EMA)
reaches back about a hundred iterations; it is what is evaluated and saved.
"""

_base_ = "./schedule_adamw_1x.py"

max_epochs = 10
auto_epochs = dict(iterations=400)
train_cfg = dict(max_epochs=max_epochs)

param_scheduler = [
    dict(type="LinearLR", start_factor=0.05, by_epoch=False, begin=0, end=30),
    {**_base_.param_scheduler[1], "end": max_epochs, "T_max": max_epochs},
]
optim_wrapper = dict(optimizer=dict(lr=5e-4))
auto_scale_lr = dict(base_batch_size=32)

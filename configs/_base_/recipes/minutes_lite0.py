"""As ``minutes.py`` with a pretrained backbone, which moves at a third of the rate of the rest."""

_base_ = "./minutes.py"

optim_wrapper = dict(paramwise_cfg=dict(custom_keys={"backbone": dict(lr_mult=0.333)}))

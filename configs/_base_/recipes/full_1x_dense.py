"""As ``full_1x.py`` at half its learning rate, gradients cut at 35: for dense heads."""

_base_ = "./full_1x.py"

optim_wrapper = dict(optimizer=dict(lr=0.01), clip_grad=dict(max_norm=35, norm_type=2))

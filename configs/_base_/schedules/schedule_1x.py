"""mmdet's 1x schedule with the loop that resumes inside an epoch; SGD in one pass over weights."""

_base_ = "mmdet::_base_/schedules/schedule_1x.py"

train_cfg = dict(type="ResumableTrainLoop")
optim_wrapper = dict(optimizer=dict(type="DenseSGD"))

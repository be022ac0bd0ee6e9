"""mmdet's 1x schedule with the loop that resumes inside an epoch."""

_base_ = "mmdet::_base_/schedules/schedule_1x.py"

train_cfg = dict(type="ResumableTrainLoop")

"""mmdet's 2x schedule with the loop that resumes inside an epoch."""

_base_ = "mmdet::_base_/schedules/schedule_2x.py"

train_cfg = dict(type="ResumableTrainLoop")

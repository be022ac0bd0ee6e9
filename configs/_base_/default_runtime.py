"""Runtime of every config: hooks, records, seeds; see docs/architecture.md."""

custom_imports = dict(imports=["fishdet.registered"], allow_failed_imports=False)
default_scope = "mmdet"

default_hooks = dict(
    timer=dict(type="IterTimerHook"),
    logger=dict(type="LoggerHook", interval=20),
    param_scheduler=dict(type="ParamSchedulerHook"),
    checkpoint=dict(
        type="FishCheckpointHook",
        interval=1,
        max_keep_ckpts=2,
        max_keep_best=1,
        save_best="coco/bbox_mAP",
        rule="greater",
    ),
    sampler_seed=dict(type="DistSamplerSeedHook"),
    visualization=dict(type="DetVisualizationHook"),
)
custom_hooks = [
    dict(type="ConvolutionsHook"),
    dict(type="ExactResumeHook"),
    dict(type="FiniteLossHook"),
    dict(type="ShapeWatchHook"),
    dict(type="RecordsHook"),
    dict(type="ThroughputHook"),
    dict(type="GracefulStopHook"),
]

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method="fork", opencv_num_threads=0),
    dist_cfg=dict(backend="nccl", timeout=300),  # seconds a process waits for another
)
vis_backends = [dict(type="LocalVisBackend")]
visualizer = dict(type="DetLocalVisualizer", vis_backends=vis_backends, name="visualizer")
log_processor = dict(type="LogProcessor", window_size=20, by_epoch=True)
log_level = "INFO"
load_from = None
resume = False
randomness = dict(seed=0)
precision = "auto"

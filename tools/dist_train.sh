#!/usr/bin/env bash
# Train in several processes:   tools/dist_train.sh CONFIG N [options of tools/train.py]
#
#   tools/dist_train.sh configs/fish.py 2 --data my/fish --auto-scale-lr
#
# N is the number of processes on this machine: one a GPU (nccl), or on a machine without one a few
# that share its cores (gloo). Several machines: the same command on each, with
#   NNODES=4 MASTER_ADDR=first.machine [PORT=29500] [RUN_ID=name] tools/dist_train.sh CONFIG N …
# NNODES=2:4 lets training go on with as few as two. They wait MEET seconds for one another (300).
# After a crash it starts anew from the newest checkpoint, MAX_RESTARTS times (0). GRACE is how long
# a stop may take, in seconds (30). PYTHON is the interpreter (the environment's, else .venv's).
set -euo pipefail

usage() { sed -n '2,11p' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//'; }

if [[ $# -lt 2 || ! ${2:-} =~ ^[1-9][0-9]*$ ]]; then
    usage >&2
    [[ ${1:-} == -h || ${1:-} == --help ]] && exit 0
    echo "error: give a config and a number of processes: tools/dist_train.sh CONFIG N" >&2
    exit 2
fi
config=$1 processes=$2
shift 2

if [[ ! -f $config ]]; then
    echo "error: config $config: no such file; the configs of this project are in configs/" >&2
    exit 2
fi

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
python="${PYTHON:-python}"
if [[ -z ${PYTHON:-}${VIRTUAL_ENV:-}${CONDA_PREFIX:-} && -x $root/.venv/bin/python ]]; then
    python="$root/.venv/bin/python"
fi
nodes="${NNODES:-1}"
if [[ $nodes == 1 ]]; then
    meeting=(--standalone)
else
    if [[ -z ${MASTER_ADDR:-} ]]; then
        echo "error: NNODES=$nodes: name the first machine in MASTER_ADDR" >&2
        exit 2
    fi
    meeting=(--rdzv-backend c10d --rdzv-endpoint "$MASTER_ADDR:${PORT:-29500}"
             --rdzv-id "${RUN_ID:-fishdet}" --rdzv-conf "join_timeout=${MEET:-300}")
fi

# torch sets one thread a process, with a warning, unless told otherwise
if [[ -z "${OMP_NUM_THREADS:-}" ]]; then
    cores="$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)"
    export OMP_NUM_THREADS=$(( cores / processes > 0 ? cores / processes : 1 ))
fi

# A store a start: with one for all, a process that is started anew may read where its neighbour of
# before listened, and be refused (https://github.com/pytorch/pytorch/issues/167288, 2026-11-28).
export TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1

# fishdet.launch is torchrun whose failures end in a line
exec "$python" -m fishdet.launch --nnodes "$nodes" --nproc-per-node "$processes" \
    "${meeting[@]}" --max-restarts "${MAX_RESTARTS:-0}" --shutdown-timeout "${GRACE:-30}" \
    "$root/tools/train.py" "$config" --launcher pytorch "$@"

#!/usr/bin/env bash
# Train under SLURM:   sbatch [its options] tools/slurm_train.sh CONFIG [options of tools/train.py]
#
#   sbatch --nodes 2 --gpus-per-node 4 tools/slurm_train.sh configs/fish.py --data /scratch/fish
#   sbatch --array 0-4 --gpus-per-node 1 tools/slurm_train.sh configs/fish.py --data /scratch/fish
#
# An array trains one run a task, with the task's number as its seed, in work_dirs/CONFIG/seed_N.
# A job that is pre-empted or comes near its time limit saves a checkpoint, is put back into the
# queue and goes on from there. Run it from the checkout, as its copy in SLURM's spool has no tools.
#SBATCH --job-name=fishdet
#SBATCH --ntasks-per-node=1
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=B:TERM@180
#SBATCH --output=work_dirs/slurm-%x-%A_%a.log
set -euo pipefail

if [[ $# -lt 1 || $1 == -h || $1 == --help ]]; then
    sed -n '2,9p' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//' >&2
    exit 2
fi
config=$1
shift
root="${SLURM_SUBMIT_DIR:-}"
if [[ -z $root ]]; then
    echo "error: start this with sbatch, from the checkout" >&2
    exit 2
fi
if [[ ! -f $root/tools/train.py ]]; then
    echo "error: $root holds no tools/train.py: call sbatch in the checkout" >&2
    exit 2
fi
options=("$@")
if [[ -n ${SLURM_ARRAY_TASK_ID:-} ]]; then
    name="$(basename "$config" .py)"
    options+=(--seed "$SLURM_ARRAY_TASK_ID" --work-dir "work_dirs/$name/seed_$SLURM_ARRAY_TASK_ID")
fi

if [[ -z ${PROCESSES:-} ]]; then # one a GPU
    PROCESSES="${SLURM_GPUS_ON_NODE:-1}"
fi
export NNODES="${SLURM_JOB_NUM_NODES:-1}" RUN_ID="$SLURM_JOB_ID" GRACE="${GRACE:-150}"
if [[ $NNODES != 1 ]]; then
    MASTER_ADDR="$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)"
    export MASTER_ADDR PORT="${PORT:-$(( 20000 + SLURM_JOB_ID % 20000 ))}"
fi

# SLURM_RESTART_COUNT, which SLURM counts, makes tools/train.py go on from its newest checkpoint
stopped=0
step=
asked=0
ask_to_stop() { # once: a second signal would not let it save
    if [[ -n $step && $asked == 0 ]]; then
        asked=1
        kill -TERM "$step" 2>/dev/null || true
    fi
}
trap 'stopped=1; ask_to_stop' TERM
srun --kill-on-bad-exit=1 bash "$root/tools/dist_train.sh" "$config" "$PROCESSES" "${options[@]}" &
step=$!
if (( stopped )); then ask_to_stop; fi # the signal came before the number of the process was known
status=0
wait "$step" || status=$?
if (( stopped )); then
    wait "$step" || true # the first wait ended with the signal, the training has yet to save
    echo "stopped by SLURM: back into the queue"
    scontrol requeue "$SLURM_JOB_ID" # each task of an array has a number of its own too
    exit 0
fi
exit "$status"

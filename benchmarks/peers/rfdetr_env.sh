#!/bin/sh
# An environment of its own for rfdetr (Apache-2.0), which wants other versions than MMDetection:
#   sh benchmarks/peers/rfdetr_env.sh DIR && DIR/bin/python benchmarks/peers/rfdetr_train.py DATA --out OUT
# Training has an extra of its own: https://rfdetr.roboflow.com/latest/learn/train/ (2026-11-25).
set -eu
[ $# -ge 1 ] || { echo "usage: sh rfdetr_env.sh DIR [VERSION]" >&2; exit 2; }
python3 -m venv "$1"
"$1/bin/python" -m pip install --upgrade pip
"$1/bin/python" -m pip install "rfdetr[train]${2:+==$2}"
"$1/bin/python" -c "import rfdetr; from importlib.metadata import version; print('rfdetr', version('rfdetr'))"

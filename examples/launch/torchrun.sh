#!/bin/bash
# Pre-training by torchrun. Run it on each of NODES machines at about the same time:
#   HEAD=node-0 NODES=2 PROCESSES=4 PHOTOS=/data/photos OUT=/data/runs/mine CONFIG=/data/run.yaml examples/launch/torchrun.sh
# HEAD is the name of one of them, by which the others reach it. All need the same PHOTOS and OUT.
set -euo pipefail

: "${SALMASK:=$(cd "$(dirname "$0")/../.." && pwd)}"

exec torchrun --nnodes "${NODES:-1}" --nproc_per_node "${PROCESSES:-1}" --max_restarts "${RESTARTS:-3}" \
  --rdzv_backend c10d --rdzv_endpoint "${HEAD:-localhost}:29400" --rdzv_id "${JOB:-salmask}" \
  --no_python node "$SALMASK/packages/salmask/bin/salmask.js" pretrain "$PHOTOS" \
  --out "$OUT" --config "$CONFIG" --rank-timeout 10m

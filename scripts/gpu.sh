#!/usr/bin/env bash
# Builds, tests and measures on a machine with a GPU, CUDA, g++ and a Python with torch and torchvision, but without
# Node and without a network.
#
#   scripts/gpu.sh pack        here, after npm run setup: Node and the packages that are needed, into build/gpu-kit.tar.xz
#   scripts/gpu.sh run [JSON]  there, in a copy of this folder with that file; with JSON, writes the rows too
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
kit=build/gpu-kit.tar.xz

case "${1-}" in
pack)
  mkdir -p build
  # Excluded: linters, readers of ONNX files, duplicates, and files for other systems.
  tar --create --file "$kit" --use-compress-program "xz --threads=0" \
    --exclude=node_modules/{.cache,@biomejs,onnxruntime-node,onnxruntime-common,esbuild/bin} \
    --exclude=node_modules/lightningcss-* --exclude=*/prebuilds/*{win32,darwin,musl,arm,android,ios}* \
    --transform 's#^node$#build/bin/node#' \
    --directory="$(dirname "$(readlink -f "$(command -v node)")")" node --directory="$PWD" node_modules
  ls -lh "$kit"
  ;;
run)
  [ -e "$kit" ] || { echo "expected $kit in $PWD; make it where there is Node: scripts/gpu.sh pack" >&2; exit 1; }
  nvidia-smi --query-gpu=name,driver_version --format=csv,noheader
  tar --extract --file "$kit"
  export PATH="$PWD/build/bin:$PWD/node_modules/.bin:$PATH"
  node packages/torch/scripts/build.mjs
  tsc -b packages/torch
  vitest run packages/torch packages/salmask/test/compute packages/salmask/test/tasks/pretrain
  tsx bench/main.ts gpu ${2:+--json "$2"}
  ;;
*)
  sed -n '2,7s/^# \{0,1\}//p' "$0"
  exit 2
  ;;
esac

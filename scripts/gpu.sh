#!/usr/bin/env bash
# Builds, tests, measures and runs experiments on a machine with a GPU, CUDA, g++ and a Python with torch and
# torchvision, but without Node and without a network.
#
#   scripts/gpu.sh pack                  here, after npm run setup: Node, packages and compiled files, into build/gpu-kit.tar.xz
#   scripts/gpu.sh build                 there, in a copy of this folder with that file: unpacks it and builds the addon
#   scripts/gpu.sh test [OPTION...]      there: the engine's tests, and those of pretraining
#   scripts/gpu.sh speed [OPTION...]     there: npm run bench -- gpu with those options
#   scripts/gpu.sh experiment OUT SECONDS JOBS FILE [OPTION...]
#                                        there: runs an experiment for at most so long, JOBS runs at once, and writes its result and
#                                        its runs without their checkpoints to OUT/NAME.tar.gz; goes on from build/gpu-runs/NAME
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
kit=build/gpu-kit.tar.xz
export PATH="$PWD/build/bin:$PWD/node_modules/.bin:$PATH"

case "${1-}" in
pack)
  icons=build/gpu-icons
  node scripts/gpu-icons.mjs "$icons"
  # Excluded: linters, readers of ONNX files, what checks pages, packages and documents, duplicates, files for other systems, and
  # all icons that no picture has.
  tar --create --file "$kit" --use-compress-program "xz --threads=0" \
    --exclude=node_modules/{.cache,@biomejs,onnxruntime-node,onnxruntime-web,onnxruntime-common,esbuild/bin} \
    --exclude=node_modules/{@arethetypeswrong,@huggingface,@shikijs,playwright-core,axe-core,typedoc} \
    --exclude=node_modules/lightningcss-* --exclude=*/prebuilds/*{win32,darwin,musl,arm,android,ios}* \
    --exclude=node_modules/@iconify-json/*/{icons,chars,metadata,info}.json \
    --transform 's#^node$#build/bin/node#' --transform "s#^$icons/\\(.*\\)\\.json#node_modules/@iconify-json/\\1/icons.json#" \
    --directory="$(dirname "$(readlink -f "$(command -v node)")")" node \
    --directory="$PWD" node_modules packages/{torch,salmask}/dist "$icons"
  rm -r "$icons"
  ls -lh "$kit"
  ;;
build)
  [ -e "$kit" ] || { echo "expected $kit in $PWD; make it where there is Node: scripts/gpu.sh pack" >&2; exit 1; }
  nvidia-smi --query-gpu=name,driver_version --format=csv,noheader
  tar --extract --file "$kit"
  node packages/torch/scripts/build.mjs
  ;;
test)
  vitest run packages/torch packages/salmask/test/compute packages/salmask/test/tasks/pretrain "${@:2}"
  ;;
speed)
  tsx bench/main.ts gpu "${@:2}"
  ;;
experiment)
  [ $# -ge 5 ] || { echo "expected OUT SECONDS JOBS FILE, got ${*:2}" >&2; exit 2; }
  out=$2 seconds=$3 jobs=$4 file=$5
  name=$(basename "$file" .yaml)
  status=0
  mkdir -p "$out"
  timeout --signal=INT --kill-after=20 "$seconds" node packages/salmask/bin/salmask.js experiment "$file" \
    --out "build/gpu-runs/$name" --jobs "$jobs" "${@:6}" || status=$?
  tar --create --gzip --file "$out/$name.tar.gz" --exclude=checkpoints --exclude=embedded --exclude=*.safetensors \
    --directory=build/gpu-runs "$name"
  exit "$status"
  ;;
*)
  sed -n '2,14s/^# \{0,1\}//p' "$0"
  exit 2
  ;;
esac

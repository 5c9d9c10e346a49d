#!/usr/bin/env bash
# Builds, tests, measures and runs experiments on a machine with a GPU, CUDA, g++ and a Python with torch and
# torchvision, but without Node and without a network.
#
#   scripts/gpu.sh pack [tests]          here, after npm run setup: Node, packages, compiled files and Imagenette at 96 px, if
#                                        ../shared/data has it, into build/gpu-kit.tar.xz; with tests, what runs them in place of photos
#   scripts/gpu.sh build                 there, in a copy of this folder with that file: unpacks it and builds the addon
#   scripts/gpu.sh test [OPTION...]      there, with tests in the kit: the engine's tests, and those of pretraining
#   scripts/gpu.sh speed [OPTION...]     there: npm run bench -- gpu with those options
#   scripts/gpu.sh experiment OUT SECONDS JOBS FILE [OPTION...]
#                                        there: runs an experiment for at most so long, JOBS runs at once, and writes its result and
#                                        its runs without their checkpoints to OUT/NAME.tar.gz; goes on from build/gpu-runs/NAME
#   scripts/gpu.sh evidence MINUTES [--scale NAME] [--from ARCHIVE]... [OPTION...]
#                                        there: runs experiments/evidence/NAME.yaml (default: gpu) for at most so long, with options of
#                                        salmask experiment such as --jobs. Writes to the folder OUT, a variable (default: build),
#                                        evidence-NAME.tar.gz: all results, and evidence-NAME-cut.tar: what runs without a result go on
#                                        from. Goes on from build/gpu-runs, and from such archives of earlier calls
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
kit=build/gpu-kit.tar.xz
export PATH="$PWD/build/bin:$PWD/node_modules/.bin:$PATH"

# What a machine with a GPU needs of node_modules: what the packages import, what runs TypeScript, and the given packages.
needed() {
  local query='.workspace *' name
  for name in tsx "$@"; do query+=", #$name, #$name *"; done
  npm query "$query" |
    node -e 'for (const { location } of JSON.parse(require("node:fs").readFileSync(0, "utf8"))) console.log(location)' |
    grep '^node_modules/' | grep -Ev '/node_modules/|^node_modules/(onnxruntime-|lightningcss-|@types/|node-addon-api$)' | sort -u
  printf 'node_modules/%s\n' .bin salmask @salmask
}

case "${1-}" in
pack)
  parts=build/gpu-parts
  icons=$parts/icons
  photos=build/gpu-photos
  archive=../shared/data/imagenette-128.tar.gz
  packages=() content=(packages/{torch,salmask}/dist "$icons" "$parts/node")
  if [ "${2-}" = tests ]; then
    packages=(vitest fast-check hyparquet)
  elif [ -e "$photos" ] || [ -e "$archive" ]; then
    [ -e "$photos" ] || node scripts/gpu-photos.mjs "$archive" "$photos"
    content+=("$photos")
  else
    echo "NO PHOTOS in the kit, and so no evidence from it: expected $archive beside this folder, got nothing there" >&2
  fi
  rm -rf "$parts" && mkdir -p "$parts"
  node scripts/gpu-icons.mjs "$icons"
  strip -o "$parts/node" "$(readlink -f "$(command -v node)")"
  # Excluded: files for other systems, for editors and readers, sources beside what was made of them, and all icons that no picture has.
  needed "${packages[@]}" | tar --create --file "$kit.part" \
    --use-compress-program "xz --threads=1 --x86 --lzma2=preset=9,dict=128MiB" \
    --exclude=axios/dist/{browser,esm} --exclude=*/prebuilds/*{win32,darwin,musl,arm,android,ios}* --exclude=esbuild/bin --exclude=zod/src \
    --exclude=*.map --exclude=*.d.{ts,mts,cts} --exclude=*.md --exclude=*.tsbuildinfo \
    --exclude=node_modules/@iconify-json/*/{icons,chars,metadata,info}.json \
    --transform "s#^$parts/node\$#build/bin/node#" \
    --transform "s#^$icons/\\(.*\\)\\.json#node_modules/@iconify-json/\\1/icons.json#" \
    --files-from=- "${content[@]}"
  mv "$kit.part" "$kit"
  rm -r "$parts"
  bytes=$(stat --format=%s "$kit")
  tree=$(git ls-files -z | xargs -0 cat | wc -c)
  echo "$kit: $((bytes / 1000000)) MB; with the tree $(((bytes + tree) / 1000000)) MB"
  ;;
build)
  [ -e "$kit" ] || { echo "expected $kit in $PWD; make it where there is Node: scripts/gpu.sh pack" >&2; exit 1; }
  nvidia-smi --query-gpu=name,driver_version --format=csv,noheader || echo "no GPU: everything will be computed on the CPU" >&2
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
evidence)
  [ $# -ge 2 ] || { echo "expected MINUTES, got nothing" >&2; exit 2; }
  minutes=$2
  out=${OUT:-build}
  scale=gpu
  shift 2
  mkdir -p "$out" build/gpu-runs
  while [ "${1-}" = --from ] || [ "${1-}" = --scale ]; do
    [ $# -ge 2 ] || { echo "expected a value of $1, got nothing" >&2; exit 2; }
    if [ "$1" = --scale ]; then scale=$2; else tar --extract --skip-old-files --file "$2" --directory build/gpu-runs; fi
    shift 2
  done
  name=evidence-$scale
  runs=build/gpu-runs/$name
  status=0
  node packages/salmask/bin/salmask.js experiment "experiments/evidence/$scale.yaml" --out "$runs" \
    --stop-after "${minutes}m" "$@" || status=$?
  tar --create --gzip --file "$out/$name.tar.gz" --exclude=checkpoints --exclude=embedded --exclude=*.safetensors \
    --exclude=*.{png,jpg} --directory=build/gpu-runs "$name"
  # A run that has no score yet goes on from its newest checkpoint, with the encoders that it has kept of earlier epochs.
  find "$runs" -type d -name checkpoints -printf '%h\n' | sort | while read -r run; do
    [ -e "$run/probes.json" ] && continue
    find "$run/checkpoints" -name 'step-*.safetensors' | sort | tail -n 1
    find "$run" -path '*/encoders/*.safetensors'
  done | sed 's#^build/gpu-runs/##' | tar --create --file "$out/$name-cut.tar" --directory=build/gpu-runs --files-from=-
  ls -l "$out/$name"{.tar.gz,-cut.tar} >&2
  exit "$status"
  ;;
*)
  sed -n '2,17s/^# \{0,1\}//p' "$0"
  exit 2
  ;;
esac

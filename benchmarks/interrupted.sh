#!/usr/bin/env bash
# Embed a text whole, and once more with kill -9 at three moments and --resume after each; compare the bytes.
#
#     bash benchmarks/interrupted.sh MODEL TEXT [FORMAT ...]
set -uo pipefail
model=$(realpath "$1") text=$(realpath "$2")
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
embed=(python -m elmo embed "$model" "$text" --part-tokens 16384)

for kind in "${@:-npy}"; do
  "${embed[@]}" -o "whole.$kind" > whole.log 2>&1 || exit 1
  again=()
  for seconds in 7 9 11; do
    "${embed[@]}" -o "broken.$kind" "${again[@]}" > broken.log 2>&1 &
    process=$!
    sleep "$seconds"
    kill -9 "$process" && echo "$kind: killed after $seconds s"
    wait "$process" 2> /dev/null
    again=(--resume)
  done
  "${embed[@]}" -o "broken.$kind" --resume --json 2> broken.log |
    python -c 'import json, sys; r = json.load(sys.stdin); print("resumed:", r["resumed"], "of", r["parts"], "parts")'
  diff -r "whole.$kind" "broken.$kind" && echo "$kind: the same bytes"
  for made in whole broken; do
    find "$made.$kind" -type f | sort | xargs cat | sha256sum
  done
done

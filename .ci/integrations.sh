#!/usr/bin/env bash
# ELMo inside spaCy, sentence-transformers and Flair: an environment for each, whose pins clash, and its tests.
#
#     .ci/integrations.sh [spacy | sentence-transformers | flair]…     all three by default
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=${PYTHON:-python3}
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PYTHONUNBUFFERED=1 KERAS_BACKEND=jax
export MPLBACKEND=agg TF_CPP_MIN_LOG_LEVEL=3
torch=${TORCH:-torch==2.13.0} # the processor's build, where an index has one

# pip warns about every index location that it does not find; nothing is wrong then.
install() {
  "$work/$1/bin/python" -m pip install -q "${@:2}" 2> >(grep -v '^WARNING: Location .* is ignored' >&2 || true)
}

[ $# -gt 0 ] || set -- spacy sentence-transformers flair
for name in "$@"; do
  printf '\n== %s (after %d s)\n' "$name" "$SECONDS"
  module=${name//-/_}
  source=src/elmo/integrations/$module
  [ -d "$source" ] || source=$source.py
  "$python" -m venv "$work/$name"
  [ "$name" = spacy ] || install "$name" "$torch"
  install "$name" -e ".[$name]" "pytest>=8" "pytest-xdist>=3.6" "hypothesis>=6.108" "syntok>=1.4"
  mapfile -t files < <(find "$source" -name "*.py" ! -name __init__.py | sort) # named, for their doctests
  "$work/$name/bin/python" -m pytest -q -n 0 "tests/integrations/test_$module.py" "${files[@]}" \
    src/elmo/integrations/packed_model.py
done

#!/usr/bin/env bash
# Writes into the truth of a capture what its scenarios now say must find them; nothing is captured again.
#
#     corpus/capture/expected.sh SET
set -euo pipefail
cd "$(dirname "$0")"

source ./common.sh
source "./${1:?name of a set}.sh"
for name in "${names[@]}"; do printf '%s\t%s\t%s\n' "$name" "${about[$name]}" "${expected[$name]}"; done |
  python3 truth.py --expect "../auditd/$1.truth.json"

#!/usr/bin/env bash
# Runs the planted pattern over a log of benches/data and compares with its truth file.
#   benches/truth.sh LOG TRUTH [CATENA]
set -euo pipefail
log=$1 truth=$2 catena=${3:-target/release/catena}

names='process.name like ("bash", "dash", "sh", "tcsh", "csh", "zsh", "ksh", "fish", "perl", "python*", "nc", "ncat",
  "netcat", "php*", "ruby", "openssl", "awk", "telnet", "lua*", "socat")'
query() { # kind, condition on the connect
  echo "$1 by host.id, process.pid, process.parent.pid
    [process where event.action == \"executed\" and $names]
    [process where auditd.data.syscall == \"socket\" and auditd.data.a1 == \"2\" and $names]
    [network where event.action == \"connected-to\" and network.direction == \"egress\" and $2
      not cidrMatch(destination.ip, \"127.0.0.0/8\", \"169.254.0.0/16\", \"224.0.0.0/4\", \"::1\") and
      destination.ip != null and $names]"
}
wrong=0
check() { # name in the truth file, query
  expected=$(grep -o "\"$1\": [0-9]*" "$truth" | grep -o '[0-9]*$')
  found=$("$catena" query "$2" "$log" -q --format ndjson | wc -l)
  echo "$1: expected $expected, found $found"
  [ "$expected" = "$found" ] || wrong=1
}
ok='event.outcome == "success" and'
check sequence_outcome_success "$(query sequence "$ok")"
check sequence_any_outcome "$(query sequence '')"
check sample_outcome_success "$(query sample "$ok")"
check sample_any_outcome "$(query sample '')"
exit $wrong

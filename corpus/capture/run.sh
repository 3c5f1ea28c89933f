#!/usr/bin/env bash
# Captures a set of scenarios from the living kernel: corpus/auditd/SET.log.gz and SET.truth.json.
#
#     sudo corpus/capture/run.sh SET [path of the catena binary] [scenario...]
#
# SET names corpus/capture/SET.sh, whose functions are the scenarios. Each is run by a root shell of its own with
# login uid 4242, which is all that corpus/capture/audit.rules asks for; between two messages of auditctl, so
# that its serial numbers are known. With a catena binary the rules of this checkout are run over the capture and
# compared with what each scenario says must find it. With names of scenarios only these are run, and
# nothing is written into corpus/auditd, nor with AUDIT=needs: then no other audit rules are loaded than those that
# `catena needs` prints for the rules of this checkout, confined to the same login uid, so that it is seen whether
# they are enough. A set may say `limit` (seconds for each scenario; 60) and `benign=yes`.
#
# Nothing of the machine is changed: folders that are written (/etc, /usr, /var, /home, /root, /opt, /srv) are
# overlays, /tmp, /run, /mnt and /dev/shm are empty, all in mounts of this process alone; two hosts are network
# namespaces with documentation addresses (198.51.100.2 near, 203.0.113.2 and 192.0.2.2 far); users guest (4242)
# and visitor (4243) are in the overlay only.
#
# Exits with 0 when all is as it should be, 1 when not, 77 when this kernel or machine does not allow it: no
# root, no audit, an audit daemon or audit rules that are there already. KEEP=DIR, a folder
# below this checkout, keeps what scenarios printed and what was picked.
set -euo pipefail

if [ -z "${CATENA_CAPTURE:-}" ]; then
  [ "$(id -u)" = 0 ] || { echo "SKIP: needs root: it loads audit rules and makes namespaces" >&2; exit 77; }
  set_name=${1:?name of a set, such as a file of corpus/capture without .sh}
  catena=${2:-}
  [ -z "$catena" ] || catena=$(realpath "$catena")
  shift $(($# < 2 ? $# : 2))
  cd "$(dirname "$0")/../.."
  keep=${KEEP:-}
  export CATENA_CAPTURE="$keep"
  [ -n "$CATENA_CAPTURE" ] || CATENA_CAPTURE=-
  # The folder stays what it is below the new mounts, because it is where this process stands.
  exec unshare --mount --uts --propagation private bash corpus/capture/run.sh "$set_name" "$catena" "$@"
fi

set_name=$1
catena=$2
shift 2
only=("$@")
keep=$CATENA_CAPTURE
unset CATENA_CAPTURE
export PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin LC_ALL=C.UTF-8
near=catena-capture-near far=catena-capture-far

skip() { echo "SKIP: $*" >&2; exit 77; }
fail() { echo "FAIL: $*" >&2; exit 1; }
say() { printf '== %s\n' "$*"; }

[ -e "corpus/capture/$set_name.sh" ] || fail "there is no corpus/capture/$set_name.sh"
for tool in auditctl auditd ip nsenter python3 setpriv; do
  command -v "$tool" >/dev/null || skip "$tool is not installed (auditd, iproute2, python3, util-linux)"
done
status=$(auditctl -s 2>&1) || skip "the kernel does not let us at its audit: $status"
field() { awk -v name="$1" '$1 == name { print $2 }' <<<"$status"; }
[ "$(field pid)" = 0 ] || skip "an audit daemon is running (pid $(field pid)); it is left alone"
[ "$(field enabled)" != 2 ] || skip "the audit configuration of this kernel is locked until it boots"
[ "$(auditctl -l)" = "No rules" ] || skip "audit rules are loaded; they are left alone"
[ ! -e /run/auditd.pid ] || skip "/run/auditd.pid is there although no daemon is; remove it first"
for id in 4242 4243; do
  getent passwd "$id" >/dev/null && skip "there is a user $id"
done

pids=()
loaded=
clean_up() {
  local code=$?
  set +e
  [ -z "$loaded" ] || auditctl -D >/dev/null 2>&1
  end_session
  for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null; done
  auditctl -b "$(field backlog_limit)" -e "$(field enabled)" >/dev/null 2>&1
  ip netns del "$near" 2>/dev/null
  ip netns del "$far" 2>/dev/null
  exit "$code"
}
# What a scenario has left running: the processes with its login uid in the mounts or on the network made here.
end_session() {
  local entry id mounts wire
  mounts=$(readlink /proc/self/ns/mnt)
  wire=net:[$(stat -Lc %i "/run/netns/$near" 2>/dev/null)]
  for entry in /proc/[0-9]*; do
    id=
    # The file has no line end, so that `read` fails though it has read.
    { read -r id <"$entry/loginuid"; } 2>/dev/null || true
    [ "$id" = 4242 ] || continue
    [ "$(readlink "$entry/ns/mnt")" = "$mounts" ] || [ "$(readlink "$entry/ns/net")" = "$wire" ] || continue
    kill -KILL "${entry#/proc/}" 2>/dev/null || true
  done
  return 0
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

say "mounts"
machine=$(hostname)
hostname capture
mount -t tmpfs -o mode=0755 tmpfs /mnt || skip "no private mounts here"
folder=/mnt/.capture
mkdir -m 0700 "$folder"
if [ -n "$catena" ]; then
  install -m 0700 "$catena" "$folder/catena"
  catena=$folder/catena
fi
for name in etc usr var home root opt srv; do
  mkdir -p "$folder/$name/upper" "$folder/$name/work"
  chmod --reference="/$name" "$folder/$name/upper"
  mount -t overlay overlay -o "lowerdir=/$name,upperdir=$folder/$name/upper,workdir=$folder/$name/work" "/$name" ||
    skip "no overlay of /$name here"
done
mount -t tmpfs -o mode=0755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mkdir -p -m 1777 /run/lock
echo "guest:x:4242:4242::/home/guest:/bin/bash
visitor:x:4243:4243::/home/visitor:/bin/bash" >>/etc/passwd
echo "guest:x:4242:
visitor:x:4243:" >>/etc/group
echo "guest:*:20000:0:99999:7:::
visitor:*:20000:0:99999:7:::" >>/etc/shadow
echo "127.0.1.1 capture" >>/etc/hosts
install -d -o 4242 -g 4242 /home/guest
install -d -o 4243 -g 4243 /home/visitor
# What a scenario can see of this checkout: the scripts alone, where nothing tells whose checkout it is.
install -d /opt/capture
install -m 0644 corpus/capture/common.sh "/opt/capture/common.sh"
install -m 0644 "corpus/capture/$set_name.sh" "/opt/capture/set.sh"
cat >/opt/session <<'SESSION'
source /opt/capture/common.sh
source /opt/capture/set.sh
set +e
cd /root
export HOME=/root USER=root LOGNAME=root
echo 4242 >/proc/self/loginuid
"$1"
SESSION

source corpus/capture/common.sh
source "corpus/capture/$set_name.sh"

say "two hosts"
for name in "$near" "$far"; do
  ip netns add "$name" || skip "no network namespaces here"
done
ip -n "$near" link add wire type veth peer name wire netns "$far" || skip "no veth devices here"
ip -n "$near" addr add "$near_ip/24" dev wire
ip -n "$far" addr add "$far_ip/24" dev wire
ip -n "$far" addr add "$far_other_ip/24" dev wire
for name in "$near" "$far"; do
  ip -n "$name" link set lo up
  ip -n "$name" link set wire up
done
ip -n "$near" route add default dev wire
ip -n "$far" route add "${near_ip%.*}.0/24" dev wire
# The other side of the connections: what it runs is not audited.
mkdir "$folder/far"
ip netns exec "$far" python3 corpus/capture/far.py "$near_ip" "$folder/far" >"$folder/far.out" 2>&1 &
pids+=($!)
until_true test -e "$folder/far/ready" || { cat "$folder/far.out" >&2; fail "the far host does not answer"; }

if declare -F prepare >/dev/null; then
  say "what the scenarios need"
  prepare >"$folder/prepare.out" 2>&1 || { cat "$folder/prepare.out" >&2; fail "not prepared"; }
fi

say "an audit daemon"
install -d -m 0700 "$folder/plugins.d" "$folder/log"
cat >"$folder/auditd.conf" <<CONF
local_events = yes
write_logs = yes
log_file = $folder/log/audit.log
log_format = RAW
flush = INCREMENTAL_ASYNC
freq = 50
max_log_file = 4000
max_log_file_action = ROTATE
num_logs = 5
name_format = NONE
q_depth = 5000
overflow_action = SYSLOG
max_restarts = 0
plugin_dir = $folder/plugins.d
space_left = 75
space_left_action = IGNORE
admin_space_left = 50
admin_space_left_action = IGNORE
disk_full_action = IGNORE
disk_error_action = IGNORE
CONF
chmod 0640 "$folder/auditd.conf"
auditd -n -s nochange -c "$folder" >"$folder/auditd.out" 2>&1 &
pids+=($!)
daemon=$!
has_daemon() { [ "$(auditctl -s | awk '$1 == "pid" { print $2 }')" = "$daemon" ]; }
until_true has_daemon || { cat "$folder/auditd.out" >&2; skip "auditd does not start here"; }

say "audit rules"
auditctl -b 32768 >/dev/null
install -m 0640 corpus/capture/audit.rules "$folder/audit.rules"
if [ "${AUDIT:-}" = needs ]; then
  [ -n "$catena" ] || fail "AUDIT=needs takes the path of a catena binary"
  "$catena" needs -r rules | sed -E '/^-a /s/ -k / -F auid=4242 -k /' >"$folder/audit.rules"
fi
loaded=yes
# What `catena needs` prints goes on behind what this machine has not, and that is an exit code of its own.
auditctl -R "$folder/audit.rules" >"$folder/auditctl.out" 2>&1 || [ "${AUDIT:-}" = needs ] ||
  { cat "$folder/auditctl.out" >&2; fail "the rules are not taken"; }
# A scenario may load them again.
[ "${AUDIT:-}" != needs ] || auditctl -l >"$folder/audit.rules"
say "$(auditctl -l | wc -l) of them"
auditctl -e 1 >/dev/null

[ "${#only[@]}" -gt 0 ] || only=("${names[@]}")
mkdir "$folder/out"
ran=()
for name in "${only[@]}"; do
  say "$name: ${about[$name]}"
  auditctl -m "begin $name" >/dev/null
  code=0
  timeout -k 1 "${limit:-60}" nsenter --net="/run/netns/$near" -- bash /opt/session "$name" \
    >"$folder/out/$name" 2>&1 </dev/null || code=$?
  end_session
  auditctl -m "end $name" >/dev/null
  case $code in
    0) ran+=("$name") ;;
    77) echo "left out: $(tail -n 1 "$folder/out/$name")" ;;
    *)
      cat "$folder/out/$name" >&2
      fail "$name ended with $code"
      ;;
  esac
done
auditctl -D >/dev/null
loaded=
lost=$(auditctl -s | awk '$1 == "lost" { print $2 }')
kill -TERM "$daemon"
wait "$daemon" || true
[ "$lost" = "$(field lost)" ] || fail "the kernel lost $((lost - $(field lost))) records"

say "truth"
[ "$keep" = - ] || { mkdir -p "$keep" && cp -r "$folder/out" "$folder/log/audit.log" "$keep/"; }
{
  printf 'set\t%s\n' "$set_name"
  for name in "${ran[@]}"; do printf '%s\t%s\t%s\n' "$name" "${about[$name]}" "${expected[$name]}"; done
} >"$folder/scenarios"
python3 corpus/capture/truth.py "$folder/scenarios" "$folder/log/audit.log" "$folder/picked.log" "$folder/truth.json"
# Names of the place where this was run do not belong into a corpus.
for word in "$PWD" "$machine"; do
  ! grep -qwF -- "$word" "$folder/picked.log" || fail "the capture names $word"
done
[ "$keep" = - ] || cp "$folder/picked.log" "$folder/truth.json" "$keep/"
if [ "$#" -eq 0 ] && [ "${AUDIT:-}" != needs ]; then
  if [ -n "${benign:-}" ]; then
    # Large, and nothing in it is to be found: what it is stands in corpus/README.md.
    zstd -19 --long=27 -qf "$folder/picked.log" -o "corpus/auditd/$set_name.log.zst"
    ls -l "corpus/auditd/$set_name.log.zst"
  else
    gzip -9nc "$folder/picked.log" >"corpus/auditd/$set_name.log.gz"
    cp "$folder/truth.json" "corpus/auditd/$set_name.truth.json"
    ls -l "corpus/auditd/$set_name.log.gz"
  fi
fi
if [ -n "$catena" ]; then
  say "what the rules of this checkout find"
  "$catena" replay --format ndjson "$folder/picked.log" >"$folder/alerts.ndjson" 2>"$folder/messages" ||
    { cat "$folder/messages" >&2; fail "the capture is not read"; }
  python3 corpus/capture/truth.py --compare "$folder/truth.json" "$folder/alerts.ndjson" || fail "not what was expected"
fi
say "done"

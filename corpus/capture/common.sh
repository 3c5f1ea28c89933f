# What scenarios of all sets share. Sourced by run.sh, which lists and runs them, and by the session of each
# scenario, a root shell with login uid 4242 in the network namespace of the near host. Must never touch the
# machine: whatever is written lies in the private mounts that run.sh has made, and traffic stays on one wire.

near_ip=198.51.100.2
far_ip=203.0.113.2
far_other_ip=192.0.2.2
guest_uid=4242
visitor_uid=4243
web_uid=33

# Registers a scenario: its function, what it does, and the rules of the library that must find it (names of
# their files without folder and ending; none for what is harmless).
names=()
declare -A about=() expected=()
scenario() {
  names+=("$1")
  about[$1]=$2
  shift 2
  expected[${names[-1]}]=$*
}

# Runs a program as somebody, as a service or a login does it: without a terminal, in its own home.
as() {
  local uid=$1 HOME=/var/www
  shift
  case $uid in
    "$guest_uid") HOME=/home/guest ;;
    "$visitor_uid") HOME=/home/visitor ;;
  esac
  HOME=$HOME setpriv --reuid "$uid" --regid "$uid" --clear-groups -- "$@"
}
as_guest() { as "$guest_uid" "$@"; }
as_visitor() { as "$visitor_uid" "$@"; }
as_web() { as "$web_uid" "$@"; }
# The same at a terminal of its own.
at_terminal() { script -qec "$*" /dev/null </dev/null; }

# Waits until a command succeeds, ten seconds at most. What it runs in the session of a scenario is logged.
until_true() {
  local left=100
  until "$@"; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || return 1
    read -rt 0.1 <> <(:) || true
  done
}

# Whether somebody listens on a port of this network namespace; asks the kernel and runs nothing.
listens() {
  local port
  printf -v port ':%04X ' "$1"
  grep -q "$port.* 0A " /proc/net/tcp 2>/dev/null
}

has() { command -v "$1" >/dev/null; }
# Ends a scenario whose program is not here; run.sh says so and keeps it out of the truth.
needs() { has "$1" || { echo "not installed: $1" >&2; exit 77; }; }

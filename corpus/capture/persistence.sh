# Ways to come back: accounts, jobs, units, keys, start files, modules; and the same places changed by those whose
# task it is. Everything lies in the overlays of run.sh.

prepare() {
  export DEBIAN_FRONTEND=noninteractive
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod 0755 /usr/sbin/policy-rc.d
  apt-get -qq update
  apt-get -qq -y install --no-install-recommends sudo cron at kmod
  rm -rf /var/www/.ssh
  install -d -o 33 -g 33 /var/www /var/www/.ssh
  install -d -o 4242 -g 4242 /home/guest/.ssh
  install -d -o 4242 -g 4242 /opt/work
  cp /usr/lib/x86_64-linux-gnu/libm.so.6 /tmp/libhook.so
  install -d -m 0755 /lib/modules/capture
  echo "no module" >/lib/modules/capture/plain.ko
  echo "guest ALL=(root) NOPASSWD: /usr/bin/id" >/etc/sudoers.d/guest
  chmod 0440 /etc/sudoers.d/guest
  passwd -d guest
  : >/etc/at.deny
}

scenario account_appended "a shell appends a line to /etc/passwd" account_files_written
account_appended() { echo "shade:x:4300:4300::/:/bin/sh" >>/etc/passwd; }

scenario account_edited_by_sed "sed writes another file and renames it over /etc/shadow" account_files_written shadow_read
account_edited_by_sed() { sed -i 's/^games:[^:]*:/games::/' /etc/shadow; }

scenario accounts_by_tools "accounts are made, changed and removed with the tools for it"
accounts_by_tools() {
  useradd -m trainee && echo "trainee:not-a-secret" | chpasswd
  usermod -c "For a week" trainee && chage -M 90 trainee && groupadd crew && gpasswd -a trainee crew
  passwd -l trainee && userdel -r trainee && groupdel crew
}

scenario second_root "useradd makes a second account with user id 0" uid0_account
second_root() { useradd -o -u 0 -g 0 -M -d /root -s /bin/bash toor; }

scenario cron_dropped_by_shell "a shell writes a job into /etc/cron.d" cron_file_written
cron_dropped_by_shell() { bash -c 'echo "* * * * * root /bin/true" >/etc/cron.d/refresh'; }

scenario cron_spool_by_script "a script renames a table of jobs into the spool" cron_file_written
cron_spool_by_script() {
  /usr/bin/python3 -c "
import os
open('/var/spool/cron/crontabs/.new', 'w').write('* * * * * /bin/true\n')
os.rename('/var/spool/cron/crontabs/.new', '/var/spool/cron/crontabs/guest')"
  rm /var/spool/cron/crontabs/guest
}

scenario cron_by_crontab "guest installs and removes a table with crontab"
cron_by_crontab() {
  echo "0 4 * * * /bin/true" | as_guest crontab -
  as_guest crontab -l
  as_guest crontab -r
}

scenario unit_planted "a service is written, enabled and started" systemd_unit_started
unit_planted() {
  cat >/etc/systemd/system/refresh.service <<UNIT
[Service]
ExecStart=/bin/true
[Install]
WantedBy=multi-user.target
UNIT
  systemctl daemon-reload
  systemctl enable refresh.service
  systemctl start refresh.service
  return 0
}

scenario timer_of_a_user "a user plants a timer in the own home" systemd_unit_started
timer_of_a_user() {
  as_guest bash -c 'mkdir -p /home/guest/.config/systemd/user
    printf "[Timer]\nOnBootSec=60\n" >/home/guest/.config/systemd/user/refresh.timer
    systemctl --user enable refresh.timer; true'
}

scenario unit_only_installed "a unit is copied to its place and left alone"
unit_only_installed() { printf '[Service]\nExecStart=/bin/true\n' >/etc/systemd/system/later.service; }

scenario unit_of_a_package_enabled "visitor asks for a unit that has long been there"
unit_of_a_package_enabled() { as_visitor systemctl --user enable dbus.service; return 0; }

scenario preload_for_all "a library is named in /etc/ld.so.preload" ld_so_preload_written
preload_for_all() {
  echo /tmp/libhook.so >/etc/ld.so.preload
  /bin/true
  rm /etc/ld.so.preload
}

scenario loader_configured "a folder of libraries is added in the way it is meant"
loader_configured() { echo /opt/work >/etc/ld.so.conf.d/work.conf; ldconfig; rm /etc/ld.so.conf.d/work.conf; }

scenario preload_for_one "env preloads a library from /tmp" preload_by_environment
preload_for_one() { as_guest env LD_PRELOAD=/tmp/libhook.so /usr/bin/id; }

scenario preload_of_the_system "env preloads a library of the system"
preload_of_the_system() { as_guest env LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libm.so.6 /usr/bin/id; }

scenario key_by_web_server "the account of a web server gives itself a key" ssh_key_added web_server_shell
key_by_web_server() {
  as_web sh -c 'echo "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJunkJunkJunk x" >>/var/www/.ssh/authorized_keys'
}

scenario key_at_a_terminal "guest adds a key at a terminal"
key_at_a_terminal() {
  at_terminal "setpriv --reuid 4242 --regid 4242 --clear-groups sh -c 'echo \"ssh-ed25519 AAAA x\" >>/home/guest/.ssh/authorized_keys'"
}

scenario start_file_by_script "a script adds a line to the start file of a shell" shell_start_file_written
start_file_by_script() {
  as_guest /usr/bin/python3 -c "open('/home/guest/.bashrc', 'a').write('alias ll=\'ls -l\'\n')"
}

scenario start_file_for_all "a file is copied into /etc/profile.d" shell_start_file_written
start_file_for_all() { echo ":" >/opt/work/lang.sh; cp /opt/work/lang.sh /etc/profile.d/zz-lang.sh; }

scenario start_file_at_a_terminal "guest changes the own start file at a terminal"
start_file_at_a_terminal() {
  at_terminal "setpriv --reuid 4242 --regid 4242 --clear-groups sh -c 'echo umask 077 >>/home/guest/.profile'"
}

scenario pam_module_planted "a module of PAM is copied beside the others and used" pam_changed
pam_module_planted() {
  cp /usr/lib/x86_64-linux-gnu/security/pam_permit.so /usr/lib/x86_64-linux-gnu/security/pam_night.so
  echo "auth sufficient pam_night.so" >/etc/pam.d/night
}

scenario pam_by_its_tool "the tool of the distribution writes the configuration of PAM anew"
pam_by_its_tool() { pam-auth-update --package --force; }

scenario boot_script_planted "a script is put where it runs at every login" boot_script_written
boot_script_planted() { install -d /etc/update-motd.d; printf '#!/bin/sh\ntrue\n' >/etc/update-motd.d/99-refresh; }

scenario boot_script_by_its_tool "links of a service are made by the tool for it"
boot_script_by_its_tool() { update-rc.d cron defaults; update-rc.d cron remove; return 0; }

scenario at_job_queued "a job is queued without a terminal and run by the daemon" at_job_without_terminal
at_job_queued() {
  install -d -o daemon -g daemon -m 1770 /var/spool/cron/atjobs /var/spool/cron/atspool
  atd -f &
  sleep 1
  echo "/bin/true" | as_guest at now
  sleep 3
  kill %1
}

scenario at_asked "the queue of jobs is only looked at"
at_asked() { as_guest at -l; }

scenario module_from_tmp "insmod is given a file in /tmp; this kernel refuses it" kernel_module_from_writable_folder
module_from_tmp() { echo "no module" >/tmp/night.ko; insmod /tmp/night.ko; return 0; }

scenario module_missing "insmod is given a file that is not there"
module_missing() { insmod /tmp/nothing.ko; return 0; }

scenario module_of_the_system "insmod is given a file in /lib/modules"
module_of_the_system() { insmod /lib/modules/capture/plain.ko; return 0; }

scenario module_by_own_loader "a script makes the call that loads a module" kernel_module_unusual_loader
module_by_own_loader() {
  /usr/bin/python3 -c "
import ctypes
ctypes.CDLL(None).syscall(313, open('/tmp/libhook.so', 'rb').fileno(), b'', 0)"
}

scenario sudoers_tampered "a grant is written by a shell and used at once" sudoers_written_then_sudo
sudoers_tampered() {
  echo "guest ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/zz-guest
  chmod 0440 /etc/sudoers.d/zz-guest
  as_guest sudo -n /usr/bin/id
  rm /etc/sudoers.d/zz-guest
}

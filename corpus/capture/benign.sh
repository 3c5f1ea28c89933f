# Ordinary work on a server and on the machine of a developer, at length: what no rule may take for an attack. Nothing
# here is shaped by the rules; what they find in it all the same is explained in corpus/README.md.

limit=900
benign=yes

prepare() {
  export DEBIAN_FRONTEND=noninteractive
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod 0755 /usr/sbin/policy-rc.d
  rm -f /etc/apt/sources.list.d/*
  cat >/etc/apt/sources.list <<'SOURCES'
deb http://deb.debian.org/debian bookworm main
deb http://deb.debian.org/debian bookworm-updates main
deb http://deb.debian.org/debian-security bookworm-security main
deb-src http://deb.debian.org/debian bookworm main
SOURCES
  apt-get -qq update
  apt-get -qq -y install --no-install-recommends build-essential sudo cron at openssh-server openssh-client sshpass \
    logrotate rsync git gdb strace vim-tiny nano less sqlite3 zip unzip man-db iptables nftables socat
  # Fetched now, installed while it is recorded, without a network.
  apt-get -qq -y --download-only install $packages
  install -d -o 4242 -g 4242 /srv/build /srv/work
  (cd /srv/build && apt-get -qq source --download-only hello gzip grep sed bc)
  chown -R 4242:4242 /srv/build /home/guest
  install -d /run/sshd /srv/backup
  printf 'guest:orange-seven\nvisitor:apple-nine\n' | chpasswd
  echo "guest ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/guest
  chmod 0440 /etc/sudoers.d/guest
  : >/etc/at.deny
  install -d -m 0700 -o 4242 -g 4242 /home/guest/.ssh
  as_guest ssh-keygen -q -t ed25519 -N '' -C capture -f /home/guest/.ssh/id_ed25519
  as_guest cp /home/guest/.ssh/id_ed25519.pub /home/guest/.ssh/authorized_keys
}
packages="nginx-light php8.2-fpm php8.2-cli php8.2-sqlite3 memcached redis-server postfix bsd-mailx fail2ban
  chrony rsyslog apache2 haproxy emacs-nox ruby tcl lua5.4 cmake autoconf automake libtool pkg-config bison flex
  gettext texinfo python3-pip python3-venv python3-pytest shellcheck tmux screen htop mc w3m lftp"

scenario packages_installed "servers, editors and languages are installed from packages"
packages_installed() {
  DEBIAN_FRONTEND=noninteractive apt-get -y --no-download install $packages
  dpkg -l >/dev/null
  apt-cache policy nginx-light
  systemctl daemon-reload
  true
}

scenario projects_built "programs are configured, built, tested and installed"
projects_built() {
  local name
  for name in hello bc gzip sed grep; do
    as_guest bash -c "cd /srv/build; tar xf ${name}_*.orig.tar.?z && cd $name*/ && (timeout 150 bash -c './configure -q --prefix=/srv/work/usr && make -s' && make -s install) >/dev/null 2>&1; true"
  done
  as_guest bash -c 'cd /srv/build/hello*/ && timeout 60 make -s check && make -s clean; true'
}

scenario repository_used "a repository is filled, branched, merged, cloned and packed"
repository_used() {
  as_guest bash -c '
    export GIT_AUTHOR_NAME=guest GIT_AUTHOR_EMAIL=guest@capture GIT_COMMITTER_NAME=guest GIT_COMMITTER_EMAIL=guest@capture
    git init -q /srv/work/project && cd /srv/work/project
    cp -r /srv/build/hello*/src . && git add . && git commit -qm first
    for n in $(seq 1 60); do echo "$n" >>notes; git add notes; git commit -qm "note $n"; done
    git checkout -qb side; echo side >side; git add side; git commit -qm side; git checkout -q -; git merge -q --no-ff -m both side
    git rebase -q HEAD~5; git log --stat >/dev/null; git diff HEAD~9 >/dev/null; git stash list
    git clone -q . /srv/work/clone; cd /srv/work/clone; git grep -n main >/dev/null; git archive HEAD | tar t >/dev/null; git gc -q; true'
}

scenario web_served "nginx and PHP serve pages, the site is deployed anew, logs are rotated"
web_served() {
  install -d -o www-data -g www-data /var/www/site
  printf '<?php $d = new PDO("sqlite:/var/www/site/db"); $d->exec("create table if not exists t (n)"); $d->exec("insert into t values (1)"); file_put_contents("/var/www/site/cache".rand(1,9), date("c")); echo "hello";' >/var/www/site/index.php
  cat >/etc/nginx/sites-available/site <<'SITE'
server { listen 8080; root /var/www/site; index index.php;
  location ~ \.php$ { include fastcgi_params; fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name; fastcgi_pass unix:/run/php/site.sock; } }
SITE
  ln -s /etc/nginx/sites-available/site /etc/nginx/sites-enabled/site
  rm -f /etc/nginx/sites-enabled/default
  install -d /run/php
  sed -i 's|^listen = .*|listen = /run/php/site.sock|' /etc/php/8.2/fpm/pool.d/www.conf
  php-fpm8.2 -F & nginx -g 'daemon off;' &
  until_true listens 8080
  local n
  for n in $(seq 1 400); do curl -so /dev/null "http://127.0.0.1:8080/?n=$n"; done
  rsync -a --delete /srv/work/clone/ /var/www/clone/
  nginx -t; nginx -s reload
  logrotate -f -s /run/rotate.state /etc/logrotate.d/nginx
  for n in $(seq 1 100); do curl -so /dev/null "http://127.0.0.1:8080/"; done
  nginx -s quit; kill %1
  true
}

scenario jobs_run "cron and at run their jobs, the daily ones too"
jobs_run() {
  printf '* * * * * /usr/bin/find /srv/work -name "*.o" | /usr/bin/wc -l >/srv/work/count\n* * * * * /bin/df -h >/srv/work/df\n' | as_guest crontab -
  atd -f & cron -f &
  echo "tar czf /tmp/at.tgz /srv/work/project" | as_guest at now
  sleep 75
  as_guest crontab -r
  # Waits for up to half an hour so that not all machines ask at once.
  chmod -x /etc/cron.daily/apt-compat
  run-parts /etc/cron.daily; run-parts /etc/cron.weekly
  kill %1 %2
  true
}

scenario people_log_in "people log in with key and password, become others, copy files and log out"
people_log_in() {
  /usr/sbin/sshd -p 2222 -o PidFile=none
  until_true listens 2222
  local n options='-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR'
  for n in 1 2 3 4 5 6; do
    as_guest ssh $options -p 2222 guest@127.0.0.1 'uptime; ls -la; df -h; sudo systemctl status nginx; git -C /srv/work/project log -1'
    as_guest scp -q $options -P 2222 /srv/work/df guest@127.0.0.1:/srv/work/df.copy
    as_guest rsync -a -e "ssh $options -p 2222" /srv/work/project/ guest@127.0.0.1:/srv/work/mirror/
  done
  as_guest sshpass -p wrong ssh $options -o PubkeyAuthentication=no -p 2222 visitor@127.0.0.1 true
  as_guest sshpass -p apple-nine ssh $options -o PubkeyAuthentication=no -p 2222 visitor@127.0.0.1 'w; id'
  echo apple-nine | as_guest su visitor -c 'whoami; ls'
  echo wrong | as_guest su visitor -c true
  as_guest sudo -n apt-cache policy bash
  as_guest sudo -n -u visitor ls /home/visitor
  at_terminal "su - guest -c 'cd /srv/work; ls; vi -es +q; history; exit'"
  true
}

scenario files_kept "folders are packed, copied, compared, restored and cleaned"
files_kept() {
  tar czf /srv/backup/etc.tgz /etc; tar cJf /srv/backup/home.txz /home
  cp -a /var/backups /srv/backup/var-backups
  rsync -a --delete /etc/ /srv/backup/etc/; rsync -a --delete /etc/ /srv/backup/etc/
  rsync -a /srv/work/ /srv/backup/work/
  install -d /srv/backup/restore; tar xzf /srv/backup/etc.tgz -C /srv/backup/restore
  diff -rq /etc /srv/backup/restore/etc | head
  sqlite3 /srv/backup/index.db 'create table f (p); insert into f values (1); vacuum;'
  (cd /srv/work && zip -qr /srv/backup/work.zip project && unzip -q /srv/backup/work.zip -d /srv/backup/unzipped)
  find /srv/backup -name '*.conf' -exec gzip -k {} +
  find /srv/backup/unzipped -type f -name '*.c' -exec touch {} +
  rm -rf /srv/backup/restore /srv/backup/unzipped
  logrotate -f -s /run/rotate.state /etc/logrotate.conf
  true
}

scenario machine_kept "users, services, network and settings are looked after"
machine_kept() {
  useradd -m -s /bin/bash trainee; echo trainee:pear-three | chpasswd; usermod -aG crontab trainee; chage -M 90 trainee
  passwd -S trainee; gpasswd -d trainee crontab; userdel -r trainee
  echo 'guest ALL=(root) NOPASSWD: /usr/bin/id' | EDITOR='tee' visudo -f /etc/sudoers.d/team; as_guest sudo -n id
  sed -i 's/^#\?MaxAuthTries.*/MaxAuthTries 4/' /etc/ssh/sshd_config; sshd -t
  printf 'one\n' | ed -s /etc/motd; vim.tiny -es -c 'normal Ohello' -c wq /etc/motd
  printf 'alias ll="ls -l"\n' >>/home/guest/.bash_aliases
  systemctl status; systemctl list-unit-files >/dev/null; systemctl --user status
  iptables -A INPUT -p tcp --dport 22 -j ACCEPT; iptables -L -n; iptables-save >/etc/iptables.saved; iptables -F; iptables-restore /etc/iptables.saved
  nft list ruleset; ip address; ip route; ss -tlnp
  local n
  for n in $(seq 1 20); do bash -c 'uptime; free; df; ps aux; ss -s; cat /proc/loadavg' >/srv/work/state; sleep 0.2; done
  strace -o /dev/null ls / >/dev/null; gdb -batch -ex run -ex bt --args /bin/true
  chattr +i /srv/work/state; lsattr /srv/work/state; chattr -i /srv/work/state
  last; who; w; id; uname -a; hostname; cat /etc/os-release
  true
}

scenario tests_run "suites of tests in Python and shell, an environment of its own"
tests_run() {
  as_guest bash -c '
    mkdir -p /srv/work/suite && cd /srv/work/suite
    for n in $(seq 1 40); do printf "import os, subprocess, tempfile\n\ndef test_a(tmp_path):\n    (tmp_path / \"a\").write_text(\"x\")\n    os.rename(tmp_path / \"a\", tmp_path / \"b\")\n    assert subprocess.check_output([\"cat\", tmp_path / \"b\"]) == b\"x\"\n" >test_$n.py; done
    python3 -m pytest -q . | tail -1
    python3 -m venv env && env/bin/python -m compileall -q env
    for n in $(seq 1 300); do f=$(mktemp); sort /etc/services | uniq -c | sort -rn | head -5 >$f; grep -c tcp $f; mv $f $f.done; rm $f.done; done >/dev/null'
  true
}

scenario project_made_by_cmake "a project with many files is generated and built with cmake"
project_made_by_cmake() {
  as_guest bash -c '
    mkdir -p /tmp/app && cd /tmp/app
    printf "cmake_minimum_required(VERSION 3.10)\nproject(app C)\nfile(GLOB S *.c)\nadd_executable(app \${S})\nenable_testing()\nadd_test(app app)\n" >CMakeLists.txt
    for n in $(seq 1 60); do echo "int f$n(void){return $n;}" >f$n.c; done; echo "int main(void){return 0;}" >main.c
    cmake -S . -B build >/dev/null && make -s -C build && (cd build && ctest) && /tmp/app/build/app && rm -rf build
    cmake -S . -B build >/dev/null && make -s -C build; rm -rf /tmp/app'
  true
}

scenario packages_removed "what was installed is removed again"
packages_removed() {
  DEBIAN_FRONTEND=noninteractive apt-get -y purge $packages
  true
}

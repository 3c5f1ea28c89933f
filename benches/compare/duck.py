"""The planted chain as a three-way join of DuckDB over NDJSON, read once.

    duck.py FILE THREADS

Prints one line of JSON.
"""

import json
import sys

import duckdb

NAMES = (
    "bash|dash|sh|tcsh|csh|zsh|ksh|fish|perl|python.*|nc|ncat|netcat|php.*|ruby|openssl|awk|telnet|lua.*|socat"
)
COLUMNS = {
    "@timestamp": "TIMESTAMP",
    "auditd": 'STRUCT(data STRUCT(syscall VARCHAR, a1 VARCHAR), "sequence" BIGINT)',
    "destination": "STRUCT(ip VARCHAR)",
    "event": '''STRUCT("action" VARCHAR, outcome VARCHAR)''',
    "host": "STRUCT(id VARCHAR)",
    "network": "STRUCT(direction VARCHAR)",
    "process": 'STRUCT("name" VARCHAR, pid BIGINT, parent STRUCT(pid BIGINT))',
}

QUERY = """
WITH wanted AS MATERIALIZED (
  SELECT "@timestamp" AS time, auditd."sequence" AS serial, host.id AS host, process.pid AS pid,
    process.parent.pid AS parent,
    CASE WHEN event."action" = 'executed' THEN 1
         WHEN auditd.data.syscall = 'socket' AND auditd.data.a1 = '2' THEN 2
         WHEN event."action" = 'connected-to' AND event.outcome = 'success'
           AND network.direction = 'egress' AND destination.ip IS NOT NULL
           AND NOT (destination.ip LIKE '127.%%' OR destination.ip LIKE '169.254.%%'
             OR destination.ip LIKE '224.%%' OR destination.ip = '::1') THEN 3
    END AS step
  FROM read_json(?, format = 'newline_delimited', columns = %s)
  WHERE step IS NOT NULL AND regexp_full_match(process."name", ?)
)
SELECT count(*) FROM (
  SELECT DISTINCT three.host, three.pid, three.parent
  FROM wanted AS one
    JOIN wanted AS two USING (host, pid, parent)
    JOIN wanted AS three USING (host, pid, parent)
  WHERE one.step = 1 AND two.step = 2 AND three.step = 3
    AND (one.time, one.serial) < (two.time, two.serial)
    AND (two.time, two.serial) < (three.time, three.serial)
    AND three.time - one.time <= INTERVAL 10 MINUTE
)
"""


def main():
    path, threads = sys.argv[1], int(sys.argv[2])
    base = duckdb.connect()
    base.execute("SET threads = %d" % threads)
    columns = "{%s}" % ", ".join("'%s': '%s'" % item for item in COLUMNS.items())
    hits = base.execute(QUERY % columns, [path, NAMES]).fetchone()[0]
    print(json.dumps({"hits": hits}))


main()

"""The planted chain as sequences of Python eql over NDJSON.

    pyeql.py FILE RULES

Each rule has a program name of its own. Without maxspan: with one, this engine walks all open partials at
every event. Prints one line of JSON.
"""

import json
import sys
from datetime import datetime

import eql
import orjson

NAMES = (
    "bash dash sh tcsh csh zsh ksh fish perl nc ncat netcat ruby openssl awk telnet socat python* php* lua*"
).split()


def rule(number):
    names = ", ".join('"%s"' % name for name in [*NAMES, "tool%d" % number])
    names = "wildcard(process.name, %s)" % names
    return """
        sequence by host.id, process.pid, process.parent.pid
          [process where event.action == "executed" and %s]
          [process where auditd.data.syscall == "socket" and auditd.data.a1 == "2" and %s]
          [network where event.action == "connected-to" and event.outcome == "success" and
            network.direction == "egress" and destination.ip != null and %s and
            not cidrMatch(destination.ip, "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4")
            and destination.ip != "::1"]
    """ % (names, names, names)


def main():
    path, rules = sys.argv[1], int(sys.argv[2])
    hits = 0

    def found(output):
        nonlocal hits
        hits += 1

    engine = eql.PythonEngine()
    with eql.parser.elasticsearch_syntax:
        engine.add_queries([eql.parse_query(rule(number)) for number in range(rules)])
    engine.add_output_hook(found)
    events = 0
    with open(path, "rb") as file:
        for line in file:
            data = orjson.loads(line)
            time = datetime.fromisoformat(data["@timestamp"][:-1]).timestamp()
            engine.stream_event(eql.Event(data["event"]["category"][0], time, data))
            events += 1
    engine.finalize()
    print(json.dumps({"events": events, "hits": hits}))


main()

"""What is in a capture, told from its own markers, and whether the alerts on it are the expected ones.

    truth.py SCENARIOS LOG PICKED TRUTH     LOG cut to what lies between the first and the last marker, and its truth
    truth.py --compare TRUTH ALERTS         0 when every scenario is found by the rules it names, and by no other
    truth.py --expect TRUTH < SCENARIOS     what must find them, put into a truth that is there

Reads raw audit logs with patterns of its own: it must not share a mistake with the program that it checks.
"""

import json
import pathlib
import re
import sys

HEAD = re.compile(r"type=(\S+) msg=audit\((\d+)\.(\d+):(\d+)\): ?(.*)")
MARK = re.compile(r"msg='(?:text=)?(begin|end) (\S+) exe=")


def value(text, name):
    """A field of a record, hexadecimal text decoded."""
    found = re.search(rf'\b{name}=("[^"]*"|\S+)', text)
    if not found:
        return None
    word = found[1]
    if word.startswith('"'):
        return word.strip('"')
    try:
        return bytes.fromhex(word).decode(errors="replace")
    except ValueError:
        return word


def truth(scenarios, log, picked, out):
    """Writes the log between the markers, and what each scenario was."""
    lines = open(scenarios, encoding="utf-8").read().splitlines()
    kit = lines[0].split("\t")[1]
    wanted = {}
    for line in lines[1:]:
        name, about, rules = line.split("\t")
        wanted[name] = {"name": name, "about": about, "expected": rules.split()}
    kept, running, found, processes = [], None, [], {}
    for line in open(log, encoding="utf-8", errors="surrogateescape"):
        head = HEAD.match(line)
        if not head:
            continue
        kind, seconds, milli, serial, text = head.groups()
        serial, time = int(serial), float(f"{seconds}.{milli}")
        mark = MARK.search(text) if kind == "USER" else None
        if mark and mark[1] == "begin":
            running = wanted.get(mark[2])
            if running is not None:
                running.update(start=time, end=time, first_serial=serial, last_serial=serial, events=0)
                processes, seen = {}, set()
        if running is None:
            continue
        kept.append(line)
        running["last_serial"] = max(running["last_serial"], serial)
        running["end"] = time
        seen.add(serial)
        if kind == "SYSCALL":
            pid = int(re.search(r"\bpid=(\d+)", text)[1])
            names = processes.setdefault(pid, [])
            name = value(text, "comm")
            if name not in names:
                names.append(name)
        if mark and mark[1] == "end":
            running["events"] = len(seen)
            running["processes"] = [{"pid": pid, "names": names} for pid, names in processes.items()]
            found.append(running)
            running = None
    if len(found) != len(wanted):
        sys.exit(f"markers of {sorted(set(wanted) - {one['name'] for one in found})} are missing")
    with open(picked, "w", encoding="utf-8", errors="surrogateescape") as text:
        text.writelines(kept)
    write(out, f"{kit}.log.gz", found)


def write(out, log, scenarios):
    """A line a scenario, so that two versions can be compared."""
    with open(out, "w", encoding="utf-8") as text:
        text.write('{\n "log": ' + json.dumps(log) + ',\n "scenarios": [\n  ')
        text.write(",\n  ".join(json.dumps(one) for one in scenarios))
        text.write("\n ]\n}\n")


def expect(path, lines):
    """Takes name, description and rules of scenarios, and puts them into their truth."""
    known = json.load(open(path, encoding="utf-8"))
    said = {line.split("\t")[0]: line.rstrip("\n").split("\t") for line in lines}
    for one in known["scenarios"]:
        _, one["about"], rules = said[one["name"]]
        one["expected"] = rules.split()
    write(path, known["log"], known["scenarios"])


def compare(wanted, alerts):
    """Every scenario must be found by what it names; tells the rest."""
    scenarios = json.load(open(wanted, encoding="utf-8"))["scenarios"]
    found, wrong = {}, 0
    for line in open(alerts, encoding="utf-8"):
        alert = json.loads(line)
        # A missing item has no event.
        events = [item["event"] for item in alert["catena"]["events"] if not item["missing"]]
        serial = events[-1]["event"]["sequence"]
        rule = pathlib.PurePath(alert["catena"]["rule_file"]).stem
        for one in scenarios:
            if one["first_serial"] <= serial <= one["last_serial"]:
                found.setdefault(one["name"], {}).setdefault(rule, 0)
                found[one["name"]][rule] += 1
    for one in scenarios:
        said = found.get(one["name"], {})
        missing = sorted(set(one["expected"]) - set(said))
        more = sorted(set(said) - set(one["expected"]))
        wrong += bool(missing or more)
        print(f"  {'ok ' if not missing and not more else 'BAD'} {one['name']}: {said or 'nothing'}"
              + (f"; missing {missing}" if missing else "") + (f"; not expected {more}" if more else ""))
    return wrong


if sys.argv[1] == "--compare":
    sys.exit(1 if compare(*sys.argv[2:4]) else 0)
elif sys.argv[1] == "--expect":
    expect(sys.argv[2], sys.stdin)
else:
    truth(*sys.argv[1:5])

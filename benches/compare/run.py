#!/usr/bin/env python3
"""Measures this program and others that do a part of the same work, in one session, and writes the tables
into docs/PERFORMANCE.md.

    benches/compare/run.py [--rounds 3] [--events 1000000] [--own] [--peers] [--print]

Needs cargo, Python 3 with venv, and a network for the first run: peers come from PyPI and crates.io into
target/compare. Data is made there by the generator in benches/data. What cannot be installed is not
run, and the tables say so. Every result is compared with what was planted; a wrong one ends the run.

Times are of the processor (user and system), so that other work on the machine counts as little as can be;
where threads or latency are measured they are of the wall clock. Programs that are compared run in turn;
told is the median of the rounds.
"""

import argparse
import json
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "benches/compare"
WORK = ROOT / "target/compare"
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
CATENA = TARGET / "release/catena"
PAGE = ROOT / "docs/PERFORMANCE.md"
VENV = WORK / "venv/bin"

VERSIONS = {"eql": "1.0.1", "duckdb": "2.0.0", "orjson": "3.13.0"}
LAUREL = "0.8.2"
RSIGMA = "0.23.0"
PARSER = "0.2.8"

NAMES = (
    'process.name like ("bash", "dash", "sh", "tcsh", "csh", "zsh", "ksh", "fish", "perl", "python*", "nc", '
    '"ncat", "netcat", "php*", "ruby", "openssl", "awk", "telnet", "lua*", "socat")'
)
CHAIN = f"""sequence by host.id, process.pid, process.parent.pid with maxspan=10m
  [process where event.action == "executed" and {NAMES}]
  [process where auditd.data.syscall == "socket" and auditd.data.a1 == "2" and {NAMES}]
  [network where event.action == "connected-to" and event.outcome == "success" and
    network.direction == "egress" and destination.ip != null and {NAMES} and
    not cidrMatch(destination.ip, "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "::1")]"""

not_run = []


def say(text):
    print(text, file=sys.stderr, flush=True)


def quiet(command, **more):
    """Runs what has to succeed; gives what it printed."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, **more)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr[-2000:]}")
    return done.stdout


class Run:
    """One run of a program: processor and wall seconds, peak memory, what it printed."""

    def __init__(self, command, stdin=None, keep=True, cwd=None):
        started = time.monotonic()
        out = WORK / "out"
        with open(out, "wb") as stdout, open(WORK / "err", "wb") as stderr:
            source = open(stdin, "rb") if stdin else subprocess.DEVNULL
            process = subprocess.Popen(
                list(map(str, command)), stdin=source, stdout=stdout, stderr=stderr, cwd=cwd
            )
            _, status, usage = os.wait4(process.pid, 0)
        self.wall = time.monotonic() - started
        self.cpu = usage.ru_utime + usage.ru_stime
        self.peak = usage.ru_maxrss * 1024
        if os.waitstatus_to_exitcode(status) != 0:
            error = (WORK / "err").read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{' '.join(map(str, command))}: {error}")
        self.lines = sum(1 for _ in open(out, "rb")) if keep else 0
        self.out = out.read_text(errors="replace") if keep and out.stat().st_size < 1 << 20 else ""
        self.err = (WORK / "err").read_text(errors="replace")


def check(what, found, expected):
    if found != expected:
        raise SystemExit(f"{what}: found {found}, expected {expected}")


# --- what is needed


def build():
    say("building the program and the generator")
    cargo = ["cargo", "build", "--release", "--locked", "--quiet"]
    quiet([*cargo, "--bin", "catena", "--example", "generate", "--example", "parse"], cwd=ROOT)


def generate(events):
    """Set a is of one machine, set b of twenty; c20k and c2k are the beginnings of a."""
    tool = TARGET / "release/examples/generate"
    sets = {
        "a": ["--events", events // 5, "--hosts", 1, "--seed", 1, "--attacks", 50, "--decoys", 300, "--inflight", 200],
        "b": ["--events", events, "--hosts", 20, "--seed", 2, "--attacks", 200, "--decoys", 1500, "--inflight", 1000],
    }
    truth = {}
    for name, options in sets.items():
        stamp = WORK / f"{name}.options"
        if not stamp.exists() or stamp.read_text() != str(options):
            say(f"generating set {name}")
            files = [WORK / f"{name}.{kind}" for kind in ("log", "ecs", "json")]
            quiet([tool, *options, "--raw", files[0], "--ecs", files[1], "--truth", files[2]])
            stamp.write_text(str(options))
        truth[name] = json.loads((WORK / f"{name}.json").read_text())
    for kind in ("ecs", "log"):
        with open(WORK / f"a.{kind}", "rb") as whole, open(WORK / f"head.{kind}", "wb") as head:
            for _, line in zip(range(20_000 if kind == "ecs" else 200_000), whole):
                head.write(line)
    for kind, number in (("mixed", 1), ("mixed", 100), ("mixed", 1000), ("chain", 1), ("chain", 100)):
        folder = WORK / f"{kind}{number}"
        shutil.rmtree(folder, ignore_errors=True)
        quiet([tool, "--rules", folder, "--kind", kind, "--number", number])
    # Writing it out would take a part of the machine from what is measured first.
    os.sync()
    return truth


def install_python():
    if not (VENV / "python").exists():
        say("installing Python eql and DuckDB")
        quiet([sys.executable, "-m", "venv", WORK / "venv"])
    wanted = [f"{name}=={version}" for name, version in VERSIONS.items()]
    quiet([VENV / "python", "-m", "pip", "install", "--quiet", *wanted])


def install_rsigma():
    say("building rsigma")
    source = WORK / "rsigma"
    shutil.copytree(HERE / "rsigma", source, dirs_exist_ok=True)
    environment = os.environ | {"CARGO_TARGET_DIR": str(WORK / "build")}
    quiet(["cargo", "build", "--release", "--quiet"], cwd=source, env=environment)
    return WORK / "build/release/compare-rsigma"


def install_laurel():
    program = WORK / "bin/laurel"
    if program.exists():
        return program
    say("building LAUREL")
    environment = os.environ | {"CARGO_TARGET_DIR": str(WORK / "build")}
    # Its build wants libacl, and libclang: where the system has none of that, PyPI has.
    if os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "-y", "-qq", "libacl1-dev"], capture_output=True, check=False)
    quiet([VENV / "python", "-m", "pip", "install", "--quiet", "libclang"])
    for library in (WORK / "venv").rglob("libclang*.so"):
        environment.setdefault("LIBCLANG_PATH", str(library.parent))
    for include in sorted(pathlib.Path("/usr/lib/gcc").glob("*/*/include")):
        environment.setdefault("BINDGEN_EXTRA_CLANG_ARGS", f"-I{include}")
    command = ["cargo", "install", "laurel", "--version", LAUREL, "--locked", "--root", WORK]
    quiet(command, env=environment)
    return program


def attempt(what, install):
    """What an installation gives; None, and a note, when it fails."""
    try:
        return install()
    except (RuntimeError, OSError) as error:
        why = str(error).strip().splitlines()[-1] if str(error).strip() else "unknown"
        not_run.append(f"{what}: {why[:200]}")
        say(f"not run: {what}: {why}")
        return None


# --- the program alone


def ours(*arguments, jobs=1):
    return Run([CATENA, *arguments, "--jobs", jobs, "--format", "none"], keep=False)


def alerts_of(run):
    """How many alerts a run gave, as its summary says."""
    told = re.search(r"([\d,]+) alerts? in ", run.err)
    return int(told.group(1).replace(",", "")) if told else 0


def checked(what, expected, *arguments):
    """Processor seconds of a run that has to give so many alerts."""
    run = ours(*arguments)
    check(what, alerts_of(run), expected)
    return run.cpu


def own(rounds, truth):
    b = truth["b"]
    raw, ecs = WORK / "b.log", WORK / "b.ecs"
    mixed = [WORK / f"mixed{number}" for number in (1, 100, 1000)]
    rows = [
        ("records, the chain", ["query", CHAIN, raw]),
        ("records, built-in rules", ["replay", raw]),
        *((f"records, {n} mixed", ["replay", "--rules", folder, raw]) for n, folder in zip((1, 100, 1000), mixed)),
        ("JSON, the chain", ["query", CHAIN, ecs]),
        *((f"JSON, {n} mixed", ["replay", "--rules", folder, ecs]) for n, folder in zip((1, 100, 1000), mixed)),
    ]
    rows.append(("records, every field decoded", ["events", raw]))
    runs = {name: [] for name, _ in rows}
    for _ in range(rounds):
        for name, arguments in rows:
            say(name)
            runs[name].append(ours(*arguments))
            if name.endswith("the chain"):
                check(name, alerts_of(runs[name][-1]), b["planted"]["attack"])
    lines = ["| what | MB/s | events/s | alerts | peak memory |", "| --- | --- | --- | --- | --- |"]
    for name, arguments in rows:
        size = os.path.getsize(arguments[-1]) / 1e6
        cpu = statistics.median(run.cpu for run in runs[name])
        peak = max(run.peak for run in runs[name]) / 1e6
        speed, rate = size / cpu, b["events"] / cpu
        lines.append(f"| {name} | {speed:,.0f} | {rate:,.0f} | {alerts_of(runs[name][0]):,} | {peak:.0f} MB |")
    return lines


def threads(rounds):
    load = os.getloadavg()[0]
    if load > os.cpu_count():
        return f"Two threads were not measured: the machine was busy (load {load:.1f})."
    walls = {1: [], 2: []}
    for _ in range(rounds):
        for jobs, times in walls.items():
            times.append(ours("replay", WORK / "b.log", jobs=jobs).wall)
    best = {jobs: min(times) for jobs, times in walls.items()}
    return (
        f"Two threads, built-in rules on records, best of {rounds} by the wall clock: {best[1]:.2f} s with one, "
        f"{best[2]:.2f} s with two, {best[1] / best[2]:.2f} times as fast (load of the machine before: {load:.1f})."
    )


def first_alert(rounds):
    """From the start of the program to its first alert, with the first lines of a log at hand."""
    times, cpu = [], []
    for _ in range(max(rounds, 5)):
        command = [CATENA, "stream", "--no-proc", "--rules", WORK / "mixed1000", "--quiet", "--format", "ndjson"]
        with open(WORK / "head.log", "rb") as log:
            started = time.monotonic()
            program = subprocess.Popen(
                list(map(str, command)), stdin=log, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
            line = program.stdout.readline()
            times.append(time.monotonic() - started)
            program.kill()
            _, _, usage = os.wait4(program.pid, 0)
            cpu.append(usage.ru_utime + usage.ru_stime)
        if not line:
            raise SystemExit("no alert came")
    wall, cpu = (statistics.median(seconds) * 1000 for seconds in (times, cpu))
    return (
        f"From the start to the first alert with 1,000 mixed rules: {wall:.0f} ms by the wall clock, {cpu:.0f} ms of "
        "processor time of all its threads."
    )


def partials():
    environment = os.environ | {"CARGO_PROFILE_BENCH_LTO": os.environ.get("CARGO_PROFILE_RELEASE_LTO", "thin")}
    said = quiet(["cargo", "bench", "--locked", "--quiet", "--bench", "partials"], cwd=ROOT, env=environment)
    lines = ["| open keys | engine, ns an event | with reading it | memory | bytes a key | without its event |", "| --- | --- | --- | --- | --- | --- |"]
    for line in said.splitlines():
        told = re.match(r"(\d+) keys: (\d+) ns an event in the engine, (\d+) with reading it; (\d+) MB, (\d+) bytes a key, (\d+) without", line)
        if told:
            keys, engine, whole, memory, each, bare = map(int, told.groups())
            lines.append(f"| {keys:,} | {engine:,} | {whole:,} | {memory:,} MB | {each} | {bare} |")
    return lines


# --- others


def in_turn(rounds, ours_run, theirs_run):
    """Processor seconds of both, medians of rounds taken in turn."""
    mine, others = [], []
    for _ in range(rounds):
        mine.append(ours_run())
        others.append(theirs_run())
    return statistics.median(mine), statistics.median(others)


def ratio(name, what, mine, others, aim):
    factor = others / mine
    return (f"| {name} | {what} | {factor:,.1f} | {aim} | {mine:.3f} s | {others:.3f} s |", factor)


def peer_parser(rounds):
    said = quiet([TARGET / "release/examples/parse", WORK / "head.log", max(rounds, 3)])
    runs = [json.loads(line) for line in said.splitlines()]
    times = {}
    for run in runs:
        times.setdefault(run["reader"], []).append(run["seconds"])
    check("records parsed", {run["records"] for run in runs}, {200_000})
    mine, others = statistics.median(times["ours"]), statistics.median(times["linux-audit-parser"])
    what = "200,000 records, every field, decoded"
    return ratio(f"crate linux-audit-parser {PARSER}", what, mine, others, 7)


def peer_laurel(rounds, program, truth):
    folder = WORK / "laurel"
    config = WORK / "laurel.toml"
    config.write_text(
        f'directory = "{folder}"\ninput = "stdin"\n[auditlog]\nfile = "audit.log"\nsize = 100000000000\n'
        'generations = 1\n[state]\nfile = ""\n[transform]\nexecve-argv = ["array"]\n'
        '[translate]\nuniversal = false\nuser-db = false\ndrop-raw = false\n'
        "[enrich]\nexecve-env = []\ncontainer = false\ncontainer_info = false\nsystemd = false\npid = false\n"
        'script = false\nuser-groups = false\nparent-info = false\n'
    )

    def theirs():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        run = Run([program, "-c", config], stdin=WORK / "a.log", keep=False)
        lines = sum(1 for _ in open(folder / "audit.log", "rb"))
        check("LAUREL's events", lines, truth["a"]["events"])
        return run.cpu

    def mine():
        planted = truth["a"]["planted"]["attack"]
        return checked("ours beside LAUREL", planted, "query", CHAIN, WORK / "a.log")

    return ratio(f"LAUREL {LAUREL}", "set a: records to JSON; ours: records to alerts of the chain", *in_turn(rounds, mine, theirs), 20)


def python_peer(rounds, name, script, path, argument, hits, ours_arguments, what, aim):
    def theirs():
        run = Run([VENV / "python", HERE / script, path, argument])
        check(name, json.loads(run.out)["hits"], hits)
        return run.cpu

    def mine():
        return checked(f"ours beside {name}", hits, *ours_arguments)

    return ratio(name, what, *in_turn(rounds, mine, theirs), aim)


def peer_rsigma(rounds, program, hits):
    arguments = ["replay", "--rules", WORK / "chain100", WORK / "head.ecs"]
    told = set()

    def theirs():
        run = Run([program, WORK / "head.ecs", 100])
        told.add(json.loads(run.out)["hits"])
        return run.cpu

    times = in_turn(rounds, lambda: checked("ours beside rsigma", 100 * hits, *arguments), theirs)
    # Seconds are its unit of time: chains out of order within a second are hits to it.
    if len(told) != 1 or min(told) < 100 * hits:
        raise SystemExit(f"rsigma: found {told}, expected at least {100 * hits}")
    return ratio(f"rsigma-eval {RSIGMA}", f"20,000 events as JSON, 100 chains ({min(told):,} hits for {100 * hits:,})", *times, 10)


def compare(rounds, truth):
    rows = [peer_parser(rounds)]
    laurel = attempt(f"LAUREL {LAUREL}", install_laurel) if attempt("Python", lambda: install_python() or True) else None
    rsigma = attempt(f"rsigma-eval {RSIGMA}", install_rsigma)
    if laurel:
        say("LAUREL")
        rows.append(peer_laurel(rounds, laurel, truth))
    few = alerts_of(ours("query", CHAIN, WORK / "head.ecs"))
    if (VENV / "python").exists():
        chain, b, a = ["query", CHAIN], truth["b"], truth["a"]
        eql = f"Python eql {VERSIONS['eql']}"
        say("DuckDB")
        rows.append(python_peer(
            rounds, f"DuckDB {VERSIONS['duckdb']}, one thread", "duck.py", WORK / "b.ecs", 1,
            b["planted"]["attack"], [*chain, WORK / "b.ecs"], "set b as JSON, the chain as a three-way join", 1.5,
        ))
        say("Python eql")
        rows.append(python_peer(
            rounds, eql, "pyeql.py", WORK / "a.ecs", 1, a["planted"]["attack"],
            [*chain, WORK / "a.ecs"], "set a as JSON, the chain", 20,
        ))
        rows.append(python_peer(
            1, eql, "pyeql.py", WORK / "head.ecs", 100, 100 * few,
            ["replay", "--rules", WORK / "chain100", WORK / "head.ecs"], "20,000 events as JSON, 100 chains", 500,
        ))
    if rsigma:
        say("rsigma")
        rows.append(peer_rsigma(rounds, rsigma, few))
    head = ["| beside | what | ratio | aim | ours | theirs |", "| --- | --- | --- | --- | --- | --- |"]
    return head + [row for row, _ in rows]


# --- the page


def machine():
    info = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", info)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    name = model.group(1) if model else platform.machine()
    rust = quiet(["rustc", "--version"]).split(" (")[0].strip()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    profile = re.search(r'^lto = "?(\w+)', (ROOT / "Cargo.toml").read_text(), re.M)
    linked = os.environ.get("CARGO_PROFILE_RELEASE_LTO", profile.group(1) if profile else "off")
    version = f"commit {commit.stdout.strip()}" if commit.returncode == 0 else "no repository"
    return (
        f"{version}; {name}, {os.cpu_count()} processors, {memory:.0f} GB, Linux {platform.release().split('-')[0]}; {rust}, "
        f"Python {platform.python_version()}; link-time optimisation "
        f"{linked}; load {os.getloadavg()[0]:.1f} when the run began"
    )


def write(name, lines):
    """Puts lines between the markers of that name."""
    page = PAGE.read_text()
    begin, end = f"<!-- {name}: written by benches/compare/run.py -->", f"<!-- {name}: end -->"
    before, rest = page.split(begin)
    _, after = rest.split(end)
    PAGE.write_text(before + begin + "\n\n" + "\n".join(lines) + "\n\n" + end + after)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="how often everything runs")
    parser.add_argument("--events", type=int, default=1_000_000, help="events of set b")
    parser.add_argument("--own", action="store_true", help="only this program")
    parser.add_argument("--peers", action="store_true", help="only the comparison")
    parser.add_argument("--print", action="store_true", help="leave docs/PERFORMANCE.md as it is")
    options = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    conditions = machine()
    build()
    truth = generate(options.events)
    tables = {}
    if not options.own:
        tables["ratios"] = compare(options.rounds, truth)
        if not_run:
            tables["ratios"] += ["", "Not run:", ""] + [f"* {why}" for why in not_run]
        tables["ratios"] += ["", f"Medians of {options.rounds} rounds. {conditions}."]
    if not options.peers:
        tables["own"] = own(options.rounds, truth)
        tables["own"] += ["", first_alert(options.rounds), "", threads(options.rounds), "", *partials()]
        tables["own"] += ["", f"Medians of {options.rounds} rounds. {conditions}."]
    for name, lines in tables.items():
        print("\n".join(lines), end="\n\n")
        if not options.print:
            write(name, lines)


if __name__ == "__main__":
    main()

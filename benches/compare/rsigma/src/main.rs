//! Chains as Sigma correlations over NDJSON, with the library under rsigma.
//!
//!     compare-rsigma FILE CHAINS
//!
//! Writes the chain that `benches/data` plants as `temporal_ordered` correlations of three rules each, with a
//! name of its own in every chain, runs them over the file and prints one line of JSON.

use std::io::{BufRead, BufReader};
use std::time::Instant;

use rsigma_eval::{CorrelationConfig, CorrelationEngine, JsonEvent};
use rsigma_parser::parse_sigma_yaml;

const NAMES: [&str; 20] = [
    "bash", "dash", "sh", "tcsh", "csh", "zsh", "ksh", "fish", "perl", "nc", "ncat", "netcat", "ruby",
    "openssl", "awk", "telnet", "socat", "python*", "php*", "lua*",
];

fn rule(id: &str, names: &str, fields: &str, but: &str) -> String {
    let condition = if but.is_empty() { "step and names" } else { "step and names and not local" };
    format!(
        "title: {id}\nid: {id}\nname: {id}\nlogsource:\n    product: linux\ndetection:\n    step:\n{fields}    names:\n        process.name:\n{names}{but}    condition: {condition}\n---\n"
    )
}

fn rules(chains: usize) -> String {
    let mut yaml = String::new();
    for chain in 0..chains {
        let own = format!("tool{chain}");
        let names = NAMES.iter().copied().chain([own.as_str()]);
        let names: String = names.map(|name| format!("            - '{name}'\n")).collect();
        let [one, two, three] = ["exec", "socket", "connect"].map(|step| format!("{step}-{chain}"));
        yaml += &rule(&one, &names, "        event.action: executed\n", "");
        yaml += &rule(
            &two,
            &names,
            "        auditd.data.syscall: socket\n        auditd.data.a1: '2'\n",
            "",
        );
        yaml += &rule(
            &three,
            &names,
            "        event.action: connected-to\n        event.outcome: success\n        network.direction: egress\n        destination.ip|exists: true\n",
            "    local:\n        destination.ip|cidr:\n            - '127.0.0.0/8'\n            - '169.254.0.0/16'\n            - '224.0.0.0/4'\n            - '::1/128'\n",
        );
        yaml += &format!(
            "title: chain {chain}\nid: chain-{chain}\ncorrelation:\n    type: temporal_ordered\n    rules:\n        - {one}\n        - {two}\n        - {three}\n    group-by:\n        - host.id\n        - process.pid\n        - process.parent.pid\n    timespan: 10m\nlevel: high\n---\n"
        );
    }
    yaml
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().expect("a file");
    let chains = arguments.next().and_then(|text| text.parse().ok()).expect("a number of chains");
    let collection = parse_sigma_yaml(&rules(chains)).expect("rules");
    let mut engine = CorrelationEngine::new(CorrelationConfig {
        timestamp_fields: vec!["@timestamp".to_owned()],
        max_state_entries: 100_000_000,
        ..CorrelationConfig::default()
    });
    engine.add_collection(&collection).expect("rules that compile");
    let mut lines = BufReader::with_capacity(1 << 20, std::fs::File::open(&file).expect("the file"));
    let (mut line, mut events, mut hits) = (Vec::new(), 0_u64, 0_u64);
    let started = Instant::now();
    while lines.read_until(b'\n', &mut line).expect("to read") > 0 {
        let value: serde_json::Value = serde_json::from_slice(&line).expect("JSON");
        let results = engine.process_event(&JsonEvent::borrow(&value));
        hits += results.iter().filter(|result| result.is_correlation()).count() as u64;
        events += 1;
        line.clear();
    }
    let seconds = started.elapsed().as_secs_f64();
    println!(r#"{{"events":{events},"hits":{hits},"seconds":{seconds:.3}}}"#);
}

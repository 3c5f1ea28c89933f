//! Writes logs and rule sets to measure with.
//!
//!     cargo run --release --example generate -- --events 1000000 --hosts 20 --seed 2 --attacks 200 \
//!       --decoys 1500 --inflight 1000 --raw b.log --ecs b.ecs --truth b.json
//!     cargo run --release --example generate -- --rules rules/ --kind mixed --number 100

#![allow(clippy::print_stderr, reason = "what was written is said")]

#[path = "mod.rs"]
mod data;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Parser;

/// Writes logs and rule sets to measure with.
#[derive(Debug, Parser)]
struct Arguments {
    /// Events beside the last steps of chains.
    #[arg(long, default_value_t = 100_000)]
    events: u64,
    /// Machines; with more than one, records say `node=`.
    #[arg(long, default_value_t = 1)]
    hosts: usize,
    /// Another log, or another rule set, for each.
    #[arg(long, default_value_t = 1)]
    seed: u32,
    /// Planted chains that must be found.
    #[arg(long, default_value_t = 20)]
    attacks: usize,
    /// Planted chains that differ in one thing.
    #[arg(long, default_value_t = 60)]
    decoys: usize,
    /// Planted chains that never end.
    #[arg(long, default_value_t = 0)]
    inflight: usize,
    /// Processes at work at the same time.
    #[arg(long, default_value_t = 64)]
    active: usize,
    /// Share of events whose records are mixed with the next one's.
    #[arg(long, default_value_t = 0.05)]
    interleave: f64,
    /// Records with the tail of log_format = ENRICHED.
    #[arg(long)]
    enriched: bool,
    /// Events without an EOE record.
    #[arg(long)]
    no_eoe: bool,
    /// Write records here.
    #[arg(long, value_name = "FILE")]
    raw: Option<PathBuf>,
    /// Write lines of ECS here.
    #[arg(long, value_name = "FILE")]
    ecs: Option<PathBuf>,
    /// Write here what the log holds and what must be found in it.
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// Write a rule set into this folder instead.
    #[arg(long, value_name = "FOLDER", requires_all = ["kind", "number"])]
    rules: Option<PathBuf>,
    /// The kind of rules: single, chain or mixed.
    #[arg(long)]
    kind: Option<String>,
    /// How many rules.
    #[arg(long)]
    number: Option<usize>,
}

fn open(path: Option<&PathBuf>) -> io::Result<Option<BufWriter<File>>> {
    path.map(|path| Ok(BufWriter::with_capacity(1 << 20, File::create(path)?))).transpose()
}

fn log(arguments: &Arguments) -> io::Result<()> {
    let options = data::Options {
        events: arguments.events,
        hosts: arguments.hosts.max(1),
        seed: arguments.seed,
        attacks: arguments.attacks,
        decoys: arguments.decoys,
        inflight: arguments.inflight,
        active: arguments.active,
        interleave: arguments.interleave,
        enriched: arguments.enriched,
        eoe: !arguments.no_eoe,
    };
    let (mut raw, mut ecs) = (open(arguments.raw.as_ref())?, open(arguments.ecs.as_ref())?);
    let truth = data::write(
        &options,
        raw.as_mut().map(|file| file as &mut dyn Write),
        ecs.as_mut().map(|file| file as &mut dyn Write),
    )?;
    for mut file in [raw, ecs].into_iter().flatten() {
        file.flush()?;
    }
    let truth = truth.json(&options);
    if let Some(path) = &arguments.truth {
        std::fs::write(path, format!("{truth:#}\n"))?;
    }
    eprintln!("{truth}");
    Ok(())
}

fn rules(folder: &Path, arguments: &Arguments) -> io::Result<()> {
    let name = arguments.kind.as_deref().unwrap_or_default();
    let Some(kind) = data::rules::Kind::find(name) else {
        return Err(io::Error::other(format!("no kind of rules: {name}")));
    };
    data::rules::write(folder, kind, arguments.number.unwrap_or(0), arguments.seed)
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    match &arguments.rules {
        Some(folder) => rules(folder, &arguments),
        None => log(&arguments),
    }
}

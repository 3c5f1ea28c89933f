//! What a log holds, what it lacks, and which rules can never fire on it.
//!
//! In: captured logs and rules. Out: an [`Inspection`], as data and as text. The log is read once, by the
//! same run that `replay` is; only numbers are kept, and of names a bounded number. The rules are not
//! run: what they need is compared with what was seen (`never`).

mod answer;
mod count;
mod gather;
mod kinds;
mod never;
mod text;

use std::path::PathBuf;
use std::sync::Arc;

pub use answer::{
    Blind, BlindStage, Completeness, Count, Failure, Gap, Host, Inspection, Lines, List, Losses,
    Malformed, Needed, Never, Read, Syscall,
};

use crate::pipeline::{self, Live, Report, Settings};
use crate::rule::RuleSet;
use gather::Gather;

/// What came of an inspection.
#[derive(Debug)]
pub struct Inspected {
    /// What the log holds and lacks.
    pub inspection: Inspection,
    /// The run itself.
    pub report: Report,
}

/// Inspects the inputs; `rules` are those that want to be able to fire. Calls `live` after every block.
///
/// # Errors
///
/// When the run cannot be set up. Inputs that cannot be read are in the answer.
pub fn inspect(
    inputs: &[PathBuf],
    settings: &Settings,
    rules: &Arc<RuleSet>,
    live: &mut dyn FnMut(&Live),
) -> Result<Inspected, String> {
    let mut gather = Gather::new(live);
    let report = pipeline::replay(&RuleSet::new(Vec::new()), inputs, settings, &mut gather)?;
    let inspection = gather.finish(&report, rules);
    Ok(Inspected { inspection, report })
}

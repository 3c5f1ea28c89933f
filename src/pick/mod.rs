//! Captured logs → the events that are wanted, one by one.
//!
//! In: inputs, and a [`Filter`]. Out: the wanted events in order of time, with their process context,
//! by the same run that `replay` is, without rules; [`Text`] shows one to people. Memory does not grow
//! with the log.

mod filter;
mod text;

use std::path::PathBuf;
use std::sync::Arc;

pub use filter::Filter;
pub use text::Text;

use crate::alert::Alert;
use crate::event::Event;
use crate::pipeline::{self, Flow, Live, Observer, Rehearsal, Report, Settings};
use crate::rule::RuleSet;
use crate::schema::FieldType;

/// What came of a run.
#[derive(Debug)]
pub struct Picked {
    /// Everything read and lost.
    pub report: Report,
    /// Events that were wanted.
    pub events: u64,
    /// Nobody wanted more: the input was not read to its end.
    pub stopped: bool,
}

/// Calls `each` with every event of the inputs that passes the filter, `live` after every block read.
///
/// # Errors
///
/// When the run cannot be set up. Inputs that cannot be read are in the report.
pub fn pick(
    inputs: &[PathBuf],
    settings: &Settings,
    filter: Filter,
    each: &mut dyn FnMut(&Event) -> Flow,
    live: &mut dyn FnMut(&Live),
) -> Result<Picked, String> {
    let mut run = Run { filter, each, live, events: 0, stopped: false };
    let report = pipeline::replay(&RuleSet::new(Vec::new()), inputs, settings, &mut run)?;
    Ok(Picked { report, events: run.events, stopped: run.stopped })
}

/// Calls `each` with every event of a log in memory that passes the filter.
///
/// # Errors
///
/// When the run cannot be set up.
pub fn pick_text(
    log: &[u8],
    settings: &Settings,
    filter: Filter,
    each: &mut dyn FnMut(&Event) -> Flow,
) -> Result<Picked, String> {
    let mut run = Run { filter, each, live: &mut |_| (), events: 0, stopped: false };
    let rules = RuleSet::new(Vec::new());
    let as_it_is = Rehearsal::default();
    let report = pipeline::rehearse(&rules, log, as_it_is, settings, &mut run)?;
    Ok(Picked { report, events: run.events, stopped: run.stopped })
}

struct Run<'a> {
    filter: Filter,
    each: &'a mut dyn FnMut(&Event) -> Flow,
    live: &'a mut dyn FnMut(&Live),
    events: u64,
    stopped: bool,
}

impl Observer for Run<'_> {
    fn alert(&mut self, _: &Alert) -> Flow {
        Flow::Continue
    }

    fn read(&mut self, live: &Live) {
        (self.live)(live);
    }

    fn fields(&self) -> Vec<(Arc<str>, Option<FieldType>)> {
        self.filter.fields()
    }

    fn event(&mut self, event: &Event) -> Flow {
        if !self.filter.admits(event) {
            return Flow::Continue;
        }
        self.events += 1;
        let flow = (self.each)(event);
        self.stopped = flow == Flow::Stop;
        flow
    }
}

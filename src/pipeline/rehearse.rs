//! A log in memory, run under conditions that a captured log does not bring with it.
//!
//! In: the bytes of one log, and what shall happen on the way: the engine starts again from its own saved
//! state behind every event, or the log stays open and only the time goes on. Out: alerts and a
//! [`Report`], by the very steps of [`replay`](super::replay) in the caller's thread.

use std::path::Path;
use std::sync::Arc;

use super::input::Source;
use super::lane::Lane;
use super::meter::Off;
use super::read::{Read1, Reader};
use super::turns::Next;
use super::{Flow, Observer, Report, Run, Settings};
use crate::rule::RuleSet;
use crate::time::{Duration, Timestamp};

/// The name of the log in a report.
const NAME: &str = "log";
/// Bytes given to the lane at once.
const BLOCK_BYTES: usize = 256 << 10;

/// What shall happen on the way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rehearsal {
    /// Behind every event the engine's state is written, read and gone on from.
    pub restarts: bool,
    /// The log does not end: this much time passes behind its latest event, as in a live stream.
    pub wait: Option<Duration>,
}

/// Runs rules over one log in memory.
///
/// # Errors
///
/// When the rules cannot be made into an engine, or its state cannot be read back.
pub fn rehearse(
    rules: &Arc<RuleSet>,
    log: &[u8],
    rehearsal: Rehearsal,
    settings: &Settings,
    observer: &mut impl Observer,
) -> Result<Report, String> {
    let source = Source { name: NAME.to_owned(), files: Vec::new() };
    let mut run = Run::new(rules, (vec![source], Vec::new()), settings, observer)?;
    let lane = Lane::new(0, settings, run.session.projection());
    let mut lane = lane.screened(run.session.screen(None));
    let mut stage = Stage { restarts: rehearsal.restarts, latest: Timestamp::MIN };
    lane.feed(&Read1::File(NAME.to_owned()));
    for block in log.chunks(BLOCK_BYTES) {
        run.take_in(&mut lane, &Read1::Block(block.to_vec()));
        stage.act(&mut run, &mut lane)?;
    }
    if !log.ends_with(b"\n") {
        lane.feed(&Read1::Block(b"\n".to_vec()));
    }
    match rehearsal.wait {
        None => lane.finish(),
        Some(_) => {
            lane.close_open();
            lane.settle();
        }
    }
    stage.act(&mut run, &mut lane)?;
    let mark = lane.mark(None);
    run.reach(0, mark);
    match rehearsal.wait {
        None => run.finish(),
        Some(wait) if run.flow == Flow::Continue => {
            let (session, mut sink) = run.split();
            session.advance(stage.latest.plus(wait), &mut sink);
        }
        Some(_) => {}
    }
    Ok(run.report())
}

/// What is going on.
struct Stage {
    restarts: bool,
    /// Time of the latest event.
    latest: Timestamp,
}

impl Stage {
    /// Runs what is in order.
    fn act<O: Observer>(&mut self, run: &mut Run<'_, O>, lane: &mut Lane) -> Result<(), String> {
        while run.flow == Flow::Continue
            && let Some(next) = lane.pop()
        {
            match next {
                Next::Event(released) => {
                    self.latest = self.latest.max(released.ordinal.time);
                    let raw = run.event(0, 0, released, &mut Off);
                    lane.recycle(raw);
                    if self.restarts {
                        run.session.restart()?;
                    }
                }
                Next::Loss(loss) => run.session.note(loss),
                Next::Found(loss) => run.session.withdraw(loss),
            }
        }
        Ok(())
    }
}

/// The bytes of one file, decompressed when its content says so.
///
/// # Errors
///
/// When it is no regular file, cannot be read to its end, or holds more than `most` bytes.
pub fn read_whole(path: &Path, most: usize) -> Result<Vec<u8>, String> {
    // Reading a pipe or a device could wait for ever.
    if !std::fs::metadata(path).map_err(|error| error.to_string())?.is_file() {
        return Err("not a regular file".to_owned());
    }
    let mut reader = Reader::new(Source { name: String::new(), files: vec![path.to_owned()] });
    let mut bytes = Vec::new();
    while let Some(read) = reader.next() {
        match read {
            Read1::Block(block) => {
                if bytes.len() + block.len() > most {
                    return Err(format!("larger than {} MiB", most >> 20));
                }
                bytes.extend_from_slice(&block);
                reader.recycle(block);
            }
            Read1::Failed { why, .. } => return Err(why),
            Read1::File(_) | Read1::Notice(_) => {}
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::alert::Alert;
    use crate::engine::{Change, Watch};
    use crate::plan::RuleIx;
    use crate::schema::Schema;

    /// Counts what it is told of partials, until it is forgotten.
    #[derive(Debug, Clone, Default)]
    struct Count(Arc<AtomicUsize>);

    impl Watch for Count {
        fn told(&mut self, _: &Change<'_>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[derive(Default)]
    struct Seen {
        told: Count,
        ids: Vec<String>,
    }

    impl Observer for Seen {
        fn alert(&mut self, alert: &Alert) -> Flow {
            self.ids.push(alert.id.clone());
            Flow::Continue
        }

        fn watch(&mut self, _: RuleIx) -> Option<Box<dyn Watch>> {
            Some(Box::new(self.told.clone()))
        }
    }

    fn run(restarts: bool) -> (usize, Vec<String>) {
        let query = "sequence by process.pid [process where process.name == \"a\"] \
                     [process where process.name == \"b\"]";
        let rules = RuleSet::new(crate::rule::load_query(query, &Schema::new()).rules);
        let event = |second: u32, name: &str| {
            format!(
                "{{\"@timestamp\":\"2026-01-01T12:00:0{second}Z\",\"event\":{{\"category\":\
                 \"process\"}},\"process\":{{\"name\":\"{name}\",\"pid\":1}}}}\n"
            )
        };
        let log = event(0, "c") + &event(1, "a") + &event(2, "b");
        let mut seen = Seen::default();
        let rehearsal = Rehearsal { restarts, wait: None };
        let settings = Settings::default();
        rehearse(&rules, log.as_bytes(), rehearsal, &settings, &mut seen).unwrap();
        (seen.told.0.load(Ordering::Relaxed), seen.ids)
    }

    #[test]
    fn a_restart_forgets_who_watched_and_nothing_else() {
        let (told, found) = run(false);
        assert!(told > 0);
        assert_eq!(found.len(), 1);
        assert_eq!(run(true), (0, found));
    }
}

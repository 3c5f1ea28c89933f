//! One source on its way to ordered events: lines → records → groups → order, or lines of JSON → order.
//!
//! What form the lines have is found out by the [`Intake`].
//! A lane is fed blocks and gives events in order ([`Turns`]). Several lanes are merged by the order of
//! their next event, so that logs of several hosts run as one stream.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::event::{Coalescer, Incomplete, Projection, Raw, Stats};
use crate::time::{Duration, Timestamp};
use crate::translate::{Form, Start};

use super::intake::{Intake, Outlet};
use super::lines::Lines;
use super::live::Notice;
use super::read::{Read1, Reader};
use super::report::{LostSerials, keep_largest};
use super::screen::Screen;
use super::turns::{Next, Turns};
use super::{MalformedLine, ReadFailure, Settings};
use crate::engine::ReorderStats;

/// What a lane has read and lost so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) bytes: u64,
    pub(super) lines: u64,
    pub(super) records: u64,
    pub(super) skipped: u64,
    pub(super) malformed: u64,
    pub(super) events: u64,
    pub(super) untimed: u64,
    pub(super) cut: u64,
    pub(super) incomplete: [u64; Incomplete::ALL.len()],
    pub(super) late_records: u64,
    pub(super) duplicates: u64,
    pub(super) ends: u64,
    pub(super) cut_lines: u64,
    pub(super) boots: u64,
    pub(super) gaps: (u64, u64),
    pub(super) kernel_lost: u64,
    pub(super) dropped: u64,
    pub(super) overflow: (u64, u64),
    pub(super) breaks: u64,
    pub(super) order: ReorderStats,
    /// Lines by form.
    pub(super) forms: [u64; Form::COUNT],
}

/// Where a lane is behind a piece of input.
#[derive(Debug)]
pub(super) struct Mark {
    /// Bytes of the piece; `None` when it was a beginning, an end or a failure.
    pub(super) block: Option<usize>,
    pub(super) tally: Tally,
    /// Files that could not be read to their end, since the mark before.
    pub(super) failures: Vec<ReadFailure>,
    /// Malformed lines since the mark before, as far as they are kept.
    pub(super) malformed: Vec<MalformedLine>,
    /// The largest gaps since the mark before.
    pub(super) gaps: Vec<LostSerials>,
}

/// See the module page.
#[derive(Debug)]
pub(super) struct Lane {
    source: u32,
    lines: Lines,
    coalescer: Coalescer,
    intake: Intake,
    turns: Turns,
    /// The file being read.
    file: String,
    failures: Vec<ReadFailure>,
    /// The first malformed lines, with the file they stand in.
    malformed: Vec<MalformedLine>,
    malformed_seen: usize,
    json_malformed_seen: usize,
    gaps_seen: u64,
    bytes: u64,
    /// Lines and bytes that a full queue dropped.
    overflow: (u64, u64),
    /// How often a live source went on behind something that could not be read.
    breaks: u64,
}

impl Lane {
    pub(super) fn new(source: u32, settings: &Settings, projection: &Arc<Projection>) -> Self {
        Self {
            source,
            lines: Lines::default(),
            coalescer: Coalescer::new(settings.coalesce),
            intake: Intake::new(settings, projection),
            turns: Turns::new(settings),
            file: String::new(),
            failures: Vec::new(),
            malformed: Vec::new(),
            malformed_seen: 0,
            json_malformed_seen: 0,
            gaps_seen: 0,
            bytes: 0,
            overflow: (0, 0),
            breaks: 0,
        }
    }

    /// From now on lines of JSON are looked at before they wait.
    pub(super) fn screened(mut self, screen: Option<Screen>) -> Self {
        if let Some(screen) = screen {
            self.turns.set_screen(screen);
        }
        self
    }

    /// Takes in the next piece of input, which `reader` has just read and may have the memory of back, and
    /// moves what it sets free into `out`, which is empty; gives the mark behind it and whether it was
    /// the last one.
    pub(super) fn take_in(
        &mut self,
        read: Option<Read1>,
        reader: &mut Reader,
        out: &mut VecDeque<Next>,
    ) -> (Box<Mark>, bool) {
        let (mut block, mut is_last) = (None, false);
        match read {
            Some(read) => {
                self.feed(&read);
                if let Read1::Block(bytes) = read {
                    block = Some(bytes.len());
                    reader.recycle(bytes);
                }
            }
            None => {
                is_last = true;
                self.finish();
            }
        }
        self.turns.take_out(out);
        (Box::new(self.mark(block)), is_last)
    }

    /// Takes in what the reader gave.
    pub(super) fn feed(&mut self, read: &Read1) {
        match read {
            Read1::Block(block) => {
                self.bytes += block.len() as u64;
                if let Some((start, piece)) = self.intake.cut(block) {
                    self.cut(start, &piece);
                }
            }
            Read1::File(name) => {
                self.end_file();
                self.file.clone_from(name);
                self.lines.start();
                self.intake.start();
            }
            Read1::Failed { name, why } => {
                self.end_file();
                self.turns.note_unread();
                self.failures.push(ReadFailure { name: name.clone(), why: why.clone() });
            }
            Read1::Notice(notice) => self.notice(notice),
        }
        self.name_malformed();
    }

    /// Something has happened to the live source: if anything was lost, the line that was being read
    /// has no end, and what is open may lack records.
    fn notice(&mut self, notice: &Notice) {
        let lost = match notice {
            Notice::Waiting { .. } | Notice::Opened { .. } => return,
            Notice::Dropped { lines, bytes } => {
                self.overflow.0 += lines;
                self.overflow.1 += bytes;
                *lines
            }
            Notice::Truncated { .. } | Notice::Untraced { .. } | Notice::Closed { .. } => {
                self.breaks += 1;
                1
            }
        };
        self.lines.discard();
        self.intake.discard();
        self.turns.note_lost(lost, self.coalescer.oldest_open());
    }

    /// Takes in a piece of a file. Line by line, so that nothing depends on where a piece ends.
    fn cut(&mut self, start: Start, piece: &[u8]) {
        let Self { lines, coalescer, intake, turns, source, .. } = self;
        let out = &mut Outlet { source: *source, coalescer, turns };
        match start {
            Start::Document => intake.document(piece, out),
            Start::Lines if intake.is_log() => {
                lines.feed(piece, &mut |number, line| match line.first() {
                    Some(b'{') => intake.line(number, line, out),
                    _ => out.record(number, line),
                })
            }
            Start::Lines => lines.feed(piece, &mut |number, line| intake.line(number, line, out)),
        }
    }

    fn end_file(&mut self) {
        if let Some((start, rest)) = self.intake.rest() {
            self.cut(start, &rest);
        }
        let Self { lines, coalescer, intake, turns, source, .. } = self;
        let out = &mut Outlet { source: *source, coalescer, turns };
        if intake.is_log() {
            lines.finish(&mut |number, line| match line.first() {
                Some(b'{') => intake.line(number, line, out),
                _ => out.record(number, line),
            });
        } else {
            lines.finish(&mut |number, line| intake.line(number, line, out));
        }
        intake.end_document(out);
        self.name_malformed();
    }

    /// Gives malformed lines, and why no more is read, the name of the file being read: the coalescer knows only its number.
    fn name_malformed(&mut self) {
        if let Some(why) = self.intake.take_refusal() {
            self.turns.note_unread();
            self.failures.push(ReadFailure { name: self.file.clone(), why });
        }
        let lines = self.coalescer.stats().malformed_lines();
        for line in lines.get(self.malformed_seen..).unwrap_or_default() {
            self.malformed.push(MalformedLine {
                file: self.file.clone(),
                line: line.line,
                why: line.reason.to_string(),
            });
        }
        self.malformed_seen = lines.len();
        for (line, why) in self.intake.malformed(self.json_malformed_seen) {
            self.json_malformed_seen += 1;
            self.malformed.push(MalformedLine {
                file: self.file.clone(),
                line: *line,
                why: why.clone(),
            });
        }
    }

    /// The input has ended: everything still open is complete, and nothing earlier will come.
    pub(super) fn finish(&mut self) {
        self.end_file();
        self.close_open();
        self.turns.advance(Timestamp::MAX);
    }

    /// Nothing more is there to be read just now. What is complete and earlier than everything still
    /// open is in order as far as anybody can know.
    pub(super) fn settle(&mut self) {
        self.turns.settle(self.coalescer.oldest_open());
    }

    /// Closes what is open: the live source has been silent for longer than an event takes.
    pub(super) fn close_open(&mut self) {
        self.coalescer.finish();
        self.turns.take(&mut self.coalescer);
    }

    /// Nothing has come for so long.
    pub(super) fn pass(&mut self, silent: Duration) {
        self.turns.pass(silent);
    }

    /// Its number.
    pub(super) fn source(&self) -> u32 {
        self.source
    }

    /// What comes next: an event, or a loss that events behind it should know of.
    pub(super) fn pop(&mut self) -> Option<Next> {
        self.turns.pop()
    }

    /// What putting events in order took, where it is measured.
    pub(super) fn ordering(&self) -> std::time::Duration {
        self.turns.spent()
    }

    /// What testing lines of JSON before they had their turn took, where it is measured.
    pub(super) fn screening(&self) -> std::time::Duration {
        self.turns.screen().map(Screen::spent).unwrap_or_default()
    }

    /// Values whose tests were remembered before lines of JSON had their turn, and all that were looked up.
    pub(super) fn remembered(&self) -> (u64, u64) {
        self.turns.screen().map(Screen::remembered).unwrap_or_default()
    }

    /// Gives its memory back.
    pub(super) fn recycle(&mut self, raw: Raw) {
        match raw {
            Raw::Audit(group) => self.coalescer.recycle(group),
            Raw::Json(json) => self.intake.json().recycle(json),
        }
    }

    /// Nothing earlier than this will come from here, but for late events.
    pub(super) fn watermark(&self) -> Timestamp {
        self.turns.watermark()
    }

    /// What has happened until now, and what is to be told since the mark before.
    pub(super) fn mark(&mut self, block: Option<usize>) -> Mark {
        Mark {
            block,
            tally: self.tally(),
            failures: std::mem::take(&mut self.failures),
            malformed: std::mem::take(&mut self.malformed),
            gaps: self.new_gaps(),
        }
    }

    /// The largest of the gaps that were decided since the last call, as far as they are kept.
    fn new_gaps(&mut self) -> Vec<LostSerials> {
        let stats = self.coalescer.stats();
        let new = usize::try_from(stats.gaps - self.gaps_seen).unwrap_or(usize::MAX);
        self.gaps_seen = stats.gaps;
        if new == 0 {
            return Vec::new();
        }
        let known = stats.gap_list().count();
        let gaps = stats.gap_list().skip(known.saturating_sub(new));
        let mut gaps: Vec<LostSerials> = gaps
            .map(|gap| LostSerials {
                source: gap.source,
                node: self.coalescer.machine(gap.machine).and_then(|(_, node)| Some(node?.into())),
                host: String::new(),
                serials: u64::from(gap.lost),
                after: gap.after,
                before: gap.before,
            })
            .collect();
        keep_largest(&mut gaps);
        gaps
    }

    fn tally(&self) -> Tally {
        let stats: &Stats = self.coalescer.stats();
        let json = self.intake.stats();
        Tally {
            bytes: self.bytes,
            lines: stats.lines - self.intake.made + json.lines,
            records: stats.records,
            skipped: stats.blank + stats.notices + json.blank,
            malformed: stats.malformed + json.malformed,
            events: stats.events + json.events,
            untimed: json.untimed,
            cut: json.cut,
            incomplete: Incomplete::ALL.map(|cause| match cause {
                Incomplete::Interpreted => self.turns.told_in_words(),
                _ => stats.incomplete(cause),
            }),
            late_records: stats.late,
            duplicates: stats.duplicate,
            ends: stats.ends,
            cut_lines: stats.cut_lines,
            boots: stats.boots,
            gaps: (stats.gaps, stats.lost),
            kernel_lost: stats.kernel_lost,
            dropped: stats.dropped,
            overflow: self.overflow,
            breaks: self.breaks,
            order: self.turns.stats(),
            forms: self.intake.forms(stats.lines),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Loss, LossKind};

    fn event(serial: u32) -> String {
        format!(
            "type=SYSCALL msg=audit({}.000:{serial}): syscall=1 pid=7\n\
             type=EOE msg=audit({}.000:{serial}):\n",
            1_700_000_000 + serial,
            1_700_000_000 + serial
        )
    }

    #[test]
    fn what_a_live_source_lost_ends_with_the_next_event() {
        let settings = Settings { lateness: Duration(0), ..Settings::default() };
        let projection = Arc::new(Projection::new([("process.pid", None)]));
        let mut lane = Lane::new(0, &settings, &projection);
        let cut = format!("{}type=SYSCALL msg=audit(17000", event(1));
        lane.feed(&Read1::Block(cut.into_bytes()));
        for lines in [2, 3] {
            lane.feed(&Read1::Notice(Notice::Dropped { lines, bytes: 100 }));
        }
        lane.feed(&Read1::Block(event(9).into_bytes()));
        lane.finish();
        let mut losses = Vec::new();
        while let Some(next) = lane.pop() {
            losses.push(match next {
                Next::Event(released) => {
                    format!("event {}", released.ordinal.time.as_millis() % 100_000 / 1000)
                }
                Next::Loss(Loss {
                    kind: LossKind::Malformed, to: Timestamp::MAX, count, ..
                }) => {
                    format!("lost {count}, nobody knows until when")
                }
                Next::Loss(Loss { kind: LossKind::Malformed, from, to, count }) => {
                    let second = |time: Timestamp| time.as_millis() % 100_000 / 1000;
                    format!("lost {count} from {} to {}", second(from), second(to))
                }
                Next::Loss(other) => format!("{:?}", other.kind),
                Next::Found(loss) => format!("taken back {}", loss.count),
            });
        }
        assert_eq!(
            losses,
            [
                "lost 2, nobody knows until when",
                "taken back 2",
                "lost 5, nobody knows until when",
                "Gap",
                "taken back 5",
                "lost 5 from 1 to 9",
                "event 1",
                "event 9",
            ]
        );
        let tally = lane.mark(None).tally;
        assert_eq!((tally.overflow, tally.malformed, tally.lines), ((5, 200), 0, 4));
    }
}

//! `head` and `tail`: which matches of a rule leave the machine.

use std::collections::VecDeque;

use super::Match;
use crate::check::ir;

/// The pipes of one rule, left to right.
#[derive(Debug)]
pub(crate) struct Pipes {
    stages: Vec<Stage>,
}

#[derive(Debug)]
enum Stage {
    Head { left: u64 },
    Tail { keep: usize, last: VecDeque<Match> },
}

impl Pipes {
    pub(crate) fn new(pipes: &[ir::Pipe]) -> Self {
        let stage = |pipe: &ir::Pipe| match pipe {
            ir::Pipe::Head(n) => Stage::Head { left: *n },
            ir::Pipe::Tail(n) => Stage::Tail {
                keep: usize::try_from(*n).unwrap_or(usize::MAX),
                last: VecDeque::new(),
            },
        };
        Self { stages: pipes.iter().map(stage).collect() }
    }

    /// Passes a match through; `None` while it is held back or when it is dropped.
    pub(crate) fn push(&mut self, found: Match) -> Option<Match> {
        pass(&mut self.stages, found)
    }

    /// What the pipes still hold at the end of input, in order.
    pub(crate) fn finish(&mut self, out: &mut Vec<Match>) {
        for index in 0..self.stages.len() {
            let Some((stage, rest)) = self.stages.get_mut(index..).and_then(<[_]>::split_first_mut)
            else {
                return;
            };
            if let Stage::Tail { last, .. } = stage {
                out.extend(std::mem::take(last).into_iter().filter_map(|found| pass(rest, found)));
            }
        }
    }
}

fn pass(stages: &mut [Stage], found: Match) -> Option<Match> {
    for stage in stages {
        match stage {
            Stage::Head { left: 0 } => return None,
            Stage::Head { left } => *left -= 1,
            Stage::Tail { keep: 0, .. } => return None,
            Stage::Tail { keep, last } => {
                last.push_back(found);
                if last.len() > *keep {
                    last.pop_front();
                }
                return None;
            }
        }
    }
    Some(found)
}

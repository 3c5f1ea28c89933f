//! What rules need of the Linux audit system, and whether they get it.
//!
//! In: a rule set; files of audit rules, or what a log was found to hold. Out: [`Suggested`], the audit rules
//! that would serve them, and [`Judged`], a verdict on each with its reasons. What a rule can come from is
//! found by the one analysis that `explain` and `inspect` use too ([`crate::rule::judge`] on the producers of
//! [`crate::event::producers`]); nothing here runs a rule or talks to a kernel.
//!
//! The ladder: lines are read ([`line`], [`parse`]) into lists ([`list`]); a stage is taken apart into calls and
//! what the kernel must see in them ([`stage`], [`wanted`]) as sets ([`set`]); the lists are asked in order
//! ([`walk`]). [`suggest`] and [`verdict`] are made from that.

mod calls;
mod line;
mod list;
mod parse;
mod set;
mod stage;
mod suggest;
mod text;
mod verdict;
mod walk;
mod wanted;

pub use list::{AuditRules, Place, Width};
pub use parse::{Read, is_audit_rules, read_paths, read_text};
pub use suggest::{NeededBy, Suggested, SuggestedLine, suggest};
pub use verdict::{Against, Judged, RuleVerdict, StageVerdict, Verdict, by_log, by_rules};

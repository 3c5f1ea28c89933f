//! Finds multi-step attacks in Linux audit logs.
//!
//! Rules are written in EQL (`sequence`, `sample`, single events), compiled into state machines keyed
//! by whatever `by` names, and run over raw `audit.log` files, a live audit stream or ECS events as
//! JSON.
//!
//! Three nouns carry the library: a [`rule::Rule`] is a query and what people should know about it; a
//! [`rule::RuleSet`] is rules compiled together, immutable; an [`alert::Alert`] is a match with the
//! events that made it. The whole life cycle:
//!
//! ```
//! use catena::alert::Alert;
//! use catena::pipeline::{self, Flow, Observer, Settings};
//! use catena::rule::{self, RuleSet};
//! use catena::schema::Schema;
//!
//! struct Print;
//!
//! impl Observer for Print {
//!     fn alert(&mut self, alert: &Alert) -> Flow {
//!         println!("{}", alert.to_json());
//!         Flow::Continue
//!     }
//! }
//!
//! let query = r#"process where event.action == "executed" and process.name == "nc""#;
//! let loaded = rule::load_query(query, &Schema::new());
//! let rules = RuleSet::new(loaded.rules);
//! let logs = ["corpus/auditd/attacks.log.gz".into()];
//! let report = pipeline::replay(&rules, &logs, &Settings::default(), &mut Print)?;
//! assert_eq!(report.alerts, 1);
//! assert!(!report.has_losses());
//! # Ok::<(), String>(())
//! ```
//!
//! To run the matching inside another scheduler, feed an [`engine::Engine`] directly; what it knows can be
//! kept, moved and split as a [`state::State`]. How the rooms hang together is told in `ARCHITECTURE.md`.

#![allow(
    rustdoc::private_intra_doc_links,
    reason = "pages of rooms name their inner rooms, for readers of the source"
)]

pub mod alert;
pub mod batch;
pub mod check;
pub mod cli;
pub mod codec;
pub mod diagnostic;
pub mod digits;
pub mod engine;
pub mod escape;
pub mod event;
pub mod function;
pub mod inspect;
pub mod machine;
pub mod mutate;
mod near;
pub mod needs;
pub mod net;
pub mod pick;
pub mod pipeline;
pub mod plan;
pub mod process;
pub mod prove;
pub mod record;
pub mod rule;
pub mod schema;
pub mod span;
pub mod state;
pub mod syntax;
pub mod time;
pub mod translate;
pub mod value;
pub mod version;
pub mod why;
pub mod wildcard;

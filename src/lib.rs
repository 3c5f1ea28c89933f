//! Finds multi-step attacks in Linux audit logs.
//!
//! Rules are written in EQL (`sequence`, `sample`, single events), compiled into state machines keyed
//! by whatever `by` names, and run over raw `audit.log`, a live audit stream or ECS JSON.

pub mod alert;
pub mod check;
pub mod cli;
pub mod diagnostic;
pub mod engine;
pub mod event;
pub mod function;
pub mod machine;
pub mod net;
pub mod pipeline;
pub mod plan;
pub mod process;
pub mod record;
pub mod rule;
pub mod schema;
pub mod span;
pub mod syntax;
pub mod time;
pub mod value;
pub mod version;
pub mod wildcard;

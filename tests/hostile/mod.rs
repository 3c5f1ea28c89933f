//! What must hold for any bytes whatever, one function per way in.
//!
//! The fuzz targets in `fuzz/` call these with bytes of their own making; `tests/fuzz_corpus.rs` calls
//! them with the seeds and with every input that once broke something. Each panics when its law does
//! not hold, and otherwise says nothing.

mod audit;
mod json;
mod logs;
mod lucene;
mod queries;
mod rules;
mod shape;
mod sockaddr;
mod state;

pub(crate) use audit::audit_rules;
pub(crate) use json::json;
pub(crate) use logs::{coalesce, record};
pub(crate) use lucene::regex;
pub(crate) use queries::query;
pub(crate) use rules::rule;
pub(crate) use shape::shape;
pub(crate) use sockaddr::sockaddr;
pub(crate) use state::state;

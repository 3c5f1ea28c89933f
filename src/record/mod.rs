//! Bytes → records: one line of an audit log is taken apart, nothing is interpreted further.
//!
//! In: a line of a raw audit log, of a plugin stream, of syslog or of the kernel log. Out: its
//! [`Head`] (type, time, serial) and, on demand, its [`Field`]s with their decoding. A line of JSON
//! gives its values by name ([`JsonLines`]). All text is attacker-controlled: every function here accepts any bytes, never panics and never loops.
//! This room never looks at a second record: joining them is the work of `event`.

mod decode;
pub mod execve;
pub mod field;
pub mod json;
mod nested;
mod prefix;
pub mod raw;
pub mod sockaddr;
pub mod tables;
pub mod text;
mod words;

pub use decode::{decode, decode_into, is_encoded};
pub use execve::Arguments;
pub use field::{Enriched, Field, Fields, RawValue, enriched_behind, fields};
pub use json::{Atom, JsonError, JsonLines};
pub use nested::{Nested, nested};
pub use raw::{Head, HeadError, Heads, head, is_stamp};
pub use sockaddr::Sockaddr;
pub use tables::RecordType;
pub use words::{KeyHead, in_order, plain_value};

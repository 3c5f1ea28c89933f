//! The text of a file of audit rules.
#![no_main]

#[allow(dead_code, unused_imports, reason = "every target has one law of them all")]
#[path = "../../tests/hostile/mod.rs"]
mod hostile;

libfuzzer_sys::fuzz_target!(|data: &[u8]| hostile::audit_rules(data));

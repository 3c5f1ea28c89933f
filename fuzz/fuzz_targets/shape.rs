//! Lines of JSON read by the shape of those before them.
#![no_main]

#[allow(dead_code, unused_imports, reason = "every target has one law of them all")]
#[path = "../../tests/hostile/mod.rs"]
mod hostile;

libfuzzer_sys::fuzz_target!(|data: &[u8]| hostile::shape(data));

//! (being written)

#[cfg_attr(not(test), expect(dead_code, reason = "the machines that use it are being written"))]
pub(crate) mod expr;
mod literals;
#[cfg_attr(not(test), expect(dead_code, reason = "the machines that use it are being written"))]
pub(crate) mod test;

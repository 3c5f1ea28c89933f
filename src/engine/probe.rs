//! [`Probe`]: told which rule has just done its part.
//!
//! In: the number of a rule, whenever its program has been stepped or told the time. Out: nothing. It is
//! for measuring: the engine has no clock, whoever probes it may have one. `()` is the probe of an engine
//! that nobody measures and is compiled away.

use crate::plan::RuleIx;

/// Whoever measures what rules cost.
pub trait Probe {
    /// This rule has done its part for the present event.
    fn stepped(&mut self, rule: RuleIx);
}

impl Probe for () {
    #[inline(always)]
    fn stepped(&mut self, _: RuleIx) {}
}

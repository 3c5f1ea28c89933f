//! [`Producer`]: what a system call or a record type alone says about the fields of its events.

/// A source of audit events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Producer {
    /// Name of the system call, or of the record type.
    pub name: &'static str,
    /// Whether it is a system call.
    pub call: bool,
    /// A record of the kernel whose events can hold a system call as well.
    pub with_call: bool,
    /// The ways its events can look, such as done and failed.
    pub variants: Vec<Variant>,
}

/// One way the events of a producer look: fields with all their values. Fields that are not listed
/// can have any values or none.
pub type Variant = Vec<(&'static str, Vec<String>)>;

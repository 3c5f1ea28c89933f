//! Names and numbers that the kernel and the audit daemon agreed on: record types, architectures,
//! system calls, errors and signals.
//!
//! In: a number or a name from a record. Out: the other one, `None` for what is not in the table.
//! Nothing here reads a log or allocates.

mod capability;
mod errno;
mod kind;
mod syscall;

pub use capability::{capability_bits, capability_names};
pub use errno::{errno_name, signal_name};
pub use kind::RecordType;
pub use syscall::{
    SOCKET_CALLS, arch_name, arch_number, is_little_endian, parse_arch, syscall_name,
};

//! Words for the values of single records: modes, addresses, capabilities, filters.
//!
//! In: a value as logged. Out: its words, `None` where there are none that are certain.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::super::decoded::{FAMILIES, OPEN_FLAGS, OPEN_GENERIC, OPEN_MODES, Words};
use super::arguments::MAPPING;
use crate::record::tables::{capability_bits, capability_names};
use crate::record::text::text_of;
use crate::record::{RecordType, Sockaddr};

const FILE_TYPES: Words = &[
    (0o14_0000, "socket"),
    (0o12_0000, "link"),
    (0o10_0000, "file"),
    (0o6_0000, "block"),
    (0o4_0000, "dir"),
    (0o2_0000, "character"),
    (0o1_0000, "fifo"),
];
const FILTERS: Words = &[
    (0, "user"),
    (1, "task"),
    (2, "entry"),
    (3, "watch"),
    (4, "exit"),
    (5, "exclude"),
    (6, "filesystem"),
    (7, "io_uring"),
];
const SECCOMP: Words = &[
    (0x8000_0000, "kill_process"),
    (0, "kill_thread"),
    (0x3_0000, "trap"),
    (0x5_0000, "errno"),
    (0x7fc0_0000, "user_notif"),
    (0x7ff0_0000, "trace"),
    (0x7ffc_0000, "log"),
    (0x7fff_0000, "allow"),
];
const RESOLVE: Words = &[
    (1, "no_xdev"),
    (2, "no_magiclinks"),
    (4, "no_symlinks"),
    (8, "beneath"),
    (16, "in_root"),
    (32, "cached"),
];
const NETFILTER: Words =
    &[(1, "inet"), (2, "ipv4"), (3, "arp"), (5, "netdev"), (7, "bridge"), (10, "ipv6")];

/// What a value of a key means that only records of some types have.
pub(super) fn of_record(kind: RecordType, key: &[u8], value: &[u8]) -> Option<String> {
    match (kind, key) {
        (RecordType::CONFIG_CHANGE, b"list") => word_of(FILTERS, number(value, 10)?),
        (RecordType::SECCOMP, b"code") => word_of(SECCOMP, number(value, 16)? & 0xffff_0000),
        (RecordType::NETFILTER_CFG, b"family") => word_of(NETFILTER, number(value, 10)?),
        (RecordType::MMAP, b"flags") => flags(MAPPING, number(value, 16)?),
        (RecordType::OPENAT2, b"resolve") => flags(RESOLVE, number(value, 16)?),
        (RecordType::OPENAT2, b"oflag") => {
            let bits = number(value, 8)?;
            let known: Vec<_> = OPEN_FLAGS.iter().chain(OPEN_GENERIC).copied().collect();
            let mode = word_of(OPEN_MODES, bits & 3)?;
            Some(flags(&known, bits & !3).map_or(mode.clone(), |words| format!("{mode}|{words}")))
        }
        (RecordType::PATH | RecordType::CAPSET | RecordType::BPRM_FCAPS, key)
            if holds_caps(key) =>
        {
            capabilities(number(value, 16)?)
        }
        _ => None,
    }
}

fn holds_caps(key: &[u8]) -> bool {
    matches!(
        key,
        b"cap_pi"
            | b"cap_pp"
            | b"cap_pe"
            | b"cap_pa"
            | b"cap_fp"
            | b"cap_fi"
            | b"fp"
            | b"fi"
            | b"old_pp"
            | b"old_pi"
            | b"old_pe"
            | b"old_pa"
            | b"pp"
            | b"pi"
            | b"pe"
            | b"pa"
            | b"new_pp"
            | b"new_pi"
            | b"new_pe"
    )
}

/// The names of capabilities in a mask; `None` for bits that have none, and for no bits.
fn capabilities(mask: u64) -> Option<String> {
    if mask == 0 {
        return None;
    }
    let all = capability_bits();
    if mask == all {
        return Some("all".to_owned());
    }
    if mask & !all != 0 {
        return None;
    }
    let short = |name: &str| name.trim_start_matches("CAP_").to_lowercase();
    Some(capability_names(mask).map(short).collect::<Vec<_>>().join(","))
}

/// The mode of a file: its type and permissions.
pub(super) fn mode(value: &[u8]) -> Option<String> {
    Some(mode_of(number(value, 8)?))
}

/// The same from its bits.
pub(super) fn mode_of(bits: u64) -> String {
    match word_of(FILE_TYPES, bits & 0o17_0000) {
        Some(kind) => format!("{kind},{}", octal(bits & 0o7777)),
        None => octal(bits),
    }
}

/// Permissions in octal, with the special bits in words.
pub(super) fn octal(bits: u64) -> String {
    let mut out = String::new();
    for (bit, word) in [(0o4000, "suid,"), (0o2000, "sgid,"), (0o1000, "sticky,")] {
        if bits & bit != 0 {
            out.push_str(word);
        }
    }
    // Writing to a String cannot fail.
    let _ = write!(out, "{:03o}", bits & !0o7000);
    out
}

/// An address as people write it.
pub(super) fn address(address: &Sockaddr) -> String {
    match address {
        Sockaddr::UnixPath(name) => format!("unix {}", text_of(name.as_bytes())),
        Sockaddr::UnixAbstract(name) => format!("unix @{}", text_of(name.as_bytes())),
        Sockaddr::UnixUnnamed => "unix without a name".to_owned(),
        Sockaddr::Inet { ip: IpAddr::V4(ip), port } => format!("inet {ip}:{port}"),
        Sockaddr::Inet { ip: IpAddr::V6(ip), port } => format!("inet6 [{ip}]:{port}"),
        Sockaddr::Netlink { pid, groups } => format!("netlink pid {pid} groups {groups:x}"),
        Sockaddr::Unspec => "unspec".to_owned(),
        Sockaddr::Other(family) => word_of(FAMILIES, u64::from(*family))
            .unwrap_or_else(|| format!("address family {family}")),
        Sockaddr::Malformed(_) => "malformed address".to_owned(),
    }
}

/// The word for a number.
pub(super) fn word_of(words: Words, number: u64) -> Option<String> {
    words.iter().find(|(known, _)| *known == number).map(|(_, word)| (*word).to_owned())
}

/// The words of all bits that are set, what is left in hexadecimal; `None` when no bit is.
pub(super) fn flags(words: &[(u64, &'static str)], bits: u64) -> Option<String> {
    let mut left = bits;
    let mut out = Vec::new();
    for (bit, word) in words {
        if left & bit != 0 {
            left &= !bit;
            out.push((*word).to_owned());
        }
    }
    if left != 0 {
        out.push(format!("0x{left:x}"));
    }
    (!out.is_empty()).then(|| out.join("|"))
}

/// A number with or without `0x`.
fn number(text: &[u8], radix: u32) -> Option<u64> {
    let text = text.strip_prefix(b"0x").filter(|_| radix == 16).unwrap_or(text);
    u64::from_str_radix(std::str::from_utf8(text).ok()?, radix).ok()
}

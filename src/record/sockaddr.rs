//! The address in a SOCKADDR record.
//!
//! In: the hexadecimal value of `saddr=`, raw bytes of the structure a program passed to the kernel.
//! Out: a [`Sockaddr`]. The kernel copies what the program gave, so everything may be wrong in it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::record::tables::is_little_endian;

/// Longest socket name the kernel takes.
const UNIX_BYTES: usize = 108;
/// Longest address the kernel logs (`sockaddr_storage`).
const ADDRESS_BYTES: usize = 128;

/// A decoded socket address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sockaddr {
    /// Family 1 with a path; what follows its NUL is uninitialised memory and cut off.
    UnixPath(UnixName),
    /// Family 1 with an abstract name, without its leading NUL; may hold NULs.
    UnixAbstract(UnixName),
    /// Family 1 without a name.
    UnixUnnamed,
    /// Family 2 or 10. A mapped IPv4 address stays IPv6, see [`Sockaddr::mapped_v4`].
    Inet {
        /// The address.
        ip: IpAddr,
        /// The port.
        port: u16,
    },
    /// Family 16.
    Netlink {
        /// Netlink port, often a process id; 0 is the kernel.
        pid: u32,
        /// Multicast groups.
        groups: u32,
    },
    /// Family 0: a datagram socket is being disconnected.
    Unspec,
    /// Any other family by number.
    Other(u16),
    /// Too short for its family, or no address at all (`None`).
    Malformed(Option<u16>),
}

/// The name of a unix socket.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct UnixName {
    bytes: [u8; UNIX_BYTES],
    len: u8,
}

impl UnixName {
    /// Keeps the first 108 bytes, more are not possible.
    fn new(name: &[u8]) -> Self {
        let name = name.get(..UNIX_BYTES).unwrap_or(name);
        let mut bytes = [0; UNIX_BYTES];
        for (to, from) in bytes.iter_mut().zip(name) {
            *to = *from;
        }
        Self { bytes, len: u8::try_from(name.len()).unwrap_or(0) }
    }

    /// The name as the program gave it.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl fmt::Debug for UnixName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_bytes().escape_ascii().to_string())
    }
}

impl Sockaddr {
    /// Decodes `saddr=`. `arch` is that of the event's SYSCALL record: it tells the byte order of the
    /// family where the bytes alone do not. Whatever does not decode is [`Sockaddr::Malformed`].
    pub fn parse(hex: &[u8], arch: Option<u32>) -> Self {
        let mut buffer = [0_u8; ADDRESS_BYTES];
        let Some(bytes) = unhex(hex, &mut buffer) else { return Self::Malformed(None) };
        let Some((&[first, second], rest)) = bytes.split_first_chunk::<2>() else {
            return Self::Malformed(None);
        };
        // No family is above 255, so one of the two bytes is zero on any real machine.
        let little = match (first, second) {
            (_, 0) => true,
            (0, _) => false,
            _ => arch.is_none_or(is_little_endian),
        };
        let family = if little { [first, second] } else { [second, first] };
        let family = u16::from_le_bytes(family);
        let address = match family {
            0 => Some(Self::Unspec),
            1 => Some(unix(rest)),
            2 => inet(rest),
            10 => inet6(rest),
            16 => netlink(rest, little),
            other => Some(Self::Other(other)),
        };
        address.unwrap_or(Self::Malformed(Some(family)))
    }

    /// The number of its family; `None` when there is not even that.
    pub fn family(&self) -> Option<u16> {
        Some(match self {
            Self::UnixPath(_) | Self::UnixAbstract(_) | Self::UnixUnnamed => 1,
            Self::Inet { ip: IpAddr::V4(_), .. } => 2,
            Self::Inet { ip: IpAddr::V6(_), .. } => 10,
            Self::Netlink { .. } => 16,
            Self::Unspec => 0,
            Self::Other(family) => *family,
            Self::Malformed(family) => return *family,
        })
    }

    /// The IPv4 address inside a mapped IPv6 one (`::ffff:198.51.100.7`).
    pub fn mapped_v4(&self) -> Option<Ipv4Addr> {
        match self {
            Self::Inet { ip: IpAddr::V6(ip), .. } => ip.to_ipv4_mapped(),
            _ => None,
        }
    }
}

/// Decodes into `buffer`; `None` for odd length, other characters or more than fits.
fn unhex<'b>(hex: &[u8], buffer: &'b mut [u8; ADDRESS_BYTES]) -> Option<&'b [u8]> {
    if !hex.len().is_multiple_of(2) || hex.len() / 2 > ADDRESS_BYTES {
        return None;
    }
    for (to, pair) in buffer.iter_mut().zip(hex.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        let high = char::from(*high).to_digit(16)?;
        let low = char::from(*low).to_digit(16)?;
        *to = u8::try_from(high << 4 | low).ok()?;
    }
    buffer.get(..hex.len() / 2)
}

fn unix(rest: &[u8]) -> Sockaddr {
    match rest {
        [] => Sockaddr::UnixUnnamed,
        [0, name @ ..] if name.iter().all(|b| *b == 0) => Sockaddr::UnixUnnamed,
        [0, name @ ..] => Sockaddr::UnixAbstract(UnixName::new(name)),
        path => {
            let end = memchr::memchr(0, path).unwrap_or(path.len());
            Sockaddr::UnixPath(UnixName::new(path.get(..end).unwrap_or(path)))
        }
    }
}

fn inet(rest: &[u8]) -> Option<Sockaddr> {
    let (port, rest) = rest.split_first_chunk::<2>()?;
    let ip = rest.first_chunk::<4>()?;
    Some(Sockaddr::Inet { ip: Ipv4Addr::from(*ip).into(), port: u16::from_be_bytes(*port) })
}

fn inet6(rest: &[u8]) -> Option<Sockaddr> {
    let (port, rest) = rest.split_first_chunk::<2>()?;
    let ip = rest.get(4..)?.first_chunk::<16>()?;
    Some(Sockaddr::Inet { ip: Ipv6Addr::from(*ip).into(), port: u16::from_be_bytes(*port) })
}

fn netlink(rest: &[u8], little: bool) -> Option<Sockaddr> {
    let word = |at: usize| {
        let bytes = rest.get(at..)?.first_chunk::<4>()?;
        Some(if little { u32::from_le_bytes(*bytes) } else { u32::from_be_bytes(*bytes) })
    };
    Some(Sockaddr::Netlink { pid: word(2)?, groups: word(6)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(hex: &str) -> Sockaddr {
        Sockaddr::parse(hex.as_bytes(), None)
    }

    fn inet(ip: &str, port: u16) -> Sockaddr {
        Sockaddr::Inet { ip: ip.parse().unwrap(), port }
    }

    #[test]
    fn inet_may_be_as_short_as_eight_bytes() {
        assert_eq!(parse("02002329C63364070000000000000000"), inet("198.51.100.7", 9001));
        assert_eq!(parse("02002329C6336407"), inet("198.51.100.7", 9001));
        assert_eq!(parse("02002329C63364"), Sockaddr::Malformed(Some(2)));
    }

    #[test]
    fn inet6_may_lack_the_scope() {
        let bytes = "0A00233800000000FD000000000000000000000000000002";
        assert_eq!(parse(bytes), inet("fd00::2", 9016));
        assert_eq!(parse(bytes.strip_suffix("02").unwrap()), Sockaddr::Malformed(Some(10)));
        let mapped = parse("0A0023380000000000000000000000000000FFFFC633640700000000");
        assert_eq!(mapped.mapped_v4(), Some(Ipv4Addr::new(198, 51, 100, 7)));
        assert_eq!(mapped.family(), Some(10));
    }

    #[test]
    fn unix_names_end_at_nul_unless_abstract() {
        let path = parse("01002F72756E2F780000FFC1");
        assert_eq!(path, Sockaddr::UnixPath(UnixName::new(b"/run/x")));
        let name = parse("01000061622000FF");
        assert_eq!(name, Sockaddr::UnixAbstract(UnixName::new(b"ab \0\xff")));
        assert_eq!(parse("0100"), Sockaddr::UnixUnnamed);
        assert_eq!(parse("01000000"), Sockaddr::UnixUnnamed);
    }

    #[test]
    fn family_follows_the_byte_order_of_the_machine() {
        let ppc64 = Some(0x8000_0015);
        let saddr = b"0002D903000000000000000000000000";
        assert_eq!(Sockaddr::parse(saddr, ppc64), inet("0.0.0.0", 55555));
        assert_eq!(Sockaddr::parse(saddr, None), inet("0.0.0.0", 55555), "told by the zero byte");
        assert_eq!(Sockaddr::parse(b"0102", ppc64), Sockaddr::Other(0x0102));
        assert_eq!(Sockaddr::parse(b"0102", None), Sockaddr::Other(0x0201));
    }

    #[test]
    fn other_families_and_garbage() {
        assert_eq!(parse("100000000A00000002000000"), Sockaddr::Netlink { pid: 10, groups: 2 });
        assert_eq!(parse("1000"), Sockaddr::Malformed(Some(16)));
        assert_eq!(parse("00000000000000000000000000000000"), Sockaddr::Unspec);
        assert_eq!(parse("2600736B636970686572"), Sockaddr::Other(38));
        for bad in ["", "01", "0", "02zz", &"0".repeat(600)] {
            assert_eq!(parse(bad), Sockaddr::Malformed(None), "{bad}");
        }
    }
}

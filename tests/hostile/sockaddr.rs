//! Socket addresses as programs hand them to the kernel.

use std::net::IpAddr;

use catena::record::Sockaddr;

const LITTLE: u32 = 0xc000_003e;
const BIG: u32 = 0x8000_0015;

/// The bytes of a structure: what is read from them is in them, in whatever case they are spelt, and
/// what is no such structure is said to be malformed.
pub(crate) fn sockaddr(bytes: &[u8]) {
    let upper: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    for arch in [None, Some(LITTLE), Some(BIG)] {
        let read = Sockaddr::parse(upper.as_bytes(), arch);
        let little = match *bytes {
            [_, 0, ..] => true,
            [0, _, ..] => false,
            _ => arch != Some(BIG),
        };
        let short = |value: [u8; 2]| match little {
            true => u16::from_le_bytes(value),
            false => u16::from_be_bytes(value),
        };
        let family = bytes.first_chunk::<2>().map(|family| short(*family));
        // Longer than any structure of the kernel.
        let expected = family.filter(|_| bytes.len() <= 128);
        assert_eq!(read.family(), expected, "{upper} on {arch:x?}");
        assert_eq!(read, Sockaddr::parse(upper.to_lowercase().as_bytes(), arch), "{upper}");
        match read {
            Sockaddr::Inet { ip, port } => {
                assert_eq!(port.to_be_bytes(), bytes[2..4]);
                match ip {
                    IpAddr::V4(ip) => assert_eq!(ip.octets(), bytes[4..8]),
                    IpAddr::V6(ip) => assert_eq!(ip.octets(), bytes[8..24]),
                }
            }
            Sockaddr::UnixPath(name) => {
                assert!(!name.as_bytes().is_empty() && !name.as_bytes().contains(&0));
                assert!(bytes[2..].starts_with(name.as_bytes()));
            }
            Sockaddr::UnixAbstract(name) => assert!(bytes[3..].starts_with(name.as_bytes())),
            Sockaddr::UnixUnnamed => assert!(bytes[2..].iter().all(|byte| *byte == 0)),
            Sockaddr::Netlink { pid, groups } => {
                let word = |at: usize| {
                    let word = bytes[at..].first_chunk().unwrap();
                    if little { u32::from_le_bytes(*word) } else { u32::from_be_bytes(*word) }
                };
                assert_eq!((pid, groups), (word(4), word(8)));
            }
            Sockaddr::Unspec => assert_eq!(family, Some(0)),
            Sockaddr::Other(number) => assert!(![0, 1, 2, 10, 16].contains(&number)),
            Sockaddr::Malformed(None) => assert!(bytes.len() < 2 || bytes.len() > 128),
            Sockaddr::Malformed(Some(family)) => {
                let enough = match family {
                    2 => 8,
                    10 => 24,
                    16 => 12,
                    _ => 0,
                };
                assert!(bytes.len() < enough, "{upper} is long enough");
            }
        }
    }
    // What the kernel would never write.
    let read = Sockaddr::parse(bytes, None);
    let hex = bytes.iter().all(u8::is_ascii_hexdigit)
        && bytes.len().is_multiple_of(2)
        && bytes.len() <= 256;
    assert!(hex || read == Sockaddr::Malformed(None));
}

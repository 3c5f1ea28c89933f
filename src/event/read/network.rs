//! Addresses: the SOCKADDR record of a call, the `addr=` of a program.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::super::take::Sink;
use super::super::view::field_of;
use super::Reader;
use crate::record::text::push_text;
use crate::record::{RawValue, RecordType, Sockaddr};
use crate::value::{Scalar, plain_ip};

/// Which way data goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Egress,
    Ingress,
}

impl Reader<'_, '_> {
    fn address(&mut self) -> Option<Sockaddr> {
        if self.address.is_none() {
            let record = self.view.record(RecordType::SOCKADDR);
            let hex = record.and_then(|r| field_of(r, b"saddr")).and_then(RawValue::bytes);
            self.address = Some(hex.map(|hex| Sockaddr::parse(hex, self.view.arch)));
        }
        self.address.flatten()
    }

    /// The direction of a call that has an address. `bind` and the like have an address, but none.
    fn direction(&self) -> Option<Direction> {
        self.view.record(RecordType::SOCKADDR)?;
        Some(match self.view.call? {
            "connect" | "sendto" | "sendmsg" | "sendmmsg" => Direction::Egress,
            "accept" | "accept4" | "recvfrom" | "recvmsg" | "recvmmsg" => Direction::Ingress,
            _ => return None,
        })
    }

    pub(super) fn network_direction(&mut self, sink: Sink<'_>) {
        match self.direction() {
            Some(Direction::Egress) => sink.word("egress"),
            Some(Direction::Ingress) => sink.word("ingress"),
            None if self.said_address().is_some() => sink.word("ingress"),
            None => {}
        }
    }

    /// Which kind of address data goes to or comes from.
    pub(super) fn network_type(&mut self, sink: Sink<'_>) {
        if self.direction().is_some()
            && let Some(Sockaddr::Inet { ip, .. }) = self.address()
        {
            sink.word(if plain_ip(ip).is_ipv4() { "ipv4" } else { "ipv6" });
        }
    }

    /// Reads the address as that of the other side, where data goes to.
    pub(super) fn destination(&mut self, read: fn(&mut Self, Sink<'_>), sink: Sink<'_>) {
        if self.direction() == Some(Direction::Egress) {
            read(self, sink);
        }
    }

    /// Reads the address as that of the other side, where data comes from.
    pub(super) fn source(&mut self, read: fn(&mut Self, Sink<'_>), sink: Sink<'_>) {
        if self.direction() == Some(Direction::Ingress) {
            read(self, sink);
        }
    }

    pub(super) fn source_ip(&mut self, sink: Sink<'_>) {
        match self.said_address() {
            Some(ip) => sink.value(Scalar::Ip(ip)),
            None => self.source(Self::ip, sink),
        }
    }

    /// The address that a program says somebody comes from.
    fn said_address(&self) -> Option<IpAddr> {
        self.view.tokens.nested?;
        let text = self.view.said(b"addr").and_then(RawValue::bytes)?;
        Some(plain_ip(std::str::from_utf8(text).ok()?.parse().ok()?))
    }

    /// An IPv4 address inside an IPv6 one is that IPv4 address.
    pub(super) fn ip(&mut self, sink: Sink<'_>) {
        if let Some(Sockaddr::Inet { ip, .. }) = self.address() {
            sink.value(Scalar::Ip(plain_ip(ip)));
        }
    }

    pub(super) fn port(&mut self, sink: Sink<'_>) {
        if let Some(Sockaddr::Inet { port, .. }) = self.address() {
            sink.value(Scalar::Int(i64::from(port)));
        }
    }

    pub(super) fn socket_family(&mut self, sink: Sink<'_>) {
        match self.address().and_then(|address| address.family()) {
            Some(1) => sink.word("unix"),
            Some(2) => sink.word("ipv4"),
            Some(10) => sink.word("ipv6"),
            Some(16) => sink.word("netlink"),
            Some(other) => self.display(other, sink),
            None => {}
        }
    }

    pub(super) fn socket_addr(&mut self, sink: Sink<'_>) {
        if let Some(Sockaddr::Inet { ip, .. }) = self.address() {
            self.display(plain_ip(ip), sink);
        }
    }

    pub(super) fn socket_port(&mut self, sink: Sink<'_>) {
        if let Some(Sockaddr::Inet { port, .. }) = self.address() {
            self.display(port, sink);
        }
    }

    /// The path of a unix socket. An abstract name is told apart by an `@` before it.
    pub(super) fn socket_path(&mut self, sink: Sink<'_>) {
        let address = self.address();
        let text = &mut self.scratch.text;
        text.clear();
        match &address {
            Some(Sockaddr::UnixPath(name)) => push_text(name.as_bytes(), text),
            Some(Sockaddr::UnixAbstract(name)) => {
                text.push('@');
                push_text(name.as_bytes(), text);
            }
            _ => return,
        }
        sink.value(Scalar::Str(text));
    }

    pub(super) fn socket_raw(&mut self, sink: Sink<'_>) {
        let record = self.view.record(RecordType::SOCKADDR);
        let hex = record.and_then(|r| field_of(r, b"saddr")).and_then(RawValue::bytes);
        if let Some(hex) = hex {
            super::give(hex, &mut self.scratch.text, sink);
        }
    }

    fn display(&mut self, value: impl std::fmt::Display, sink: Sink<'_>) {
        let text = &mut self.scratch.text;
        text.clear();
        // Writing to a String cannot fail.
        let _ = write!(text, "{value}");
        sink.value(Scalar::Str(text));
    }
}

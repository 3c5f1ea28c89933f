//! The value of one field of an audit event: the mapping from records to ECS.
//!
//! In: a [`View`] and a [`Source`]. Out: the field's values, one by one, to whoever wants them. The
//! projection for rules and the full document for alerts both read through here, so that they can
//! never differ.

use std::net::IpAddr;

use super::decoded;
use super::group::{Group, Record};
use super::host::Host;
use super::source::Source;
use super::view::{View, decimal};
use crate::record::text::{keys, proctitle_in_place, push_text, text_of};
use crate::record::{Arguments, RawValue, RecordType, Sockaddr, decode_into, fields, nested};
use crate::value::Scalar;

/// Reused memory for reading.
#[derive(Debug, Clone, Default)]
pub(super) struct Scratch {
    args: Arguments,
    bytes: Vec<u8>,
    text: String,
}

/// Reads fields of one event.
#[derive(Debug)]
pub(super) struct Reader<'g, 's> {
    pub(super) view: View<'g>,
    host: Option<&'g Host>,
    scratch: &'s mut Scratch,
    has_args: bool,
    address: Option<Option<Sockaddr>>,
}

/// Whoever takes the values of a field.
pub(super) type Sink<'a> = &'a mut dyn FnMut(Scalar<'_>);

impl<'g, 's> Reader<'g, 's> {
    pub(super) fn new(group: &'g Group, host: Option<&'g Host>, scratch: &'s mut Scratch) -> Self {
        Self { view: View::new(group), host, scratch, has_args: false, address: None }
    }

    /// Gives the values of a field; none when it is missing.
    pub(super) fn read(&mut self, source: &Source, sink: Sink<'_>) {
        let tokens = self.view.tokens;
        match source {
            Source::Timestamp => sink(Scalar::Time(self.view.group.id().time)),
            Source::EventAction => self.rows(|row| row.actions, sink),
            Source::EventCategory => self.categories(sink),
            Source::EventType => self.types(sink),
            Source::EventOutcome => {
                sink(Scalar::Str(match self.view.success {
                    Some(true) => "success",
                    Some(false) => "failure",
                    None => "unknown",
                }));
            }
            Source::Result => {
                sink(Scalar::Str(match self.view.success {
                    Some(true) => "success",
                    Some(false) => "fail",
                    None => "unknown",
                }));
            }
            Source::EventKind => sink(Scalar::Str("event")),
            Source::EventModule => sink(Scalar::Str("auditd")),
            Source::EventDataset => sink(Scalar::Str("auditd_manager.auditd")),
            Source::EventSequence => sink(Scalar::Int(i64::from(self.view.group.id().serial))),
            Source::EventOriginal => sink(Scalar::Str(&text_of(self.view.group.raw()))),
            Source::HostId => self.host(|host| &host.id, sink),
            Source::HostName => self.host(|host| &host.name, sink),
            Source::HostOsType => sink(Scalar::Str("linux")),
            Source::MessageType => self.message_type(sink),
            Source::Session => set_id(tokens.ses, sink),
            Source::Tags => self.tags(sink),
            Source::ProcessPid => number(tokens.pid, sink),
            Source::ProcessParentPid => number(tokens.ppid, sink),
            Source::ProcessName => self.process_name(sink),
            Source::ProcessExecutable => self.executable(sink),
            Source::ProcessArgs => self.args(sink),
            Source::ProcessArgsCount => self.args_count(sink),
            Source::ProcessCommandLine => self.command_line(sink),
            Source::ProcessTitle => self.title(sink),
            Source::ProcessWorkingDirectory => {
                self.of_record(RecordType::CWD, b"cwd", sink);
            }
            Source::ProcessInteractive => {
                if let Some(tty) = tokens.tty {
                    sink(Scalar::Bool(tty != b"(none)" && tty != b"?"));
                }
            }
            Source::Id(id) => self.id(id.key(), sink),
            Source::IdName(id) => self.enriched(id.enriched(), sink),
            Source::UserEffectiveId if tokens.euid != tokens.uid => set_id(tokens.euid, sink),
            Source::UserEffectiveName if tokens.euid != tokens.uid => self.enriched(b"EUID", sink),
            Source::UserEffectiveName if tokens.nested.is_some() => self.data(b"acct", sink),
            Source::GroupEffectiveId if tokens.egid != tokens.gid => set_id(tokens.egid, sink),
            Source::UserEffectiveId | Source::UserEffectiveName | Source::GroupEffectiveId => {}
            Source::DestinationIp if self.direction() == Some("egress") => self.ips(sink),
            Source::DestinationPort if self.direction() == Some("egress") => self.port(sink),
            Source::DestinationAddress if self.direction() == Some("egress") => self.path(sink),
            Source::DestinationIp | Source::DestinationPort | Source::DestinationAddress => {}
            Source::SourceIp => self.source_ip(sink),
            Source::SourcePort if self.direction() == Some("ingress") => self.port(sink),
            Source::SourcePort => {}
            Source::NetworkDirection => {
                if let Some(direction) = self.direction() {
                    sink(Scalar::Str(direction));
                }
            }
            Source::FilePath => self.file(|path, sink| sink(Scalar::Str(path)), sink),
            Source::FileName => self.file(
                |path, sink| {
                    if let Some(name) = path.rsplit('/').next().filter(|name| !name.is_empty()) {
                        sink(Scalar::Str(name));
                    }
                },
                sink,
            ),
            Source::FileExtension => self.file(
                |path, sink| {
                    let name = path.rsplit('/').next().unwrap_or(path);
                    let split = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty());
                    if let Some((_, extension)) = split.filter(|(_, ext)| !ext.is_empty()) {
                        sink(Scalar::Str(extension));
                    }
                },
                sink,
            ),
            Source::FileKey(key) => self.file_key(key, sink),
            Source::Paths(key) => self.paths(key, sink),
            Source::Data(key) => self.data(key, sink),
            Source::SocketFamily => {
                if let Some(address) = self.address() {
                    match address.family() {
                        Some(1) => sink(Scalar::Str("unix")),
                        Some(2) => sink(Scalar::Str("ipv4")),
                        Some(10) => sink(Scalar::Str("ipv6")),
                        Some(16) => sink(Scalar::Str("netlink")),
                        Some(other) => sink(Scalar::Str(&other.to_string())),
                        None => {}
                    }
                }
            }
            Source::SocketAddr => {
                self.ips(&mut |ip| sink(Scalar::Str(&ip.to_string())));
            }
            Source::SocketPort => {
                self.port(&mut |port| sink(Scalar::Str(&port.to_string())));
            }
            Source::SocketPath => self.path(sink),
            Source::View(view) => decoded::read(&self.view, *view, sink),
            Source::Context(_) | Source::Nowhere => {}
        }
    }

    fn rows(&self, pick: impl Fn(super::actions::Row) -> &'static [&'static str], sink: Sink<'_>) {
        for row in self.view.rows.iter().flatten() {
            pick(*row).iter().for_each(|word| sink(Scalar::Str(word)));
        }
    }

    /// Categories of both rows, each once.
    fn categories(&self, sink: Sink<'_>) {
        let [leading, call] = self.view.rows;
        let leading = leading.map_or(&[][..], |row| row.categories);
        let call = call.map_or(&[][..], |row| row.categories);
        leading.iter().for_each(|word| sink(Scalar::Str(word)));
        call.iter().filter(|word| !leading.contains(word)).for_each(|w| sink(Scalar::Str(w)));
    }

    fn types(&self, sink: Sink<'_>) {
        let [leading, call] = self.view.rows;
        let leading = leading.map_or(&[][..], |row| row.types);
        let call = call.map_or(&[][..], |row| row.types);
        leading.iter().for_each(|word| sink(Scalar::Str(word)));
        call.iter().filter(|word| !leading.contains(word)).for_each(|w| sink(Scalar::Str(w)));
    }

    fn host(&self, pick: impl Fn(&Host) -> &str, sink: Sink<'_>) {
        if let Some(host) = self.host {
            sink(Scalar::Str(pick(host)));
        }
    }

    fn message_type(&mut self, sink: Sink<'_>) {
        let first = self.view.group.records().next();
        if let Some(record) = first {
            self.scratch.text.clear();
            push_text(record.kind_name, &mut self.scratch.text);
            self.scratch.text.make_ascii_lowercase();
            sink(Scalar::Str(&self.scratch.text));
        }
    }

    fn tags(&mut self, sink: Sink<'_>) {
        let Some(value) = self.view.tokens.key else { return };
        if self.decode(b"key", value) {
            for key in keys(&self.scratch.bytes) {
                sink(Scalar::Str(&text_of(key)));
            }
        }
    }

    /// `comm` first, as Auditbeat has it; then the file name of the program, as Endpoint has it.
    fn process_name(&mut self, sink: Sink<'_>) {
        let mut comm = None;
        if let Some(value) = self.view.tokens.comm
            && self.decode(b"comm", value)
        {
            self.text();
            sink(Scalar::Str(&self.scratch.text));
            comm = Some(std::mem::take(&mut self.scratch.text));
        }
        if let Some(value) = self.exe()
            && self.decode(b"exe", value)
        {
            self.text();
            let path = self.scratch.text.strip_suffix(" (deleted)").unwrap_or(&self.scratch.text);
            let name = path.rsplit('/').next().unwrap_or(path);
            if !name.is_empty() && comm.as_deref() != Some(name) {
                sink(Scalar::Str(name));
            }
        }
        if let Some(comm) = comm {
            self.scratch.text = comm;
        }
    }

    fn exe(&self) -> Option<RawValue<'g>> {
        let nested = || nested_field(self.view.tokens.nested?, b"exe");
        self.view.tokens.exe.or_else(nested)
    }

    fn executable(&mut self, sink: Sink<'_>) {
        if let Some(value) = self.exe() {
            self.decoded(b"exe", value, sink);
        }
    }

    /// Reads the arguments of an execution; `false` when there are none.
    fn load_args(&mut self) -> bool {
        if !self.has_args {
            self.scratch.args.clear();
            let records = self.view.group.records().filter(|r| r.kind == RecordType::EXECVE);
            records.for_each(|record| self.scratch.args.push(record.body));
            self.has_args = true;
        }
        !self.scratch.args.is_empty()
    }

    fn args(&mut self, sink: Sink<'_>) {
        if self.load_args() {
            self.scratch.args.iter().for_each(|arg| sink(Scalar::Str(&text_of(arg))));
        }
    }

    fn args_count(&mut self, sink: Sink<'_>) {
        if self.load_args() {
            let logged = self.scratch.args.len() as u64;
            let count = self.scratch.args.count().unwrap_or(logged);
            sink(Scalar::Int(i64::try_from(count).unwrap_or(i64::MAX)));
        }
    }

    /// Arguments joined by one space; without an EXECVE record of this event nothing: the title that
    /// the kernel keeps is often that of the program before.
    fn command_line(&mut self, sink: Sink<'_>) {
        if !self.load_args() {
            return;
        }
        self.scratch.text.clear();
        for (index, arg) in self.scratch.args.iter().enumerate() {
            if index > 0 {
                self.scratch.text.push(' ');
            }
            push_text(arg, &mut self.scratch.text);
        }
        sink(Scalar::Str(&self.scratch.text));
    }

    fn title(&mut self, sink: Sink<'_>) {
        let Some(record) = self.view.record(RecordType::PROCTITLE) else { return };
        let Some(value) = field_of(record, b"proctitle") else { return };
        if self.decode(b"proctitle", value) {
            proctitle_in_place(&mut self.scratch.bytes);
            self.text();
            sink(Scalar::Str(&self.scratch.text));
        }
    }

    fn id(&mut self, key: &[u8], sink: Sink<'_>) {
        let tokens = self.view.tokens;
        let value = match key {
            b"auid" => tokens.auid,
            b"uid" => tokens.uid,
            b"gid" => tokens.gid,
            _ => self.view.main.and_then(|record| field_of(record, key)).and_then(RawValue::bytes),
        };
        set_id(value, sink);
    }

    /// The name behind an id in the enriched part.
    fn enriched(&mut self, key: &[u8], sink: Sink<'_>) {
        let Some(record) = self.view.main else { return };
        let found = fields(record.body).enriched().find(|field| field.key == key);
        let Some(bytes) = found.and_then(|field| field.value.bytes()) else { return };
        if bytes != b"unset" && !bytes.starts_with(b"unknown(") {
            sink(Scalar::Str(&text_of(bytes)));
        }
    }

    fn address(&mut self) -> Option<Sockaddr> {
        if self.address.is_none() {
            let record = self.view.record(RecordType::SOCKADDR);
            let hex = record.and_then(|r| field_of(r, b"saddr")).and_then(RawValue::bytes);
            self.address = Some(hex.map(|hex| Sockaddr::parse(hex, self.view.arch)));
        }
        self.address.flatten()
    }

    /// Which way the data of a socket call goes, when the call has an address.
    fn direction(&mut self) -> Option<&'static str> {
        let direction = match self.view.call? {
            "connect" | "sendto" | "sendmsg" => "egress",
            "accept" | "accept4" | "recvfrom" | "recvmsg" => "ingress",
            _ => return None,
        };
        self.address().map(|_| direction)
    }

    /// The address; one of IPv4 inside IPv6 also by itself, so that networks of either kind hold it.
    fn ips(&mut self, sink: Sink<'_>) {
        let Some(address) = self.address() else { return };
        if let Sockaddr::Inet { ip, .. } = address {
            sink(Scalar::Ip(ip));
            if let Some(v4) = address.mapped_v4() {
                sink(Scalar::Ip(IpAddr::V4(v4)));
            }
        }
    }

    fn port(&mut self, sink: Sink<'_>) {
        if let Some(Sockaddr::Inet { port, .. }) = self.address() {
            sink(Scalar::Int(i64::from(port)));
        }
    }

    fn path(&mut self, sink: Sink<'_>) {
        match self.address() {
            Some(Sockaddr::UnixPath(name)) => sink(Scalar::Str(&text_of(name.as_bytes()))),
            Some(Sockaddr::UnixAbstract(name)) => {
                sink(Scalar::Str(&format!("@{}", text_of(name.as_bytes()))));
            }
            _ => {}
        }
    }

    fn source_ip(&mut self, sink: Sink<'_>) {
        if self.direction() == Some("ingress") {
            self.ips(sink);
            return;
        }
        let login = self.view.main.is_some_and(|main| {
            matches!(
                main.kind_name,
                b"USER_LOGIN"
                    | b"USER_START"
                    | b"USER_ERR"
                    | b"CRYPTO_KEY_USER"
                    | b"CRYPTO_SESSION"
            )
        });
        if login
            && let Some(text) = self.view.tokens.nested
            && let Some(bytes) = nested_field(text, b"addr").and_then(RawValue::bytes)
            && let Some(ip) = std::str::from_utf8(bytes).ok().and_then(|ip| ip.parse().ok())
        {
            sink(Scalar::Ip(ip));
        }
    }

    /// The PATH record of the object: the one the call's row says, else the first that is neither the
    /// folder nor unknown.
    fn object(&self) -> Option<Record<'g>> {
        let row = self.view.rows.iter().flatten().find(|row| row.file)?;
        let paths = || self.view.group.records().filter(|r| r.kind == RecordType::PATH);
        let kind = |record: &Record<'g>| {
            let kind = |f: &crate::record::Field<'_>| matches!(f.key, b"nametype" | b"objtype");
            fields(record.body).find(kind).and_then(|field| field.value.bytes())
        };
        let item = |record: &Record<'_>| {
            field_of(*record, b"item").and_then(RawValue::bytes).and_then(decimal)
        };
        let wanted = i64::try_from(row.path).ok();
        let by_row = paths().find(|path| item(path) == wanted && kind(path) != Some(b"PARENT"));
        by_row
            .or_else(|| paths().find(|p| !matches!(kind(p), Some(b"PARENT" | b"UNKNOWN"))))
            .or_else(|| paths().find(|p| kind(p) != Some(b"PARENT")))
    }

    fn file(&mut self, give: impl Fn(&str, Sink<'_>), sink: Sink<'_>) {
        let Some(value) = self.object().and_then(|record| field_of(record, b"name")) else {
            return;
        };
        if self.decode(b"name", value) && !self.scratch.bytes.is_empty() {
            self.text();
            give(&self.scratch.text, sink);
        }
    }

    fn file_key(&mut self, key: &[u8], sink: Sink<'_>) {
        let Some(record) = self.object() else { return };
        let Some(bytes) = field_of(record, key).and_then(RawValue::bytes) else { return };
        // Auditbeat shows the permissions alone, in four octal digits.
        let bytes = if key == b"mode" {
            bytes.get(bytes.len().saturating_sub(4)..).unwrap_or(bytes)
        } else {
            bytes
        };
        sink(Scalar::Str(&text_of(bytes)));
    }

    /// A key of every PATH record, in order of the records.
    fn paths(&mut self, key: &[u8], sink: Sink<'_>) {
        for record in self.view.group.records().filter(|r| r.kind == RecordType::PATH) {
            if let Some(value) = field_of(record, key) {
                self.decoded_as(RecordType::PATH, key, value, sink);
            }
        }
    }

    /// A key of one record.
    fn of_record(&mut self, kind: RecordType, key: &[u8], sink: Sink<'_>) {
        if let Some(value) = self.view.record(kind).and_then(|record| field_of(record, key)) {
            self.decoded_as(kind, key, value, sink);
        }
    }

    /// `auditd.data.KEY`: the first record that has the key, system call first.
    fn data(&mut self, key: &[u8], sink: Sink<'_>) {
        match key {
            b"syscall" => return self.syscall(sink),
            b"arch" => return self.arch(sink),
            b"exit" => return self.exit(sink),
            b"a0" | b"a1" | b"a2" | b"a3" if self.view.is_call => {
                let index = usize::from(key.get(1).map_or(0, |digit| digit.wrapping_sub(b'0')));
                if let Some(value) = self.view.tokens.args.get(index).copied().flatten() {
                    self.scratch.text.clear();
                    push_text(value, &mut self.scratch.text);
                    self.scratch.text.make_ascii_lowercase();
                    sink(Scalar::Str(&self.scratch.text));
                }
                return;
            }
            _ => {}
        }
        if let Some((record, value)) = self.find_data(key) {
            self.decoded_as(record, key, value, sink);
        }
    }

    /// Where `auditd.data.KEY` is.
    fn find_data(&self, key: &[u8]) -> Option<(RecordType, RawValue<'g>)> {
        let main = self.view.main?;
        // Dashes in keys are underscores in field names.
        let same = |logged: &[u8]| {
            logged.len() == key.len()
                && logged.iter().zip(key).all(|(a, b)| a == b || (*a == b'-' && *b == b'_'))
        };
        let in_record = |record: Record<'g>| {
            let direct = fields(record.body).find(|field| same(field.key)).map(|f| f.value);
            let inside = || {
                let text = fields(record.body).find_map(|field| match field.value {
                    RawValue::Nested(text) => Some(text),
                    _ => None,
                })?;
                nested(text).find(|field| same(field.key)).map(|field| field.value)
            };
            let value = direct.filter(|v| !matches!(v, RawValue::Nested(_))).or_else(inside)?;
            Some((record.kind, value))
        };
        in_record(main).or_else(|| {
            let others = self
                .view
                .group
                .records()
                .filter(|record| record.line != main.line && is_data_record(record.kind));
            others.into_iter().find_map(in_record)
        })
    }

    fn syscall(&mut self, sink: Sink<'_>) {
        let Some(number) = self.view.tokens.syscall else { return };
        let logged = self.view.arch.and_then(|arch| {
            let number = u32::try_from(decimal(number)?).ok()?;
            crate::record::tables::syscall_name(arch, number)
        });
        match logged {
            Some(name) => {
                sink(Scalar::Str(name));
                // What a multiplexed or otherwise spelled call is to everybody else.
                if let Some(meant) = self.view.call.filter(|call| *call != name) {
                    sink(Scalar::Str(meant));
                }
                if let Some(alias) = kernel_name(name) {
                    sink(Scalar::Str(alias));
                }
            }
            None => sink(Scalar::Str(&text_of(number))),
        }
    }

    fn arch(&mut self, sink: Sink<'_>) {
        let Some(logged) = self.view.tokens.arch else { return };
        match self.view.arch.and_then(crate::record::tables::arch_name) {
            Some(name) => sink(Scalar::Str(name)),
            None => sink(Scalar::Str(&text_of(logged))),
        }
    }

    /// The name of the error, as Auditbeat has it, or the number.
    fn exit(&mut self, sink: Sink<'_>) {
        let Some(logged) = self.view.tokens.exit else { return };
        match self.view.exit.and_then(decoded::errno) {
            Some(name) => sink(Scalar::Str(name)),
            None => sink(Scalar::Str(&text_of(logged))),
        }
    }

    /// Decodes into the byte buffer; `false` when there is no value.
    fn decode(&mut self, key: &[u8], value: RawValue<'_>) -> bool {
        self.scratch.bytes.clear();
        decode_into(key, RecordType::SYSCALL, value, &mut self.scratch.bytes)
    }

    /// The byte buffer as text, in the text buffer.
    fn text(&mut self) {
        self.scratch.text.clear();
        push_text(&self.scratch.bytes, &mut self.scratch.text);
    }

    fn decoded(&mut self, key: &[u8], value: RawValue<'_>, sink: Sink<'_>) {
        self.decoded_as(RecordType::SYSCALL, key, value, sink);
    }

    fn decoded_as(&mut self, kind: RecordType, key: &[u8], value: RawValue<'_>, sink: Sink<'_>) {
        self.scratch.bytes.clear();
        let found = decode_into(key, kind, value, &mut self.scratch.bytes);
        if found && !self.scratch.bytes.is_empty() {
            self.text();
            sink(Scalar::Str(&self.scratch.text));
        }
    }

    /// Calls `each` with the name of every `auditd.data.*` field this event has, some twice.
    pub(super) fn data_keys(&self, each: &mut impl FnMut(&[u8])) {
        for record in self.view.group.records().filter(|record| {
            is_data_record(record.kind) || self.view.main.is_some_and(|m| m.line == record.line)
        }) {
            for field in fields(record.body) {
                match field.value {
                    RawValue::Nested(text) => nested(text).for_each(|field| each(field.key)),
                    _ => each(field.key),
                }
            }
        }
    }
}

/// Records whose keys are data of the event itself; the others have fields of their own.
fn is_data_record(kind: RecordType) -> bool {
    !matches!(
        kind,
        RecordType::EXECVE
            | RecordType::PATH
            | RecordType::CWD
            | RecordType::PROCTITLE
            | RecordType::SOCKADDR
            | RecordType::SOCKETCALL
            | RecordType::EOE
    )
}

/// The kernel's name where the audit tools use another.
fn kernel_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "pread" => "pread64",
        "pwrite" => "pwrite64",
        "newfstat" => "fstat",
        _ => return None,
    })
}

/// The first field of a record with this key.
pub(super) fn field_of<'g>(record: Record<'g>, key: &[u8]) -> Option<RawValue<'g>> {
    fields(record.body).find(|field| field.key == key).map(|field| field.value)
}

/// The first field of a program's text with this key.
pub(super) fn nested_field<'g>(text: &'g [u8], key: &[u8]) -> Option<RawValue<'g>> {
    nested(text).find(|field| field.key == key).map(|field| field.value)
}

fn number(token: Option<&[u8]>, sink: Sink<'_>) {
    if let Some(number) = token.and_then(decimal) {
        sink(Scalar::Int(number));
    }
}

/// An id as text; unset ones are missing.
fn set_id(token: Option<&[u8]>, sink: Sink<'_>) {
    match token {
        None | Some(b"4294967295" | b"-1" | b"unset" | b"?" | b"") => {}
        Some(id) => sink(Scalar::Str(&text_of(id))),
    }
}

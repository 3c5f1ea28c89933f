//! The value of one field of an audit event: the mapping from records to ECS.
//!
//! In: a [`View`] and an [`Origin`]. Out: the field's values, one by one, to whoever wants them. The
//! projection for rules and the full document for alerts both read through here, so that they can
//! never differ. What the records do not say stays absent; nothing is guessed.

mod data;
mod file;
mod network;
mod program;
mod summary;
mod user;

use super::actions::{self, Row};
use super::decoded;
use super::group::{Group, Record};
use super::host::{Host, Profile};
use super::origin::{IdKey, Origin};
use super::outline::missing;
use super::process::Terminal;
use super::take::{Sink, Take};
use super::view::{View, decimal, field_of, hexadecimal};
use crate::record::tables::capability_names;
use crate::record::text::{keys, push_text, text_of};
use crate::record::{
    Arguments, Enriched, Field, RawValue, RecordType, Sockaddr, decode_into, is_encoded,
};
use crate::value::Scalar;

pub(super) use data::has_data;
pub(super) use file::{PATH_KEYS, Path, paths_of};
pub(super) use program::DELETED;

/// Reused memory for reading.
#[derive(Debug, Clone, Default)]
pub(super) struct Scratch {
    args: Arguments,
    pub(super) bytes: Vec<u8>,
    text: String,
}

/// Reads fields of one event.
#[derive(Debug)]
pub(super) struct Reader<'g, 's> {
    pub(super) view: View<'g>,
    host: Option<&'g Host>,
    pub(super) scratch: &'s mut Scratch,
    has_args: bool,
    address: Option<Option<Sockaddr>>,
    rows: Option<[Option<Row>; 2]>,
    object: Option<Option<Record<'g>>>,
    object_path: Option<file::Path<'g>>,
    /// All of them, where they were taken apart before.
    paths: &'s [file::Path<'g>],
    /// The enriched copies of the main record, the same.
    copies: Option<&'s [Field<'g>]>,
}

impl<'g, 's> Reader<'g, 's> {
    pub(super) fn new(group: &'g Group, host: Option<&'g Host>, scratch: &'s mut Scratch) -> Self {
        Self {
            view: View::new(group),
            host,
            scratch,
            has_args: false,
            address: None,
            rows: None,
            object: None,
            object_path: None,
            paths: &[],
            copies: None,
        }
    }

    /// Takes over what was taken apart before, by whoever wants most of what is in it: the PATH records, and
    /// the enriched copies of the main one.
    pub(super) fn know(&mut self, paths: &'s [Path<'g>], copies: &'s [Field<'g>]) {
        self.paths = paths;
        self.copies = Some(copies);
    }

    /// The PATH records, if they were taken apart before.
    pub(super) fn paths(&self) -> &'s [Path<'g>] {
        self.paths
    }

    /// Gives the values of a field; none when it is missing.
    pub(super) fn read(&mut self, origin: &Origin, sink: Sink<'_>) {
        let tokens = &self.view.tokens;
        match origin {
            Origin::Timestamp => sink.value(Scalar::Time(self.view.group.id().time)),
            Origin::EventAction => self.actions(sink),
            Origin::EventCategory => self.words(|row| row.categories, sink),
            Origin::EventType => self.words(|row| row.types, sink),
            Origin::EventOutcome => sink.word(match self.view.success() {
                Some(true) => "success",
                Some(false) => "failure",
                None => "unknown",
            }),
            Origin::EventSequence => {
                sink.value(Scalar::Int(i64::from(self.view.group.id().serial)));
            }
            Origin::EventOriginal => sink.value(Scalar::Str(&text_of(&self.view.group.raw()))),
            Origin::Constant(word) => sink.word(word),
            Origin::Module => sink.word(match self.endpoint_dataset() {
                Some(_) => "endpoint",
                None => "auditd",
            }),
            Origin::Dataset => {
                sink.word(self.endpoint_dataset().unwrap_or("auditd_manager.auditd"))
            }
            Origin::HostId => self.host(|host| &host.id, sink),
            Origin::HostName => self.host(|host| &host.name, sink),
            Origin::MessageType => self.message_type(sink),
            Origin::Result => sink.word(match self.view.result {
                Some(true) => "success",
                Some(false) => "fail",
                None => "unknown",
            }),
            Origin::Session => set_id(tokens.ses, sink),
            Origin::Tags => self.tags(sink),
            Origin::Pid => number(tokens.pid, sink),
            Origin::ParentPid => number(tokens.ppid, sink),
            Origin::ProcessName => self.process_name(sink),
            Origin::Comm => {
                if let Some(comm) = tokens.comm {
                    self.decoded(RecordType::SYSCALL, b"comm", comm, sink);
                }
            }
            Origin::Executable => self.executable(sink),
            Origin::Args => self.args(sink),
            Origin::ArgsCount => self.args_count(sink),
            Origin::CommandLine => self.command_line(sink),
            Origin::Title => self.title(sink),
            Origin::WorkingDirectory => self.of_record(RecordType::CWD, b"cwd", sink),
            Origin::Interactive => {
                if let Some(tty) = tokens.tty {
                    sink.value(Scalar::Bool(tty != b"(none)"));
                }
            }
            Origin::TerminalDevice { major } => {
                if let Some((of, at)) = tokens.tty.and_then(Terminal::of).and_then(Terminal::device)
                {
                    sink.value(Scalar::Int(i64::from(if *major { of } else { at })));
                }
            }
            Origin::ProcessEnd => {
                if self.view.is_call && self.view.call == Some("exit_group") {
                    sink.value(Scalar::Time(self.view.group.id().time));
                }
            }
            Origin::Capabilities { effective } => self.capabilities(*effective, sink),
            Origin::ProcessUserId => self.id(self.acting(IdKey::Uid), sink),
            Origin::ProcessUserName => self.id_name(self.acting(IdKey::Uid), sink),
            Origin::ProcessGroupId => self.id(self.acting(IdKey::Gid), sink),
            Origin::ProcessGroupName => self.id_name(self.acting(IdKey::Gid), sink),
            Origin::Id(id) => self.id(*id, sink),
            Origin::IdName(id) => self.id_name(*id, sink),
            Origin::UserId => self.user_id(sink),
            Origin::UserName => self.user_name(sink),
            Origin::EffectiveId => self.effective_id(sink),
            Origin::EffectiveName => self.effective_name(sink),
            Origin::EffectiveGroupId => {
                if self.tells_effective(tokens.egid, tokens.gid) {
                    set_id(tokens.egid, sink);
                }
            }
            Origin::EffectiveGroupName => {
                if self.tells_effective(tokens.egid, tokens.gid) {
                    self.id_name(IdKey::Egid, sink);
                }
            }
            Origin::TargetId => self.target_id(sink),
            Origin::TargetName => self.target_name(sink),
            Origin::GroupId => self.group_id(sink),
            Origin::GroupName => self.group_name(sink),
            Origin::RelatedUser => self.related_user(sink),
            Origin::Selinux(part) => self.selinux(usize::from(*part), sink),
            Origin::DestinationIp => self.destination(Self::ip, sink),
            Origin::DestinationPort => self.destination(Self::port, sink),
            Origin::DestinationPath => self.destination(Self::socket_path, sink),
            Origin::SourceIp => self.source_ip(sink),
            Origin::SourcePort => self.source(Self::port, sink),
            Origin::Direction => self.network_direction(sink),
            Origin::NetworkType => self.network_type(sink),
            Origin::FilePath => self.paths_of_object(file::whole, sink),
            Origin::FileName => self.paths_of_object(file::name, sink),
            Origin::FileExtension => self.paths_of_object(file::extension, sink),
            Origin::FileDirectory => self.paths_of_object(file::directory, sink),
            Origin::FileType => self.file_type(sink),
            Origin::OldPath => self.old_path(file::whole, sink),
            Origin::OldName => self.old_path(file::name, sink),
            Origin::OldExtension => self.old_path(file::extension, sink),
            Origin::FileKey(key) => self.file_key(key, sink),
            Origin::FileOwner(key) => self.file_owner(key, sink),
            Origin::Paths(key) => self.paths_key(key, sink),
            Origin::Data(key) => self.data(key, sink),
            Origin::SocketFamily => self.socket_family(sink),
            Origin::SocketAddr => self.socket_addr(sink),
            Origin::SocketPort => self.socket_port(sink),
            Origin::SocketPath => self.socket_path(sink),
            Origin::SocketRaw => self.socket_raw(sink),
            Origin::ActorPrimary => self.actor_primary(sink),
            Origin::ActorSecondary => self.actor_secondary(sink),
            Origin::ObjectType => self.object_type(sink),
            Origin::ObjectPrimary => self.object_primary(sink),
            Origin::ObjectSecondary => self.object_secondary(sink),
            Origin::How => self.how(sink),
            Origin::Complete => self.complete(sink),
            Origin::Missing => self.missing(sink),
            Origin::View(view) => decoded::read(&self.view, *view, sink),
            Origin::Elsewhere => {}
        }
    }

    /// A name from the enriched part of a record. `unset` and `unknown(1000)` are none.
    fn enriched(&self, record: Record<'g>, key: &[u8]) -> Option<&'g [u8]> {
        let found = self.copies(record).find(|field| field.key == key)?;
        found.value.bytes().filter(|name| is_name(name))
    }

    /// The enriched part of a record.
    fn copies(&self, record: Record<'g>) -> Copies<'g, 's> {
        match self.copies {
            Some(copies) if self.view.is_main(record) => Copies::Known(copies.iter()),
            _ => Copies::Read(self.view.enriched(record)),
        }
    }

    /// The ECS names of a leading record and of the system call.
    fn rows(&mut self) -> [Option<Row>; 2] {
        if self.rows.is_none() {
            self.rows = Some([self.leading_row(), self.call_row()]);
        }
        self.rows.unwrap_or_default()
    }

    fn call_row(&self) -> Option<Row> {
        let view = &self.view;
        view.is_call.then(|| match view.call {
            Some("open" | "openat" | "openat2")
                if view.result != Some(false) && view.created_file() =>
            {
                actions::OPEN_CREATED
            }
            Some("clone" | "clone3" | "fork" | "vfork") => match decoded::child_process(view) {
                Some(_) => actions::FORKED,
                None => actions::OTHER,
            },
            Some(name) => actions::by_call(name),
            None => actions::OTHER,
        })
    }

    fn leading_row(&self) -> Option<Row> {
        let record = self.view.leading.filter(|r| r.kind != RecordType::SYSCALL)?;
        if record.kind == RecordType::AVC {
            return Some(actions::by_avc(field_of(record, b"apparmor").is_some()));
        }
        actions::by_record(record.kind_name(), self.is_sshd())
    }

    /// Canonical names, then those of others where the event did what it is for.
    fn actions(&mut self, sink: Sink<'_>) {
        let done = if self.view.calls_exec() {
            self.view.is_exec()
        } else {
            self.view.result != Some(false)
        };
        // The first name is the one that join keys take.
        if done && self.profile() == Profile::Endpoint {
            self.words(|row| row.aliases, sink);
        }
        match self.profile() {
            Profile::Auditd => self.words(|row| row.actions, sink),
            // Where a row has more names than its own, those of others stand behind it.
            Profile::Endpoint => {
                let mut words = [""; MAX_ACTIONS];
                let mut count = 0;
                self.words(|row| row.actions, &mut Gather { words: &mut words, count: &mut count });
                words.iter().take(count).rev().for_each(|word| sink.word(word));
            }
        }
        if done && self.profile() == Profile::Auditd {
            self.words(|row| row.aliases, sink);
        }
    }

    /// Whose conventions the event follows.
    pub(super) fn profile(&self) -> Profile {
        self.host.map_or(Profile::default(), |host| host.profile)
    }

    /// The dataset in which Elastic Defend would put the event.
    fn endpoint_dataset(&mut self) -> Option<&'static str> {
        if self.profile() != Profile::Endpoint {
            return None;
        }
        let rows = self.rows();
        let categories = rows.iter().flatten().flat_map(|row| row.categories);
        categories.into_iter().find_map(|category| match *category {
            "process" => Some("endpoint.events.process"),
            "network" => Some("endpoint.events.network"),
            "file" => Some("endpoint.events.file"),
            _ => None,
        })
    }

    /// The words of both rows, each once.
    fn words(&mut self, pick: fn(&Row) -> &'static [&'static str], sink: Sink<'_>) {
        let [leading, call] = self.rows();
        let leading = leading.as_ref().map_or(&[][..], pick);
        let call = call.as_ref().map_or(&[][..], pick);
        leading.iter().for_each(|word| sink.word(word));
        call.iter().filter(|word| !leading.contains(word)).for_each(|word| sink.word(word));
    }

    fn host(&self, pick: impl Fn(&Host) -> &str, sink: Sink<'_>) {
        if let Some(host) = self.host {
            sink.value(Scalar::Str(pick(host)));
        }
    }

    fn message_type(&mut self, sink: Sink<'_>) {
        let Some(record) = self.view.leading else { return };
        if record.kind == RecordType::SYSCALL {
            return sink.word("syscall");
        }
        let text = &mut self.scratch.text;
        text.clear();
        push_text(record.kind_name(), text);
        text.make_ascii_lowercase();
        sink.value(Scalar::Str(text));
    }

    /// The keys of the rule that logged the event; for a change of the rules those of the rule changed.
    fn tags(&mut self, sink: Sink<'_>) {
        let leading = || {
            let record = self.view.leading.filter(|_| self.view.is_call)?;
            field_of(record, b"key")
        };
        let logged = self.view.tokens.key.filter(|key| key.bytes().is_some()).or_else(leading);
        let Some(value) = logged else { return };
        if self.decode(b"key", value) {
            for key in keys(&self.scratch.bytes) {
                // `-k key=x` is a common slip.
                give(key.strip_prefix(b"key=").unwrap_or(key), &mut self.scratch.text, sink);
            }
        }
    }

    /// Whether nothing of the event is known to be missing.
    fn complete(&mut self, sink: Sink<'_>) {
        let lacks = missing(&self.view).into_iter().flatten().next().is_some();
        let whole = self.view.group.incomplete().is_none() && !lacks && !self.lacks_args();
        sink.value(Scalar::Bool(whole));
    }

    /// The types of records that must have been there and are not, or not all of them.
    fn missing(&mut self, sink: Sink<'_>) {
        let types = missing(&self.view).into_iter().flatten();
        types.filter_map(RecordType::name).for_each(|name| sink.word(name));
        if self.view.record(RecordType::EXECVE).is_some() && self.lacks_args() {
            sink.word("EXECVE");
        }
    }

    /// A key of one record.
    fn of_record(&mut self, kind: RecordType, key: &[u8], sink: Sink<'_>) {
        if let Some(value) = self.view.record(kind).and_then(|record| field_of(record, key)) {
            self.decoded(kind, key, value, sink);
        }
    }

    /// Decodes into the byte buffer; `false` when there is no value.
    fn decode(&mut self, key: &[u8], value: RawValue<'_>) -> bool {
        self.scratch.bytes.clear();
        decode_into(key, RecordType::SYSCALL, value, &mut self.scratch.bytes)
    }

    /// Gives a value decoded; an empty one is missing.
    pub(super) fn decoded(
        &mut self,
        kind: RecordType,
        key: &[u8],
        value: RawValue<'_>,
        sink: Sink<'_>,
    ) {
        let Some(bytes) = value.bytes().filter(|bytes| !bytes.is_empty()) else { return };
        let Scratch { bytes: decoded, text, .. } = &mut *self.scratch;
        if matches!(value, RawValue::Bare(_)) && is_encoded(kind, key) {
            decoded.clear();
            decode_into(key, kind, value, decoded);
            give(decoded, text, sink);
        } else {
            give(bytes, text, sink);
        }
    }

    /// The capabilities that a process has got by an execution, or has taken on.
    fn capabilities(&mut self, effective: bool, sink: Sink<'_>) {
        if self.view.result == Some(false) {
            return;
        }
        let found = [RecordType::BPRM_FCAPS, RecordType::CAPSET].into_iter().find_map(|kind| {
            let record = self.view.record(kind)?;
            let keys: [&[u8]; 3] = match effective {
                true => [b"pe", b"new_pe", b"cap_pe"],
                false => [b"pp", b"new_pp", b"cap_pp"],
            };
            keys.into_iter().find_map(|key| field_of(record, key).and_then(RawValue::bytes))
        });
        if let Some(mask) = found.and_then(hexadecimal) {
            capability_names(mask).for_each(|name| sink.word(name));
        }
    }
}

/// The enriched part of a record: taken apart before, or as it is read.
#[derive(Clone)]
enum Copies<'g, 's> {
    Known(std::slice::Iter<'s, Field<'g>>),
    Read(Enriched<'g>),
}

impl<'g> Iterator for Copies<'g, '_> {
    type Item = Field<'g>;

    #[inline]
    fn next(&mut self) -> Option<Field<'g>> {
        match self {
            Self::Known(fields) => fields.next().copied(),
            Self::Read(fields) => fields.next(),
        }
    }
}

/// More names than any row has, or two.
const MAX_ACTIONS: usize = 8;

/// Takes words to give them in another order.
struct Gather<'w> {
    words: &'w mut [&'static str; MAX_ACTIONS],
    count: &'w mut usize,
}

impl Take for Gather<'_> {
    fn value(&mut self, _: Scalar<'_>) {}

    fn word(&mut self, word: &'static str) {
        if let Some(place) = self.words.get_mut(*self.count) {
            *place = word;
            *self.count += 1;
        }
    }
}

fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name != b"unset" && !name.starts_with(b"unknown(")
}

/// Gives bytes as text. Copies only what is no text.
fn give(bytes: &[u8], buffer: &mut String, sink: Sink<'_>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => sink.value(Scalar::Str(text)),
        Err(_) => {
            buffer.clear();
            push_text(bytes, buffer);
            sink.value(Scalar::Str(buffer));
        }
    }
}

fn number(token: Option<&[u8]>, sink: Sink<'_>) {
    if let Some(number) = token.and_then(decimal) {
        sink.value(Scalar::Int(number));
    }
}

/// An id that is set.
fn id_of(token: Option<&[u8]>) -> Option<&[u8]> {
    token.filter(|id| !matches!(*id, b"4294967295" | b"-1" | b"unset" | b"?" | b""))
}

/// An id as text; unset ones are missing.
fn set_id(token: Option<&[u8]>, sink: Sink<'_>) {
    if let Some(id) = id_of(token) {
        sink.value(Scalar::Str(&text_of(id)));
    }
}

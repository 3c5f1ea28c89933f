//! What the arguments say about hosts and users.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use super::args;
use super::exit::Exit;
use super::output::message;
use super::summary::plain;
use crate::digits::grouped;
use crate::escape::escape;
use crate::event::{Identity, Names, Profile};

/// Longest passwd or group file, in bytes.
const MAX_FILE: u64 = 64 << 20;
/// Bad lines of a file that are told one by one.
const TOLD: u64 = 10;

/// Reads the files of names. Lines that are none of such a file are told and passed over.
///
/// # Errors
///
/// When an argument cannot be understood or a file cannot be read.
pub(super) fn identity(hosts: &args::Hosts) -> Result<Identity, Exit> {
    let mut names: BTreeMap<&str, Names> = BTreeMap::new();
    for argument in &hosts.passwd {
        let Some((host, file)) = argument.split_once('=').filter(|(host, _)| !host.is_empty())
        else {
            let argument = escape(argument);
            message(&format!("catena: error: --passwd {argument}: write HOST=FILE"));
            return Err(Exit::Usage);
        };
        read(file, names.entry(host).or_default())?;
    }
    let names = names.into_iter().map(|(host, names)| (host.to_owned(), Arc::new(names)));
    Ok(Identity {
        name: hosts.name.clone(),
        id: hosts.id.clone(),
        profile: match hosts.profile {
            args::Profile::Auditd => Profile::Auditd,
            args::Profile::Endpoint => Profile::Endpoint,
        },
        names: names.collect(),
    })
}

fn read(file: &str, names: &mut Names) -> Result<(), Exit> {
    let shown = escape(file);
    let mut text = Vec::new();
    let open = File::open(Path::new(file));
    let read = open.and_then(|open| open.take(MAX_FILE + 1).read_to_end(&mut text));
    let why = match read {
        Err(error) => Some(plain(&error.to_string())),
        Ok(_) if text.len() as u64 > MAX_FILE => Some("longer than 64 MiB".to_owned()),
        Ok(_) => None,
    };
    if let Some(why) = why {
        message(&format!("catena: error: {shown}: {}", escape(&why)));
        return Err(Exit::Unreadable);
    }
    let mut bad = 0;
    names.read(&text, &mut |line| {
        bad += 1;
        if bad <= TOLD {
            message(&format!("catena: warning: {shown}:{}: skipped: {}", line.line, line.why));
        }
    });
    if bad > TOLD {
        let more = grouped(bad - TOLD);
        message(&format!("catena: warning: {shown}: {more} more lines skipped"));
    }
    Ok(())
}

//! What documents leave out, and that nothing else is.

use std::sync::Arc;

use super::known::Table;
use super::need::Needs;
use super::{Document, Documents};
use crate::event::read::{Reader, Scratch, paths_of};
use crate::event::{CoalesceLimits, Coalescer, Group, Host, Names, Profile, Raw};

/// Records that hold a little of everything, in and out of its place.
const ODD: &[&str] = &[
    "SYSCALL arch=c000003e syscall=263 success=yes exit=0 a0=4 items=2 ppid=1 pid=7 auid=1000 uid=0 gid=0 euid=1 egid=4 \
     tty=(none) ses=3 comm=\"rm\" exe=\"/usr/bin/python3\" subj=u:r:d:s0:c1 key=\"k\"\x1dUID=\"root\" EUID=\"ann\" AUID=\"bob\"",
    "SYSCALL arch=c000003e per=8 syscall=82 exit=-13 pid=7 tty=(null) comm=(null) uid=1000",
    "SYSCALL arch=40000003 syscall=102 success=no exit=-111 a0=1 a1=ff pid=8 a-b=1 a_b=2 socket=5 tty= x=1 x=2",
    "SOCKETCALL nargs=3 a0=a a1=80802 a2=11",
    "SOCKADDR saddr=020023290A000001\x1dSADDR={ saddr_fam=inet laddr=10.0.0.1 lport=9001 }",
    "EXECVE argc=3 a0=\"sh\" a1=2D63 syscall=5 exit=1 tty=pts1 msg='op=x argc=9'",
    "PATH item=1 name=\"/a/b.c\" nametype=CREATE mode=0100644 ouid=0 ogid=0 *=1\x1dOUID=\"root\"",
    "PATH item=0 name=(null) objtype=PARENT ouid=1000",
    "CWD cwd=\"/\"",
    "PROCTITLE proctitle=7368",
    "LOGIN pid=9 uid=0 old-auid=1000 auid=0 tty=(none) old-ses=1 ses=2 res=1\x1dOLD-AUID=\"ann\" AUID=\"root\"",
    "USER_LOGIN pid=1 uid=0 auid=4294967295 msg='op=login acct=\"ann\" exe=\"/usr/sbin/sshd\" addr=10.0.0.9 res=failed'",
    "ADD_USER pid=1 uid=0 auid=1000 msg='op=add-user id=1000 exe=\"/usr/sbin/useradd\" res=success'\x1dID=\"new\"",
    "ADD_GROUP pid=1 uid=0 auid=1000 msg='op=add-group grp=\"g\" id=1000 res=success'",
    "AVC avc:  denied  { read } for pid=3 comm=\"x\" scontext=a tcontext=b tclass=file",
    "SECCOMP auid=1 uid=2 gid=3 pid=4 exe=\"/x\" sig=31 arch=c000003e syscall=41 code=0x0",
    "BPRM_FCAPS fver=2 pp=1 pe=ff new-ram=3",
    "URINGOP uring_op=18 success=yes exit=3 items=1 ppid=1 pid=2 uid=0",
];

fn groups(log: &str) -> Vec<Group> {
    let mut coalescer = Coalescer::new(CoalesceLimits::default());
    for (line, number) in log.lines().zip(1..) {
        coalescer.push(0, number, line.as_bytes());
    }
    coalescer.finish();
    std::iter::from_fn(|| coalescer.pop()).collect()
}

/// Every record by itself and with every other one, in both orders.
fn odd() -> String {
    let mut log = String::new();
    let mut serial = 0;
    let mut add = |records: &[&str]| {
        serial += 1;
        for record in records {
            let (kind, body) = record.split_once(' ').unwrap();
            log += &format!("type={kind} msg=audit(1700000000.000:{serial}): {body}\n");
        }
    };
    for one in ODD {
        add(&[one]);
        for other in ODD {
            add(&[one, other]);
            ODD.iter().for_each(|third| add(&[one, other, third]));
        }
    }
    log
}

#[test]
fn fields_that_are_not_looked_at_have_no_values() {
    let log = std::fs::read_to_string("corpus/auditd/small.log").unwrap() + &odd();
    let groups = groups(&log);
    let mut names = Names::default();
    names.read(b"root:x:0:0:::\nann:x:1000:1000:::\nstaff:x:1000:", &mut |_| ());
    let names = Arc::new(names);
    let mut host = Host::new(0, "h", "h");
    for (profile, names) in [
        (Profile::Auditd, None),
        (Profile::Auditd, Some(names.clone())),
        (Profile::Endpoint, None),
        (Profile::Endpoint, Some(names)),
    ] {
        (host.profile, host.names) = (profile, names);
        for group in &groups {
            let document = Documents::one(&Raw::Audit(group.clone()), Some(&host), None);
            let mut scratch = Scratch::default();
            let paths = paths_of(group);
            let mut reader = Reader::new(group, Some(&host), &mut scratch);
            let copies = reader.view.copies();
            reader.know(&paths, &copies);
            let mut whole = Document::default();
            whole.read(&mut reader, &Table::get().places(Needs::ALL), Some(&host), None);
            assert_eq!(document, whole, "{}", String::from_utf8_lossy(&group.raw()));
        }
    }
}

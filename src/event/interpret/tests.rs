//! What values of records mean.

use super::interpret;
use crate::event::{CoalesceLimits, Coalescer};

/// `key=raw` or `key=meaning [raw]` of all records of one event.
fn told(lines: &[&str]) -> Vec<String> {
    let mut coalescer = Coalescer::new(CoalesceLimits::default());
    for (line, number) in lines.iter().zip(1..) {
        coalescer.push(0, number, line.as_bytes());
    }
    coalescer.finish();
    let group = coalescer.pop().unwrap();
    let mut out = Vec::new();
    interpret(&group, None, &mut |_, fields| {
        for field in fields {
            out.push(match &field.means {
                Some(means) => format!("{}={means} [{}]", field.key, field.raw),
                None => format!("{}={}", field.key, field.raw),
            });
        }
    });
    out
}

fn call(number: u32, rest: &str) -> Vec<String> {
    let line =
        format!("type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall={number} {rest} pid=7");
    let mut all = told(&[&line]);
    assert_eq!(all.remove(0), "arch=x86_64 [c000003e]");
    assert_eq!(all.pop().unwrap(), "pid=7");
    all
}

#[test]
fn arguments_of_calls_are_words() {
    assert_eq!(
        call(41, "a0=2 a1=80802 a2=0 a3=7f"),
        [
            "syscall=socket [41]",
            "a0=inet [2]",
            "a1=dgram|nonblock|cloexec [80802]",
            "a2=0",
            "a3=7f"
        ]
    );
    assert_eq!(
        call(257, "a0=ffffff9c a1=7ffc a2=241 a3=1b6"),
        [
            "syscall=openat [257]",
            "a0=AT_FDCWD [ffffff9c]",
            "a1=7ffc",
            "a2=wronly|creat|trunc [241]",
            "a3=666 [1b6]"
        ]
    );
    assert_eq!(call(257, "a2=0 a3=1b6")[2], "a3=1b6", "nothing is made, so there is no mode");
    assert_eq!(call(62, "a0=ffffffff a1=9")[1..], ["a0=-1 [ffffffff]", "a1=SIGKILL [9]"]);
    assert_eq!(call(56, "a0=1200011")[1], "a0=child_cleartid|child_settid|SIGCHLD [1200011]");
    assert_eq!(call(10, "a0=7f a1=1000 a2=7")[2..], ["a1=4096 [1000]", "a2=read|write|exec [7]"]);
    assert_eq!(call(90, "a1=9ed")[1], "a1=suid,755 [9ed]");
    assert_eq!(call(117, "a0=ffffffff a1=0")[1..], ["a0=unchanged [ffffffff]", "a1=0"]);
    assert_eq!(call(41, "a0=63")[1], "a0=63", "no family that is known");
}

/// Every argument that rules ask about, as logged and in words.
#[test]
fn arguments_by_call() {
    #[rustfmt::skip]
    let rows: [(&str, u32, &str, &str); 37] = [
        ("socket", 41, "a0=1 a1=1", "a0=unix a1=stream"),
        ("socket", 41, "a0=a a1=3 a2=3a", "a0=inet6 a1=raw a2=icmpv6"),
        ("socket", 41, "a0=10 a1=800 a2=0", "a0=netlink"),
        ("socket", 41, "a0=11 a1=5", "a0=packet a1=seqpacket"),
        ("socket", 41, "a0=26 a1=80805", "a0=alg a1=seqpacket|nonblock|cloexec"),
        ("socket", 41, "a0=28 a1=1 a2=6", "a0=vsock a1=stream a2=tcp"),
        ("socket", 41, "a0=2 a1=2 a2=11", "a0=inet a1=dgram a2=udp"),
        ("connect", 42, "a0=3 a1=7ffd a2=1c", "a2=28"),
        ("bind", 49, "a0=3 a1=7ffd a2=6e", "a2=110"),
        ("sendto", 44, "a0=3 a1=7ffd a2=20 a3=4040", "a2=32 a3=dontwait|nosignal"),
        ("sendmsg", 46, "a0=3 a1=7ffd a2=4000", "a2=nosignal"),
        ("open", 2, "a0=7ffd a1=0 a2=0", "a1=rdonly"),
        ("open", 2, "a0=7ffd a1=2c2 a2=1ed", "a1=rdwr|creat|excl|trunc a2=755"),
        ("open", 2, "a0=7ffd a1=441 a2=11b6", "a1=wronly|creat|append a2=666"),
        ("openat", 257, "a0=ffffff9c a1=7ffd a2=a0100", "a0=AT_FDCWD a2=rdonly|noctty|cloexec|nofollow"),
        ("openat", 257, "a0=ffffff9c a1=7ffd a2=210800", "a0=AT_FDCWD a2=rdonly|nonblock|path|directory"),
        ("openat", 257, "a0=3 a1=7ffd a2=410002 a3=180", "a2=rdwr|tmpfile|directory a3=600"),
        ("clone", 56, "a0=10011", "a0=thread|SIGCHLD"),
        ("clone", 56, "a0=7c020011", "a0=newns|newuts|newipc|newuser|newpid|newnet|SIGCHLD"),
        ("clone", 56, "a0=100", "a0=vm"),
        ("unshare", 272, "a0=10000000", "a0=newuser"),
        ("setns", 308, "a0=3 a1=40000000", "a1=newnet"),
        ("ptrace", 101, "a0=10 a1=7", "a0=attach"),
        ("ptrace", 101, "a0=4205 a1=7", "a0=setregset"),
        ("kill", 62, "a0=7 a1=f", "a1=SIGTERM"),
        ("tgkill", 234, "a0=7 a1=8 a2=22", "a2=34"),
        ("mmap", 9, "a0=0 a1=1000 a2=7 a3=32", "a1=4096 a2=read|write|exec a3=private|fixed|anonymous"),
        ("mprotect", 10, "a0=7f a1=10 a2=5", "a1=16 a2=read|exec"),
        ("memfd_create", 319, "a0=7ffd a1=3", "a1=cloexec|allow_sealing"),
        ("prctl", 157, "a0=f a1=7ffd", "a0=set_name"),
        ("prctl", 157, "a0=26 a1=1", "a0=set_no_new_privs"),
        ("setresuid", 117, "a0=ffffffff a1=3e8 a2=0", "a0=unchanged a1=1000"),
        ("dup3", 292, "a0=3 a1=0 a2=80000", "a2=cloexec"),
        ("fchmodat", 268, "a0=ffffff9c a1=7ffd a2=9ff", "a0=AT_FDCWD a2=suid,777"),
        ("mknod", 133, "a0=7ffd a1=11b6", "a1=fifo,666"),
        ("bpf", 321, "a0=5 a1=7ffd a2=90", "a0=prog_load a2=144"),
        ("init_module", 175, "a0=7f a1=1000 a2=7ffd", "a1=4096"),
    ];
    for (name, number, logged, words) in rows {
        let told = call(number, logged);
        assert!(told[0].starts_with(&format!("syscall={name} ")), "{told:?}");
        // What has a word has what was logged beside it.
        let with_words = told[1..].iter().filter_map(|field| field.split_once(" ["));
        let said: Vec<_> = with_words.map(|(words, _)| words).collect();
        assert_eq!(said.join(" "), words, "{name} {logged}");
        for (field, logged) in told[1..].iter().zip(logged.split(' ')) {
            let (key, raw) = logged.split_once('=').unwrap();
            assert!(field.starts_with(&format!("{key}=")));
            assert!(field.ends_with(&format!("[{raw}]")) || field == logged, "{field}");
        }
    }
}

#[test]
fn bits_without_a_word_are_told_too() {
    assert_eq!(call(257, "a2=40000000")[1], "a2=rdonly|0x40000000 [40000000]");
}

#[test]
fn machines_with_numbers_of_their_own_get_no_words() {
    let mips = told(&["type=SYSCALL msg=audit(1.000:1): arch=8 syscall=4183 a0=2 a1=1 pid=7"]);
    assert_eq!(mips[0], "arch=mips [8]");
    assert_eq!(mips[2..4], ["a0=2", "a1=1"]);
}

#[test]
fn names_of_the_daemon_stand_beside_ids() {
    let line = "type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall=59 success=no exit=-13 auid=4294967295 \
                uid=1000 ses=4294967295 key=(null)\x1dARCH=x86_64 SYSCALL=execve AUID=\"unset\" UID=\"ann\" FSUID=\"bob\"";
    assert_eq!(
        told(&[line])[2..],
        [
            "success=no",
            "exit=EACCES [-13]",
            "auid=unset [4294967295]",
            "uid=ann [1000]",
            "ses=unset [4294967295]",
            "key=(null)",
            "FSUID=bob"
        ]
    );
}

#[test]
fn bytes_become_text_and_text_stays() {
    let path = "type=PATH msg=audit(1.000:1): item=0 name=\"41\" mode=0104755 ouid=0 cap_fp=2000";
    assert_eq!(
        told(&[path])[1..],
        ["name=41", "mode=file,suid,755 [0104755]", "ouid=0", "cap_fp=net_raw [2000]"]
    );
    let path = "type=PATH msg=audit(1.000:1): item=0 name=2F746D702F612062";
    assert_eq!(told(&[path])[1], "name=/tmp/a b [2F746D702F612062]");
    let title = "type=PROCTITLE msg=audit(1.000:1): proctitle=7368002D6300";
    assert_eq!(told(&[title]), ["proctitle=sh -c [7368002D6300]"]);
    let keys = "type=CONFIG_CHANGE msg=audit(1.000:1): op=add_rule key=610162 list=4 res=1";
    assert_eq!(told(&[keys])[1..], ["key=a, b [610162]", "list=exit [4]", "res=success [1]"]);
    let address = "type=SOCKADDR msg=audit(1.000:1): saddr=0200232BC63364070000000000000000";
    assert_eq!(
        told(&[address]),
        ["saddr=inet 198.51.100.7:9003 [0200232BC63364070000000000000000]"]
    );
}

#[test]
fn the_text_of_programs_is_taken_apart() {
    let user = "type=USER_LOGIN msg=audit(1.000:1): pid=1 msg='op=login acct=6120 exe=\"/bin/x\" res=failed'";
    assert_eq!(told(&[user])[1..], ["op=login", "acct=a  [6120]", "exe=/bin/x", "res=failed"]);
}

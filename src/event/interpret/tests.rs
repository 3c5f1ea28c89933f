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

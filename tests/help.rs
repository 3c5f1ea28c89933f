//! Help that the program gives: fields, completions, manual pages.

#![expect(clippy::unwrap_used, reason = "functions of tests may panic")]

use assert_cmd::Command;

struct Run {
    stdout: String,
    stderr: String,
    code: i32,
}

fn catena(arguments: &[&str]) -> Run {
    let output = Command::cargo_bin("catena").unwrap().args(arguments).output().unwrap();
    Run {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code().unwrap(),
    }
}

/// What is shown for a name.
fn shown(name: &str) -> String {
    let run = catena(&["fields", name]);
    let code = if run.code == 0 { String::new() } else { format!("exit code {}\n", run.code) };
    format!("$ catena fields {name}\n{}{}{code}", run.stdout, run.stderr)
}

#[test]
fn every_field_is_listed_once_with_everything_known_about_it() {
    let run = catena(&["fields"]);
    assert_eq!(run.code, 0);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines.len(), catena::schema::FIELDS.len() + 1);
    for (line, info) in lines.iter().skip(1).zip(catena::schema::FIELDS) {
        let cells = [info.name, info.kind.name(), info.records, info.example, info.about];
        assert!(cells.iter().all(|cell| line.contains(cell)), "{line}");
    }
}

#[test]
fn one_field_some_fields_and_no_field() {
    let names = [
        "process.parent.name",
        "destination.ip",
        "destination.port",
        "process.interactive",
        "@timestamp",
        "auditd.data.anything",
        "audit.socket",
        "*.PORT",
        "working_directory",
        "process.nmae",
        "zebra",
        "no*such",
    ];
    insta::assert_snapshot!(names.map(shown).join("\n"));
}

#[test]
fn the_usages_shown_for_a_field_are_queries() {
    for info in catena::schema::FIELDS.iter().filter(|info| !info.name.ends_with('*')) {
        let page = catena(&["fields", info.name]).stdout;
        let usages = page.split_once("in EQL").unwrap().1;
        for usage in usages.lines().map(str::trim).filter(|usage| !usage.is_empty()) {
            let query = format!("any where {usage}");
            let loaded = catena::rule::load_query(&query, &catena::schema::Schema::new());
            assert!(!loaded.has_errors(), "{query}: {:?}", loaded.problems);
        }
    }
}

#[test]
fn fields_as_json() {
    let run = catena(&["fields", "--format", "json"]);
    let all: Vec<serde_json::Value> = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(all.len(), catena::schema::FIELDS.len());
    let run = catena(&["fields", "process.pid", "--format", "json"]);
    let one: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    insta::assert_json_snapshot!(one);
}

#[test]
fn every_command_has_completions_and_a_page() {
    let help = catena(&["--help"]).stdout;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands: Vec<&str> = commands
        .take_while(|line| !line.is_empty())
        .filter_map(|l| l.split_whitespace().next())
        .collect();
    assert!(commands.contains(&"replay") && commands.contains(&"man"), "{commands:?}");
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let run = catena(&["completions", shell]);
        assert_eq!(run.code, 0);
        assert!(commands.iter().all(|command| run.stdout.contains(command)), "{shell}");
    }
    let page = catena(&["man"]).stdout;
    for command in commands.into_iter().filter(|command| *command != "help") {
        assert!(page.contains(&format!("catena\\-{command}(1)")), "{command}");
        let own = catena(&["man", command]);
        assert_eq!(own.code, 0);
        assert!(own.stdout.contains(&format!(".TH catena-{command} 1")), "{command}");
    }
    let wrong = catena(&["man", "repaly"]);
    assert_eq!((wrong.code, wrong.stdout.as_str()), (3, ""));
    assert!(wrong.stderr.contains("did you mean `replay`?"), "{}", wrong.stderr);
}

//! `catena fmt`: only the layout of queries changes, nothing else, and never what they mean.

#![expect(clippy::unwrap_used, clippy::panic, reason = "functions of tests may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use catena::plan::logic_hash;
use catena::rule::{Form, FormatError, Formatted, format, is_rule_file, load_text};
use catena::schema::Schema;
use catena::syntax::parse;

struct Run {
    stdout: String,
    stderr: String,
    code: i32,
}

fn fmt(arguments: &[&str], folder: &Path, stdin: &str) -> Run {
    let mut command = Command::cargo_bin("catena").unwrap();
    command.arg("fmt").args(arguments).current_dir(folder).write_stdin(stdin.to_owned());
    let output = command.output().unwrap();
    Run {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code().unwrap(),
    }
}

fn formatted(text: &str, form: Form) -> String {
    match format("rule", text, form, &Schema::new()) {
        Ok(Formatted::Changed(new)) => new,
        Ok(Formatted::Same) => text.to_owned(),
        other => panic!("{other:?}\n{text}"),
    }
}

/// Rule files of the project, and every query of the corpus.
fn sources() -> Vec<(PathBuf, Form)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    for (folder, form) in [("rules", Form::Toml), ("corpus/grammar/ok", Form::Query)] {
        let files = walkdir::WalkDir::new(root.join(folder)).sort_by_file_name();
        let files = files.into_iter().map(|entry| entry.unwrap().into_path());
        let extension = if form == Form::Toml { "toml" } else { "eql" };
        let files = files.filter(|path| path.extension().is_some_and(|e| e == extension));
        let files = files.filter(|path| is_rule_file(path));
        sources.extend(files.map(|path| (path, form)));
    }
    sources
}

#[test]
fn every_rule_and_every_query_keeps_its_meaning_and_its_comments() {
    let schema = Schema::new();
    let mut checked = 0;
    for (path, form) in sources() {
        let text = fs::read_to_string(&path).unwrap();
        // The corpus has queries for a schema of its own.
        if let Err(FormatError::Problems(_)) = format("rule", &text, form, &schema) {
            assert_eq!(form, Form::Query, "{}", path.display());
            continue;
        }
        checked += 1;
        let new = formatted(&text, form);
        let name = path.display().to_string();
        let load = |text: &str| load_text(&name, text.to_owned(), &schema).rules.remove(0);
        let (before, after) = (load(&text), load(&new));
        assert_eq!(logic_hash(&before.query), logic_hash(&after.query), "{name}");
        let comments = |text: &str| parse(text).unwrap().comments.into_iter().map(|c| c.text);
        assert!(comments(&before.text).eq(comments(&after.text)), "{name}");
        assert_eq!(formatted(&new, form), new, "{name}: laid out twice");
        if form == Form::Toml {
            let (start, end) = around(&text, &before.text);
            assert!(new.starts_with(start) && new.ends_with(end), "{name}");
        }
    }
    assert!(checked > 50, "only {checked} were checked");
}

/// What stands before and behind the query in a file.
fn around<'t>(file: &'t str, query: &str) -> (&'t str, &'t str) {
    file.split_once(query).unwrap()
}

#[test]
fn the_built_in_rules_are_laid_out() {
    let run = fmt(&["--check", "rules"], Path::new(env!("CARGO_MANIFEST_DIR")), "");
    assert_eq!((run.code, run.stdout.as_str()), (0, ""), "run `catena fmt rules`");
}

/// How a query stands in TOML, before and after. The form stays as long as it can hold the query.
#[test]
fn strings_keep_their_form() {
    let long = "process where process.name in (\"one\", \"two\") and process.args : \"a rather long \
                argument of a program\" and user.id == \"0\"";
    let literal_long = format!("'{long}'");
    let basic_long = format!("\"{}\"", long.replace('"', "\\\""));
    let queries = [
        // Strings on one line.
        "'process   where true'",
        r#""process   where a == \"b\\\\c\"""#,
        "'''process   where a == \"b\"'''",
        "\"\"\"process   where a == 5\"\"\"",
        "\"\"\"process   where a == \"b\"\"\"\"",
        literal_long.as_str(),
        basic_long.as_str(),
        // Strings over lines.
        "'''\nprocess   where true\n'''",
        "'''process where\n  true'''",
        "\"\"\"\nprocess where a regex \"\\\\\\\\d\" \\\n   and b\"\"\"",
        "\"\"\"\nprocess where a regex \"\"\\\"\\\\d+\"\"\\\"\"\"\"",
        // What a form cannot hold.
        "'process where true // a line'",
        "\"process where true /* ''' */ // b\"",
        "\"process where true /* \\u0001 */\"",
        "\"process where a == 1 // \\\"\\\"\\\" and '\"",
    ];
    let mut shown = String::new();
    for query in queries {
        let text = format!("[rule]\nquery   =   {query}  # why\nname='x'\n");
        if let Err(error) = toml::from_str::<toml::Table>(&text) {
            shown.push_str(&format!("not TOML: {query}\n{error}\n"));
            continue;
        }
        let new = formatted(&text, Form::Toml);
        assert_eq!(formatted(&new, Form::Toml), new);
        let part = new.strip_prefix("[rule]\nquery   =   ").unwrap();
        let part = part.strip_suffix("  # why\nname='x'\n").unwrap();
        shown.push_str(&format!("{query}\n------>\n{part}\n\n"));
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn line_ends_follow_the_file() {
    let text = "[rule]\r\nquery = '''\r\nprocess   where a and /* x\r\n y */ b\r\n'''\r\n";
    let new = formatted(text, Form::Toml);
    assert_eq!(new.matches('\n').count(), new.matches("\r\n").count(), "{new:?}");
    assert_eq!(new.matches('\r').count(), new.matches("\r\n").count(), "{new:?}");
    assert_eq!(formatted(&new, Form::Toml), new);
}

/// A folder with files to lay out, one that is in order, and others to leave alone.
#[test]
fn a_byte_order_mark_stays_in_front() {
    let query = "\u{feff}process  where true";
    assert_eq!(formatted(query, Form::of_text(query)), "\u{feff}process where true\n");
    let rule = "\u{feff}[rule]\ntype = \"eql\"\nquery = \"process  where true\"\n";
    let laid_out = rule.replace("  where", " where");
    assert_eq!(Form::of_text(rule), Form::Toml);
    assert_eq!(formatted(rule, Form::Toml), laid_out);
    assert_eq!(formatted(&laid_out, Form::Toml), laid_out);
    // A second one is no mark.
    assert!(format("rule", &"\u{feff}".repeat(100_000), Form::Query, &Schema::new()).is_err());
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("a.eql", "process   where a==1 and // why\n b : (\"x\",\"y\")\n");
    write("b.toml", "[rule]\nname='b'  # kept\nquery='process   where true'\n\n[other]\nx =1\n");
    write("c.eql", "process where true\n");
    write("d.toml", "[package]\nname = \"not a rule\"\n");
    write("e.toml", "[rule]\ntype = \"esql\"\nlanguage = \"esql\"\nquery = \"from  logs\"\n");
    write("notes.txt", "process   where true\n");
    fs::create_dir(folder.path().join(".hidden")).unwrap();
    write(".hidden/f.eql", "process   where true\n");
    folder
}

#[test]
fn check_shows_what_would_change_and_changes_nothing() {
    let folder = folder();
    let run = fmt(&["--check"], folder.path(), "");
    assert_eq!(run.code, 1);
    insta::assert_snapshot!(format!("{}---\n{}", run.stdout, run.stderr));
    assert!(
        fs::read_to_string(folder.path().join("a.eql")).unwrap().starts_with("process   where")
    );
}

#[test]
fn files_are_laid_out_in_place_once_and_for_all() {
    let folder = folder();
    let run = fmt(&[], folder.path(), "");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.stdout, "./a.eql\n./b.toml\n", "the files that changed");
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("a.eql"), "process where\n  a == 1 // why\n  and b : (\"x\", \"y\")\n");
    assert_eq!(
        read("b.toml"),
        "[rule]\nname='b'  # kept\nquery='process where true'\n\n[other]\nx =1\n"
    );
    assert_eq!(
        read("e.toml"),
        "[rule]\ntype = \"esql\"\nlanguage = \"esql\"\nquery = \"from  logs\"\n"
    );
    assert_eq!(read(".hidden/f.eql"), "process   where true\n");
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 7, "nothing else is left behind");
    let again = fmt(&["--check", "."], folder.path(), "");
    assert_eq!((again.code, again.stdout.as_str()), (0, ""));
}

#[test]
fn a_file_with_errors_is_named_and_left_alone_and_the_rest_is_laid_out() {
    let folder = folder();
    let bad = folder.path().join("bad.toml");
    let text = "[rule]\nname = \"n\"\nrule_id = \"1\"\nseverity = \"low\"\nquery = '''\nprocess   where a = 1\n'''\n";
    fs::write(&bad, text).unwrap();
    fs::write(folder.path().join("binary.eql"), b"\xff\xfe").unwrap();
    let run = fmt(&["."], folder.path(), "");
    assert_eq!(run.code, 2);
    assert_eq!(run.stdout, "./a.eql\n./b.toml\n");
    insta::assert_snapshot!(run.stderr);
    assert_eq!(fs::read_to_string(&bad).unwrap(), text);
}

#[test]
fn standard_input_goes_to_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    let run = fmt(&["-"], folder.path(), "process   where true");
    assert_eq!((run.code, run.stdout.as_str()), (0, "process where true\n"));
    let rule = "[rule]\nquery = 'process  where true'\n";
    let run = fmt(&["-"], folder.path(), rule);
    assert_eq!((run.code, run.stdout.as_str()), (0, "[rule]\nquery = 'process where true'\n"));
    let run = fmt(&["--check", "-"], folder.path(), "process where true\n");
    assert_eq!((run.code, run.stdout.as_str()), (0, ""));
    let run = fmt(&["-"], folder.path(), "process where");
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
}

#[test]
fn what_is_not_there_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let run = fmt(&["missing.eql"], folder.path(), "");
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("missing.eql"), "{}", run.stderr);
}

#[cfg(unix)]
#[test]
fn permissions_and_links_stay() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("real.eql");
    fs::write(&file, "process   where true").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let link = folder.path().join("link.eql");
    symlink("real.eql", &link).unwrap();
    let run = fmt(&["link.eql"], folder.path(), "");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(fs::read_to_string(&file).unwrap(), "process where true\n");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(fs::symlink_metadata(&link).unwrap().file_type().is_symlink());
}

//! Diagnostics as other tools read them: workflow commands of GitHub, and SARIF 2.1.0.
//!
//! In: diagnostics with their place in a file. Out: text and JSON. Both formats are fixed by others.

use serde_json::{Value as Json, json};

use super::{CODES, Diagnostic, Severity};

/// Where in a file a diagnostic is. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Path as it was given.
    pub file: String,
    /// Line and column of the first character.
    pub start: Option<(usize, usize)>,
    /// Line and column one past the last character.
    pub end: Option<(usize, usize)>,
}

/// Title, and the label and the help that belong to it, as one paragraph each.
fn paragraphs(diagnostic: &Diagnostic) -> Vec<String> {
    let label = diagnostic.labels.first().map(|label| label.text.as_str()).unwrap_or("");
    let first = match label {
        "" => diagnostic.title.clone(),
        label => format!("{}: {label}", diagnostic.title),
    };
    std::iter::once(first)
        .chain(diagnostic.help.iter().map(|help| format!("help: {help}")))
        .collect()
}

/// One problem as a command that makes a workflow of GitHub show it beside the line.
pub fn github(diagnostic: &Diagnostic, location: &Location) -> String {
    let text = paragraphs(diagnostic).join("\n");
    github_command(diagnostic.severity, location, diagnostic.code.as_str(), &text)
}

/// Any text as such a command.
pub fn github_command(severity: Severity, location: &Location, title: &str, text: &str) -> String {
    let level = match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut out = format!("::{level} file={}", property(&location.file));
    if let Some((line, column)) = location.start {
        out.push_str(&format!(",line={line}"));
        let same_line = location.end.filter(|(end, _)| *end == line);
        match (location.end, same_line) {
            (Some(_), Some((_, end))) => {
                out.push_str(&format!(",col={column},endColumn={end}"));
            }
            (Some((end_line, _)), None) => out.push_str(&format!(",endLine={end_line}")),
            (None, _) => {}
        }
    }
    out.push_str(&format!(",title={}", property(title)));
    out.push_str("::");
    out.push_str(&data(text));
    out
}

/// Text of a command: its line ends must not end the command.
fn data(text: &str) -> String {
    super::render::paragraph(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Value of a property: nor its commas and colons the property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// All problems as one log in the Static Analysis Results Interchange Format.
pub fn sarif<'a>(problems: impl IntoIterator<Item = (&'a Diagnostic, Location)>) -> Json {
    let results: Vec<Json> =
        problems.into_iter().map(|(diagnostic, location)| result(diagnostic, &location)).collect();
    let rules: Vec<Json> = CODES
        .iter()
        .map(|code| {
            json!({
                "id": code.as_str(),
                "shortDescription": { "text": code.summary() },
                "help": { "text": code.explain(), "markdown": code.explain() },
                "defaultConfiguration": { "level": level(code.severity()) },
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "catena",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn result(diagnostic: &Diagnostic, location: &Location) -> Json {
    let mut place = json!({ "artifactLocation": { "uri": uri(&location.file) } });
    if let (Some((line, column)), Some(place)) = (location.start, place.as_object_mut()) {
        let region = match location.end {
            Some((end_line, end_column)) => json!({
                "startLine": line, "startColumn": column,
                "endLine": end_line, "endColumn": end_column,
            }),
            None => json!({ "startLine": line }),
        };
        place.insert("region".to_owned(), region);
    }
    let index = CODES.iter().position(|code| *code == diagnostic.code);
    json!({
        "ruleId": diagnostic.code.as_str(),
        "ruleIndex": index,
        "level": level(diagnostic.severity),
        "message": { "text": paragraphs(diagnostic).join("\n") },
        "locations": [{ "physicalLocation": place }],
    })
}

/// A path as a relative or absolute reference.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;
    use crate::span::Span;

    #[test]
    fn a_command_is_one_line_whatever_stands_in_it() {
        let problem = Diagnostic::new(Code::Syntax, "50% of\nit").label(Span::new(0, 1), "here");
        let location =
            Location { file: "a,b:c.toml".into(), start: Some((3, 4)), end: Some((3, 9)) };
        assert_eq!(
            github(&problem.help("one\ntwo"), &location),
            "::error file=a%2Cb%3Ac.toml,line=3,col=4,endColumn=9,title=E0101::50%25 of%0Ait: \
             here%0Ahelp: one%0Atwo"
        );
    }

    #[test]
    fn a_path_is_escaped_for_a_reference() {
        assert_eq!(uri("rules/ä b#1.toml"), "rules/%C3%A4%20b%231.toml");
    }
}

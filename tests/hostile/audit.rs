//! The text of a file of audit rules.

use catena::diagnostic;
use catena::needs::{by_rules, read_text};
use catena::rule::{self, RuleSet};
use catena::schema::Schema;

/// Every line is a rule, is refused with a reason or decides nothing; verdicts are given in any case, and
/// reading twice says the same.
pub(crate) fn audit_rules(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let read = read_text("fuzz.rules", &text);
    assert!(read.rules.refused <= read.rules.lines);
    assert!(read.rules.refused == 0 || !read.problems.is_empty(), "refused without a word");
    for problem in &read.problems {
        assert!(!diagnostic::text(&problem.diagnostic, problem.source(), false).is_empty());
    }
    assert_eq!(read_text("fuzz.rules", &text).rules, read.rules);
    let query =
        "file where file.path like \"/etc/*\" and user.id != \"0\" or event.action == \"executed\"";
    let rules = RuleSet::new(rule::load_query(query, &Schema::new()).rules);
    let judged = by_rules(&rules, &read.rules);
    assert_eq!(judged.can_fire + judged.cannot_fire + judged.undecided, 1);
}

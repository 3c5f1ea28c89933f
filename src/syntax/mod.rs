//! Query text → [`ast::Ast`] → query text.
//!
//! In: the text of one query, never trusted. Out: its tree with comments and spans, or everything
//! that is wrong with it. What a name or a type means is not looked at here: see `check`.
//!
//! The text is read in two steps. [`scan`] walks over it once, by bytes: it finds lexical mistakes
//! and unbalanced brackets, collects comments and enforces [`Limits`], so that the recursive steps
//! after it are safe from any input. [`parse`] then follows `grammar/eql.pest`. No other room sees a
//! type of the parser library.

pub mod ast;
mod parse;
mod print;
mod scan;

pub use parse::{parse, parse_expr, parse_with};
pub use print::{print, print_expr, print_filter, print_item};

/// What a query may cost to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest text, in bytes.
    pub length: usize,
    /// Most words, literals and signs in it.
    pub tokens: usize,
    /// Deepest nesting of brackets, operators and comments.
    pub depth: usize,
}

/// 256 KiB, 20 000 tokens, 100 levels: far above any rule seen in the wild, and what fits is read in
/// less than 50 ms and 16 MiB.
impl Default for Limits {
    fn default() -> Self {
        Self { length: 256 * 1024, tokens: 20_000, depth: 100 }
    }
}

/// All words that are names only in backticks.
pub const KEYWORDS: &[&str] = &[
    "and", "any", "by", "false", "in", "join", "like", "maxspan", "not", "null", "of", "or",
    "regex", "sample", "sequence", "true", "until", "where", "with",
];

/// Whether `text` can stand as a name without backticks.
pub fn is_plain_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '_' | '@'))
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !KEYWORDS.contains(&text)
}

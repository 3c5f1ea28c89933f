//! Every code there is, with its severity and the page that `--explain` prints.
//!
//! Families: `E00xx` rule files, `E01xx` syntax, `E02xx` names, `E03xx` types, `E04xx` sequences and
//! samples, `E05xx` limits, `E06xx` field maps,
//! `E07xx` audit rules; warnings are words and can be silenced by name.

use super::Severity;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal, $severity:ident;)*) => {
        /// A kind of problem, stable from release to release.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $($(#[doc = $doc])+ $name,)*
        }

        /// All codes in order.
        pub const CODES: &[Code] = &[$(Code::$name,)*];

        impl Code {
            /// As printed: `E0201`, or a word for a warning.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Whether it refuses the rule or only warns.
            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }

            /// What it is about, in a line.
            pub fn summary(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc,)+).trim_ascii(),)* }
            }

            /// The page that explains it, in Markdown: what is wrong and why that matters, a wrong
            /// example and a right one.
            pub fn explain(self) -> &'static str {
                match self { $(Self::$name => include_str!(concat!("pages/", $text, ".md")),)* }
            }
        }
    };
}

codes! {
    /// The rule file is not TOML, or not a rule.
    RuleFile = "E0001", Error;
    /// A key that every rule must have is missing or of the wrong kind.
    RuleKey = "E0002", Error;
    /// Two rules have the same id.
    DuplicateRule = "E0003", Error;
    /// A filter of a rule has a form that is not understood.
    RuleFilter = "E0004", Error;
    /// The file of a rule's cases is not TOML, or a case in it is not complete.
    TestFile = "E0005", Error;
    /// The text does not follow the grammar.
    Syntax = "E0101", Error;
    /// A string literal is not closed or has an unknown escape.
    StringLiteral = "E0102", Error;
    /// A form of another dialect that is refused rather than read differently.
    Unsupported = "E0103", Error;
    /// A function of this name does not exist.
    UnknownFunction = "E0202", Error;
    /// A pipe of this name does not exist.
    UnknownPipe = "E0203", Error;
    /// A value of one kind stands where another is needed.
    TypeMismatch = "E0301", Error;
    /// The number of arguments does not fit the function.
    ArgumentCount = "E0302", Error;
    /// A constant is needed here.
    NotConstant = "E0303", Error;
    /// A pattern or network cannot be read.
    BadPattern = "E0304", Error;
    /// A value from the event is compared with another value from the event.
    FieldComparison = "E0305", Error;
    /// A sequence or sample has too few items.
    TooFewItems = "E0401", Error;
    /// The items of a sequence have different numbers of join keys, or keys of different kinds.
    JoinKeys = "E0402", Error;
    /// `maxspan` is missing where it is needed, or is not a length of time.
    Maxspan = "E0403", Error;
    /// An option that does not exist, or stands in the wrong place.
    SequenceOption = "E0404", Error;
    /// The query is too long or too deeply nested.
    TooLarge = "E0501", Error;
    /// The file that maps fields is wrong.
    FieldMap = "E0601", Error;
    /// A line of audit rules cannot be read.
    AuditRule = "E0701", Error;
    /// Two missing stages stand side by side.
    AdjacentMissing = "adjacent-missing", Warning;
    /// A part of a condition is always true.
    AlwaysTrue = "always-true", Warning;
    /// Part of an audit rule is not followed.
    AuditField = "audit-field", Warning;
    /// A test of a Windows path or program minds case.
    CaseSensitivePath = "case-sensitive-path", Warning;
    /// The event of `until` cannot happen.
    DeadUntil = "dead-until", Warning;
    /// No audit log has this field.
    NeverInAudit = "never-in-audit", Warning;
    /// A condition can never be true.
    NeverTrue = "never-true", Warning;
    /// A sequence has no `maxspan`.
    NoMaxspan = "no-maxspan", Warning;
    /// A part of the rule is read and not acted upon.
    NotApplied = "not-applied", Warning;
    /// Elasticsearch does not know this form.
    NotElasticsearch = "not-elasticsearch", Warning;
    /// Events without this join key cannot take part.
    NullableKey = "nullable-key", Warning;
    /// Processes are joined by a number that is used again.
    PidKey = "pid-key", Warning;
    /// Whatever satisfies a stage satisfies its neighbour too.
    SubsumedStage = "subsumed-stage", Warning;
    /// No field has this name.
    UnknownField = "unknown-field", Warning;
    /// No warning has this name.
    UnknownLint = "unknown-lint", Warning;
    /// The first stage holds for a large part of all events.
    UnselectiveStage = "unselective-stage", Warning;
    /// A pattern of nothing but `*` asks whether a field is there.
    WildcardExists = "wildcard-exists", Warning;
    /// A wildcard stands where it is taken literally.
    WildcardLiteral = "wildcard-literal", Warning;
    /// Events of this category do not have this field.
    WrongCategory = "wrong-category", Warning;
}

impl Code {
    /// Reads a code or the name of a warning as printed.
    pub fn from_name(name: &str) -> Option<Self> {
        CODES.iter().copied().find(|code| code.as_str().eq_ignore_ascii_case(name))
    }

    /// The warning of this name.
    pub fn warning(name: &str) -> Option<Self> {
        Self::from_name(name).filter(|code| code.severity() == Severity::Warning)
    }

    /// The code or warning most like `name`.
    pub fn nearest(name: &str) -> Option<&'static str> {
        super::nearest(name, CODES.iter().map(|code| code.as_str()))
    }

    /// The warning most like `name`.
    pub fn nearest_warning(name: &str) -> Option<&'static str> {
        let warnings = CODES.iter().filter(|code| code.severity() == Severity::Warning);
        super::nearest(name, warnings.map(|code| code.as_str()))
    }
}

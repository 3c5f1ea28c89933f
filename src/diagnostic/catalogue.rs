//! Every code there is, with its severity and the page that `--explain` prints.
//!
//! Families: `E00xx` rule files, `E01xx` syntax, `E02xx` names, `E03xx` types, `E04xx` sequences and
//! samples, `E05xx` limits; warnings are words and can be silenced by name.

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

            /// The page that explains it.
            pub fn explain(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc, "\n",)+),)* }
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
    /// A wildcard stands where it is taken literally.
    WildcardLiteral = "wildcard-literal", Warning;
}

//! The catalogue of functions: name, signature, what it does, examples with their results.
//!
//! One declaration per function. `check` tests calls against it, the documentation prints it, and
//! the evaluator must give the results of its examples. Names are compared without regard to case.

use super::ir::Function;
use super::types::Kind;
use crate::schema::FieldType;
use crate::syntax::ast::Arithmetic;

/// What an argument or a result is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgKind {
    /// Text.
    Text,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// An IP address, or text that is one.
    Address,
    /// Any value.
    Any,
    /// Text, written as a constant.
    ConstantText,
}

impl ArgKind {
    /// As in messages: `a string`.
    pub fn with_article(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::Address => "an ip address",
            Self::Any => "a value",
            Self::ConstantText => "a constant string",
        }
    }

    /// Whether an expression of this kind can stand here.
    pub(super) fn accepts(self, kind: Kind) -> bool {
        match self {
            Self::Text | Self::ConstantText => kind.can_be(FieldType::is_text),
            Self::Number => kind.can_be(FieldType::is_number),
            Self::Boolean => kind.can_be(|kind| kind == FieldType::Boolean),
            Self::Address => kind.can_be(|kind| kind == FieldType::Ip || kind.is_text()),
            Self::Any => true,
        }
    }
}

/// What a function becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The same as an operator.
    Operator(Arithmetic),
    /// Evaluated by itself.
    Call(Function),
    /// A test of the first argument against wildcard patterns.
    Wildcard,
    /// A test of the first argument against networks.
    Cidr,
}

/// An argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arg {
    /// Its name in documentation.
    pub name: &'static str,
    /// What it must be.
    pub kind: ArgKind,
    /// How often it can stand there.
    pub times: Times,
}

/// How often an argument can stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// Once.
    One,
    /// Once or not at all.
    Optional,
    /// Once or more; only the last argument.
    Many,
}

/// A function as users know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Builtin {
    /// Its name in the usual spelling.
    pub name: &'static str,
    /// Whether `name~` exists: the same without regard to case.
    pub fold: bool,
    /// Its arguments.
    pub args: &'static [Arg],
    /// What it gives.
    pub result: ArgKind,
    /// One or two sentences about it.
    pub about: &'static str,
    /// Calls with their results, both as expressions.
    pub examples: &'static [(&'static str, &'static str)],
    /// What it becomes.
    pub meaning: Meaning,
}

impl Builtin {
    /// The fewest arguments, and the most if there is a most.
    pub fn arity(&self) -> (usize, Option<usize>) {
        let least = self.args.iter().filter(|arg| arg.times != Times::Optional).count();
        let endless = self.args.iter().any(|arg| arg.times == Times::Many);
        (least, (!endless).then_some(self.args.len()))
    }

    /// The declaration of argument number `index`, from 0.
    pub fn arg(&self, index: usize) -> Option<&'static Arg> {
        self.args.get(index).or_else(|| self.args.last().filter(|arg| arg.times == Times::Many))
    }

    /// `indexOf(source, part [, start])`
    pub fn signature(&self) -> String {
        let mut out = format!("{}(", self.name);
        for (index, arg) in self.args.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            match arg.times {
                Times::One => out.extend([comma, arg.name]),
                Times::Optional => out.extend([" [, ", arg.name, "]"]),
                Times::Many => out.extend([comma, arg.name, ", .."]),
            }
        }
        out.push(')');
        out
    }
}

/// The function of this name, in any spelling of case.
pub fn lookup(name: &str) -> Option<&'static Builtin> {
    BUILTINS.iter().find(|builtin| builtin.name.eq_ignore_ascii_case(name))
}

const fn arg(name: &'static str, kind: ArgKind) -> Arg {
    Arg { name, kind, times: Times::One }
}

const fn optional(name: &'static str, kind: ArgKind) -> Arg {
    Arg { name, kind, times: Times::Optional }
}

const fn many(name: &'static str, kind: ArgKind) -> Arg {
    Arg { name, kind, times: Times::Many }
}

const NUMBERS: &[Arg] = &[arg("a", ArgKind::Number), arg("b", ArgKind::Number)];
const SOURCE_PART: &[Arg] = &[arg("source", ArgKind::Text), arg("part", ArgKind::Text)];

const fn operator(
    name: &'static str,
    op: Arithmetic,
    about: &'static str,
    examples: &'static [(&'static str, &'static str)],
) -> Builtin {
    let meaning = Meaning::Operator(op);
    Builtin { name, fold: false, args: NUMBERS, result: ArgKind::Number, about, examples, meaning }
}

/// All functions in order of their name.
pub static BUILTINS: &[Builtin] = &[
    operator("add", Arithmetic::Add, "a + b", &[("add(2, 3)", "5"), ("add(2, 0.5)", "2.5")]),
    Builtin {
        name: "between",
        fold: true,
        args: &[
            arg("source", ArgKind::Text),
            arg("left", ArgKind::Text),
            arg("right", ArgKind::Text),
            optional("greedy", ArgKind::Boolean),
        ],
        result: ArgKind::Text,
        about: "The text after the first `left`, up to the first `right` behind it; with `greedy`, \
                up to the last. Null when either is not there.",
        examples: &[
            (r#"between("user=root uid=0", "user=", " ")"#, r#""root""#),
            (r#"between("a/b/c/d", "/", "/", true)"#, r#""b/c""#),
            (r#"between("a/b", "<", "/")"#, "null"),
            (r#"between("ab", "", "", true)"#, r#""ab""#),
            (r#"between("ab", "", "")"#, r#""""#),
            (r#"between~("xAyBz", "a", "b")"#, r#""y""#),
        ],
        meaning: Meaning::Call(Function::Between),
    },
    Builtin {
        name: "cidrMatch",
        fold: false,
        args: &[arg("address", ArgKind::Address), many("network", ArgKind::ConstantText)],
        result: ArgKind::Boolean,
        about: "Whether the address lies in any of the networks. A plain address is a network of \
                one; bits behind the prefix do not count. IPv4 and IPv6 never match each other.",
        examples: &[
            (r#"cidrMatch("10.1.2.3", "10.0.0.0/8")"#, "true"),
            (r#"cidrMatch("10.1.2.3", "192.168.0.0/16", "10.1.9.9/16")"#, "true"),
            (r#"cidrMatch("::1", "::1")"#, "true"),
            (r#"cidrMatch("not an address", "0.0.0.0/0")"#, "false"),
        ],
        meaning: Meaning::Cidr,
    },
    Builtin {
        name: "concat",
        fold: false,
        args: &[many("value", ArgKind::Any)],
        result: ArgKind::Text,
        about: "The texts of all values in a row. Null when any of them is null.",
        examples: &[
            (r#"concat("uid ", 0, " ", true)"#, r#""uid 0 true""#),
            ("concat(1.0)", r#""1.0""#),
            (r#"concat("a", null)"#, "null"),
        ],
        meaning: Meaning::Call(Function::Concat),
    },
    operator(
        "divide",
        Arithmetic::Divide,
        "a / b, truncated towards zero when both are whole. Null when b is zero.",
        &[("divide(7, 2)", "3"), ("divide(-7, 2)", "-3"), ("divide(7, 2.0)", "3.5")],
    ),
    Builtin {
        name: "endsWith",
        fold: true,
        args: SOURCE_PART,
        result: ArgKind::Boolean,
        about: "Whether the text ends with the part.",
        examples: &[
            (r#"endsWith("/etc/shadow", "shadow")"#, "true"),
            (r#"endsWith("/etc/shadow", "SHADOW")"#, "false"),
            (r#"endsWith~("/etc/shadow", "SHADOW")"#, "true"),
            (r#"endsWith("a", "")"#, "true"),
        ],
        meaning: Meaning::Call(Function::EndsWith),
    },
    Builtin {
        name: "indexOf",
        fold: true,
        args: &[
            arg("source", ArgKind::Text),
            arg("part", ArgKind::Text),
            optional("start", ArgKind::Number),
        ],
        result: ArgKind::Number,
        about: "Where the part first stands at or behind `start`, counted from 0. Null when it does \
                not.",
        examples: &[
            (r#"indexOf("bananas", "an")"#, "1"),
            (r#"indexOf("bananas", "an", 1)"#, "1"),
            (r#"indexOf("bananas", "an", 2)"#, "3"),
            (r#"indexOf("bananas", "x")"#, "null"),
            (r#"indexOf("bananas", "an", null)"#, "1"),
            (r#"indexOf("abc", "", 2)"#, "2"),
            (r#"indexOf("abc", "", 9)"#, "null"),
            (r#"indexOf~("ABC", "b")"#, "1"),
        ],
        meaning: Meaning::Call(Function::IndexOf),
    },
    Builtin {
        name: "length",
        fold: false,
        args: &[arg("source", ArgKind::Text)],
        result: ArgKind::Number,
        about: "The number of characters. Of a field with several values it is the length of one of \
                them, not their number.",
        examples: &[(r#"length("héllo")"#, "5"), (r#"length("")"#, "0"), ("length(null)", "null")],
        meaning: Meaning::Call(Function::Length),
    },
    operator(
        "modulo",
        Arithmetic::Modulo,
        "a % b, with the sign of a. Null when b is zero.",
        &[("modulo(7, 3)", "1"), ("modulo(-7, 3)", "-1")],
    ),
    operator("multiply", Arithmetic::Multiply, "a * b", &[("multiply(2, 3)", "6")]),
    Builtin {
        name: "number",
        fold: false,
        args: &[arg("text", ArgKind::Text), optional("base", ArgKind::Number)],
        result: ArgKind::Number,
        about: "The number that the text says, to base 10, or 16 when it begins with `0x`, or the \
                base given. Null when it is not a number.",
        examples: &[
            (r#"number("42")"#, "42"),
            (r#"number("-4.5")"#, "-4.5"),
            (r#"number("0x1f")"#, "31"),
            (r#"number("0x1f", 16)"#, "31"),
            (r#"number("755", 8)"#, "493"),
            (r#"number("+7", null)"#, "7"),
            (r#"number("root")"#, "null"),
        ],
        meaning: Meaning::Call(Function::Number),
    },
    Builtin {
        name: "startsWith",
        fold: true,
        args: SOURCE_PART,
        result: ArgKind::Boolean,
        about: "Whether the text starts with the part.",
        examples: &[
            (r#"startsWith("/etc/shadow", "/etc/")"#, "true"),
            (r#"startsWith("/etc/shadow", "/ETC/")"#, "false"),
            (r#"startsWith~("/etc/shadow", "/ETC/")"#, "true"),
            (r#"startsWith("a", "")"#, "true"),
        ],
        meaning: Meaning::Call(Function::StartsWith),
    },
    Builtin {
        name: "string",
        fold: false,
        args: &[arg("value", ArgKind::Any)],
        result: ArgKind::Text,
        about: "The value as text; addresses in their shortest form, times as RFC 3339.",
        examples: &[
            ("string(1)", r#""1""#),
            ("string(true)", r#""true""#),
            ("string(null)", "null"),
        ],
        meaning: Meaning::Call(Function::String),
    },
    Builtin {
        name: "stringContains",
        fold: true,
        args: SOURCE_PART,
        result: ArgKind::Boolean,
        about: "Whether the part stands somewhere in the text. An empty part stands nowhere.",
        examples: &[
            (r#"stringContains("/etc/shadow", "shadow")"#, "true"),
            (r#"stringContains("/etc/shadow", "SHADOW")"#, "false"),
            (r#"stringContains~("/etc/shadow", "SHADOW")"#, "true"),
            (r#"stringContains("a", "")"#, "false"),
        ],
        meaning: Meaning::Call(Function::StringContains),
    },
    Builtin {
        name: "substring",
        fold: false,
        args: &[
            arg("source", ArgKind::Text),
            arg("start", ArgKind::Number),
            optional("end", ArgKind::Number),
        ],
        result: ArgKind::Text,
        about: "The characters from `start` to before `end`, counted from 0; negative numbers count \
                from the end, numbers outside are cut off. `start` null is 0, `end` null the end.",
        examples: &[
            (r#"substring("kernel audit", 7)"#, r#""audit""#),
            (r#"substring("kernel audit", 0, 6)"#, r#""kernel""#),
            (r#"substring("kernel audit", -5)"#, r#""audit""#),
            (r#"substring("kernel audit", 6, -1)"#, r#"" audi""#),
            (r#"substring("kernel audit", -99, 6)"#, r#""kernel""#),
            (r#"substring("kernel audit", 5, 3)"#, r#""""#),
            (r#"substring("kernel audit", null, null)"#, r#""kernel audit""#),
        ],
        meaning: Meaning::Call(Function::Substring),
    },
    operator("subtract", Arithmetic::Subtract, "a - b", &[("subtract(2, 3)", "-1")]),
    Builtin {
        name: "wildcard",
        fold: true,
        args: &[arg("source", ArgKind::Text), many("pattern", ArgKind::ConstantText)],
        result: ArgKind::Boolean,
        about: "The same as `source like (pattern, ..)`.",
        examples: &[
            (r#"wildcard("/etc/shadow", "/tmp/*", "/etc/*")"#, "true"),
            (r#"wildcard("/etc/shadow", "/ETC/*")"#, "false"),
            (r#"wildcard~("/etc/shadow", "/ETC/*")"#, "true"),
        ],
        meaning: Meaning::Wildcard,
    },
];

/// What to use in place of a function of another dialect.
pub(super) fn substitute(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "match" | "matchlite" => "use `a regex \"..\"`, which tests the whole text",
        "arraycontains" => "use `a in (..)`: it holds when any value of a field is in the list",
        "arraysearch" | "arraycount" => {
            "a condition on a field already holds when any of its values fits"
        }
        "safe" => "leave it out: what cannot be computed is null",
        "contains" | "strcontains" => "use `stringContains`, or `a : \"*text*\"`",
        "beginswith" | "hasprefix" => "use `startsWith`, or `a : \"text*\"`",
        "hassuffix" => "use `endsWith`, or `a : \"*text\"`",
        "lower" | "upper" | "tolower" | "toupper" | "to_lower" | "to_upper" => {
            "`:`, `in~`, `like~` and functions with `~` ignore case"
        }
        "exists" | "isnotnull" => "write `a != null`",
        "isnull" | "missing" => "write `a == null`",
        "len" | "strlen" => "use `length`",
        "regexp" | "rlike" | "re_match" => "use `a regex \"..\"`, which tests the whole text",
        "cidr" | "cidr_match" | "ipinsubnet" => "use `cidrMatch(address, network, ..)`",
        "if" | "case" | "iif" | "coalesce" => "write the cases out with `and` and `or`",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn catalogue_is_sorted_and_only_last_arguments_are_optional_or_many() {
        assert!(BUILTINS.is_sorted_by_key(|b| b.name));
        for builtin in BUILTINS {
            let plain = builtin.args.iter().take_while(|arg| arg.times == Times::One).count();
            let rest = &builtin.args[plain..];
            assert!(rest.iter().all(|arg| arg.times != Times::One), "{}", builtin.name);
            assert!(rest.len() <= 1, "{}", builtin.name);
            assert!(!builtin.examples.is_empty(), "{}", builtin.name);
        }
    }

    #[test]
    fn examples_are_valid_queries() {
        for (call, result) in BUILTINS.iter().flat_map(|builtin| builtin.examples) {
            let query = format!("any where {call} == {result}");
            let ast = crate::syntax::parse(&query).unwrap_or_else(|p| panic!("{query}: {p:?}"));
            let checked = crate::check::check(&ast, &Default::default(), &Default::default());
            assert!(checked.is_ok(), "{query}: {checked:?}");
        }
    }

    #[test]
    fn signatures_read_like_the_documentation() {
        let signature = |name: &str| lookup(name).unwrap().signature();
        assert_eq!(signature("INDEXOF"), "indexOf(source, part [, start])");
        assert_eq!(signature("cidrmatch"), "cidrMatch(address, network, ..)");
        assert_eq!(signature("length"), "length(source)");
    }
}

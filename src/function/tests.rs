//! What every function gives, one row per fact.

use proptest::prelude::*;

use super::*;

/// What the cases below write as arguments and results.
#[derive(Debug, Clone, Copy)]
struct Null;

trait Arg<'a> {
    fn arg(self) -> Option<Scalar<'a>>;
}

impl<'a> Arg<'a> for Null {
    fn arg(self) -> Option<Scalar<'a>> {
        None
    }
}

impl<'a> Arg<'a> for &'a str {
    fn arg(self) -> Option<Scalar<'a>> {
        Some(Scalar::Str(self))
    }
}

impl<'a> Arg<'a> for i64 {
    fn arg(self) -> Option<Scalar<'a>> {
        Some(Scalar::Int(self))
    }
}

impl<'a> Arg<'a> for f64 {
    fn arg(self) -> Option<Scalar<'a>> {
        Some(Scalar::Float(self))
    }
}

impl<'a> Arg<'a> for bool {
    fn arg(self) -> Option<Scalar<'a>> {
        Some(Scalar::Bool(self))
    }
}

impl<'a> Arg<'a> for std::net::IpAddr {
    fn arg(self) -> Option<Scalar<'a>> {
        Some(Scalar::Ip(self))
    }
}

/// `Length("abc") == 3;` for each fact; `~` behind the name for the function that ignores case.
macro_rules! facts {
    ($($function:ident $(~ $($fold:literal)?)? ($($arg:expr),*) == $expected:expr;)*) => {$(
        let fold = stringify!($(~ $($fold)?)?) == "~";
        let args = [$(Arg::arg($arg)),*];
        let found = apply(Function::$function, fold, &args);
        let expected = Arg::arg($expected).map(Value::from);
        assert_eq!(found, expected, "{}", stringify!($function $(~ $($fold)?)? ($($arg),*)));
    )*};
}

#[test]
fn arithmetic() {
    facts! {
        Add(7, -3) == 4;
        Add(7, 3.0) == 10.0;
        Subtract(3, 7) == -4;
        Multiply(-7, 3.0) == -21.0;
        // Whole numbers stay whole and are cut towards zero.
        Divide(83, 2) == 41;
        Divide(83, 2.0) == 41.5;
        Divide(-7, 2) == -3;
        Modulo(-7, 3) == -1;
        Modulo(7, -3) == 1;
        Modulo(-7.5, 2) == -1.5;
        Divide(1, 0) == Null;
        Divide(1.0, 0) == Null;
        Modulo(1, 0) == Null;
        Modulo(1, 0.0) == Null;
        // What does not fit is null.
        Add(i64::MAX, 1) == Null;
        Subtract(i64::MIN, 1) == Null;
        Multiply(i64::MAX, 2) == Null;
        Divide(i64::MIN, -1) == Null;
        Modulo(i64::MIN, -1) == 0;
        Multiply(1e300, 1e300) == Null;
        Add(Null, 1) == Null;
        Add(1, Null) == Null;
        Add("1", 1) == Null;
        Add(true, 1) == Null;
    }
    assert_eq!(negate(Scalar::Int(-3)), Some(Value::Int(3)));
    assert_eq!(negate(Scalar::Float(1.5)), Some(Value::Float(-1.5)));
    assert_eq!(negate(Scalar::Int(i64::MIN)), None);
    assert_eq!(negate(Scalar::Str("1")), None);
}

#[test]
fn between() {
    let s = "system idle process";
    facts! {
        Between(s, "s", "e") == "yst";
        Between(s, "s", "e", false) == "yst";
        Between(s, "s", "e", true) == "ystem idle proc";
        Between(s, "system", "process") == " idle ";
        // Never overlapping: the right one stands behind the left one.
        Between("aba", "ab", "ba") == Null;
        Between("abab", "ab", "ab") == "";
        Between(s, "x", "e") == Null;
        Between(s, "s", "x") == Null;
        Between(s, "S", "e") == Null;
        Between ~ (s, "S", "E") == "yst";
        Between ~ ("İÄxÖy", "ä", "ö") == "x";
        Between ~ ("\u{23a}\u{212a}<é>", "\u{2c65}k", ">") == "<é";
        Between(s, "", "", true) == s;
        Between(s, "", "", false) == "";
        Between(s, "", "idle") == "system ";
        Between(s, "process", "") == "";
        Between(Null, "s", "e") == Null;
        Between(s, Null, "e") == Null;
        Between(s, "s", Null) == Null;
        Between(s, "s", "e", Null) == Null;
        Between(5, "s", "e") == Null;
    }
}

#[test]
fn cidr_match() {
    let ip = |text: &str| text.parse::<std::net::IpAddr>().unwrap();
    facts! {
        CidrMatch("10.6.48.1", "10.6.48.157/8") == true;
        CidrMatch("11.6.48.1", "10.6.48.157/8") == false;
        CidrMatch("11.6.48.1", "10.0.0.0/8", "11.0.0.0/8") == true;
        CidrMatch(ip("::1"), "::1") == true;
        CidrMatch(ip("::ffff:10.0.0.1"), "10.0.0.0/8") == true;
        CidrMatch("127.0.0.1", "::/0") == false;
        CidrMatch("localhost", "0.0.0.0/0") == false;
        CidrMatch(5, "0.0.0.0/0") == false;
        CidrMatch(Null, "0.0.0.0/0") == Null;
        CidrMatch("10.0.0.1", "10.0.0.0/8", Null) == Null;
    }
}

#[test]
fn concat() {
    facts! {
        Concat("a", "::", 1, "::", "b") == "a::1::b";
        Concat("a", 1.0, true, -5) == "a1.0true-5";
        Concat("") == "";
        Concat("a", Null) == Null;
        Concat(Null) == Null;
        Concat() == Null;
    }
    let half = "a".repeat(TEXT_LIMIT_BYTES / 2);
    facts! {
        Concat(half.as_str(), half.as_str()) == half.repeat(2).as_str();
        Concat(half.as_str(), half.as_str(), "b") == Null;
        Concat(half.as_str(), half.as_str(), 1) == Null;
    }
    let args = [Arg::arg(half.as_str()), Arg::arg(half.as_str()), Arg::arg("b")];
    let mut out = String::new();
    let answer = apply_into(Function::Concat, false, &args, &mut out, &mut Buffers::default());
    assert_eq!(answer, Answer::TooLong);
}

#[test]
fn starts_and_ends() {
    facts! {
        StartsWith("explorer.exeaaaa", "explorer.exe") == true;
        StartsWith("explorer.exe", "Explorer") == false;
        StartsWith ~ ("explorer.exe", "Explorer") == true;
        StartsWith ~ ("\u{212a}elvin", "kE") == true;
        StartsWith("a", "") == true;
        StartsWith("", "a") == false;
        StartsWith ~ ("a", "AB") == false;
        StartsWith(Null, "a") == Null;
        StartsWith("a", Null) == Null;
        StartsWith(1, "1") == Null;
        EndsWith("explorer.exe", ".exe") == true;
        EndsWith("explorer.exe", ".EXE") == false;
        EndsWith ~ ("explorer.exe", ".EXE") == true;
        EndsWith ~ ("ö", "Ö") == true;
        EndsWith("a", "") == true;
        EndsWith ~ ("b", "ab") == false;
        EndsWith(Null, "a") == Null;
        EndsWith("a", Null) == Null;
    }
}

#[test]
fn contains() {
    facts! {
        StringContains("svchost.exe -k", "st.e") == true;
        StringContains("svchost.exe -k", "ST.E") == false;
        StringContains ~ ("svchost.exe -k", "ST.E") == true;
        // Nothing is contained where there is nothing to look for or in.
        StringContains("a", "") == false;
        StringContains("", "") == false;
        StringContains("", "a") == false;
        StringContains(Null, "a") == Null;
        StringContains("a", Null) == Null;
    }
}

#[test]
fn index_of() {
    facts! {
        IndexOf("foobarbaz", "o") == 1;
        // The start itself counts.
        IndexOf("foobarbaz", "o", 2) == 2;
        IndexOf("foobarbaz", "o", 3) == Null;
        IndexOf("foobarbaz", "O") == Null;
        IndexOf ~ ("foobarbaz", "O") == 1;
        IndexOf("foobarbaz", "ba", -5) == 3;
        IndexOf("foobarbaz", "ba", Null) == 3;
        IndexOf("foobarbaz", "ba", 4) == 6;
        IndexOf("äöü", "ü") == 2;
        IndexOf("äöüü", "ü", 3) == 3;
        IndexOf ~ ("\u{23a}\u{212a}x", "X", 1) == 2;
        IndexOf("abc", "") == 0;
        IndexOf("abc", "", 2) == 2;
        IndexOf("abc", "", -1) == 0;
        IndexOf("abc", "", 3) == 3;
        IndexOf("abc", "", 4) == Null;
        IndexOf("abc", "c", i64::MAX) == Null;
        IndexOf("abc", "c", 1.5) == Null;
        IndexOf(Null, "c") == Null;
        IndexOf("abc", Null) == Null;
    }
}

#[test]
fn length() {
    facts! {
        Length("") == 0;
        Length("abc") == 3;
        // Characters, not bytes and not UTF-16 units.
        Length("ä𝄞") == 2;
        Length(Null) == Null;
        Length(123) == Null;
    }
}

#[test]
fn number() {
    facts! {
        Number("314") == 314;
        Number("+314", 10) == 314;
        Number("-314", 10) == -314;
        Number(" 314 ") == 314;
        Number("3.25") == 3.25;
        Number("-1e3") == -1000.0;
        Number("0x32") == 50;
        Number("0x32", 16) == 50;
        Number("32", 16) == 50;
        Number("-ff", 16) == -255;
        Number("052403", 8) == 21763;
        Number("31", 13) == 40;
        Number("010") == 10;
        Number("0x32", Null) == 50;
        Number("314", Null) == 314;
        Number("0x32", 10) == Null;
        Number("0x32", 36) == 42_878;
        Number("0x") == Null;
        Number("-0x1f") == Null;
        Number("1.5", 16) == Null;
        Number("9", 8) == Null;
        Number("") == Null;
        Number("foo") == Null;
        Number("nan") == Null;
        Number("inf") == Null;
        Number("1e999") == Null;
        Number("9223372036854775807") == i64::MAX;
        Number("9223372036854775808") == 9_223_372_036_854_775_808.0;
        Number("8000000000000000", 16) == Null;
        Number("1", 1) == Null;
        Number("1", 37) == Null;
        Number("1", -1) == Null;
        Number("1", "10") == Null;
        Number(5) == 5;
        Number(5.5) == 5.5;
        Number(true) == Null;
        Number(Null) == Null;
        Number(Null, 10) == Null;
    }
}

#[test]
fn string() {
    facts! {
        String("a") == "a";
        String(-5) == "-5";
        String(1.0) == "1.0";
        String(0.1) == "0.1";
        String(true) == "true";
        String("::0:1".parse::<std::net::IpAddr>().unwrap()) == "::1";
        String(Null) == Null;
    }
}

#[test]
fn substring() {
    let s = "hello world";
    facts! {
        Substring(s, 6) == "world";
        Substring(s, 0, 5) == "hello";
        Substring(s, -5) == "world";
        Substring(s, -5, -2) == "wor";
        Substring("winlogon.exe", -4, -1) == ".ex";
        Substring(s, -60, 5) == "hello";
        Substring(s, 0, 500) == s;
        Substring(s, 5, 5) == "";
        Substring(s, 6, 2) == "";
        Substring(s, 500) == "";
        Substring(s, i64::MIN, i64::MAX) == s;
        Substring(s, i64::MAX, i64::MIN) == "";
        Substring("äöü", 1, 2) == "ö";
        Substring("äöü", -1) == "ü";
        Substring(s, Null, 5) == "hello";
        Substring(s, 6, Null) == "world";
        Substring(s, Null) == s;
        Substring(s, 1.0) == Null;
        Substring(s, "1") == Null;
        Substring(Null, 0) == Null;
        Substring(5, 0) == Null;
    }
}

#[test]
fn wildcard() {
    facts! {
        Wildcard("foobar", "foo*") == true;
        Wildcard("foobar", "x", "*b?r") == true;
        Wildcard("foobar", "FOO*") == false;
        Wildcard ~ ("foobar", "FOO*") == true;
        Wildcard(Null, "*") == Null;
        Wildcard("foobar", "*", Null) == Null;
        Wildcard(5, "5") == Null;
    }
}

const FUNCTIONS: [Function; 17] = [
    Function::Add,
    Function::Subtract,
    Function::Multiply,
    Function::Divide,
    Function::Modulo,
    Function::Between,
    Function::CidrMatch,
    Function::Concat,
    Function::EndsWith,
    Function::IndexOf,
    Function::Length,
    Function::Number,
    Function::StartsWith,
    Function::String,
    Function::StringContains,
    Function::Substring,
    Function::Wildcard,
];

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        prop_oneof![any::<i64>(), -3_i64..20, Just(i64::MIN)].prop_map(Value::Int),
        any::<f64>().prop_map(Value::Float),
        prop_oneof![any::<String>(), "[a-cA-CäÄ\u{212a}\u{23a}*?]{0,6}", "[0-9.:/x+-]{0,9}"]
            .prop_map(|s| Value::Str(s.into())),
        any::<std::net::IpAddr>().prop_map(Value::Ip),
        any::<i64>().prop_map(|t| Value::Time(crate::time::Timestamp(t))),
    ]
}

/// `substring` over a plain list of characters.
fn slice(text: &[char], start: Option<i64>, end: Option<i64>) -> String {
    let length = text.len() as i128;
    let at = |at: i64| (if at < 0 { i128::from(at) + length } else { at.into() }).clamp(0, length);
    let (start, end) = (start.map_or(0, at), end.map_or(length, at));
    text.iter().take(end as usize).skip(start as usize).collect()
}

/// `indexOf` over a plain list of characters.
fn position(text: &[char], part: &[char], start: i64) -> Option<i64> {
    let start = usize::try_from(start.max(0)).ok()?;
    (start..=text.len()).find(|at| text[*at..].starts_with(part)).map(|at| at as i64)
}

fn small_text() -> impl Strategy<Value = String> {
    "[abAäÄ\u{212a}\u{23a}\u{2c65}k]{0,8}"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_argument_makes_a_function_panic(
        args in prop::collection::vec(any_value(), 0..5),
        fold: bool,
    ) {
        let args: Vec<_> = args.iter().map(Value::scalar).collect();
        for function in FUNCTIONS {
            let found = apply(function, fold, &args);
            if let Some(Value::Float(float)) = found {
                prop_assert!(float.is_finite());
            }
            if args.first().is_none_or(Option::is_none) {
                prop_assert_eq!(found, None, "{:?} of null", function);
            }
        }
    }

    #[test]
    fn substring_is_a_slice(
        text in small_text(),
        start in prop::option::of(prop_oneof![-12_i64..12, any::<i64>()]),
        end in prop::option::of(prop_oneof![-12_i64..12, any::<i64>()]),
    ) {
        let chars: Vec<char> = text.chars().collect();
        let args = [text.as_str().arg(), start.map(Scalar::Int), end.map(Scalar::Int)];
        let expected = Value::Str(slice(&chars, start, end).into());
        prop_assert_eq!(apply(Function::Substring, false, &args), Some(expected));
    }

    #[test]
    fn searching_agrees_with_lists_of_characters(
        text in small_text(),
        part in "[abA\u{212a}k]{0,2}",
        right in "[abA\u{212a}k]{0,2}",
        start in -2_i64..10,
        fold: bool,
        greedy: bool,
    ) {
        let form = |text: &str| -> Vec<char> {
            text.chars().map(|c| if fold { crate::value::fold_char(c) } else { c }).collect()
        };
        let (chars, wanted, end) = (form(&text), form(&part), form(&right));
        let (source, part, right) = (text.as_str().arg(), part.as_str().arg(), right.as_str().arg());

        let found = apply(Function::IndexOf, fold, &[source, part, Some(Scalar::Int(start))]);
        prop_assert_eq!(found, position(&chars, &wanted, start).map(Value::Int));

        let found = apply(Function::StringContains, fold, &[source, part]);
        let expected = !wanted.is_empty() && position(&chars, &wanted, 0).is_some();
        prop_assert_eq!(found, Some(Value::Bool(expected)));

        let found = apply(Function::StartsWith, fold, &[source, part]);
        prop_assert_eq!(found, Some(Value::Bool(chars.starts_with(&wanted))));

        let found = apply(Function::EndsWith, fold, &[source, part]);
        prop_assert_eq!(found, Some(Value::Bool(chars.ends_with(&wanted))));

        let found = apply(Function::Between, fold, &[source, part, right, greedy.arg()]);
        let expected = position(&chars, &wanted, 0).and_then(|left| {
            let from = left + wanted.len() as i64;
            let mut ends = (from..=chars.len() as i64)
                .filter(|at| chars[*at as usize..].starts_with(&end));
            let to = if greedy { ends.next_back()? } else { ends.next()? };
            let original: Vec<char> = text.chars().collect();
            Some(Value::Str(slice(&original, Some(from), Some(to)).into()))
        });
        prop_assert_eq!(found, expected);
    }
}

//! Function calls, checked against the catalogue of [`super::function`].

use super::compare::like_test;
use super::function::{ArgKind, BUILTINS, Builtin, Meaning, lookup, substitute};
use super::resolve::{Typed, article, reported};
use super::sequence::count;
use super::types::{Kind, text};
use super::{Checker, ir, pattern};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::span::Span;
use crate::syntax::ast;
use crate::value::Value;

impl Checker<'_> {
    pub(super) fn call(&mut self, call: &ast::Call, span: Span) -> Typed {
        let Some(builtin) = lookup(&call.name) else {
            self.report_unknown_function(call);
            for arg in &call.args {
                self.value(arg);
            }
            return reported(span);
        };
        if call.fold && !builtin.fold {
            let tilde = Span::new(call.name_span.end.saturating_sub(1), call.name_span.end);
            self.report(
                Diagnostic::new(
                    Code::UnknownFunction,
                    format!("`{}~` does not exist", builtin.name),
                )
                .label(call.name_span, "case cannot matter here")
                .help(format!("write `{}`", builtin.name))
                .fix(tilde, ""),
            );
        }
        let args: Vec<Typed> = call.args.iter().map(|arg| self.value(arg)).collect();
        let mut fits = self.check_count(builtin, &args, span);
        for (index, arg) in args.iter().enumerate() {
            fits &= self.check_arg(builtin, index, arg);
        }
        if !fits {
            return Typed { kind: result(builtin, &args), ..reported(span) };
        }
        self.meaning(builtin, call.fold, args, span)
    }

    /// A call whose arguments fit.
    fn meaning(&mut self, builtin: &Builtin, fold: bool, args: Vec<Typed>, span: Span) -> Typed {
        let constant = args.iter().all(|arg| arg.constant);
        let kind = result(builtin, &args);
        let mut rest = args.into_iter();
        let expr = match builtin.meaning {
            Meaning::Operator(op) => {
                let (Some(left), Some(right)) = (rest.next(), rest.next()) else {
                    return reported(span);
                };
                return self.arithmetic(op, [left, right], span);
            }
            Meaning::Wildcard => {
                let Some(value) = rest.next() else { return reported(span) };
                let texts: Vec<_> = rest.filter_map(constant_text).collect();
                ir::Expr::Test(Box::new(value.expr), like_test(&texts, fold))
            }
            Meaning::Cidr => {
                let Some(value) = rest.next() else { return reported(span) };
                let mut networks = Vec::new();
                for (text, place) in rest.filter_map(constant_text) {
                    match pattern::network(&text) {
                        Some(network) => networks.push(network),
                        None => self.report_network(&text, place),
                    }
                }
                ir::Expr::Test(Box::new(value.expr), ir::Test::Cidr(networks))
            }
            Meaning::Call(function) => {
                let args: Vec<ir::Expr> = rest.map(|arg| arg.expr).collect();
                as_wildcard(function, fold, args)
            }
        };
        Typed { expr, kind, span, constant, null: false }
    }

    fn report_network(&mut self, text: &str, span: Span) {
        self.report(
            Diagnostic::new(Code::BadPattern, format!("`{text}` is not a network"))
                .label(span, "neither an address nor a network")
                .help("write `10.0.0.0/8`, `fe80::/10` or an address"),
        );
    }

    fn report_unknown_function(&mut self, call: &ast::Call) {
        let title = format!("unknown function `{}`", call.name);
        let problem =
            Diagnostic::new(Code::UnknownFunction, title).label(call.name_span, "no such function");
        let problem = match substitute(&call.name) {
            Some(help) => problem.help(help),
            None => match nearest(&call.name, BUILTINS.iter().map(|b| b.name)) {
                Some(near) => {
                    let tilde = if call.fold { "~" } else { "" };
                    problem
                        .help(format!("did you mean `{near}`?"))
                        .fix(call.name_span, format!("{near}{tilde}"))
                }
                None => problem,
            },
        };
        self.report(problem);
    }

    fn check_count(&mut self, builtin: &Builtin, args: &[Typed], span: Span) -> bool {
        let (least, most) = builtin.arity();
        let fits = args.len() >= least && most.is_none_or(|most| args.len() <= most);
        if !fits {
            let takes = match most {
                Some(most) if most == least => count(least, "argument"),
                Some(most) => format!("{least} to {}", count(most, "argument")),
                None => format!("at least {}", count(least, "argument")),
            };
            let title = format!("`{}` takes {takes}", builtin.name);
            self.report(
                Diagnostic::new(Code::ArgumentCount, title)
                    .label(span, format!("found {}", count(args.len(), "argument")))
                    .help(format!("it is called as `{}`", builtin.signature())),
            );
        }
        fits
    }

    fn check_arg(&mut self, builtin: &Builtin, index: usize, arg: &Typed) -> bool {
        let Some(declared) = builtin.arg(index) else { return true };
        if !declared.kind.accepts(arg.kind) {
            let place = ordinal(index);
            let name = builtin.name;
            let title =
                format!("{place} argument of `{name}` must be {}", declared.kind.with_article());
            let mut problem = Diagnostic::new(Code::TypeMismatch, title)
                .label(arg.span, format!("this is {}", article(arg.kind)));
            if declared.kind == ArgKind::Text {
                problem = problem.help("`string(..)` makes text of other values");
            }
            self.report(problem);
            return false;
        }
        if declared.kind == ArgKind::ConstantText && arg.literal().and_then(text).is_none() {
            let place = ordinal(index);
            let title = format!("{place} argument of `{}` must be a constant", builtin.name);
            self.report(
                Diagnostic::new(Code::NotConstant, title)
                    .label(arg.span, "not a string as written"),
            );
            return false;
        }
        true
    }
}

fn constant_text(arg: Typed) -> Option<(String, Span)> {
    let span = arg.span;
    arg.literal().and_then(text).map(|text| (text.to_owned(), span))
}

/// `startsWith(a, "b")` is `a like "b*"`, if no wildcard stands in the constant.
fn as_wildcard(function: ir::Function, fold: bool, args: Vec<ir::Expr>) -> ir::Expr {
    if let [value, ir::Expr::Literal(Value::Str(part))] = args.as_slice()
        && !pattern::has_wildcard(part)
    {
        let pattern = match function {
            ir::Function::StartsWith => Some(format!("{part}*")),
            ir::Function::EndsWith => Some(format!("*{part}")),
            // An empty part stands nowhere.
            ir::Function::StringContains if !part.is_empty() => Some(format!("*{part}*")),
            _ => None,
        };
        if let Some(pattern) = pattern {
            let patterns = vec![pattern::wildcard(&pattern, fold)];
            return ir::Expr::Test(Box::new(value.clone()), ir::Test::Like { patterns, fold });
        }
    }
    ir::Expr::Call { function, fold, args }
}

/// The kind of what a function gives.
fn result(builtin: &Builtin, args: &[Typed]) -> Kind {
    match builtin.result {
        ArgKind::Boolean => Kind::BOOLEAN,
        ArgKind::Number => match builtin.meaning {
            Meaning::Call(ir::Function::Length | ir::Function::IndexOf) => Kind::LONG,
            Meaning::Operator(_) if args.iter().all(|arg| arg.kind == Kind::LONG) => Kind::LONG,
            _ => Kind::DOUBLE,
        },
        _ => Kind::TEXT,
    }
}

fn ordinal(index: usize) -> String {
    match index {
        0 => "first".to_owned(),
        1 => "second".to_owned(),
        2 => "third".to_owned(),
        3 => "fourth".to_owned(),
        _ => format!("{}th", index + 1),
    }
}

//! Rewrites of conditions that keep their meaning.
//!
//! Only two-valued logic is touched: nothing here looks inside a leaf, so nothing can change how a
//! missing or multi-valued field is read.

use crate::check::ir::{Cond, Expr, Field, Leaf};

/// Folds constants, flattens nested `and`/`or`, removes double `not` and repeated operands.
pub(super) fn simplify(condition: Cond) -> Cond {
    match condition {
        Cond::Const(_) | Cond::Leaf(_) => condition,
        Cond::Not(inner) => match simplify(*inner) {
            Cond::Const(value) => Cond::Const(!value),
            Cond::Not(twice) => *twice,
            other => Cond::Not(Box::new(other)),
        },
        Cond::And(all) => join(all, true),
        Cond::Or(any) => join(any, false),
    }
}

/// Simplifies the operands of `and` (`neutral` is true) or `or` (`neutral` is false).
fn join(operands: Vec<Cond>, neutral: bool) -> Cond {
    let mut flat: Vec<Cond> = Vec::with_capacity(operands.len());
    for operand in operands {
        match simplify(operand) {
            Cond::Const(value) if value == neutral => {}
            Cond::Const(_) => return Cond::Const(!neutral),
            Cond::And(inner) if neutral => flat.extend(inner),
            Cond::Or(inner) if !neutral => flat.extend(inner),
            other => flat.push(other),
        }
    }
    // Repeated operands only cost time; looking for them is quadratic, so only in short lists.
    if flat.len() <= 64 {
        let mut distinct: Vec<Cond> = Vec::with_capacity(flat.len());
        for operand in flat {
            if !distinct.contains(&operand) {
                distinct.push(operand);
            }
        }
        flat = distinct;
    }
    if flat.len() > 1 {
        return if neutral { Cond::And(flat) } else { Cond::Or(flat) };
    }
    flat.pop().unwrap_or(Cond::Const(neutral))
}

/// Calls `visit` for every field a leaf reads, in order, repetitions included.
pub(super) fn leaf_fields(leaf: &Leaf, visit: &mut impl FnMut(&Field)) {
    match leaf {
        Leaf::Test(field, _) => visit(field),
        Leaf::Expr(expr) => expr_fields(expr, &mut |field| visit(field)),
    }
}

fn expr_fields(expr: &Expr, visit: &mut dyn FnMut(&Field)) {
    match expr {
        Expr::Literal(_) => {}
        Expr::Field(field) => visit(field),
        Expr::Call { args, .. } => args.iter().for_each(|arg| expr_fields(arg, visit)),
        Expr::Negate(inner) | Expr::IsNull(inner) | Expr::Test(inner, _) => {
            expr_fields(inner, visit);
        }
        Expr::Arithmetic(_, a, b) | Expr::Compare(_, a, b) => {
            expr_fields(a, visit);
            expr_fields(b, visit);
        }
        Expr::Cond(condition) => cond_fields(condition, visit),
    }
}

fn cond_fields(condition: &Cond, visit: &mut dyn FnMut(&Field)) {
    match condition {
        Cond::Const(_) => {}
        Cond::Not(inner) => cond_fields(inner, visit),
        Cond::And(list) | Cond::Or(list) => list.iter().for_each(|c| cond_fields(c, visit)),
        Cond::Leaf(Leaf::Test(field, _)) => visit(field),
        Cond::Leaf(Leaf::Expr(expr)) => expr_fields(expr, visit),
    }
}

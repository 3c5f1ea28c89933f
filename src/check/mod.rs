//! [AST](crate::syntax::ast) and [schema](crate::schema) → checked [`ir`].

pub mod ir;
/// stub
#[derive(Debug, Default)]
pub struct Options;
/// stub
pub fn check(
    _a: &crate::syntax::ast::Ast,
    _s: &crate::schema::Schema,
    _o: &Options,
) -> Result<(ir::Query, Vec<crate::diagnostic::Diagnostic>), Vec<crate::diagnostic::Diagnostic>> {
    Err(vec![])
}

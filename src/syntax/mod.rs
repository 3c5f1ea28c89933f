//! Query text → [`ast::Ast`].

pub mod ast;
/// stub
pub fn parse(_s: &str) -> Result<ast::Ast, Vec<crate::diagnostic::Diagnostic>> {
    Err(vec![])
}

//! Query text → [`ast::Ast`].

pub mod ast;

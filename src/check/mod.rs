//! [AST](crate::syntax::ast) and [schema](crate::schema) → checked [`ir`].

pub mod ir;

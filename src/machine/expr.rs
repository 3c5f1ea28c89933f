//! stub
use crate::{check::ir, event::Event, schema::FieldId};
#[derive(Debug)]
pub(crate) struct Program;
#[derive(Debug, Default)]
pub(crate) struct ExprScratch {
    pub(crate) cut: u64,
}
impl Program {
    pub(crate) fn new(_e: &ir::Expr, _r: &dyn Fn(&ir::Field) -> FieldId) -> Result<Self, String> {
        Ok(Self)
    }
    pub(crate) fn holds(&self, _e: &Event, _s: &mut ExprScratch) -> bool {
        false
    }
}

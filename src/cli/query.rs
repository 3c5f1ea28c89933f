//! `catena query`: one query over captured logs.

use super::args::Query;
use super::exit::Exit;
use super::{replay, rules};
use crate::rule;
use crate::schema::Schema;

pub(super) fn run(arguments: &Query) -> Exit {
    let loaded = rule::load_query(&arguments.query, &Schema::new());
    match rules::accept(loaded, &arguments.output) {
        Ok((rules, loaded)) => {
            let ran = replay::over(&rules, &arguments.inputs, &arguments.run, &arguments.output);
            loaded.min(ran)
        }
        Err(exit) => exit,
    }
}

//! `catena completions` and `catena man`: help made from the arguments.

use clap::CommandFactory as _;

use super::args::{Arguments, Completions, Man};
use super::exit::Exit;
use super::output::{message, print};
use super::replay::write_exit;
use crate::diagnostic::nearest;

pub(super) fn completions(arguments: &Completions) -> Exit {
    let mut script = Vec::new();
    let mut command = Arguments::command();
    clap_complete::generate(arguments.shell, &mut command, "catena", &mut script);
    write_exit(print(&String::from_utf8_lossy(&script)))
}

pub(super) fn man(arguments: &Man) -> Exit {
    let mut program = Arguments::command();
    program.build();
    let command = match &arguments.command {
        None => program,
        Some(name) => match program.find_subcommand(name) {
            // Built together, so that its page is named `catena-replay`.
            Some(command) => command.clone(),
            None => {
                message(&format!("catena: error: no command `{}`", crate::escape::escape(name)));
                let known = program.get_subcommands().map(clap::Command::get_name);
                if let Some(near) = nearest(name, known) {
                    message(&format!("did you mean `{near}`?"));
                }
                return Exit::Usage;
            }
        },
    };
    let mut page = Vec::new();
    match clap_mangen::Man::new(command).render(&mut page) {
        Ok(()) => write_exit(print(&String::from_utf8_lossy(&page))),
        Err(error) => write_exit(Err(error)),
    }
}

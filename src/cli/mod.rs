//! The command line: arguments in, library calls, output and exit code.
//!
//! Only this room reads arguments, the environment, a terminal or the wall clock. Nothing imports it.

mod alert_file;
mod args;
mod asked;
mod batch;
mod check;
mod event_fields;
mod events;
mod exit;
mod explain;
mod fields;
mod fmt;
mod help;
mod hosts;
mod input_form;
mod inspect;
mod mutate;
mod needs;
mod new;
mod output;
mod progress;
mod query;
mod replay;
mod rules;
mod stats;
mod stream;
mod summary;
mod test;
mod why;

use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use args::{Arguments, Command};
use exit::Exit;

/// Runs the program with the arguments of the process.
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are results; anything else is a mistake in the arguments.
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            let _ = error.print();
            return if asked { Exit::Fine } else { Exit::Usage }.into();
        }
    };
    let exit = match arguments.command {
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Stream(arguments) => stream::run(&arguments),
        Command::Query(arguments) => query::run(&arguments),
        Command::Fmt(arguments) => fmt::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Mutate(arguments) => mutate::run(&arguments),
        Command::New(arguments) => new::run(&arguments),
        Command::Why(arguments) => why::run(&arguments),
        Command::Events(arguments) => events::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Needs(arguments) => needs::run(&arguments),
        Command::Fields(arguments) => fields::run(&arguments),
        Command::Completions(arguments) => help::completions(&arguments),
        Command::Man(arguments) => help::man(&arguments),
        Command::Check(arguments) => check::run(&arguments),
    };
    exit.into()
}

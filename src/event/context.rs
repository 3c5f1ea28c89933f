//! The value of a context field, from what is known about the event's process.

use super::origin::ContextField;
use super::process::Process;
use super::take::{Sink, Take};
use crate::value::Scalar;

/// Gives the values of one context field.
///
/// Arguments and the like of the process itself describe the program it runs at the time of the event,
/// also when the event is no execution.
pub fn read_context(process: &Process, field: ContextField, sink: &mut dyn Take) {
    let parent = process.parent.as_deref();
    match field {
        ContextField::EntityId => text(Some(&process.entity_id), sink),
        ContextField::Name => names(process, sink),
        ContextField::Executable => text(process.executable.as_deref(), sink),
        ContextField::Args => args(process, sink),
        ContextField::ArgsCount => args_count(process, sink),
        ContextField::CommandLine => command_line(process, sink),
        ContextField::WorkingDirectory => text(process.working_directory.as_deref(), sink),
        ContextField::ParentEntityId => text(parent.map(|p| &*p.entity_id), sink),
        ContextField::ParentName => {
            if let Some(parent) = parent {
                names(parent, sink);
            }
        }
        ContextField::ParentExecutable => {
            text(parent.and_then(|p| p.executable.as_deref()), sink);
        }
        ContextField::ParentArgs => {
            if let Some(parent) = parent {
                args(parent, sink);
            }
        }
        ContextField::ParentArgsCount => {
            if let Some(parent) = parent {
                args_count(parent, sink);
            }
        }
        ContextField::ParentCommandLine => {
            if let Some(parent) = parent {
                command_line(parent, sink);
            }
        }
        ContextField::ParentWorkingDirectory => {
            text(parent.and_then(|p| p.working_directory.as_deref()), sink);
        }
        ContextField::ParentUserId => text(parent.and_then(|p| p.user.as_deref()), sink),
        ContextField::ParentGroupId => text(parent.and_then(|p| p.group.as_deref()), sink),
        ContextField::AncestorNames => {
            process.ancestors().for_each(|ancestor| text(ancestor.name.as_deref(), sink));
        }
        ContextField::AncestorExecutables => {
            process.ancestors().for_each(|ancestor| text(ancestor.executable.as_deref(), sink));
        }
    }
}

fn text(value: Option<&str>, sink: Sink<'_>) {
    if let Some(value) = value {
        sink.value(Scalar::Str(value));
    }
}

/// `comm`, then the file name of the program where it differs.
fn names(process: &Process, sink: Sink<'_>) {
    let name = process.name.as_deref();
    text(name, sink);
    let path = process.executable.as_deref();
    let path = path.map(|path| path.strip_suffix(" (deleted)").unwrap_or(path));
    let file = path.and_then(|path| path.rsplit('/').next()).filter(|file| !file.is_empty());
    text(file.filter(|file| Some(*file) != name), sink);
}

fn args(process: &Process, sink: Sink<'_>) {
    process.args.iter().for_each(|arg| text(Some(arg), sink));
}

fn args_count(process: &Process, sink: Sink<'_>) {
    if let Some(count) = process.args_count {
        sink.value(Scalar::Int(count));
    }
}

fn command_line(process: &Process, sink: Sink<'_>) {
    if !process.args.is_empty() {
        sink.joined(&process.args);
    }
}

//! The `catena` program: hands the arguments to [`catena::cli::run`] and returns its exit code.

fn main() -> std::process::ExitCode {
    catena::cli::run()
}

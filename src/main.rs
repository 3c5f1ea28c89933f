//! The `catena` program: hands the arguments to [`catena::cli::run`] and returns its exit code.

/// Events and partials come and go by millions; see Cargo.toml.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    catena::cli::run()
}

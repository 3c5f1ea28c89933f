//! Three rules of the library by name, a sample, a sequence and an event, for tests of what the program does
//! with rules: what they show does not change when the library grows.

/// As arguments.
pub(crate) const THREE: [&str; 6] = [
    "-r",
    "rules/command_and_control/udp_reverse_shell_sample.toml",
    "-r",
    "rules/command_and_control/udp_reverse_shell_sequence.toml",
    "-r",
    "rules/execution/web_server_shell.toml",
];

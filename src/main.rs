//! The `human` binary: installs the report hooks and calls the library.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // A panic is a fault of this program: the report says where, and a backtrace only where one is asked for.
    if let Err(error) = color_eyre::config::HookBuilder::default().display_env_section(false).install() {
        eprintln!("human: no report hooks ({error})");
    }
    human::cli::run(std::env::args_os())
}

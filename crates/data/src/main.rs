//! The program `data`.

use std::process::ExitCode;

fn main() -> ExitCode {
    data::main()
}

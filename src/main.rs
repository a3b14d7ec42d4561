//! The one binary: control point, build daemon and command line.

fn main() -> std::process::ExitCode {
    cloudbuild::cli::main()
}

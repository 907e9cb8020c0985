//! `tributary`: the command of the mesh.

fn main() -> std::process::ExitCode {
    tributary::cli::main()
}

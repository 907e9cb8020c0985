//! `completion`: what a shell needs to complete this command.

use std::io::Write as _;

/// For which shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  source <(tributary completion bash)                              in ~/.bashrc
  tributary completion zsh > \"${fpath[1]}/_tributary\"
  tributary completion fish > ~/.config/fish/completions/tributary.fish")]
pub(crate) struct Args {
    /// The shell.
    shell: clap_complete::Shell,
}

/// Prints it.
///
/// # Errors
/// Standard output cannot be written to.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut command = crate::cli::command();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "tributary", &mut script);
    std::io::stdout().lock().write_all(&script)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    #[test]
    fn every_shell_gets_a_script_that_knows_the_commands() {
        for shell in clap_complete::Shell::value_variants() {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut crate::cli::command(), "tributary", &mut script);
            let script = String::from_utf8(script).unwrap();
            for word in ["rollback", "by-partition", "explain", "profile-json"] {
                assert!(script.contains(word), "{shell}: {word}");
            }
        }
    }
}

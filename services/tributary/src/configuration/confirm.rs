//! Asks a person before something is lost.

use std::io::{IsTerminal as _, stdin};

use crate::out;

/// Whether documents may be deleted. Where nobody can be asked it has to be said before.
///
/// # Errors
/// They may not, or nobody can be asked.
pub(super) async fn deletion(for_programs: bool) -> anyhow::Result<()> {
    let somebody = stdin().is_terminal() && out::is_terminal() && !for_programs;
    anyhow::ensure!(
        somebody,
        "documents would be deleted, and nobody can be asked here: give --yes; nothing was changed"
    );
    out::note("Documents will be deleted. Go on? [y/N]");
    let answer = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        stdin().read_line(&mut line).map(|_| line)
    });
    let answer = answer.await??;
    let yes = matches!(&*answer.trim().to_lowercase(), "y" | "yes");
    anyhow::ensure!(yes, "nothing was changed");
    Ok(())
}

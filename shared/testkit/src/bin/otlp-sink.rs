//! Receives spans by OTLP and appends them to the file that its only argument names.

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let file = std::env::args_os().nth(1);
    let file = file.ok_or_else(|| anyhow::anyhow!("usage: otlp-sink FILE"))?;
    tributary_testkit::otlp::serve(file.as_ref()).await
}

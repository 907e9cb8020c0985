//! The process of the ingest stage.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    tributary_runtime::run("ingest", tributary_ingest::start)
}

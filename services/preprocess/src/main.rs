//! The process of the preprocess stage.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    tributary_runtime::run("preprocess", tributary_preprocess::start)
}

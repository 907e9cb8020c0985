//! The process of the workflow stage.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    tributary_runtime::run("workflow", tributary_workflow::start)
}

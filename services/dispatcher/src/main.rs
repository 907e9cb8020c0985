//! The process of the dispatcher stage; everything is in the library.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    tributary_runtime::run("dispatcher", tributary_dispatcher::start)
}

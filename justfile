# Lists what can be done.
default:
    @just --list

# Builds the mesh and brings it up until Ctrl-C; `--with-jaeger` builds Jaeger too.
up *args:
    deploy/up {{args}}

# Every check; `--all` for the long tests too.
test *args:
    deploy/test {{args}}

# Formats all code.
fmt:
    cargo fmt --all

# Lints all code, warnings being errors.
lint:
    cargo clippy --workspace --all-targets --locked -- -D warnings

# Sends events to the mesh that is up.
send *args:
    cargo run --release --quiet --bin tributary -- send {{args}}

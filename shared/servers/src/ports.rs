//! TCP ports of the loopback interface that nobody uses.

use std::{
    net::{Ipv4Addr, TcpListener},
    sync::atomic::{AtomicU16, Ordering},
};

/// Below the range that Linux hands out for outgoing connections (from 32768 on): a port found here is not taken by
/// a stranger's connection between finding it and listening on it.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A port of 127.0.0.1 that can be listened on. Never the same one twice in a process, until all have been tried.
///
/// # Panics
/// When all 12,000 ports of the range are taken.
#[must_use]
pub fn free_port() -> u16 {
    // Processes start at different places, so two test binaries do not race for the same ports.
    let offset = u16::try_from(u64::from(std::process::id()) * 97 % u64::from(COUNT)).expect("below COUNT");
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + (u32::from(offset) + u32::from(step)).rem_euclid(u32::from(COUNT)) as u16;
        if is_free(port) {
            return port;
        }
    }
    panic!("no port between {FIRST} and {} is free on 127.0.0.1", FIRST + COUNT)
}

/// Whether the port of 127.0.0.1 can be listened on at this moment.
#[must_use]
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_ports_asked_for_in_a_row_differ() {
        assert_ne!(free_port(), free_port());
    }

    #[test]
    fn a_port_that_is_listened_on_is_not_free() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        assert!(!is_free(listener.local_addr().unwrap().port()));
    }
}

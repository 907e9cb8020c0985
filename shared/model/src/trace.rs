//! The trace that an entry belongs to, as text.

/// The W3C trace context as it travels beside entries: two header values, either may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TraceContext {
    /// Such as `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01`.
    pub traceparent: String,
    /// What tracing systems add for themselves.
    pub tracestate: String,
}

impl TraceContext {
    /// The trace's id, 32 hexadecimal digits, if the traceparent is well formed.
    pub fn trace_id(&self) -> Option<&str> {
        self.parts().map(|(trace, _)| trace)
    }

    /// Whether the caller records this trace; false where the traceparent is not well formed.
    pub fn is_sampled(&self) -> bool {
        self.parts().is_some_and(|(_, flags)| flags & 1 == 1)
    }

    fn parts(&self) -> Option<(&str, u8)> {
        let mut fields = self.traceparent.split('-');
        let version = hex(fields.next()?, 2)?;
        let trace = hex(fields.next()?, 32)?;
        let span = hex(fields.next()?, 16)?;
        let flags = hex(fields.next()?, 2)?;
        let known = version != "ff" && (version != "00" || fields.next().is_none());
        let real = [trace, span].iter().all(|id| id.bytes().any(|b| b != b'0'));
        (known && real).then_some((trace, u8::from_str_radix(flags, 16).ok()?))
    }
}

fn hex(field: &str, digits: usize) -> Option<&str> {
    let fits = field.len() == digits && field.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    fits.then_some(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    fn context(traceparent: String) -> TraceContext {
        TraceContext { traceparent, tracestate: String::new() }
    }

    #[test]
    fn a_well_formed_context_tells_trace_and_sampling() {
        let sampled = context(format!("00-{TRACE}-b7ad6b7169203331-01"));
        assert_eq!(sampled.trace_id(), Some(TRACE));
        assert!(sampled.is_sampled());
        assert!(!context(format!("00-{TRACE}-b7ad6b7169203331-00")).is_sampled());
        assert_eq!(context(format!("cc-{TRACE}-b7ad6b7169203331-01-later")).trace_id(), Some(TRACE));
    }

    #[test]
    fn a_broken_context_is_no_trace() {
        let zero = "0".repeat(32);
        for text in [
            String::new(),
            "00".to_owned(),
            format!("00-{TRACE}-b7ad6b7169203331"),
            format!("00-{TRACE}-b7ad6b7169203331-01-more"),
            format!("ff-{TRACE}-b7ad6b7169203331-01"),
            format!("00-{zero}-b7ad6b7169203331-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{}-b7ad6b7169203331-01", TRACE.to_uppercase()),
        ] {
            assert_eq!(context(text.clone()).trace_id(), None, "{text}");
            assert!(!context(text).is_sampled());
        }
    }
}

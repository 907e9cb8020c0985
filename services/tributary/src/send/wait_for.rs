//! What the answers to payloads wait for, as it is written on the command line and in NDJSON.

use clap::ValueEnum as _;
use serde::Deserialize;
use tributary_proto::v1;

/// How far events have come when their payload is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(try_from = "String")]
pub(super) enum WaitFor {
    /// Recorded.
    Accepted,
    /// Their workflows have run.
    Workflow,
    /// They, and all that they changed, are in Postgres.
    Stored,
    /// Every destination has taken what they changed.
    Delivered,
}

/// As documents write it, or as the contract does: `workflow`, `WORKFLOW`, `WAIT_FOR_WORKFLOW`.
impl TryFrom<String> for WaitFor {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let lower = text.to_lowercase();
        let name = lower.strip_prefix("wait_for_").unwrap_or(&lower);
        WaitFor::from_str(name, true)
            .map_err(|_| "wait_for is one of accepted, workflow, stored and delivered")
    }
}

impl From<WaitFor> for v1::WaitFor {
    fn from(level: WaitFor) -> Self {
        match level {
            WaitFor::Accepted => Self::Accepted,
            WaitFor::Workflow => Self::Workflow,
            WaitFor::Stored => Self::Stored,
            WaitFor::Delivered => Self::Delivered,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_written_as_documents_or_as_the_contract_write_it() {
        for text in ["workflow", "WORKFLOW", "Workflow", "WAIT_FOR_WORKFLOW", "wait_for_workflow"] {
            assert_eq!(WaitFor::try_from(text.to_owned()), Ok(WaitFor::Workflow), "{text}");
        }
        assert_eq!(WaitFor::try_from("WAIT_FOR_STORED".to_owned()), Ok(WaitFor::Stored));
        for text in ["", "WAIT_FOR_", "WAIT_FOR_UNSPECIFIED", "workflows"] {
            assert!(WaitFor::try_from(text.to_owned()).unwrap_err().contains("one of accepted"), "{text}");
        }
    }
}

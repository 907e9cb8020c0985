//! Dead letters, as they lie in `{p}:dead`. They say what was given up on and why. Of a profile they never say what it held;
//! what a workflow sent exists nowhere else, and is kept.

use prost::Message as _;
use tributary_model::Time;
use tributary_proto::{convert::time_to_wire, v1};

use crate::{STAGE, decide::Reason};

/// A delivery that was given up on.
pub(crate) struct DeadDelivery<'a> {
    pub(crate) tenant: &'a str,
    pub(crate) profile: &'a str,
    pub(crate) destination: &'a str,
    pub(crate) reason: Reason,
    pub(crate) message: String,
    pub(crate) attempts: u32,
    /// What was to be sent, where it cannot be made anew.
    pub(crate) data: Vec<u8>,
}

impl DeadDelivery<'_> {
    /// The encoded letter.
    pub(crate) fn encode(self, now: Time) -> Vec<u8> {
        let letter = v1::DeadLetter {
            tenant: self.tenant.to_owned(),
            stage: STAGE.to_owned(),
            kind: "delivery".to_owned(),
            subject: self.profile.to_owned(),
            destination: self.destination.to_owned(),
            reason: self.reason.as_str().to_owned(),
            message: self.message,
            attempts: self.attempts,
            time: Some(time_to_wire(now)),
            data: self.data.into(),
            // The id is the entry's place, which only a reader knows.
            ..v1::DeadLetter::default()
        };
        letter.encode_to_vec()
    }
}

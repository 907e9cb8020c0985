//! Where a follower of a public stream stands in every partition, and the text by which it comes back.

use crate::keys::Stream;
use data_encoding::BASE64URL_NOPAD;
use prost::encoding::{decode_varint, encode_varint};
use tributary_model::{PartitionId, StreamId};

/// The form of the text; another form gets another number.
const FORM: u8 = 1;
/// A stream that makes its ids by itself stays below (some thirty thousand years).
const MS_LIMIT: u64 = 1_000_000_000_000_000;
const CHECK_BYTES: usize = 4;

/// A text that no answer gave: damaged, of another stream, or of a mesh with another number of partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no answer of this stream gave that resume token")]
pub struct TokenError;

/// The last entry known of each partition, by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing(pub(crate) Vec<StreamId>);

impl Standing {
    pub(crate) fn at(&self, p: PartitionId) -> StreamId {
        self.0[usize::from(p.0)]
    }

    pub(crate) fn reach(&mut self, p: PartitionId, id: StreamId) {
        self.0[usize::from(p.0)] = id;
    }

    pub(crate) fn partitions(&self) -> impl Iterator<Item = (PartitionId, StreamId)> + '_ {
        (0u16..).map(PartitionId).zip(self.0.iter().copied())
    }

    pub(crate) fn token(&self, stream: Stream) -> String {
        let mut bytes = vec![FORM, code(stream)];
        for id in &self.0 {
            encode_varint(id.ms, &mut bytes);
            encode_varint(id.seq, &mut bytes);
        }
        bytes.extend(check(&bytes));
        BASE64URL_NOPAD.encode(&bytes)
    }

    pub(crate) fn from_token(token: &str, stream: Stream, partitions: u16) -> Result<Self, TokenError> {
        let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).map_err(|_| TokenError)?;
        let (said, checked) = bytes.split_last_chunk::<CHECK_BYTES>().ok_or(TokenError)?;
        if check(said) != *checked {
            return Err(TokenError);
        }
        let mut rest = said.strip_prefix(&[FORM, code(stream)]).ok_or(TokenError)?;
        let mut number = || decode_varint(&mut rest).map_err(|_| TokenError);
        let mut positions = Vec::with_capacity(usize::from(partitions));
        for _ in 0..partitions {
            let id = StreamId::new(number()?, number()?);
            if id.ms >= MS_LIMIT {
                return Err(TokenError);
            }
            positions.push(id);
        }
        if rest.is_empty() { Ok(Self(positions)) } else { Err(TokenError) }
    }
}

/// Part of the text: never changed once released.
fn code(stream: Stream) -> u8 {
    match stream {
        Stream::Events => b'e',
        Stream::Changes => b'c',
        Stream::Profiles => b'p',
        Stream::Sessions => b's',
        Stream::Forward => b'f',
        Stream::Dead => b'd',
    }
}

/// FNV-1a: against damage on the way, not against forgery. A forged position shows nothing that an honest one would not.
fn check(bytes: &[u8]) -> [u8; CHECK_BYTES] {
    let hash =
        bytes.iter().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    hash.to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn standing() -> impl Strategy<Value = Standing> {
        let id = (0..MS_LIMIT, any::<u64>()).prop_map(|(ms, seq)| StreamId::new(ms, seq));
        proptest::collection::vec(id, 1..40).prop_map(Standing)
    }

    proptest! {
        #[test]
        fn a_token_leads_back_to_where_it_was_given(standing in standing()) {
            let partitions = u16::try_from(standing.0.len()).unwrap();
            let token = standing.token(Stream::Events);
            prop_assert_eq!(Standing::from_token(&token, Stream::Events, partitions), Ok(standing));
            prop_assert_eq!(Standing::from_token(&token, Stream::Profiles, partitions), Err(TokenError));
            prop_assert_eq!(Standing::from_token(&token, Stream::Events, partitions + 1), Err(TokenError));
            prop_assert_eq!(Standing::from_token(&token, Stream::Events, partitions - 1), Err(TokenError));
        }

        #[test]
        fn a_damaged_token_is_refused(standing in standing(), place in any::<prop::sample::Index>(), with in "[A-Za-z0-9_-]") {
            let partitions = u16::try_from(standing.0.len()).unwrap();
            let mut token = standing.token(Stream::Events);
            let place = place.index(token.len());
            prop_assume!(token[place..=place] != with);
            token.replace_range(place..=place, &with);
            prop_assert_eq!(Standing::from_token(&token, Stream::Events, partitions), Err(TokenError));
        }

        #[test]
        fn no_text_is_too_odd_to_be_refused(text in any::<String>()) {
            prop_assert_eq!(Standing::from_token(&text, Stream::Events, 4), Err(TokenError));
        }
    }

    #[test]
    fn a_position_that_no_stream_reaches_is_refused() {
        let token = Standing(vec![StreamId::MAX]).token(Stream::Events);
        assert_eq!(Standing::from_token(&token, Stream::Events, 1), Err(TokenError));
    }
}

//! The words that programs are told and that expectations may therefore name: those of docs/errors.md that a scenario can
//! lead to, and the codes of warnings. A misspelt one would otherwise only ever look like a failure of what is tested.

use tributary_expressions::did_you_mean;

/// A sort of words that an expectation names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Words {
    /// Why a payload is refused as a whole.
    Payload,
    /// Why an event is.
    Event,
    /// What is wrong with an event that is kept.
    Problem,
    /// Why an event was given up on: also for what it would have been refused.
    DeadLetter,
    /// What a client is to know.
    Warning,
    /// Why a call has no answer.
    Call,
}

const PAYLOAD: &[&str] = &[
    "INVALID_CONTEXT",
    "INVALID_ID",
    "NESTING_TOO_DEEP",
    "NO_EVENTS",
    "PROFILE_NOT_FOUND",
    "TOO_MANY_EVENTS",
];

const EVENT: &[&str] = &[
    "CONTEXT_TOO_LARGE",
    "EVENT_ID_REQUIRED",
    "EVENT_TYPE_REQUIRED",
    "INVALID_ID",
    "INVALID_TIME",
    "INVALID_TYPE",
    "NAME_TOO_LONG",
    "NUL_CHARACTER",
    "NUMBER_NOT_FINITE",
    "NUMBER_TOO_LARGE",
    "PROPERTIES_TOO_LARGE",
    "RESERVED_ID",
    "VALUE_TOO_DEEP",
    "VALUE_TOO_LARGE",
];

const PROBLEM: &[&str] = &[
    "BAD_EXPIRY",
    "BAD_PATH",
    "BYTES_EXHAUSTED",
    "CONDITION_FAILED",
    "CONVERSION_FAILED",
    "EMPTY_OBJECT",
    "EXPRESSION_FAILED",
    "LIST_TOO_LONG",
    "METRICS_NOT_CHANGEABLE",
    "MIXED_KINDS",
    "MORE_PROBLEMS",
    "NOT_AN_OBJECT",
    "NOT_A_NUMBER",
    "NOT_SCALAR",
    "NUMBER_TOO_LARGE",
    "PATHS_EXHAUSTED",
    "RESETS_EXHAUSTED",
    "SCHEMA_VIOLATED",
    "TEMPLATE_FAILED",
    "TOO_MANY_CHANGES",
    "VALUE_TOO_DEEP",
    "VALUE_TOO_LARGE",
    "WRONG_OPERATION",
];

const DEAD_LETTER: &[&str] = &["INVALID", "NO_RESULT", "PANICKED", "REFUSED", "TOO_DEEP", "TRIMMED"];

const WARNING: &[&str] =
    &["MAPPING_FAILED", "NOT_IDEMPOTENT", "PROFILE_REPLACED", "SCHEMA_VIOLATED", "TIME_CLAMPED"];

const CALL: &[&str] = &[
    "CIRCUIT_OPEN",
    "FORBIDDEN_ADDRESS",
    "INVALID_URL",
    "NOT_CALLED",
    "REFUSED",
    "SECRET_MISSING",
    "TIMED_OUT",
    "TOO_DEEP",
    "TOO_LARGE",
    "UNREACHABLE",
];

impl Words {
    /// Whether `word` is one of them.
    ///
    /// # Errors
    /// In words, with the one that was probably meant.
    pub(super) fn check(self, word: &str) -> Result<(), String> {
        if self.known().any(|known| known == word) {
            return Ok(());
        }
        let (what, meant) = (self.what(), did_you_mean(word, self.known()));
        Err(format!("{word:?} is {what}{meant}"))
    }

    fn known(self) -> impl Iterator<Item = &'static str> {
        let lists: &[&[&str]] = match self {
            Words::Payload => &[PAYLOAD],
            Words::Event => &[EVENT],
            Words::Problem => &[PROBLEM],
            Words::DeadLetter => &[DEAD_LETTER, PAYLOAD, EVENT],
            Words::Warning => &[WARNING],
            Words::Call => &[CALL],
        };
        lists.iter().flat_map(|list| list.iter().copied())
    }

    fn what(self) -> &'static str {
        match self {
            Words::Payload => "no reason for which a payload is refused as a whole",
            Words::Event => "no reason for which an event is refused",
            Words::Problem => "no reason of a problem",
            Words::DeadLetter => "no reason for which an event is given up on",
            Words::Warning => "no code of a warning",
            Words::Call => "no reason for which a call has no answer",
        }
    }
}

#[cfg(test)]
mod tests;

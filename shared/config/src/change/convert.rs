//! Conversions: what `as` accepts and makes of it (the table is in docs/configuration.md).
//!
//! Each is total over what it accepts and refuses everything else, so that a value never becomes another one by
//! accident. What is refused is said by its type: values may be personal data.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Number, Value};
use tributary_model::{MAX_EXACT, Time};

/// Numbers from here on are milliseconds since 1970, those below seconds: 10^11 seconds are the year 5138, 10^11
/// milliseconds the year 1973.
const MILLISECONDS_FROM: f64 = 1e11;
/// Texts of smaller numbers are not taken for moments: `2024` and `20240501` are dates that would become days of 1970.
const MOMENT_FROM: f64 = 1e8;
const MOMENT_DIGITS: usize = 9;

/// Makes one sort of value of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Conversion {
    /// Texts; numbers as JSON writes them; `true` and `false`.
    Text,
    /// Numbers; texts that are a JSON number. Whole ones within 2^53.
    Number,
    /// As `number`, and whole.
    Integer,
    /// Booleans; the texts true, yes, on, 1 and false, no, off, 0 in any case; the numbers 1 and 0.
    Boolean,
    /// Times in RFC 3339; dates, for their midnight in UTC; numbers of seconds or milliseconds since 1970, as text with 9
    /// digits and more.
    Time,
    /// As `text`, in lowercase.
    Lower,
    /// As `text`, in uppercase.
    Upper,
    /// As `text`, without white space around it.
    Trimmed,
}

impl Conversion {
    /// Converts `value`.
    ///
    /// # Errors
    /// In words, when the conversion does not accept it. Names types, never values.
    pub fn apply(self, value: &Value) -> Result<Value, String> {
        match self {
            Conversion::Text => text(value).map(Value::from),
            Conversion::Lower => text(value).map(|text| text.to_lowercase().into()),
            Conversion::Upper => text(value).map(|text| text.to_uppercase().into()),
            Conversion::Trimmed => text(value).map(|text| text.trim().into()),
            Conversion::Number => number(value),
            Conversion::Integer => match number(value)? {
                whole if whole.is_i64() => Ok(whole),
                _ => Err("the number is not whole".to_string()),
            },
            Conversion::Boolean => boolean(value).map(Value::from),
            Conversion::Time => time(value).map(|time| time.to_string().into()),
        }
    }
}

fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(b) => Ok(b.to_string()),
        Value::Number(n) => Ok(whole(n).map_or_else(|| n.to_string(), |whole| whole.to_string())),
        _ => Err(format!("{} has no text", named(value))),
    }
}

fn number(value: &Value) -> Result<Value, String> {
    let number = match value {
        Value::Number(n) => n.clone(),
        Value::String(text) => read_number(text).ok_or("the text is not a number as JSON writes it")?,
        _ => return Err(format!("{} is not a number", named(value))),
    };
    match whole(&number) {
        Some(whole) => Ok(whole.into()),
        None if number.as_f64().is_some_and(|f| f.fract() != 0.0) => Ok(Value::Number(number)),
        None => Err("the number is whole and beyond 2^53".to_string()),
    }
}

fn boolean(value: &Value) -> Result<bool, String> {
    match value {
        Value::Bool(b) => Ok(*b),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Ok(true),
            "false" | "no" | "off" | "0" => Ok(false),
            _ => Err("the text is none of true, yes, on, 1, false, no, off and 0".to_string()),
        },
        Value::Number(n) => match whole(n) {
            Some(1) => Ok(true),
            Some(0) => Ok(false),
            _ => Err("the number is neither 1 nor 0".to_string()),
        },
        _ => Err(format!("{} is not a boolean", named(value))),
    }
}

fn time(value: &Value) -> Result<Time, String> {
    match value {
        Value::Number(n) => moment(n),
        Value::String(text) => {
            let text = text.trim();
            let midnight = || format!("{text}T00:00:00Z").parse::<Time>().ok();
            match (text.parse::<Time>().ok().or_else(midnight), read_number(text)) {
                (Some(time), _) => Ok(time),
                (None, Some(n)) if n.as_f64().is_some_and(|f| f.abs() < MOMENT_FROM) => Err(format!(
                    "the text is a number with fewer than {MOMENT_DIGITS} digits, which may be a date; dates are written \
                     2024-05-01"
                )),
                (None, Some(n)) => moment(&n),
                (None, None) => {
                    Err("the text is no time like 2024-05-01T12:00:00Z or 2024-05-01".to_string())
                }
            }
        }
        _ => Err(format!("{} is not a time", named(value))),
    }
}

/// Seconds or milliseconds since 1970, told apart by their size.
fn moment(n: &Number) -> Result<Time, String> {
    let f = n.as_f64().unwrap_or(f64::INFINITY);
    let unit = if f.abs() < MILLISECONDS_FROM { 1_000_000 } else { 1_000 };
    let micros = match whole(n) {
        Some(whole) => whole.checked_mul(unit),
        // Saturates, and what is out of range is refused below.
        None => Some((f * unit as f64).round() as i64),
    };
    micros
        .and_then(Time::try_from_micros)
        .ok_or_else(|| "the number is a moment outside of the years 1 to 9999".to_string())
}

/// A JSON number, with white space around it, and nothing else.
fn read_number(text: &str) -> Option<Number> {
    serde_json::from_str(text.trim()).ok()
}

/// The number, if it is whole and exact.
fn whole(n: &Number) -> Option<i64> {
    let whole = match (n.as_i64(), n.as_f64()) {
        (Some(whole), _) => whole,
        (None, Some(f)) if f.fract() == 0.0 && f.abs() <= MAX_EXACT as f64 => f as i64,
        _ => return None,
    };
    (whole.unsigned_abs() <= MAX_EXACT).then_some(whole)
}

fn named(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests;

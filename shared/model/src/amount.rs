//! Numbers that can be added in any order: decimals with six places.

use crate::{MAX_EXACT, Time, Value};
use std::fmt;
use thiserror::Error;

const SCALE: i128 = 1_000_000;
/// In units. An i128 of millionths holds 10¹⁷ times as much, so sums cannot overflow.
const MAX_UNITS: i128 = 1_000_000_000_000_000;

/// A number in millionths. Sums of floats depend on the order of adding; sums of these do not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i128);

/// A value is not a number that an amount can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AmountError {
    /// Not a JSON number. Texts and booleans are not numbers.
    #[error("not a number")]
    NotANumber,
    /// Beyond ±10¹⁵.
    #[error("beyond 10^15")]
    TooBig,
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many millionths.
    pub const fn from_millionths(millionths: i128) -> Self {
        Self(millionths)
    }

    /// In millionths.
    pub const fn millionths(self) -> i128 {
        self.0
    }

    /// The decimal number that the JSON text shows, rounded half to even at the sixth place.
    ///
    /// # Errors
    /// What is not a number, or is beyond ±10¹⁵, is refused.
    pub fn from_json(value: &Value) -> Result<Self, AmountError> {
        let Value::Number(number) = value else { return Err(AmountError::NotANumber) };
        if let Some(whole) = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from)) {
            return if whole.abs() <= MAX_UNITS { Ok(Self(whole * SCALE)) } else { Err(AmountError::TooBig) };
        }
        let float = number.as_f64().filter(|float| float.is_finite()).ok_or(AmountError::NotANumber)?;
        if float.abs() > MAX_UNITS as f64 {
            return Err(AmountError::TooBig);
        }
        Ok(Self(decimal(float)))
    }

    /// A JSON number: an integer where the amount is whole and within ±2⁵³, else the nearest double.
    pub fn to_json(self) -> Value {
        let whole = self.0 / SCALE;
        if self.0 % SCALE == 0 && whole.unsigned_abs() <= u128::from(MAX_EXACT) {
            return Value::from(whole as i64);
        }
        // Through text: dividing a rounded double would round twice.
        Value::from(self.to_string().parse::<f64>().unwrap_or_default())
    }

    /// The sum, unless it overflows.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The sum inside the fold, which must be total. Wrapping stays associative even for amounts that no admission let in.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }

    pub(crate) fn negated(self) -> Self {
        Self(self.0.wrapping_neg())
    }

    /// A moment as seconds since 1970; its millionths are microseconds.
    pub fn from_time(time: Time) -> Self {
        Self(i128::from(time.as_micros()))
    }

    /// The moment that [`Self::from_time`] took, or the nearest there is.
    pub fn to_time(self) -> Time {
        Time::from_micros(i64::try_from(self.0).unwrap_or(if self.0 < 0 { i64::MIN } else { i64::MAX }))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) =
            (self.0.unsigned_abs() / SCALE as u128, self.0.unsigned_abs() % SCALE as u128);
        if self.0 < 0 {
            f.write_str("-")?;
        }
        write!(f, "{whole}")?;
        match format!("{fraction:06}").trim_end_matches('0') {
            "" => Ok(()),
            digits => write!(f, ".{digits}"),
        }
    }
}

/// The shortest decimal that reads back as this double (which is what JSON shows), in millionths, half to even.
fn decimal(float: f64) -> i128 {
    // Rust writes doubles without exponent, as digits with at most one point.
    let text = format!("{}", float.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let digit = |b: u8| i128::from(b - b'0');
    let mut millionths = whole.bytes().fold(0, |n, b| n * 10 + digit(b));
    for place in 0..6 {
        millionths = millionths * 10 + fraction.as_bytes().get(place).map_or(0, |b| digit(*b));
    }
    let rest = fraction.get(6..).unwrap_or("").trim_end_matches('0');
    let up = match rest.as_bytes() {
        [] => false,
        [b'5'] => millionths % 2 == 1,
        [first, ..] => *first >= b'5',
    };
    let millionths = millionths + i128::from(up);
    if float.is_sign_negative() { -millionths } else { millionths }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn millionths(value: Value) -> Result<i128, AmountError> {
        Amount::from_json(&value).map(Amount::millionths)
    }

    #[test]
    fn sums_do_not_depend_on_the_order() {
        let sum = |numbers: [f64; 3]| {
            numbers
                .iter()
                .map(|n| Amount::from_json(&json!(n)).unwrap())
                .fold(Amount::ZERO, Amount::plus)
                .to_json()
        };
        assert_eq!(sum([0.1, 0.2, 0.3]), json!(0.6));
        assert_eq!(sum([0.3, 0.2, 0.1]), json!(0.6));
    }

    #[test]
    fn the_seventh_place_is_rounded_half_to_even() {
        assert_eq!(millionths(json!(0.0000005)), Ok(0));
        assert_eq!(millionths(json!(0.0000015)), Ok(2));
        assert_eq!(millionths(json!(0.00000051)), Ok(1));
        assert_eq!(millionths(json!(-1.2345675)), Ok(-1_234_568));
        assert_eq!(millionths(json!(1e-300)), Ok(0));
    }

    #[test]
    fn only_numbers_up_to_ten_to_the_15_are_taken() {
        assert_eq!(millionths(json!(1e15)), Ok(1_000_000_000_000_000_000_000));
        assert_eq!(millionths(json!(1_000_000_000_000_001_i64)), Err(AmountError::TooBig));
        assert_eq!(millionths(json!(1e300)), Err(AmountError::TooBig));
        for value in [json!("1"), json!(true), json!(null), json!([1])] {
            assert_eq!(millionths(value), Err(AmountError::NotANumber));
        }
    }

    #[test]
    fn amounts_show_as_the_plainest_number() {
        assert_eq!(Amount::from_json(&json!(2.0)).unwrap().to_json(), json!(2));
        assert_eq!(Amount::from_millionths(-500_000).to_json(), json!(-0.5));
        assert_eq!(Amount::from_millionths(-500_000).to_string(), "-0.5");
        assert_eq!(Amount::from_millionths(1_000_001).to_string(), "1.000001");
    }

    proptest! {
        #[test]
        fn what_json_can_say_comes_back(float in -1e15..1e15_f64) {
            let amount = Amount::from_json(&json!(float)).unwrap();
            prop_assert_eq!(Amount::from_json(&amount.to_json()).unwrap(), amount);
        }

        #[test]
        fn times_come_back(micros in Time::MIN.as_micros()..=Time::MAX.as_micros()) {
            let time = Time::from_micros(micros);
            prop_assert_eq!(Amount::from_time(time).to_time(), time);
        }
    }
}

//! The table of conversions, and what holds for all values.

use proptest::prelude::*;
use serde_json::json;

use super::*;

const ALL: [Conversion; 8] = [
    Conversion::Text,
    Conversion::Number,
    Conversion::Integer,
    Conversion::Boolean,
    Conversion::Time,
    Conversion::Lower,
    Conversion::Upper,
    Conversion::Trimmed,
];

fn made(conversion: Conversion, value: Value) -> Option<Value> {
    conversion.apply(&value).ok()
}

#[test]
fn texts_are_made_of_scalars() {
    let text = |value| made(Conversion::Text, value);
    assert_eq!(text(json!(" a ")), Some(json!(" a ")));
    assert_eq!(text(json!(29.33)), Some(json!("29.33")));
    assert_eq!(text(json!(30.0)), Some(json!("30")));
    assert_eq!(text(json!(-7)), Some(json!("-7")));
    assert_eq!(text(json!(true)), Some(json!("true")));
    for refused in [json!(null), json!([1]), json!({"a": 1})] {
        assert_eq!(text(refused), None);
    }
    assert_eq!(made(Conversion::Lower, json!("ÄB")), Some(json!("äb")));
    assert_eq!(made(Conversion::Upper, json!("äb")), Some(json!("ÄB")));
    assert_eq!(made(Conversion::Trimmed, json!("\t a b\n")), Some(json!("a b")));
}

#[test]
fn numbers_are_read_as_json_writes_them() {
    let number = |value| made(Conversion::Number, value);
    assert_eq!(number(json!("29.33")), Some(json!(29.33)));
    assert_eq!(number(json!(" -3 ")), Some(json!(-3)));
    assert_eq!(number(json!("1.5e3")), Some(json!(1500)));
    assert_eq!(number(json!("9007199254740992")), Some(json!(9_007_199_254_740_992_i64)));
    for refused in
        ["", "1,000", "1.", ".5", "+1", "0x10", "NaN", "1e400", "1e300", "12 13", "9007199254740993", "€5"]
    {
        assert_eq!(number(json!(refused)), None, "{refused}");
    }
    for refused in [json!(true), json!(null), json!([1]), json!(u64::MAX)] {
        assert_eq!(number(refused), None);
    }
    let integer = |value| made(Conversion::Integer, value);
    assert_eq!((integer(json!("4.0")), integer(json!(-4))), (Some(json!(4)), Some(json!(-4))));
    assert_eq!((integer(json!(4.5)), integer(json!("4.5"))), (None, None));
}

#[test]
fn booleans_are_read_from_words_and_bits() {
    let boolean = |value| made(Conversion::Boolean, value);
    for yes in [json!(true), json!("true"), json!(" YES "), json!("on"), json!("1"), json!(1), json!(1.0)] {
        assert_eq!(boolean(yes), Some(json!(true)));
    }
    for no in [json!(false), json!("False"), json!("no"), json!("off"), json!("0"), json!(0)] {
        assert_eq!(boolean(no), Some(json!(false)));
    }
    for refused in [json!(""), json!("ja"), json!(2), json!(null), json!([])] {
        assert_eq!(boolean(refused), None);
    }
}

#[test]
fn times_are_read_from_texts_and_from_counts_since_1970() {
    let time = |value| made(Conversion::Time, value);
    let noon = Some(json!("2024-05-01T12:00:00Z"));
    for same in [
        json!("2024-05-01T12:00:00Z"),
        json!(" 2024-05-01T14:00:00+02:00 "),
        json!(1_714_564_800),
        json!(1_714_564_800_000_i64),
        json!("1714564800"),
        json!("1714564800000"),
    ] {
        assert_eq!(time(same.clone()), noon, "{same}");
    }
    assert_eq!(time(json!(1_714_564_800.5)), Some(json!("2024-05-01T12:00:00.5Z")));
    assert_eq!(time(json!("2024-05-01")), Some(json!("2024-05-01T00:00:00Z")));
    assert_eq!(time(json!(0)), Some(json!("1970-01-01T00:00:00Z")));
    assert_eq!(time(json!(-86_400)), Some(json!("1969-12-31T00:00:00Z")));
    for date in [json!("20240501"), json!("2024"), json!(" 0 "), json!("-86400"), json!("1e7")] {
        let told = Conversion::Time.apply(&date).unwrap_err();
        assert!(told.contains("fewer than 9 digits"), "{date}: {told}");
    }
    assert_eq!(time(json!("100000000")), Some(json!("1973-03-03T09:46:40Z")));
    for refused in
        [json!("yesterday"), json!("2024-13-01"), json!("01.05.2024"), json!(1e18), json!(true), json!(1e300)]
    {
        assert_eq!(time(refused.clone()), None, "{refused}");
    }
}

#[test]
fn what_is_refused_is_not_told() {
    for conversion in ALL {
        for secret in [json!("s3cret"), json!(["s3cret"]), json!({"s3cret": 1}), json!(31_337.5)] {
            let told = conversion.apply(&secret).err().unwrap_or_default();
            assert!(!told.contains("s3cret") && !told.contains("31337"), "{told}");
        }
    }
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-4_000_000_000_000_i64..4_000_000_000_000).prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        "[ +-]?[0-9]{1,16}([.][0-9]{0,4})?(e[0-9]{1,3})?".prop_map(Value::from),
        "[0-9]{4}-[01][0-9]-[0-3][0-9](T[0-2][0-9]:00:00Z)?".prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => scalar(),
        1 => proptest::collection::vec(scalar(), 0..3).prop_map(Value::from),
    ]
}

proptest! {
    /// What a conversion made, it accepts and leaves alone.
    #[test]
    fn every_conversion_is_idempotent(value in value(), which in 0_usize..ALL.len()) {
        let conversion = ALL[which];
        if let Ok(once) = conversion.apply(&value) {
            prop_assert_eq!(conversion.apply(&once), Ok(once));
        }
    }

    /// The sort of the result depends on the conversion alone.
    #[test]
    fn every_conversion_makes_its_own_sort(value in value()) {
        for conversion in ALL {
            let Ok(made) = conversion.apply(&value) else { continue };
            match conversion {
                Conversion::Number => prop_assert!(made.is_number()),
                Conversion::Integer => prop_assert!(made.is_i64()),
                Conversion::Boolean => prop_assert!(made.is_boolean()),
                Conversion::Time => prop_assert!(made.as_str().is_some_and(|text| text.parse::<Time>().is_ok())),
                _ => prop_assert!(made.is_string()),
            }
        }
    }

    /// A number that was written as text comes back as it was.
    #[test]
    fn a_number_survives_being_a_text(n in prop_oneof![
        (-9_007_199_254_740_992_i64..=9_007_199_254_740_992).prop_map(Value::from),
        (-1e12..1e12_f64).prop_map(Value::from),
    ]) {
        let number = Conversion::Number.apply(&n).unwrap();
        let text = Conversion::Text.apply(&number).unwrap();
        prop_assert_eq!(Conversion::Number.apply(&text), Ok(number));
    }

    #[test]
    fn upper_and_lower_case_of_ascii_undo_each_other(text in "[a-z0-9 ]{0,20}") {
        let upper = Conversion::Upper.apply(&json!(text)).unwrap();
        prop_assert_eq!(Conversion::Lower.apply(&upper), Ok(json!(text)));
    }
}

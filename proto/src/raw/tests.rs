use super::*;
use proptest::prelude::*;
use prost_types::value::Kind;
use serde_json::json;

/// prost's own types are the oracle for the wire form.
fn official(value: &Value) -> prost_types::Value {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(bool) => Kind::BoolValue(*bool),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap()),
        Value::String(text) => Kind::StringValue(text.clone()),
        Value::Array(items) => {
            Kind::ListValue(prost_types::ListValue { values: items.iter().map(official).collect() })
        }
        Value::Object(members) => Kind::StructValue(official_struct(members)),
    };
    prost_types::Value { kind: Some(kind) }
}

fn official_struct(members: &Map<String, Value>) -> prost_types::Struct {
    prost_types::Struct {
        fields: members.iter().map(|(key, value)| (key.clone(), official(value))).collect(),
    }
}

fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-(1i64 << 53)..=(1i64 << 53)).prop_map(Value::from),
        (-1.0e6..1.0e6f64)
            .prop_filter("whole numbers are integers", |n| n.fract() != 0.0)
            .prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{0,6}", inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_document_survives_the_wire_and_the_official_types_read_it(value in document()) {
        let raw = RawValue::from_json(&value);
        prop_assert_eq!(raw.to_json().unwrap(), value.clone());
        let read = prost_types::Value::decode(raw.encode_to_vec().as_slice()).unwrap();
        prop_assert_eq!(&read, &official(&value));
        let carried = RawValue::decode(read.encode_to_vec().as_slice()).unwrap();
        prop_assert_eq!(carried.to_json().unwrap(), value);
    }

    #[test]
    fn hostile_bytes_are_an_error_and_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(raw) = RawStruct::decode(bytes.as_slice()) {
            let _ = raw.to_object();
        }
    }
}

fn nested(depth: usize) -> Map<String, Value> {
    let mut object = Map::new();
    for _ in 1..depth {
        object = Map::from_iter([("a".to_owned(), Value::Object(object))]);
    }
    object
}

#[test]
fn nesting_is_bounded_and_said() {
    assert!(RawStruct::from_object(&nested(MAX_NESTING)).to_object().is_ok());
    assert_eq!(RawStruct::from_object(&nested(MAX_NESTING + 1)).to_object(), Err(DocumentError::TooDeep));
    assert_eq!(RawStruct::from_object(&nested(1000)).to_object(), Err(DocumentError::TooDeep));
}

#[test]
fn a_number_that_is_none_is_refused_with_its_path() {
    let members = [("a".to_owned(), official(&json!({"b": [0, 1]})))].into();
    let mut document = prost_types::Struct { fields: members };
    let Some(Kind::StructValue(a)) = &mut document.fields.get_mut("a").unwrap().kind else { panic!() };
    let Some(Kind::ListValue(b)) = &mut a.fields.get_mut("b").unwrap().kind else { panic!() };
    b.values[1].kind = Some(Kind::NumberValue(f64::NAN));
    let raw = RawStruct::decode(document.encode_to_vec().as_slice()).unwrap();
    assert_eq!(raw.to_object(), Err(DocumentError::NotFinite { path: "a.b.1".to_owned() }));
}

//! Tests of the encoding of arguments and results, and of the checks against schemas.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::Deserialize;
use serde_json::{Value, json};

use super::*;
use crate::args;
use crate::schema::Writer;

#[derive(crate::DataType, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Asset {
    #[serde(rename = "ID")]
    id: String,
    kind: Option<Kind>,
    parts: Vec<Asset>,
    #[serde(default)]
    weight: f32,
}

#[derive(crate::DataType, Serialize, Deserialize, Clone, Copy, Debug, PartialEq)]
#[serde(rename_all = "UPPERCASE")]
enum Kind {
    Screw,
    #[serde(rename = "big nut")]
    Nut,
}

/// A shape and its measures.
#[derive(crate::DataType, Serialize, Deserialize, Clone, Debug, PartialEq)]
enum Shape {
    Point,
    Line(u32),
    Box(u32, u32),
    /// Has no corners.
    Circle {
        radius: u32,
        color: Option<String>,
    },
}

#[derive(crate::DataType, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Step {
    GoTo { asset_id: String },
    Hold(Place),
    Stop,
}

#[derive(crate::DataType, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Place {
    city: String,
    street: Option<String>,
}

#[derive(crate::DataType, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Shop {
    name: String,
    owner: Option<String>,
    #[serde(flatten)]
    place: Place,
}

#[derive(crate::DataType, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(tag = "t", content = "c")]
enum Adjacent {
    None,
    One(Place),
    Two(u8, Option<u8>),
}

#[derive(crate::DataType, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(untagged)]
enum Either {
    Number(u32),
    Place(Place),
}

#[derive(crate::DataType, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Id(String);

#[derive(crate::DataType, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Node {
    next: Option<Box<Node>>,
}

fn asset() -> Asset {
    Asset { id: "a".to_owned(), kind: None, parts: vec![], weight: 0.0 }
}

fn round_trip<T: DataType + PartialEq + Debug>(value: T, argument: &[u8]) {
    assert_eq!(
        String::from_utf8_lossy(&value.encode().unwrap()),
        String::from_utf8_lossy(argument)
    );
    assert_eq!(T::decode(argument).unwrap(), value);
}

fn reads<T: DataType + PartialEq + Debug>(arguments: &[&str], value: T) {
    for argument in arguments {
        assert_eq!(T::decode(argument.as_bytes()).unwrap(), value, "{argument:?}");
    }
}

fn refuses<T: DataType + Debug>(arguments: &[&str]) {
    for argument in arguments {
        let read = T::decode(argument.as_bytes());
        assert!(read.is_err(), "{argument:?} became {read:?}");
    }
}

fn refusal<T: DataType + Debug>(argument: &str) -> String {
    T::decode(argument.as_bytes()).unwrap_err()
}

/// Returns the schema of a type, and the schemas of the types that it refers to.
fn described<T: DataType>() -> (Value, Value) {
    let mut writer = Writer::default();
    let (mut schema, mut components) = (String::new(), String::new());
    writer.schema(&mut schema, T::SCHEMA, "");
    writer.components(&mut components);
    (serde_json::from_str(&schema).unwrap(), serde_json::from_str(&components).unwrap())
}

#[test]
fn values_travel_as_in_the_contract_api() {
    round_trip("a \"quoted\" text".to_owned(), b"a \"quoted\" text");
    round_trip(-5i64, b"-5");
    round_trip(true, b"true");
    round_trip(1.5f64, b"1.5");
    round_trip(1.0f64, b"1");
    round_trip(vec![0u8, 255], &[0, 255]);
    round_trip(vec!["a".to_owned()], br#"["a"]"#);
    round_trip(vec![vec![1u8]], b"[[1]]");
    round_trip(Some(7u32), b"7");
    round_trip(None::<u32>, b"");
    round_trip(BTreeMap::from([("b".to_owned(), 2u8), ("a".to_owned(), 1)]), br#"{"a":1,"b":2}"#);
    assert_eq!(().encode().unwrap(), b"");
    assert_eq!(Option::<u32>::decode(b"null").unwrap(), None);
}

#[test]
fn nothing_is_the_zero_value_of_a_number_and_a_boolean() {
    reads(&[""], false);
    reads(&[""], 0i8);
    reads(&[""], 0u8);
    reads(&[""], 0i64);
    reads(&[""], 0u64);
    reads(&[""], 0u128);
    reads(&[""], 0f32);
    reads(&[""], 0f64);
    reads(&[""], String::new());
    reads(&[""], None::<i64>);
    refuses::<Vec<i64>>(&[""]);
    refuses::<Asset>(&[""]);
    refuses::<Kind>(&[""]);
}

#[test]
fn booleans_are_those_of_go() {
    reads(&["1", "t", "T", "true", "TRUE", "True"], true);
    reads(&["0", "f", "F", "false", "FALSE", "False"], false);
    refuses::<bool>(&["tRUE", "yes", "on", "2", "01", " true", "true ", "null", "\"true\""]);
}

#[test]
fn numbers_are_decimal_and_finite_and_in_range() {
    reads(&["5", "+5", "005"], 5i64);
    reads(&["-0"], 0i64);
    refuses::<i64>(&[
        "5.0",
        "1e3",
        "0x10",
        "1_000",
        " 5",
        "5 ",
        "٥",
        "9223372036854775808",
        "null",
    ]);
    refuses::<u64>(&["-1", "+1", "-0", "18446744073709551616"]);
    refuses::<i8>(&["128", "-129"]);
    refuses::<u8>(&["256", "-1"]);
    reads(&["1.5", "+1.5", "15e-1", "1.50"], 1.5f64);
    reads(&["1e-400"], 0f64);
    refuses::<f64>(&["1e400", "-1e400", "inf", "-inf", "Infinity", "nan", "NaN", "1,5", "."]);
    refuses::<f32>(&["1e39", "-1e39", "inf", "NaN"]);
    for endless in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
        assert!(endless.encode().is_err() && vec![endless].encode().is_err(), "{endless}");
        let inside = Asset { weight: endless as f32, ..asset() };
        assert!(inside.encode().unwrap_err().message().contains("not a finite number"));
    }
    refuses::<Vec<f64>>(&["[1e400]", "[NaN]"]);
    refuses::<Vec<f32>>(&["[1e39]", "[-1e39]"]);
    refuses::<BTreeMap<String, f32>>(&[r#"{"a":1e39}"#]);
    refuses::<Asset>(&[r#"{"ID":"a","parts":[],"weight":1e39}"#]);
}

#[test]
fn large_numbers_and_those_of_the_machine_travel_too() {
    round_trip(u128::MAX, b"340282366920938463463374607431768211455");
    round_trip(i128::MIN, b"-170141183460469231731687303715884105728");
    round_trip(vec![u128::MAX], b"[340282366920938463463374607431768211455]");
    round_trip(7usize, b"7");
    round_trip(-7isize, b"-7");
    // `usize` has 32 bits in a component, and so in native tests.
    refuses::<usize>(&["4294967296", "-1"]);
    refuses::<isize>(&["2147483648"]);
    refuses::<Vec<usize>>(&["[4294967296]"]);
    refuses::<Vec<isize>>(&["[-2147483649]"]);
}

#[test]
fn members_that_a_struct_does_not_have_are_refused_wherever_it_stands() {
    reads(&[r#"{"ID":"a","parts":[]}"#, r#"{"ID":"a","parts":[],"kind":null}"#], asset());
    let unknown = [
        (r#"{"ID":"a","parts":[],"extra":1}"#, "unknown member extra"),
        (r#"{"ID":"a","parts":[{"ID":"b","parts":[],"id":1}]}"#, "unknown member parts.0.id"),
    ];
    for (argument, words) in unknown {
        assert_eq!(refusal::<Asset>(argument), words);
        assert_eq!(refusal::<Option<Asset>>(argument), words);
        refuses::<Vec<Asset>>(&[&format!("[{argument}]")]);
        refuses::<BTreeMap<String, Asset>>(&[&format!("{{\"k\":{argument}}}")]);
        refuses::<(u8, Asset)>(&[&format!("[1,{argument}]")]);
    }
}

#[test]
fn what_serde_takes_in_place_of_a_struct_or_a_name_is_refused() {
    refuses::<Asset>(&[r#"["a",null,[],0]"#, "null", "[]", "\"a\""]);
    assert_eq!(refusal::<Asset>(r#"["a",null,[],0]"#), "expected an object");
    refuses::<Asset>(&[r#"{"ID":"a","parts":[],"kind":{"SCREW":null}}"#]);
    refuses::<Vec<Kind>>(&[r#"[{"SCREW":null}]"#]);
    reads(&[r#"["SCREW"]"#], vec![Kind::Screw]);
}

#[test]
fn a_member_that_is_none_is_absent_in_a_result() {
    round_trip(asset(), br#"{"ID":"a","parts":[],"weight":0.0}"#);
    let nested = Asset { parts: vec![asset()], kind: Some(Kind::Nut), ..asset() };
    let json =
        r#"{"ID":"a","kind":"big nut","parts":[{"ID":"a","parts":[],"weight":0.0}],"weight":0.0}"#;
    round_trip(nested.clone(), json.as_bytes());
    round_trip(vec![nested.clone()], format!("[{json}]").as_bytes());
    round_trip(BTreeMap::from([("k".to_owned(), nested)]), format!("{{\"k\":{json}}}").as_bytes());
    round_trip(Node { next: Some(Box::new(Node { next: None })) }, br#"{"next":{}}"#);
    let round = Shape::Circle { radius: 1, color: None };
    round_trip(round, br#"{"Circle":{"radius":1}}"#);
    round_trip(
        Step::Hold(Place { city: "B".into(), street: None }),
        br#"{"type":"hold","city":"B"}"#,
    );
    let shop =
        Shop { name: "n".into(), owner: None, place: Place { city: "B".into(), street: None } };
    round_trip(shop, br#"{"name":"n","city":"B"}"#);
    // In these places `null` stays, as their schema says.
    round_trip(BTreeMap::from([("k".to_owned(), None::<u8>)]), br#"{"k":null}"#);
    round_trip(vec![None, Some(1u32)], b"[null,1]");
    round_trip((None::<u8>, 1u8), b"[null,1]");
    round_trip(json!({ "a": null }), br#"{"a":null}"#);
    let (schema, _) = described::<Vec<Option<Kind>>>();
    assert_eq!(
        schema["items"],
        json!({ "type": ["string", "null"], "enum": ["SCREW", "big nut", null] })
    );
}

#[test]
fn an_enum_without_data_travels_as_the_name_of_its_variant() {
    round_trip(Kind::Screw, b"SCREW");
    round_trip(Some(Kind::Nut), b"big nut");
    round_trip(vec![Kind::Nut], br#"["big nut"]"#);
    refuses::<Kind>(&["Screw", "\"SCREW\"", "null", "0", " SCREW"]);
    assert!(refusal::<Kind>("NUT").contains("expected `SCREW` or `big nut`"));
}

#[test]
fn enums_with_data_travel_as_json() {
    round_trip(Shape::Point, br#""Point""#);
    round_trip(Shape::Line(1), br#"{"Line":1}"#);
    round_trip(Shape::Box(1, 2), br#"{"Box":[1,2]}"#);
    assert_eq!(
        refusal::<Shape>(r#"{"Circle":{"radius":1,"corners":4}}"#),
        "unknown member Circle.corners"
    );
    refuses::<Shape>(&["Point", r#"{"Point":null}"#, r#"{"Line":1,"Box":[1,2]}"#]);
    round_trip(Step::GoTo { asset_id: "a".into() }, br#"{"type":"goTo","assetId":"a"}"#);
    round_trip(Step::Stop, br#"{"type":"stop"}"#);
    assert_eq!(refusal::<Step>(r#"{"type":"goTo","assetId":"a","b":1}"#), "unknown member b");
    refuses::<Step>(&[r#"{"type":"hold","city":"B","x":1}"#, r#"{"type":"stop","x":1}"#]);
    round_trip(Adjacent::None, br#"{"t":"None"}"#);
    round_trip(Adjacent::Two(1, None), br#"{"t":"Two","c":[1,null]}"#);
    refuses::<Adjacent>(&[r#"{"t":"One","c":{"city":"B","x":1}}"#, r#"{"t":"None","x":1}"#]);
    round_trip(Either::Number(5), b"5");
    round_trip(Either::Place(Place { city: "B".into(), street: None }), br#"{"city":"B"}"#);
    refuses::<Either>(&[r#"{"city":"B","x":1}"#]);
}

#[test]
fn flattened_members_are_those_of_the_struct() {
    let refused = refusal::<Shop>(r#"{"name":"n","city":"B","extra":1}"#);
    assert_eq!(refused, "unknown member extra");
    refuses::<Shop>(&[r#"{"name":"n"}"#]);
}

#[test]
fn tuples_and_wrappers_travel_as_what_they_hold() {
    round_trip((1u8, "a".to_owned()), br#"[1,"a"]"#);
    round_trip(vec![("a".to_owned(), 1u64)], br#"[["a",1]]"#);
    refuses::<(u8, u8)>(&["[1]", "[1,2,3]", "1,2"]);
    round_trip(Id("a \"b\"".to_owned()), b"a \"b\"");
    round_trip(vec![Id("a".to_owned())], br#"["a"]"#);
}

#[test]
fn a_type_is_not_taken_for_another_one_of_the_same_name() {
    mod other {
        #[derive(crate::DataType, serde::Serialize, serde::Deserialize, Debug)]
        pub(super) struct Place {
            pub(super) planet: String,
        }
    }
    let argument = r#"[{"city":"B"},{"planet":"Mars"}]"#;
    let (here, there) = <(Place, other::Place)>::decode(argument.as_bytes()).unwrap();
    assert_eq!((here.city.as_str(), there.planet.as_str()), ("B", "Mars"));
    let (schema, components) = described::<(Place, other::Place, Place)>();
    assert_eq!(schema["items"][0], schema["items"][2]);
    assert_eq!(schema["items"][1], json!({ "$ref": "#/components/schemas/Place2" }));
    assert_eq!(components["Place2"]["$id"], "Place2");
}

#[test]
fn a_wrong_argument_is_named_by_its_type_and_cut_short() {
    assert_eq!(u32::decode(b"five").unwrap_err(), "\"five\" is not a u32");
    assert_eq!(u8::decode(b"256").unwrap_err(), "\"256\" is not a u8");
    assert_eq!(bool::decode(b"\xff").unwrap_err(), "\"\u{fffd}\" is not a bool");
    assert_eq!(i64::decode(&[b'9'; 1 << 20]).unwrap_err().len(), 37 + " is not a i64".len());
    assert_eq!(String::decode(b"\xff").unwrap_err(), "not UTF-8");
    assert!(Vec::<u32>::decode(b"[1,").is_err());
    let long = format!(r#"{{"ID":"a","parts":[],"{}":1}}"#, "é".repeat(1 << 20));
    assert!(refusal::<Asset>(&long).len() < 100);
}

#[test]
fn args_take_text_bytes_and_values() {
    let owned = "owned".to_owned();
    let by_reference = &owned;
    let args = args![owned, by_reference, b"raw", vec![1u8], 5u32, vec![1u32], Kind::Nut];
    let expected: [&[u8]; 7] = [b"owned", b"owned", b"raw", &[1], b"5", b"[1]", b"big nut"];
    assert_eq!(args, expected);
}

#[derive(crate::DataType, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Maybe(Option<u32>);

#[derive(crate::DataType, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct HasMaybe {
    m: Maybe,
}

#[test]
fn a_struct_around_an_option_is_there_and_may_be_null() {
    round_trip(HasMaybe { m: Maybe(None) }, br#"{"m":null}"#);
    round_trip(HasMaybe { m: Maybe(Some(1)) }, br#"{"m":1}"#);
    refuses::<HasMaybe>(&["{}"]);
    let (_, components) = described::<HasMaybe>();
    let schema = &components["HasMaybe"];
    assert_eq!(schema["required"], json!(["m"]));
    assert_eq!(schema["properties"]["m"]["type"], json!(["integer", "null"]));
}

#[derive(crate::DataType, Serialize, Deserialize, Clone, Debug, PartialEq)]
enum Known {
    Unit,
    Level(u8),
    Point {
        x: Option<bool>,
        y: f32,
    },
    #[serde(untagged)]
    Other(String),
}

#[test]
fn a_variant_without_a_tag_is_its_value() {
    round_trip(Known::Other("x".into()), b"\"x\"");
    round_trip(Known::Unit, b"\"Unit\"");
    round_trip(Known::Level(1), br#"{"Level":1}"#);
    let (_, components) = described::<Known>();
    assert_eq!(components["Known"]["oneOf"][3], json!({ "type": "string" }));
}

#[test]
fn the_alternative_that_fits_best_says_what_is_wrong() {
    assert_eq!(
        refusal::<Known>(r#"{"Point":{"y":1e39}}"#),
        "expected a number in range as Point.y"
    );
    assert_eq!(refusal::<Step>(r#"{"type":"hold","city":"B","zip":1}"#), "unknown member zip");
}

#[test]
fn fractions_are_read_exactly() {
    let mut bits = 1u64;
    for divisor in 1..20_000u32 {
        bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        for number in [f64::from(divisor) / 7.0, f64::from_bits(bits)] {
            if number.is_finite() {
                let json = serde_json::to_string(&[number]).unwrap();
                assert_eq!(Vec::<f64>::decode(json.as_bytes()).unwrap(), [number], "{json}");
            }
        }
    }
}

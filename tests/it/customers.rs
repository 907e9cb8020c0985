//! The real purchases, summed up here by other means than the mesh's: whole cents, and days as they stand in the file.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde_json::Value;

pub(crate) const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/cdnow_sample.txt");
pub(crate) const PURCHASES: i64 = 6919;
pub(crate) const CUSTOMERS: i64 = 2357;

/// What is known of one customer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Customer {
    pub(crate) count: i64,
    pub(crate) cents: i64,
    pub(crate) cds: i64,
    /// The day of the first purchase, as an RFC 3339 time.
    pub(crate) first: String,
    pub(crate) last: String,
    /// In the segment of those with three purchases or more.
    pub(crate) loyal: bool,
    /// What the workflow gives once, when a customer enters the segment.
    pub(crate) points: i64,
    /// How often the event that the workflow makes has changed the profile.
    pub(crate) told: i64,
}

/// All customers of the file.
pub(crate) fn from_file() -> anyhow::Result<BTreeMap<String, Customer>> {
    let mut customers: BTreeMap<String, Customer> = BTreeMap::new();
    for line in std::fs::read_to_string(FILE)?.lines() {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [_, id, date, cds, dollars] = columns[..] else { anyhow::bail!("not a purchase: {line}") };
        let day = format!("{}-{}-{}T00:00:00Z", &date[..4], &date[4..6], &date[6..]);
        let customer = customers.entry(id.to_owned()).or_default();
        customer.count += 1;
        customer.cents += cents(dollars)?;
        customer.cds += cds.parse::<i64>()?;
        if customer.first.is_empty() || day < customer.first {
            customer.first.clone_from(&day);
        }
        if day > customer.last {
            customer.last = day;
        }
    }
    for customer in customers.values_mut().filter(|customer| customer.count >= 3) {
        (customer.loyal, customer.points, customer.told) = (true, 100, 1);
    }
    Ok(customers)
}

impl Customer {
    /// From what people see of a profile.
    pub(crate) fn from_fields(fields: &Value) -> anyhow::Result<Customer> {
        let number = |path: &str| fields.pointer(path).map_or(Some(0), Value::as_i64);
        let text = |path: &str| fields.pointer(path).and_then(Value::as_str).map(str::to_owned);
        let customer = || {
            Some(Customer {
                count: number("/purchases/count")?,
                cents: cents(&fields.pointer("/purchases/total")?.to_string()).ok()?,
                cds: number("/purchases/cds")?,
                first: text("/purchases/first")?,
                last: text("/purchases/last")?,
                loyal: fields.pointer("/segments/loyal").map_or(Some(false), Value::as_bool)?,
                points: number("/loyalty/points")?,
                told: number("/loyalty/told")?,
            })
        };
        customer().with_context(|| format!("not a customer: {fields}"))
    }
}

/// An amount of dollars that is a whole number of cents.
fn cents(dollars: &str) -> anyhow::Result<i64> {
    let (whole, part) = dollars.split_once('.').unwrap_or((dollars, ""));
    anyhow::ensure!(part.len() <= 2, "{dollars} is not a number of cents");
    Ok(whole.parse::<i64>()? * 100 + format!("{part:0<2}").parse::<i64>()?)
}

/// Where two sets of customers differ: the first few, in words.
pub(crate) fn differences(
    found: &BTreeMap<String, Customer>,
    expected: &BTreeMap<String, Customer>,
) -> Vec<String> {
    let ids: std::collections::BTreeSet<&String> = found.keys().chain(expected.keys()).collect();
    let differing = ids.into_iter().filter(|id| found.get(*id) != expected.get(*id));
    differing.map(|id| format!("{id}: {:?}, not {:?}", found.get(id), expected.get(id))).take(5).collect()
}

#[test]
fn the_file_is_the_one_that_is_known() -> anyhow::Result<()> {
    let customers = from_file()?;
    assert_eq!(customers.len(), 2357);
    let sum = |of: fn(&Customer) -> i64| customers.values().map(of).sum::<i64>();
    assert_eq!(
        (sum(|customer| customer.count), sum(|customer| customer.cents), sum(|customer| customer.cds)),
        (PURCHASES, 24_409_194, 16_479)
    );
    Ok(())
}

use proptest::prelude::*;

use super::*;

const MINUTE: i64 = 60 * SECOND;

fn hours(zone: &str, days: &str, from: &str, to: &str) -> Hours {
    let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let days = names.map(|name| days == "all" || days.contains(name));
    Hours { zone: zone.parse().unwrap(), days, from: clock_time(from).unwrap(), to: clock_time(to).unwrap() }
}

fn next(hours: &Hours, from: &str) -> String {
    hours.next(from.parse().unwrap()).unwrap().to_string()
}

#[test]
fn a_clock_time_has_two_digits_for_hours_and_minutes() {
    assert_eq!(clock_time("00:00"), Some(0));
    assert_eq!(clock_time("24:00"), Some(DAY));
    for wrong in ["", "9:00", "09:60", "24:01", "09.00", "ab:cd", "09:00:00", "+9:00"] {
        assert_eq!(clock_time(wrong), None, "{wrong}");
    }
}

#[test]
fn it_opens_at_from_and_is_shut_at_to() {
    let office = hours("Europe/Berlin", "mon tue wed thu fri", "09:00", "17:00");
    // A Wednesday in May: Berlin is two hours ahead.
    for (moment, open) in [
        ("2024-05-01T06:59:59.999999Z", false),
        ("2024-05-01T07:00:00Z", true),
        ("2024-05-01T14:59:59.999999Z", true),
        ("2024-05-01T15:00:00Z", false),
        ("2024-05-04T10:00:00Z", false),
    ] {
        assert_eq!(office.contains(moment.parse().unwrap()), open, "{moment}");
    }
    assert_eq!(next(&office, "2024-05-01T07:30:00Z"), "2024-05-01T07:30:00Z");
    assert_eq!(next(&office, "2024-05-01T15:00:00Z"), "2024-05-02T07:00:00Z");
    assert_eq!(next(&office, "2024-05-03T15:00:00Z"), "2024-05-06T07:00:00Z");
}

#[test]
fn a_window_over_midnight_belongs_to_the_day_on_which_it_opens() {
    let night = hours("UTC", "sat", "22:00", "06:00");
    for (moment, open) in [
        ("2024-05-04T05:00:00Z", false),
        ("2024-05-04T22:00:00Z", true),
        ("2024-05-05T05:59:00Z", true),
        ("2024-05-05T06:00:00Z", false),
        ("2024-05-05T22:00:00Z", false),
    ] {
        assert_eq!(night.contains(moment.parse().unwrap()), open, "{moment}");
    }
    assert_eq!(next(&night, "2024-05-05T06:00:00Z"), "2024-05-11T22:00:00Z");
}

#[test]
fn hours_that_the_clock_leaves_out_are_not_waited_for_in_vain() {
    // In New York, 2024-03-10 goes from 02:00 to 03:00.
    let lost = hours("America/New_York", "sun", "02:15", "02:45");
    assert_eq!(next(&lost, "2024-03-10T00:00:00Z"), "2024-03-17T06:15:00Z");
    let over = hours("America/New_York", "all", "02:15", "03:30");
    assert_eq!(next(&over, "2024-03-10T06:00:00Z"), "2024-03-10T07:00:00Z");
}

#[test]
fn hours_that_the_clock_shows_twice_are_open_twice() {
    // In Berlin, 2024-10-27 goes from 03:00 back to 02:00.
    let twice = hours("Europe/Berlin", "all", "02:15", "02:45");
    assert_eq!(next(&twice, "2024-10-27T00:00:00Z"), "2024-10-27T00:15:00Z");
    assert_eq!(next(&twice, "2024-10-27T00:45:00Z"), "2024-10-27T01:15:00Z");
    let again = hours("Europe/Berlin", "all", "01:30", "02:30");
    assert_eq!(next(&again, "2024-10-27T00:30:00Z"), "2024-10-27T01:00:00Z");
}

#[test]
fn time_may_end_before_it_opens() {
    let hours = hours("UTC", "mon", "09:00", "10:00");
    assert_eq!(hours.next(Time::MAX), None);
    assert!(hours.next(Time::MIN).is_some());
}

fn any_hours() -> impl Strategy<Value = Hours> {
    let zones = [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "Africa/Casablanca",
    ];
    // Clocks are put forward and back in the first hours of a day.
    let minutes = prop_oneof![0..1440_i64, (4..=16_i64).prop_map(|quarter| quarter * 15)];
    let days =
        proptest::array::uniform7(any::<bool>()).prop_filter("one at least", |days| days.contains(&true));
    (proptest::sample::select(zones.to_vec()), days, minutes.clone(), minutes)
        .prop_filter("it is open at some time", |(_, _, from, to)| from != to && (from, to) != (&0, &0))
        .prop_map(|(zone, days, from, to)| Hours {
            zone: zone.parse().expect("a zone"),
            days,
            from: from * MINUTE,
            to: to * MINUTE,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_opening_is_open_and_no_open_minute_before_it_is_skipped(
        hours in any_hours(),
        // Around the days of 2024 to 2026 on which clocks are put forward or back, and everywhere between.
        day in prop_oneof![0..1000_i64, Just(68), Just(90), Just(97), Just(98), Just(279), Just(300), Just(307)],
        micros in prop_oneof![0..DAY, 0..DAY / 6],
    ) {
        let year: Time = "2024-01-01T00:00:00Z".parse().expect("a time");
        let now = Time::from_micros(year.as_micros() + day * DAY + micros);
        let opening = hours.next(now).expect("it opens");
        prop_assert!(opening >= now && hours.contains(opening));
        if opening > now {
            let before = Time::from_micros(opening.as_micros() - 1);
            prop_assert!(!hours.contains(before));
        }
        let mut minute = now.as_micros();
        while minute < opening.as_micros() {
            prop_assert!(!hours.contains(Time::from_micros(minute)), "{}", Time::from_micros(minute));
            minute += MINUTE;
        }
    }
}

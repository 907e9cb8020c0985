//! `split`: profiles in groups of given shares.

use std::borrow::Cow;
use std::collections::BTreeMap;

use tributary_engine::{Node, Step, Turn};

use super::switch::port;
use super::{NodeKind, Reading, Survey};
use crate::at::At;

/// The most groups of one split.
const MAX_GROUPS: usize = 32;
/// How far from 100 the shares' sum may be: thirds cannot be written down.
const ROUNDING: f64 = 0.05;

/// Leaves by the port of the profile's group: always the same for one profile.
#[derive(Debug)]
pub(super) struct Split(Vec<Group>);

#[derive(Debug)]
struct Group {
    port: String,
    /// In percent.
    share: f64,
}

impl NodeKind for Split {
    const NAME: &'static str = "split";
    type Spec = BTreeMap<At<String>, At<f64>>;

    fn read(spec: At<Self::Spec>, reading: &mut Reading<'_>) -> Option<Split> {
        let place = spec.place;
        let mut written: Vec<_> = spec.value.into_iter().collect();
        // As they are written: the first is the default, and the order decides who changes groups when shares change.
        written.sort_by_key(|(port, _)| (port.place.line, port.place.column));
        if !(2..=MAX_GROUPS).contains(&written.len()) {
            reading.tell(place, format!("split: {} ports; there must be 2 to {MAX_GROUPS}", written.len()));
            return None;
        }
        let mut groups: Vec<Group> = Vec::with_capacity(written.len());
        let mut complete = true;
        for (name, share) in written {
            if !(0.0..=100.0).contains(&share.value) {
                reading.tell(share.place, format!("{}: a share is 0 to 100 percent", name.value));
                complete = false;
            }
            match port(name, groups.iter().map(|group| group.port.as_str()), &[], reading) {
                Some(port) => groups.push(Group { port, share: share.value }),
                None => complete = false,
            }
        }
        let sum: f64 = groups.iter().map(|group| group.share).sum();
        if complete && (sum - 100.0).abs() > ROUNDING {
            reading.tell(place, format!("split: the shares are {sum} percent together; they must be 100"));
            return None;
        }
        complete.then_some(Split(groups))
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        self.0.iter().map(|group| Cow::Owned(group.port.clone())).collect()
    }

    fn survey<'n>(&'n self, _: &mut Survey<'n>) {}
}

impl Node for Split {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        let port = self.port_at(turn.share());
        Step::Leave(port.to_string().into())
    }
}

impl Split {
    /// The group that a profile at `share` of 1 belongs to.
    fn port_at(&self, share: f64) -> &str {
        let sum: f64 = self.0.iter().map(|group| group.share).sum();
        let mut left = share * sum;
        for group in &self.0 {
            if left < group.share {
                return &group.port;
            }
            left -= group.share;
        }
        // Rounding: of the last group that anyone belongs to.
        let last = self.0.iter().rev().find(|group| group.share > 0.0);
        last.map_or("", |group| &group.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(shares: &[(&str, f64)]) -> Split {
        Split(shares.iter().map(|(port, share)| Group { port: port.to_string(), share: *share }).collect())
    }

    #[test]
    fn each_share_of_profiles_is_of_its_group() {
        let split = split(&[("a", 30.0), ("none", 0.0), ("b", 70.0)]);
        for (share, port) in [(0.0, "a"), (0.2999, "a"), (0.3001, "b"), (0.999_999, "b")] {
            assert_eq!(split.port_at(share), port, "{share}");
        }
    }

    #[test]
    fn thirds_that_do_not_quite_add_up_leave_nobody_out() {
        let split = split(&[("a", 33.33), ("b", 33.33), ("c", 33.33), ("none", 0.0)]);
        assert_eq!(split.port_at(1.0 - f64::EPSILON), "c");
    }

    #[test]
    fn a_profile_stays_in_its_group() {
        use super::super::trial::*;
        let nodes = "- name: half\n  split: {a: 50, b: 50}\n";
        let (mut one, mut other) = (Trial::of(nodes), Trial::of(nodes));
        let port = |trial: &mut Trial| port(&trial.event(), "half").to_string();
        let first = port(&mut one);
        assert_eq!([port(&mut one), port(&mut other)], [first.clone(), first]);
    }

    #[test]
    fn the_shares_are_a_hundred_percent_of_two_groups_at_least() {
        use super::super::trial::said_of;
        let said = |split: &str| said_of(&format!("- {{name: a, split: {split}}}"));
        assert_eq!(said("{a: 30, b: 60}"), "split: the shares are 90 percent together; they must be 100");
        assert_eq!(said("{a: 100}"), "split: 1 ports; there must be 2 to 32");
        assert_eq!(
            said("{a: 120, b: -20}"),
            "a: a share is 0 to 100 percent\nb: a share is 0 to 100 percent"
        );
    }
}

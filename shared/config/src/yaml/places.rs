//! Which part of a document stands where: the parser says places only, people think in names.

use serde_saphyr::granit_parser::{Event, Parser, Span};

use crate::error::Place;

/// A node of a document.
pub(crate) struct Node {
    /// The names and positions that lead to it from the top.
    pub(crate) path: Vec<String>,
    /// Where its name stands; in a list, where it stands itself.
    pub(crate) name_place: Place,
    /// Where it stands itself.
    pub(crate) place: Place,
    /// What is written there, when that is neither an object nor a list.
    pub(crate) text: Option<String>,
}

/// All nodes of `document` in order, as far as it can be parsed.
pub(crate) fn nodes(document: &str) -> Vec<Node> {
    let mut walk = Walk { open: Vec::new(), nodes: Vec::new() };
    for event in Parser::new_from_str(document) {
        let Ok((event, span)) = event else { break };
        walk.take(&event, place(&span));
    }
    walk.nodes
}

/// An object or a list that is not closed yet.
enum Open {
    /// With the name whose value comes next, if one does.
    Object(Option<(String, Place)>),
    /// With how many elements there were.
    List(usize),
}

struct Walk {
    open: Vec<Open>,
    nodes: Vec<Node>,
}

impl Walk {
    fn take(&mut self, event: &Event<'_>, place: Place) {
        match event {
            Event::Scalar(text, ..) => match self.open.last_mut() {
                Some(Open::Object(name @ None)) => *name = Some((text.to_string(), place)),
                _ => self.node(place, Some(text.to_string())),
            },
            Event::Alias(_) => match self.open.last_mut() {
                Some(Open::Object(name @ None)) => *name = Some((String::new(), place)),
                _ => self.node(place, None),
            },
            Event::MappingStart(..) => self.begin(place, Open::Object(None)),
            Event::SequenceStart(..) => self.begin(place, Open::List(0)),
            Event::MappingEnd | Event::SequenceEnd => {
                self.open.pop();
                self.go_on();
            }
            _ => {}
        }
    }

    fn begin(&mut self, place: Place, open: Open) {
        self.add(place, None);
        self.open.push(open);
    }

    fn node(&mut self, place: Place, text: Option<String>) {
        self.add(place, text);
        self.go_on();
    }

    fn add(&mut self, place: Place, text: Option<String>) {
        let path = self.open.iter().map(|open| match open {
            Open::Object(name) => name.as_ref().map_or_else(String::new, |(name, _)| name.clone()),
            Open::List(index) => index.to_string(),
        });
        let name_place = match self.open.last() {
            Some(Open::Object(Some((_, place)))) => *place,
            _ => place,
        };
        self.nodes.push(Node { path: path.collect(), name_place, place, text });
    }

    /// The node is complete: in what it is part of, the next one follows.
    fn go_on(&mut self) {
        match self.open.last_mut() {
            // An object as a name is nothing that a document has; its value has no name then.
            Some(Open::Object(name @ None)) => *name = Some((String::new(), Place::default())),
            Some(Open::Object(name)) => *name = None,
            Some(Open::List(index)) => *index += 1,
            None => {}
        }
    }
}

fn place(span: &Span) -> Place {
    Place { line: span.start.line() as u64, column: span.start.col() as u64 + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_has_its_path_and_place() {
        let document = "spec:\n  keys: [{env: A}, b]\n  after: {x: [], y: 1}\n";
        let told: Vec<String> = nodes(document)
            .iter()
            .map(|node| {
                let (name, own) = (node.name_place, node.place);
                format!("{} {}:{} {}:{}", node.path.join("."), name.line, name.column, own.line, own.column)
            })
            .collect();
        assert_eq!(
            told,
            [
                " 1:1 1:1",
                "spec 1:1 2:3",
                "spec.keys 2:3 2:9",
                "spec.keys.0 2:10 2:10",
                "spec.keys.0.env 2:11 2:16",
                "spec.keys.1 2:20 2:20",
                "spec.after 3:3 3:10",
                "spec.after.x 3:11 3:14",
                "spec.after.y 3:18 3:21",
            ]
        );
    }

    #[test]
    fn what_comes_before_the_error_is_known() {
        let known: Vec<Node> = nodes("spec:\n  a: 1\n  b: [");
        let a = known.iter().find(|node| node.path == ["spec", "a"]).unwrap();
        assert_eq!((a.name_place, a.text.as_deref()), (Place { line: 2, column: 3 }, Some("1")));
    }
}

//! The tree of a YAML file as JSON text that people can read, and where each of its parts came from.

use super::{Converted, Place, quoted};

/// A map or list that fits into so many characters stands in one line.
const LINE_CHARS_MAX: usize = 100;

/// A value with its place in the YAML.
#[derive(Debug)]
pub(super) struct Node {
    place: Place,
    shape: Shape,
    /// How many characters it takes in one line.
    flat: usize,
}

#[derive(Debug)]
pub(super) enum Shape {
    /// As JSON text.
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<Member>),
}

#[derive(Debug)]
pub(super) struct Member {
    /// As a JSON string.
    key: String,
    key_place: Place,
    value: Node,
}

impl Node {
    pub(super) fn new(shape: Shape, place: Place) -> Self {
        let flat = match &shape {
            Shape::Scalar(text) => text.chars().count(),
            Shape::List(items) => items.iter().map(|item| item.flat + 2).sum::<usize>().max(2),
            Shape::Map(members) => {
                let each = |member: &Member| member.key.chars().count() + member.value.flat + 4;
                members.iter().map(each).sum::<usize>() + 2
            }
        };
        Self { place, shape, flat }
    }
}

impl Member {
    pub(super) fn new(key: &str, key_place: Place, value: Node) -> Self {
        Self {
            key: quoted(key),
            key_place,
            value,
        }
    }
}

/// Where the keys and values of the JSON stand in the YAML.
#[derive(Debug, Default)]
pub(in super::super) struct Places(Vec<((u32, u32), Place)>);

impl Places {
    /// The place of the key or value that stands at a line and column of the JSON, or of the last
    /// one before it.
    pub(in super::super) fn of(&self, line: u32, column: u32) -> Place {
        let after = self.0.partition_point(|(at, _)| *at <= (line, column));
        let found = self.0.get(after.saturating_sub(1));
        found.map_or(Place { line: 1, column: 1 }, |(_, place)| *place)
    }
}

pub(super) fn print(root: &Node) -> Converted {
    let mut printer = Printer::default();
    printer.node(root, 0);
    printer.out.push('\n');
    let positions = json::positions(&printer.out, &printer.offsets);
    let positions = positions.iter().map(|at| (at.line, at.column));
    Converted {
        places: Places(positions.zip(printer.places).collect()),
        json: printer.out,
    }
}

#[derive(Default)]
struct Printer {
    out: String,
    /// Where each key and value begins in `out`, and where it stands in the YAML.
    offsets: Vec<usize>,
    places: Vec<Place>,
}

impl Printer {
    fn node(&mut self, node: &Node, indent: usize) {
        self.mark(node.place);
        match &node.shape {
            Shape::Scalar(text) => self.out += text,
            Shape::List(items) if items.is_empty() => self.out += "[]",
            Shape::Map(members) if members.is_empty() => self.out += "{}",
            Shape::List(items) => {
                let broken = self.opens('[', node, indent);
                for (at, item) in items.iter().enumerate() {
                    self.part(at, broken, indent);
                    self.node(item, indent + 2);
                }
                self.closes(']', broken, indent);
            }
            Shape::Map(members) => {
                let broken = self.opens('{', node, indent);
                if !broken {
                    self.out.push(' ');
                }
                for (at, member) in members.iter().enumerate() {
                    self.part(at, broken, indent);
                    self.mark(member.key_place);
                    self.out += &member.key;
                    self.out += ": ";
                    self.node(&member.value, indent + 2);
                }
                if !broken {
                    self.out.push(' ');
                }
                self.closes('}', broken, indent);
            }
        }
    }

    /// Returns whether what is inside gets lines of its own.
    fn opens(&mut self, bracket: char, node: &Node, indent: usize) -> bool {
        self.out.push(bracket);
        let line_start = self.out.rfind('\n').map_or(0, |at| at + 1);
        let used = self.out[line_start..].chars().count().max(indent);
        used + node.flat > LINE_CHARS_MAX
    }

    fn part(&mut self, at: usize, broken: bool, indent: usize) {
        if at > 0 {
            self.out.push(',');
        }
        if broken {
            self.line(indent + 2);
        } else if at > 0 {
            self.out.push(' ');
        }
    }

    fn closes(&mut self, bracket: char, broken: bool, indent: usize) {
        if broken {
            self.line(indent);
        }
        self.out.push(bracket);
    }

    fn line(&mut self, indent: usize) {
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n(' ', indent));
    }

    fn mark(&mut self, place: Place) {
        self.offsets.push(self.out.len());
        self.places.push(place);
    }
}

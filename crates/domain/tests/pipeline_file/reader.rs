//! A second reader that the engine does not use judges what a file says.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle};

/// A value without its place. Mappings keep their order.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Scalar(String, bool),
    List(Vec<Value>),
    Map(Vec<(Value, Value)>),
}

impl Value {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => {
                let is_key = |name: &Self| matches!(name, Self::Scalar(text, _) if text == key);
                entries
                    .iter()
                    .rev()
                    .find(|(name, _)| is_key(name))
                    .map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// The value at a path of keys and places.
    pub fn at(&self, path: &[String]) -> Option<&Self> {
        let Some((first, rest)) = path.split_first() else {
            return Some(self);
        };
        match self {
            Self::Map(_) => self.get(first)?.at(rest),
            Self::List(items) => items.get(first.parse::<usize>().ok()?)?.at(rest),
            Self::Scalar(..) => None,
        }
    }

    /// The same value at a path, taken out.
    pub fn without(&self, path: &[String]) -> Self {
        let Some((first, rest)) = path.split_first() else {
            return Self::Scalar("taken out".into(), true);
        };
        match self {
            Self::Map(entries) => {
                let entry = |(name, value): &(Self, Self)| {
                    let here = matches!(name, Self::Scalar(text, _) if text == first);
                    (
                        name.clone(),
                        if here { value.without(rest) } else { value.clone() },
                    )
                };
                Self::Map(entries.iter().map(entry).collect())
            }
            Self::List(items) => {
                let place: usize = first.parse().unwrap_or(usize::MAX);
                let item = |(index, value): (usize, &Self)| {
                    if index == place {
                        value.without(rest)
                    } else {
                        value.clone()
                    }
                };
                Self::List(items.iter().enumerate().map(item).collect())
            }
            Self::Scalar(..) => self.clone(),
        }
    }
}

/// Every document of a file; none where this reader refuses it, which is stricter than GitLab's.
pub fn documents(text: &str) -> Option<Vec<Value>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let events: Option<Vec<Event<'_>>> = Parser::new_from_str(text)
        .map(|event| event.ok().map(|one| one.0))
        .collect();
    let mut events = events?.into_iter();
    let mut documents = Vec::new();
    let mut anchors = HashMap::new();
    while let Some(event) = events.next() {
        if let Event::DocumentStart(_) = event {
            let first = events.next()?;
            documents.push(value(first, &mut events, &mut anchors)?);
        }
    }
    Some(documents)
}

fn value<'a>(
    event: Event<'a>,
    events: &mut impl Iterator<Item = Event<'a>>,
    anchors: &mut HashMap<usize, Value>,
) -> Option<Value> {
    let (anchor, value) = match event {
        Event::Scalar(text, style, anchor, _) => (
            anchor,
            Value::Scalar(text.into_owned(), style != ScalarStyle::Plain),
        ),
        Event::Alias(anchor) => return anchors.get(&anchor).cloned(),
        Event::SequenceStart(anchor, _) => {
            let mut items = Vec::new();
            loop {
                match events.next()? {
                    Event::SequenceEnd => break (anchor, Value::List(items)),
                    event => items.push(value(event, events, anchors)?),
                }
            }
        }
        Event::MappingStart(anchor, _) => {
            let mut entries = Vec::new();
            loop {
                match events.next()? {
                    Event::MappingEnd => break (anchor, Value::Map(entries)),
                    event => {
                        let key = value(event, events, anchors)?;
                        let event = events.next()?;
                        entries.push((key, value(event, events, anchors)?));
                    }
                }
            }
        }
        _ => return None,
    };
    anchors.insert(anchor, value.clone());
    Some(value)
}

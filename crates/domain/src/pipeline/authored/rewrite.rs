//! A document with another content: only the parts that differ are written anew, all others keep their bytes.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value as Json;

use super::super::param::Param;
use super::super::template::{GraphJob, Template};
use super::document::read;
use super::place::{Places, Step};
use crate::text::Text;

/// Why a document cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RewriteError {
    /// It cannot be read as it is.
    #[error("the document cannot be read as it is")]
    Unreadable,
    /// What was written does not say what was meant.
    #[error("the document would not say what was meant")]
    NotWhatWasMeant,
}

impl RewriteError {
    /// The sentence for people.
    pub fn text(&self) -> Text {
        match self {
            Self::Unreadable => Text::new(
                "The document cannot be read as it is. Correct its text first.",
                "当前文档无法读取，请先修正文本。",
            ),
            Self::NotWhatWasMeant => Text::new(
                "This change cannot be made without touching other parts. Make it in the text.",
                "此改动会影响文档的其他部分，请在文本中修改。",
            ),
        }
    }
}

/// Writes a document of this key so that it says `after`. What is the same in both, also where it could not be read,
/// stays byte for byte; a part that is written anew is indented like what it stands in.
///
/// # Errors
/// [`RewriteError`]: the text stays as it was.
pub fn rewrite(text: &str, key: &str, after: &Template) -> Result<String, RewriteError> {
    let before = read(text, key, &after.semver)
        .template
        .ok_or(RewriteError::Unreadable)?;
    let mut out = text.to_owned();
    if Places::of(&out).span(&[]).is_none() {
        // JSON that only its own reader takes (indented by tabs) is brought into a shape in which parts have places.
        let root: Json = serde_json::from_str(&out).map_err(|_| RewriteError::Unreadable)?;
        out = format!("{root:#}\n");
    }
    let meant = || RewriteError::NotWhatWasMeant;
    if before.names != after.names {
        out = put(&out, &[], "names", &after.names).ok_or_else(meant)?;
    }
    if before.summary != after.summary {
        out = put(&out, &[], "summary", &after.summary).ok_or_else(meant)?;
    }
    let graph = [Step::Key("graph")];
    if before.graph.stages != after.graph.stages {
        out = put(&out, &graph, "stages", &after.graph.stages).ok_or_else(meant)?;
    }
    out = list(&out, &[], "params", &before.params, &after.params).ok_or_else(meant)?;
    out = list(&out, &graph, "jobs", &before.graph.jobs, &after.graph.jobs).ok_or_else(meant)?;
    if before.locked_fields != after.locked_fields {
        out = put(&out, &[], "locked_fields", &after.locked_fields).ok_or_else(meant)?;
    }
    let said = read(&out, key, &after.semver).template;
    let same = said.as_ref().is_some_and(|said| {
        let bare = |template: &Template| Template {
            changelog: Vec::new(),
            ..template.clone()
        };
        bare(said) == bare(after)
    });
    if same { Ok(out) } else { Err(meant()) }
}

/// The first and the last line of every job of a document, from 1, by its id.
pub fn lines_of_jobs(text: &str) -> BTreeMap<String, (usize, usize)> {
    let graph = [Step::Key("graph")];
    let places = Places::of(text);
    let lines = |index: usize| {
        let path = [graph[0], Step::Key("jobs"), Step::Item(index)];
        let (start, end) = places.span(&path)?;
        let (first, _) = places.value(&path);
        Some((first, first + text.get(start..end)?.matches('\n').count()))
    };
    let ids = ids(text, &graph, "jobs").unwrap_or_default().into_iter();
    ids.enumerate()
        .filter_map(|(index, id)| Some((id?, lines(index)?)))
        .collect()
}

/// An item of a list that has a name in it.
trait Named: Serialize + PartialEq {
    fn id(&self) -> &str;
}

impl Named for GraphJob {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Named for Param {
    fn id(&self) -> &str {
        &self.id
    }
}

/// What an item of the text is called: written out, or the name of a shared one.
fn id_of(item: &Json) -> Option<&str> {
    match item {
        Json::String(shared) => Some(shared),
        Json::Object(object) => object.get("shared").or_else(|| object.get("id"))?.as_str(),
        _ => None,
    }
}

/// The ids of the items that stand in the text, in their order.
fn ids(text: &str, holder: &[Step<'_>], key: &str) -> Option<Vec<Option<String>>> {
    let root: Json = serde_json::from_str(text).ok()?;
    let mut at = &root;
    for step in holder {
        at = match step {
            Step::Key(key) => at.get(key)?,
            Step::Item(index) => at.get(index)?,
        };
    }
    let items = at.get(key).and_then(Json::as_array);
    let id = |item: &Json| id_of(item).map(str::to_owned);
    Some(
        items
            .map(|items| items.iter().map(id).collect())
            .unwrap_or_default(),
    )
}

/// Brings the list `key` of a part to what `after` says.
fn list<T: Named>(text: &str, holder: &[Step<'_>], key: &str, before: &[T], after: &[T]) -> Option<String> {
    if before == after {
        return Some(text.to_owned());
    }
    let mut path = holder.to_vec();
    path.push(Step::Key(key));
    let known: BTreeMap<&str, &T> = before.iter().map(|one| (one.id(), one)).collect();
    let wanted: BTreeMap<&str, &T> = after.iter().map(|one| (one.id(), one)).collect();
    if known.len() != before.len() || wanted.len() != after.len() {
        // Two of one name cannot be told from each other.
        return put(text, holder, key, &after);
    }
    let mut out = text.to_owned();
    let place = |out: &str, id: &str| {
        let ids = ids(out, holder, key)?;
        ids.iter().position(|one| one.as_deref() == Some(id))
    };
    let item = |index: usize| {
        let mut item = path.clone();
        item.push(Step::Item(index));
        item
    };
    // One that only has another name stays where it is.
    if before.len() == after.len() {
        for (old, new) in before.iter().zip(after) {
            if !wanted.contains_key(old.id()) && !known.contains_key(new.id()) {
                out = replace(&out, &item(place(&out, old.id())?), new)?;
            }
        }
    }
    for old in before {
        let Some(index) = place(&out, old.id()) else {
            continue;
        };
        match wanted.get(old.id()) {
            None => out = remove(&out, &path, index)?,
            Some(new) if *new != old => out = replace(&out, &item(index), new)?,
            Some(_) => {}
        }
    }
    for (index, new) in after.iter().enumerate() {
        if place(&out, new.id()).is_some() {
            continue;
        }
        let at = match index.checked_sub(1) {
            Some(before) => place(&out, after[before].id())? + 1,
            None => 0,
        };
        out = if ids(&out, holder, key)?.is_empty() {
            put(&out, holder, key, &[new])?
        } else {
            insert(&out, &path, at, new)?
        };
    }
    let order: Vec<String> = ids(&out, holder, key)?.into_iter().flatten().collect();
    let order: Vec<&str> = order
        .iter()
        .map(String::as_str)
        .filter(|id| wanted.contains_key(id))
        .collect();
    if order.iter().eq(wanted_order(after).iter()) {
        return Some(out);
    }
    reorder(&out, &path, &ids(&out, holder, key)?, &wanted_order(after))
}

fn wanted_order<T: Named>(after: &[T]) -> Vec<&str> {
    after.iter().map(Named::id).collect()
}

/// Puts items into another order; each keeps its text. What could not be read goes to the end.
fn reorder(text: &str, path: &[Step<'_>], ids: &[Option<String>], wanted: &[&str]) -> Option<String> {
    let places = Places::of(text);
    let spans: Vec<(usize, usize)> = (0..ids.len())
        .map(|index| {
            let mut item = path.to_vec();
            item.push(Step::Item(index));
            places.span(&item)
        })
        .collect::<Option<_>>()?;
    let rank = |index: &usize| {
        let id = ids[*index].as_deref();
        wanted
            .iter()
            .position(|one| Some(*one) == id)
            .unwrap_or(usize::MAX)
    };
    let mut order: Vec<usize> = (0..ids.len()).collect();
    order.sort_by_key(rank);
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for ((start, end), put) in spans.iter().zip(order) {
        out.push_str(&text[from..*start]);
        let (start, put_end) = spans[put];
        out.push_str(&text[start..put_end]);
        from = *end;
    }
    out.push_str(&text[from..]);
    Some(out)
}

/// The blanks at the beginning of a place's line.
fn indent(text: &str, at: usize) -> &str {
    let start = text[..at].rfind('\n').map_or(0, |at| at + 1);
    let line = &text[start..];
    &line[..line.len() - line.trim_start_matches(' ').len()]
}

/// A value as text, its lines behind the first indented.
fn printed(value: &(impl Serialize + ?Sized), indent: &str) -> Option<String> {
    let text = serde_json::to_string_pretty(value).ok()?;
    Some(text.replace('\n', &format!("\n{indent}")))
}

fn replace(text: &str, path: &[Step<'_>], value: &(impl Serialize + ?Sized)) -> Option<String> {
    let (start, end) = Places::of(text).span(path)?;
    let new = printed(value, indent(text, start))?;
    Some(format!("{}{new}{}", &text[..start], &text[end..]))
}

/// Sets a key of an object, behind the others where it is not there.
fn put(text: &str, holder: &[Step<'_>], key: &str, value: &(impl Serialize + ?Sized)) -> Option<String> {
    let mut path = holder.to_vec();
    path.push(Step::Key(key));
    let places = Places::of(text);
    if places.span(&path).is_some() {
        return replace(text, &path, value);
    }
    let last = places.last_in(holder);
    let (_, end) = places.span(holder)?;
    let (at, comma) = match last {
        Some(last) => (last, ","),
        None => (text[..end].rfind('}')?, ""),
    };
    let indent = match last {
        Some(last) => indent(text, last).to_owned(),
        None => format!("{}  ", indent(text, end)),
    };
    let new = printed(value, &indent)?;
    let key = serde_json::to_string(key).ok()?;
    Some(format!(
        "{}{comma}\n{indent}{key}: {new}{}",
        &text[..at],
        &text[at..]
    ))
}

fn insert(text: &str, path: &[Step<'_>], index: usize, value: &impl Serialize) -> Option<String> {
    let places = Places::of(text);
    let item = |index: usize| {
        let mut item = path.to_vec();
        item.push(Step::Item(index));
        places.span(&item)
    };
    let (start, end) = item(index.saturating_sub(1))?;
    let indent = indent(text, start);
    let new = printed(value, indent)?;
    Some(if index == 0 {
        format!("{}{new},\n{indent}{}", &text[..start], &text[start..])
    } else {
        format!("{},\n{indent}{new}{}", &text[..end], &text[end..])
    })
}

fn remove(text: &str, path: &[Step<'_>], index: usize) -> Option<String> {
    let places = Places::of(text);
    let item = |index: usize| {
        let mut item = path.to_vec();
        item.push(Step::Item(index));
        places.span(&item)
    };
    let (start, end) = item(index)?;
    let (from, to) = match (index.checked_sub(1).and_then(item), item(index + 1)) {
        (Some((_, before)), _) => (before, end),
        (None, Some((next, _))) => (start, next),
        (None, None) => {
            let (start, end) = places.span(path)?;
            return Some(format!("{}[]{}", &text[..start], &text[end..]));
        }
    };
    Some(format!("{}{}", &text[..from], &text[to..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::authored::{from_template, scratch};
    use crate::pipeline::{Params, templates};

    fn template(text: &str) -> Template {
        read(text, "org.x", "0.0.0").template.unwrap()
    }

    #[test]
    fn what_is_not_changed_keeps_its_bytes() {
        let text = scratch("My own");
        let mut after = template(&text);
        after.graph.jobs[0].timeout = Some(String::from("1h"));
        let out = rewrite(&text, "org.x", &after).unwrap();
        // A shared parameter stays a name, and the head stays as it was written.
        let head = &text[..text.find("\"jobs\"").unwrap()];
        assert!(out.starts_with(head), "{out}");
        assert_eq!(template(&out), after);
        assert!(out.ends_with("\"locked_fields\": []\n}\n"), "{out}");
        assert_eq!(rewrite(&text, "org.x", &template(&text)).unwrap(), text);
    }

    #[test]
    fn every_kind_of_change_says_what_was_meant_in_every_built_in_template() {
        for built_in in templates() {
            let text = from_template(built_in, &Params::new());
            let before = template(&text);
            let mut afters = Vec::new();
            let mut change = |made: &dyn Fn(&mut Template)| {
                let mut after = before.clone();
                made(&mut after);
                afters.push(after);
            };
            change(&|t| t.names.en = String::from("Other “name”"));
            change(&|t| t.params.reverse());
            change(&|t| drop(t.params.pop()));
            change(&|t| {
                t.params.insert(
                    0,
                    Param {
                        id: String::from("brand_new"),
                        ..t.params[0].clone()
                    },
                );
            });
            change(&|t| t.params[0].id = String::from("renamed"));
            change(&|t| {
                t.locked_fields = vec![crate::pipeline::LockedField {
                    field: String::from("a.script"),
                    why: Text::new("because", "因为"),
                }];
            });
            if let Some(first) = before.graph.jobs.first() {
                change(&|t| drop(t.graph.jobs.remove(0)));
                change(&|t| t.graph.jobs[0].id = String::from("renamed"));
                change(&|t| {
                    t.graph.jobs.push(GraphJob {
                        id: String::from("last"),
                        ..first.clone()
                    });
                });
                change(&|t| t.graph.jobs.clear());
                change(&|t| t.graph.stages.reverse());
            }
            for after in afters {
                let out = rewrite(&text, "org.x", &after).unwrap();
                assert_eq!(template(&out), after, "{}: {out}", built_in.key);
            }
        }
    }

    #[test]
    fn a_text_that_is_no_document_is_left_alone() {
        let after = template(&scratch("x"));
        assert_eq!(rewrite("{", "org.x", &after), Err(RewriteError::Unreadable));
        // Tabs are JSON.
        let tabs = scratch("x").replace("  ", "\t");
        let mut other = template(&tabs);
        other.summary.en = String::from("Said now");
        assert_eq!(template(&rewrite(&tabs, "org.x", &other).unwrap()), other);
    }
}

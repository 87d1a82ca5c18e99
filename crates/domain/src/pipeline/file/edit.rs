//! One field of one job, changed in place. Everything else stays byte for byte; where that cannot be
//! had, the change is refused and nothing is written.

use std::ops::Range;

use super::super::problem::Severity;
use super::assignment::Assignment;
use super::classify::shared;
use super::cut::{Reason, ReasonCode};
use super::editor::Editor;
use super::effective::{Config, Entry, effective};
use super::job::is_job;
use super::lint::lint;
use super::refusal::Refusal;
use super::side::is_side;
use super::tree::{Kind, NodeId, Style, Tree, parse};
use super::value::{Meaning, What, meanings};

/// A changed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The whole text.
    pub text: String,
    /// Jobs that extend this one, or take from it, and therefore change with it.
    pub also: Vec<String>,
}

/// Changes a field.
///
/// # Errors
/// Where more than the field would change, or GitLab would refuse the result.
pub fn edit(text: &str, assignment: &Assignment) -> Result<Edited, Refusal> {
    let tree = parse(text).map_err(Refusal::from)?;
    let found = find(&tree, &assignment.job, &assignment.path)?;
    let editor = Editor::new(&tree, assignment.field());
    let (splices, meant) = editor.change(&found, assignment)?;
    let result = spliced(text, &splices);
    let also = verify(&tree, &result, &found, assignment, &meant)?;
    Ok(Edited { text: result, also })
}

/// What stands at the path, as far as it goes.
#[derive(Clone)]
pub(super) struct Found {
    /// The value the path leads to so far.
    pub(super) node: NodeId,
    /// Its place: of entries and items, from the document's root.
    pub(super) places: Vec<usize>,
    /// The steps that are not in the file.
    pub(super) missing: Vec<String>,
}

/// What stands at a field of a job, as far as it goes.
pub(super) fn find(tree: &Tree<'_>, name: &str, path: &[String]) -> Result<Found, Refusal> {
    let nobody = || Refusal::NoJob {
        given: name.to_owned(),
    };
    let document = tree.content().ok_or_else(nobody)?;
    let place = last_entry(tree, document.root, name).ok_or_else(nobody)?;
    descend(tree, job_at(tree, document.root, place, name)?, path)
}

/// The job that is this entry of the root; refuses what is no job that can be changed.
pub(super) fn job_at(tree: &Tree<'_>, root: NodeId, place: usize, name: &str) -> Result<Found, Refusal> {
    let (key, job) = tree.entries(root)[place];
    let refuse = |code: ReasonCode| {
        let reason = Reason::of(code).text;
        Err(Refusal::NotAJob {
            name: name.to_owned(),
            reason,
        })
    };
    if name.starts_with('.') {
        return refuse(ReasonCode::HiddenJob);
    }
    if !is_job(name) {
        return refuse(ReasonCode::Keyword);
    }
    if tree
        .duplicates
        .iter()
        .any(|twice| twice.map == root && tree.scalar(twice.key) == Some(name))
    {
        return refuse(ReasonCode::Duplicate);
    }
    if !matches!(tree.node(job).kind, Kind::Map { .. }) {
        return refuse(match shared(tree, job) {
            Some(code) => code,
            None => ReasonCode::NotAMapping,
        });
    }
    if let Some(anchor) = tree
        .node(job)
        .anchor
        .or(tree.node(key).anchor)
        .filter(|anchor| tree.is_used(*anchor))
    {
        return refuse(ReasonCode::Anchor {
            name: tree.anchor_name(anchor).to_owned(),
        });
    }
    Ok(Found {
        node: job,
        places: vec![place],
        missing: Vec::new(),
    })
}

/// Follows a path from a value on. Refuses what other places share.
pub(super) fn descend(tree: &Tree<'_>, mut found: Found, path: &[String]) -> Result<Found, Refusal> {
    let field = path.join(".");
    let mut path = path.iter().peekable();
    while let Some(step) = path.next() {
        let node = tree.node(found.node);
        let next = match &node.kind {
            Kind::Map { entries, .. } => {
                last_entry(tree, found.node, step).map(|place| (place, entries[place].1))
            }
            Kind::List { items, .. } => {
                let place: usize = step
                    .parse()
                    .map_err(|_| Refusal::NoSuchField { field: field.clone() })?;
                let item = items.get(place).copied();
                Some((
                    place,
                    item.ok_or_else(|| Refusal::NoSuchField { field: field.clone() })?,
                ))
            }
            // `image: x` is `image: {name: x}`.
            Kind::Scalar { style, .. }
                if *style != Style::Absent && step == "name" && path.peek().is_none() =>
            {
                return Ok(found);
            }
            _ => None,
        };
        let Some((place, next)) = next else {
            found.missing.push(step.clone());
            found.missing.extend(path.cloned());
            return Ok(found);
        };
        if tree
            .duplicates
            .iter()
            .any(|twice| twice.map == found.node && tree.scalar(twice.key) == Some(step))
        {
            return Err(Refusal::kept(tree, next, &field, "stands twice", "重复出现"));
        }
        found.node = next;
        found.places.push(place);
        locked(tree, &found, &field, path.peek().is_some())?;
    }
    Ok(found)
}

/// Refuses what other places share: on the way to the value only anchors and tags of the collections
/// themselves, at its end everything in it.
pub(super) fn locked(tree: &Tree<'_>, found: &Found, field: &str, passes: bool) -> Result<(), Refusal> {
    let node = tree.node(found.node);
    let code = if passes && !matches!(node.kind, Kind::Alias(_)) {
        let used = node.anchor.filter(|anchor| tree.is_used(*anchor));
        let anchor = used.map(|anchor| ReasonCode::Anchor {
            name: tree.anchor_name(anchor).to_owned(),
        });
        anchor.or_else(|| {
            node.tag
                .as_deref()
                .map(|tag| ReasonCode::Tag { tag: tag.to_owned() })
        })
    } else {
        shared(tree, found.node)
    };
    match code {
        Some(code) => {
            let reason = Reason::of(code).text;
            Err(Refusal::Kept {
                field: field.to_owned(),
                line: node.line,
                reason,
            })
        }
        None => Ok(()),
    }
}

pub(super) fn last_entry(tree: &Tree<'_>, map: NodeId, key: &str) -> Option<usize> {
    tree.entries(map)
        .iter()
        .rposition(|(name, _)| tree.scalar(*name) == Some(key))
}

/// A replacement of bytes.
pub(super) type Splice = (Range<usize>, String);

pub(super) fn spliced(text: &str, splices: &[Splice]) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut place = 0;
    for (range, new) in splices {
        out.push_str(&text[place..range.start]);
        out.push_str(new);
        place = range.end;
    }
    out.push_str(&text[place..]);
    out
}

/// How the document's meaning changes.
pub(super) enum Meant {
    /// The value at the places becomes this.
    Becomes(Vec<usize>, Box<Meaning>),
    /// The mapping at the places gets an entry at this place.
    Gets(Vec<usize>, usize, Box<(Meaning, Meaning)>),
    /// The mapping or list at the places loses its entry.
    Loses(Vec<usize>, usize),
}

/// Reads the result again: it must say what was meant and nothing else, and GitLab must not refuse it
/// for a reason it did not have before.
fn verify(
    tree: &Tree<'_>,
    result: &str,
    found: &Found,
    assignment: &Assignment,
    meant: &Meant,
) -> Result<Vec<String>, Refusal> {
    let other = || Refusal::NotWhatWasMeant {
        field: assignment.field(),
    };
    let new = parse(result).map_err(|_| other())?;
    let mut meaning = meanings(tree);
    let content = tree.content().ok_or_else(other)?;
    let document = tree
        .documents
        .iter()
        .position(|one| one.root == content.root)
        .ok_or_else(other)?;
    let root = meaning.get_mut(document).ok_or_else(other)?;
    match meant {
        Meant::Becomes(places, value) => *root.at(places).ok_or_else(other)? = (**value).clone(),
        Meant::Gets(places, index, entry) => {
            let entries = root.at(places).and_then(Meaning::entries).ok_or_else(other)?;
            entries.insert(*index, (**entry).clone());
        }
        Meant::Loses(places, index) => {
            let holder = root.at(places).ok_or_else(other)?;
            if let What::List(items) = holder.what_mut() {
                items.remove(*index);
            } else {
                holder.entries().ok_or_else(other)?.remove(*index);
            }
        }
    }
    if meaning != meanings(&new) {
        return Err(other());
    }
    let says_more = meaning != meanings(tree);
    let is_part = is_side(tree.text);
    let known = lint(tree, is_part);
    for finding in lint(&new, is_part) {
        let is_error = finding.severity == Severity::Error;
        if is_error && !known.iter().any(|one| one.code.is_same(&finding.code)) {
            let finding = Box::new(finding);
            return Err(Refusal::WouldBreak { finding });
        }
    }
    let mut nothing = Vec::new();
    let before = effective(tree, true, &mut nothing).ok_or_else(other)?;
    let after = effective(&new, true, &mut nothing).ok_or_else(other)?;
    if result != tree.text && before.get(&assignment.job) == after.get(&assignment.job) && says_more {
        // A merge key behind it wins: the field would be written and mean nothing.
        return Err(Refusal::kept(
            tree,
            found.node,
            &assignment.field(),
            "is overridden by a merge key behind it",
            "被其后的合并键覆盖",
        ));
    }
    Ok(changed_jobs(&before, &after, &assignment.job))
}

/// Other jobs that are not what they were.
pub(super) fn changed_jobs(before: &Config, after: &Config, job: &str) -> Vec<String> {
    let entries = before
        .root
        .entries()
        .iter()
        .map(|(name, _, value): &Entry<'_>| (name, value));
    entries
        .filter(|(name, value)| *name != job && is_job(name) && after.get(name) != Some(*value))
        .map(|(name, _)| name.to_string())
        .collect()
}

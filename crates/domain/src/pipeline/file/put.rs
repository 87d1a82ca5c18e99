//! A field of a job, written so that only what differs changes.

use super::super::yaml::Yaml;
use super::cut::line_end;
use super::edges::place_in;
use super::edit::{Found, find};
use super::editor::Editor;
use super::listing::Listing;
use super::place::{comment_follows, has_comment, newline};
use super::plan::{Plan, meaning_of};
use super::refusal::Refusal;
use super::tree::{Kind, NodeId, Style, Tree};
use super::value::{list_of_texts, meaning};
use super::work::Work;
use super::written;

/// How often a field may be patched: each time one part of it.
const MOST: usize = 200;

/// Makes a field of a job this, or takes it away.
pub(super) fn field(work: &mut Work, job: &str, key: &str, value: Option<&Yaml>) -> Result<(), Refusal> {
    let name = key.to_owned();
    for _ in 0..MOST {
        let mut done = false;
        work.one(&name, |tree| {
            let mut plan = Plan::default();
            let found = find(tree, job, &[key.to_owned()])?;
            let listing = Listing {
                tree,
                field: name.clone(),
            };
            let is_there = found.missing.is_empty();
            match value {
                None if !is_there => done = true,
                None => {
                    let place = found.places.last().copied().unwrap_or_default();
                    let map = job_of(tree, &found);
                    let node = tree.node(found.node);
                    if has_comment(tree.text, node.start, node.end)
                        && !matches!(node.kind, Kind::Scalar { .. })
                    {
                        return Err(lost(tree, found.node, &name));
                    }
                    listing.remove_entry(&mut plan, map, place)?;
                }
                Some(value) if !is_there => {
                    let place = place_in(tree, found.node, key);
                    listing.insert_entry(&mut plan, found.node, place, key, value)?;
                }
                Some(value) => done = !differs(&listing, &mut plan, &found, value)?,
            }
            Ok(plan)
        })?;
        if done {
            return Ok(());
        }
    }
    Err(Refusal::NotWhatWasMeant { field: name })
}

fn lost(tree: &Tree<'_>, node: NodeId, field: &str) -> Refusal {
    Refusal::kept(
        tree,
        node,
        field,
        "has comments that would be lost",
        "包含会丢失的注释",
    )
}

fn job_of(tree: &Tree<'_>, found: &Found) -> NodeId {
    let root = tree.content().map_or(0, |document| document.root);
    found
        .places
        .first()
        .and_then(|place| tree.entries(root).get(*place))
        .map_or(root, |(_, job)| *job)
}

/// Writes the first difference; gives whether there was one.
fn differs(listing: &Listing<'_, '_>, plan: &mut Plan, found: &Found, value: &Yaml) -> Result<bool, Refusal> {
    let tree = listing.tree;
    if same(listing, found.node, value) {
        return Ok(false);
    }
    match (&tree.node(found.node).kind, value) {
        (Kind::Map { entries, .. }, Yaml::Map(wanted)) if !entries.is_empty() && !wanted.is_empty() => {
            map(listing, plan, found, wanted)
        }
        (Kind::List { items, flow }, Yaml::List(_)) => {
            if let (Some(_), Some(new)) = (list_of_texts(tree, found.node), texts(value)) {
                let editor = Editor::new(tree, listing.field.clone());
                let (splices, meant) = editor.list(found, items, *flow, &new)?;
                *plan = Plan::of_field(tree, splices, meant).ok_or_else(|| Refusal::NotWhatWasMeant {
                    field: listing.field.clone(),
                })?;
                return Ok(true);
            }
            whole(listing, plan, found.node, value)?;
            Ok(true)
        }
        (Kind::Scalar { style, .. }, Yaml::Text(text)) if *style != Style::Absent => {
            scalar(listing, plan, found, text)
        }
        // One text stands for a list of it, and stays one.
        (Kind::Scalar { style, .. }, Yaml::List(_)) if *style != Style::Absent => {
            match texts(value).as_deref() {
                Some([one]) if is_one(tree, found.node, one) => Ok(false),
                Some([one]) => scalar(listing, plan, found, one),
                _ => {
                    whole(listing, plan, found.node, value)?;
                    Ok(true)
                }
            }
        }
        _ => {
            whole(listing, plan, found.node, value)?;
            Ok(true)
        }
    }
}

/// One text in the place of another, written like it.
fn scalar(listing: &Listing<'_, '_>, plan: &mut Plan, found: &Found, text: &str) -> Result<bool, Refusal> {
    let tree = listing.tree;
    let field = match listing.field.as_str() {
        // The editor knows fields by what stands below them.
        "variables" => "variables.NAME".to_owned(),
        field => field.to_owned(),
    };
    let editor = Editor::new(tree, field);
    let (splices, meant) = editor.scalar(found, &super::NewValue::Text(text.to_owned()))?;
    *plan = Plan::of_field(tree, splices, meant).ok_or_else(|| Refusal::NotWhatWasMeant {
        field: listing.field.clone(),
    })?;
    Ok(true)
}

fn is_one(tree: &Tree<'_>, node: NodeId, text: &str) -> bool {
    super::value::text_of(tree, node).as_deref() == Some(text)
}

/// Whether a value says this already. A variable is a text, however it is written.
fn same(listing: &Listing<'_, '_>, node: NodeId, value: &Yaml) -> bool {
    let tree = listing.tree;
    match value {
        Yaml::Text(text) if listing.field == "variables" && !tree.is_null(node) => {
            tree.scalar(node) == Some(text)
        }
        value => meaning(tree, node) == meaning_of(value),
    }
}

fn texts(value: &Yaml) -> Option<Vec<String>> {
    let Yaml::List(items) = value else { return None };
    let text = |item: &Yaml| match item {
        Yaml::Text(text) => Some(text.clone()),
        _ => None,
    };
    items.iter().map(text).collect()
}

fn map(
    listing: &Listing<'_, '_>,
    plan: &mut Plan,
    found: &Found,
    wanted: &[(String, Yaml)],
) -> Result<bool, Refusal> {
    let tree = listing.tree;
    let entries = tree.entries(found.node);
    for (place, (key, value)) in entries.iter().enumerate() {
        let name = tree.scalar(*key).unwrap_or_default();
        match wanted.iter().find(|(key, _)| key == name) {
            Some((_, wanted)) => {
                let mut places = found.places.clone();
                places.push(place);
                let inner = Found {
                    node: *value,
                    places,
                    missing: Vec::new(),
                };
                super::edit::locked(tree, &inner, &listing.field, false)?;
                if differs(listing, plan, &inner, wanted)? {
                    return Ok(true);
                }
            }
            None if entries.len() > 1 => {
                let node = tree.node(*value);
                if has_comment(tree.text, node.start, node.end) && !matches!(node.kind, Kind::Scalar { .. }) {
                    return Err(lost(tree, *value, &listing.field));
                }
                listing.remove_entry(plan, found.node, place)?;
                return Ok(true);
            }
            // The last goes when another has come.
            None => {}
        }
    }
    let known = |name: &String| entries.iter().any(|(key, _)| tree.scalar(*key) == Some(name));
    match wanted.iter().find(|(key, _)| !known(key)) {
        Some((key, value)) => {
            listing.insert_entry(plan, found.node, entries.len(), key, value)?;
            Ok(true)
        }
        None => Ok(false),
    }
}

/// Puts a whole value in the place of another.
fn whole(listing: &Listing<'_, '_>, plan: &mut Plan, node: NodeId, value: &Yaml) -> Result<(), Refusal> {
    let tree = listing.tree;
    let text = tree.text;
    let old = tree.node(node);
    let is_scalar = matches!(old.kind, Kind::Scalar { .. });
    let (line, holders) = (newline(text), super::named::holders(tree));
    if !is_scalar && has_comment(text, old.start, old.end) {
        return Err(lost(tree, node, &listing.field));
    }
    if matches!(
        &old.kind,
        Kind::Scalar {
            style: Style::Literal | Style::Folded,
            ..
        }
    ) && text[old.start..line_end(text, old.start + 1)].contains('#')
    {
        return Err(lost(tree, node, &listing.field));
    }
    let key = holders[node]
        .and_then(|(map, place)| tree.entries(map).get(place))
        .map(|(key, _)| *key);
    let is_block = matches!(value, Yaml::List(items) if !items.is_empty())
        || matches!(value, Yaml::Map(entries) if !entries.is_empty());
    let flow = tree.in_flow(node) || !is_block;
    let Some(key) = key.filter(|_| !flow) else {
        let mut new = written::flow(value);
        if matches!(
            &old.kind,
            Kind::Scalar {
                style: Style::Absent,
                ..
            }
        ) {
            new.insert(0, ' ');
        }
        if is_scalar
            || matches!(
                &old.kind,
                Kind::List { flow: true, .. } | Kind::Map { flow: true, .. }
            )
        {
            plan.set(tree, node, new, meaning_of(value));
            return Ok(());
        }
        // A block goes up to the line of its key.
        let colon = text[..old.start].trim_end_matches([' ', '\n', '\r', '-']).len();
        if !text[..colon].ends_with(':') {
            return Err(lost(tree, node, &listing.field));
        }
        plan.splice((colon..old.end, format!(" {new}")));
        plan.becomes(node, meaning_of(value));
        return Ok(());
    };
    let colon = text[tree.node(key).end..]
        .find(':')
        .map_or(old.start, |at| tree.node(key).end + at + 1);
    if has_comment(text, colon, old.start) || comment_follows(text, old.end) {
        return Err(lost(tree, node, &listing.field));
    }
    let column = super::place::column_of(text, tree.node(key).start);
    let lines = written::entry("x", value, column, line);
    let body = lines.get(column + 2..).unwrap_or_default();
    plan.splice((
        colon..old.end.max(colon),
        body.trim_end_matches(['\r', '\n']).to_owned(),
    ));
    plan.becomes(node, meaning_of(value));
    Ok(())
}

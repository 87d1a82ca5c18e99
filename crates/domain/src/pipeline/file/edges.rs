//! What jobs wait for.

use super::super::model::Need;
use super::super::yaml::Yaml;
use super::edit::{find, last_entry};
use super::effective::{Effective, Entry, Value};
use super::listing::Listing;
use super::named::{How, Named, changeable, config, holders, named};
use super::plan::Plan;
use super::refusal::Refusal;
use super::tree::{Kind, NodeId, Style, Tree};
use super::work::Work;
use crate::text::Text;

/// A need as text or mapping.
fn need_yaml(need: &Need) -> Yaml {
    if need.artifacts && !need.optional {
        return Yaml::text(&need.job);
    }
    let mut map = vec![("job".to_owned(), Yaml::text(&need.job))];
    if !need.artifacts {
        map.push(("artifacts".to_owned(), Yaml::Bool(false)));
    }
    if need.optional {
        map.push(("optional".to_owned(), Yaml::Bool(true)));
    }
    Yaml::Map(map)
}

fn path() -> Vec<String> {
    vec!["needs".to_owned()]
}

/// Makes a job wait for another.
pub(super) fn add(work: &mut Work, job: &str, need: &Need) -> Result<(), Refusal> {
    work.touch(job);
    let field = format!("{job}.needs");
    work.one(&field, |tree| {
        let found = find(tree, job, &path())?;
        let listing = Listing {
            tree,
            field: field.clone(),
        };
        let mut plan = Plan::default();
        if !found.missing.is_empty() {
            let needs = inherited(tree, job)?;
            let needs = with(needs, need);
            let place = place_in(tree, found.node, "needs");
            listing.insert_entry(&mut plan, found.node, place, "needs", &Yaml::List(needs))?;
            return Ok(plan);
        }
        match &tree.node(found.node).kind {
            Kind::List { items, .. } => {
                let known = items
                    .iter()
                    .find(|item| needed(tree, **item).as_ref() == Some(&need.job));
                match known {
                    Some(item) => listing.replace_item(&mut plan, *item, &need_yaml(need))?,
                    None => listing.insert_item(&mut plan, found.node, items.len(), &need_yaml(need))?,
                }
            }
            Kind::Scalar {
                style: Style::Absent, ..
            } => {
                let list = Yaml::List(vec![need_yaml(need)]);
                let text = format!(" {}", super::written::flow(&list));
                plan.set(tree, found.node, text, super::plan::meaning_of(&list));
            }
            _ => return Err(no_list(tree, found.node, &field)),
        }
        Ok(plan)
    })
}

fn no_list(tree: &Tree<'_>, node: NodeId, field: &str) -> Refusal {
    Refusal::kept(tree, node, field, "is no list", "不是列表")
}

/// The name in an item of `needs`, without those of other projects and pipelines.
fn needed(tree: &Tree<'_>, item: NodeId) -> Option<String> {
    if tree.get(item, "project").is_some() || tree.get(item, "pipeline").is_some() {
        return None;
    }
    let name = tree.get(item, "job").unwrap_or(item);
    tree.scalar(name).map(str::to_owned)
}

/// Where a key goes in a job.
pub(super) fn place_in(tree: &Tree<'_>, job: NodeId, key: &str) -> usize {
    super::insert::place_for(tree, key, tree.entries(job), true)
}

/// What a job waits for by what it extends; a list of its own replaces that.
fn inherited(tree: &Tree<'_>, job: &str) -> Result<Vec<Yaml>, Refusal> {
    let config = config(tree);
    let Some(needs) = config.as_ref().and_then(|config| config.get(job)?.get("needs")) else {
        return Ok(Vec::new());
    };
    let items = match &needs.value {
        Value::List(items) => items.iter().map(plain).collect(),
        Value::Null => Some(Vec::new()),
        _ => None,
    };
    items.ok_or_else(|| Refusal::Kept {
        field: format!("{job}.needs"),
        line: tree.node(needs.node).line,
        reason: Text::new(
            "comes from another place and cannot be added to",
            "来自其他位置，无法添加",
        ),
    })
}

/// A value without places, where it is known.
fn plain(value: &Effective) -> Option<Yaml> {
    Some(match &value.value {
        Value::Text(text) => Yaml::text(text.as_ref()),
        Value::Bool(value) => Yaml::Bool(*value),
        Value::Int(value) => Yaml::Int(*value),
        Value::List(items) => Yaml::List(items.iter().map(plain).collect::<Option<_>>()?),
        Value::Map(entries) => {
            let entry = |(key, _, value): &Entry<'_>| Some((key.to_string(), plain(value)?));
            Yaml::Map(entries.iter().map(entry).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

fn with(mut needs: Vec<Yaml>, need: &Need) -> Vec<Yaml> {
    let name = |one: &Yaml| match one {
        Yaml::Text(name) => Some(name.clone()),
        Yaml::Map(entries) => entries.iter().find_map(|(key, value)| match value {
            Yaml::Text(name) if key == "job" => Some(name.clone()),
            _ => None,
        }),
        _ => None,
    };
    match needs.iter().position(|one| name(one).as_ref() == Some(&need.job)) {
        Some(place) => needs[place] = need_yaml(need),
        None => needs.push(need_yaml(need)),
    }
    needs
}

/// Makes a job no longer wait for another.
pub(super) fn remove(work: &mut Work, job: &str, need: &str) -> Result<(), Refusal> {
    work.touch(job);
    let field = format!("{job}.needs");
    let mut found_any = false;
    while drop_one(work, &field, |one| one.how == How::Need && one.by == job, need)? {
        found_any = true;
    }
    if found_any {
        return Ok(());
    }
    // It may come from what the job extends: then the job gets a list of its own.
    work.one(&field, |tree| {
        let found = find(tree, job, &path())?;
        let needs = inherited(tree, job)?;
        let left: Vec<Yaml> = needs
            .iter()
            .filter(|one| with(vec![(*one).clone()], &Need::new(need)).len() == 2)
            .cloned()
            .collect();
        if found.missing.is_empty() || left.len() == needs.len() {
            return Err(Refusal::NoSuchField {
                field: format!("{job}.needs.{need}"),
            });
        }
        let mut plan = Plan::default();
        let listing = Listing {
            tree,
            field: field.clone(),
        };
        let place = place_in(tree, found.node, "needs");
        listing.insert_entry(&mut plan, found.node, place, "needs", &Yaml::List(left))?;
        Ok(plan)
    })
}

/// Has all jobs do without one: those that need it and depend on it. Refuses where one extends it, or
/// stops an environment by it.
pub(super) fn drop_all(work: &mut Work, job: &str) -> Result<(), Refusal> {
    let is_edge = |one: &Named| matches!(one.how, How::Need | How::Dependency);
    let field = format!("needs: {job}");
    while drop_one(work, &field, is_edge, job)? {}
    Ok(())
}

/// Takes one place out of its list. Gives whether there was one.
fn drop_one(
    work: &mut Work,
    field: &str,
    which: impl Fn(&Named) -> bool,
    name: &str,
) -> Result<bool, Refusal> {
    let mut by = None;
    work.step(field, |tree| {
        let Some(config) = config(tree) else {
            return Ok(vec![Plan::default()]);
        };
        let Some(one) = named(tree, &config, name).into_iter().find(|one| which(one)) else {
            return Ok(vec![Plan::default()]);
        };
        let mut plan = Plan::default();
        let holders = holders(tree);
        let (list, place) = item_of(tree, &holders, &one)?;
        let listing = Listing {
            tree,
            field: format!("{}.{}", one.by, one.how.field()),
        };
        let is_last = tree.items(list).len() == 1;
        let owner = holders[list].filter(|_| is_last && one.how == How::Need);
        let shared = tree.node(list).anchor.is_some();
        match owner {
            Some((map, place)) if !shared && is_needs_of_job(tree, &holders, map, place) => {
                if inherits(tree, map) || tree.entries(map).len() == 1 {
                    listing.remove_item(&mut plan, list, 0)?;
                } else {
                    listing.remove_entry(&mut plan, map, place)?;
                }
            }
            _ => listing.remove_item(&mut plan, list, place)?,
        }
        by = Some(one.by);
        Ok(vec![plan])
    })?;
    let dropped = by.is_some();
    if let Some(by) = by {
        work.touch(&by);
    }
    Ok(dropped)
}

/// Whether a list is the `needs` of a top-level entry.
fn is_needs_of_job(tree: &Tree<'_>, holders: &[Option<(NodeId, usize)>], map: NodeId, place: usize) -> bool {
    let root = tree.content().map(|document| document.root);
    let key = tree
        .entries(map)
        .get(place)
        .and_then(|(key, _)| tree.scalar(*key));
    key == Some("needs") && holders[map].is_some_and(|(holder, _)| Some(holder) == root)
}

/// Whether a job takes from others, so that a key it does not have may still have a value.
fn inherits(tree: &Tree<'_>, job: NodeId) -> bool {
    last_entry(tree, job, "extends").is_some() || last_entry(tree, job, "<<").is_some()
}

/// The item of a list that names a job, by itself or by its key `job`.
fn item_of(
    tree: &Tree<'_>,
    holders: &[Option<(NodeId, usize)>],
    one: &Named,
) -> Result<(NodeId, usize), Refusal> {
    changeable(tree, one)?;
    let unusual = || {
        let field = format!("{}.{}", one.by, one.how.field());
        Refusal::kept(tree, one.node, &field, "is written in an unusual way", "写法特殊")
    };
    let (holder, place) = holders[one.node].ok_or_else(unusual)?;
    match &tree.node(holder).kind {
        Kind::List { .. } => Ok((holder, place)),
        Kind::Map { .. } => {
            let (list, place) = holders[holder].ok_or_else(unusual)?;
            match &tree.node(list).kind {
                Kind::List { .. } => Ok((list, place)),
                _ => Err(unusual()),
            }
        }
        _ => Err(unusual()),
    }
}

/// Has all jobs that need one wait for it only where it is there; dependencies on it go.
pub(super) fn make_optional(work: &mut Work, job: &str) -> Result<(), Refusal> {
    let is_dependency = |one: &Named| one.how == How::Dependency;
    let field = format!("dependencies: {job}");
    while drop_one(work, &field, is_dependency, job)? {}
    loop {
        let mut by = None;
        work.one(&format!("needs: {job}"), |tree| {
            let mut plan = Plan::default();
            let Some(config) = config(tree) else {
                return Ok(plan);
            };
            let holders = holders(tree);
            for one in named(tree, &config, job) {
                if one.how != How::Need {
                    continue;
                }
                let (list, place) = item_of(tree, &holders, &one)?;
                let item = tree.items(list)[place];
                if is_optional(tree, item) {
                    continue;
                }
                let listing = Listing {
                    tree,
                    field: format!("{}.needs", one.by),
                };
                make_one_optional(&listing, &mut plan, item, &one)?;
                by = Some(one.by);
                break;
            }
            Ok(plan)
        })?;
        match by {
            Some(by) => work.touch(&by),
            None => return Ok(()),
        }
    }
}

fn is_optional(tree: &Tree<'_>, item: NodeId) -> bool {
    let value = tree.get(item, "optional").and_then(|value| tree.scalar(value));
    value.is_some_and(|value| value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("yes"))
}

fn make_one_optional(
    listing: &Listing<'_, '_>,
    plan: &mut Plan,
    item: NodeId,
    one: &Named,
) -> Result<(), Refusal> {
    let tree = listing.tree;
    let Kind::Map { entries, .. } = &tree.node(item).kind else {
        let need = Need {
            job: one.text.clone(),
            artifacts: true,
            optional: true,
        };
        return listing.replace_item(plan, item, &need_yaml(&need));
    };
    let yes = Yaml::Bool(true);
    match tree.get(item, "optional") {
        Some(value) => {
            plan.set(tree, value, "true".to_owned(), super::plan::meaning_of(&yes));
            Ok(())
        }
        None => listing.insert_entry(plan, item, entries.len(), "optional", &yes),
    }
}

/// Refuses where others cannot do without a job.
pub(super) fn refuse_if_used(tree: &Tree<'_>, job: &str, hows: &[How]) -> Result<(), Refusal> {
    let Some(config) = config(tree) else { return Ok(()) };
    let uses: Vec<Named> = named(tree, &config, job)
        .into_iter()
        .filter(|one| one.by != job && hows.contains(&one.how))
        .collect();
    let Some(first) = uses.first() else { return Ok(()) };
    let mut by: Vec<String> = uses.iter().map(|one| one.by.clone()).collect();
    by.dedup();
    Err(Refusal::InUse {
        name: job.to_owned(),
        by,
        line: tree.node(first.node).line,
    })
}

//! Stages that come, go, move and get other names.

use super::super::yaml::Yaml;
use super::assignment::Assignment;
use super::edit::{Found, descend, edit};
use super::listing::Listing;
use super::named::{config, holder, staged, unstaged};
use super::plan::Plan;
use super::refusal::Refusal;
use super::scalar::{NewValue, Place, text as scalar_text};
use super::top::{At, New, insert};
use super::tree::{Kind, NodeId, Style, Tree};
use super::value::{Meaning, list_of_texts, text_of};
use super::work::Work;
use crate::text::Text;

/// Stages of a file that lists none.
const DEFAULT: [&str; 3] = ["build", "test", "deploy"];

/// Entries before which a list of stages does not go.
const BEFORE_STAGES: [&str; 3] = ["spec", "include", "workflow"];

/// The list of stages; none where the file has none.
fn listed(tree: &Tree<'_>) -> Result<Option<(NodeId, Vec<String>)>, Refusal> {
    let Some(root) = tree.content().map(|document| document.root) else {
        return Ok(None);
    };
    let key = ["stages", "types"]
        .into_iter()
        .find(|key| tree.get(root, key).is_some());
    let Some(key) = key else {
        let elsewhere = tree.get(root, "include").is_some() || tree.header().is_some();
        if elsewhere {
            return Err(Refusal::Kept {
                field: "stages".to_owned(),
                line: tree.node(root).line,
                reason: Text::new("may stand in an included file", "可能写在引入的文件中"),
            });
        }
        return Ok(None);
    };
    let found = Found {
        node: root,
        places: Vec::new(),
        missing: Vec::new(),
    };
    let found = descend(tree, found, &[key.to_owned()])?;
    match list_of_texts(tree, found.node) {
        Some(names) => Ok(Some((found.node, names))),
        None => Err(Refusal::kept(
            tree,
            found.node,
            key,
            "is no list of texts",
            "不是文本列表",
        )),
    }
}

/// Why the list of stages cannot be changed.
pub(super) fn locked(tree: &Tree<'_>) -> Option<Text> {
    match listed(tree).err()? {
        Refusal::Kept { reason, .. } => Some(reason),
        other => Some(Text::new(
            other.message(crate::text::Locale::En),
            other.message(crate::text::Locale::ZhCn),
        )),
    }
}

/// The same list, written first where the file relies on GitLab's own.
fn written(work: &mut Work) -> Result<Vec<String>, Refusal> {
    work.touch("stages");
    work.touch("types");
    let mut names = None;
    work.step("stages", |tree| {
        if let Some((_, listed)) = listed(tree)? {
            names = Some(listed);
            return Ok(vec![Plan::default()]);
        }
        let new = New::of("stages", &Yaml::texts(DEFAULT));
        insert(tree, &new, first_after(tree, &BEFORE_STAGES))
    })?;
    Ok(names.unwrap_or_else(|| DEFAULT.map(str::to_owned).to_vec()))
}

/// Before the first entry that is none of these.
pub(super) fn first_after(tree: &Tree<'_>, keys: &[&str]) -> At {
    let root = tree.content().map(|document| document.root);
    let entries = root.map_or(&[][..], |root| tree.entries(root));
    let place = entries
        .iter()
        .position(|(key, _)| !tree.scalar(*key).is_some_and(|key| keys.contains(&key)));
    match place {
        Some(place) => At::Before(place),
        None => At::After(entries.len().saturating_sub(1)),
    }
}

fn check_name(names: &[String], stage: &str) -> Result<(), Refusal> {
    let one_line = !stage.trim().is_empty() && stage.trim() == stage && !stage.chars().any(char::is_control);
    if !one_line || stage.chars().count() > 255 {
        return Err(Refusal::BadName {
            name: stage.chars().take(60).collect(),
            wanted: Text::new(
                "one line without blanks at its ends, no longer than 255 characters",
                "首尾没有空格的单行文本，不超过 255 个字符",
            ),
        });
    }
    if names.iter().any(|name| name == stage) || stage == ".pre" || stage == ".post" {
        return Err(Refusal::Taken {
            name: stage.to_owned(),
        });
    }
    Ok(())
}

fn place_of(names: &[String], stage: &str) -> Result<usize, Refusal> {
    let place = names.iter().position(|name| name == stage);
    place.ok_or_else(|| Refusal::UnknownStage {
        stage: stage.to_owned(),
    })
}

fn place_before(names: &[String], before: Option<&str>) -> Result<usize, Refusal> {
    before.map_or(Ok(names.len()), |before| place_of(names, before))
}

/// One change of the list.
fn list(
    work: &mut Work,
    change: impl FnOnce(&Listing<'_, '_>, &mut Plan, NodeId) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    work.one("stages", |tree| {
        let mut plan = Plan::default();
        if let Some((node, _)) = listed(tree)? {
            let listing = Listing {
                tree,
                field: "stages".to_owned(),
            };
            change(&listing, &mut plan, node)?;
        }
        Ok(plan)
    })
}

pub(super) fn add(work: &mut Work, stage: &str, before: Option<&str>) -> Result<(), Refusal> {
    let names = written(work)?;
    check_name(&names, stage)?;
    let place = place_before(&names, before)?;
    let item = Yaml::text(stage);
    list(work, |listing, plan, node| {
        if listing.tree.items(node).is_empty() {
            let text = super::written::flow(&Yaml::List(vec![item.clone()]));
            let meaning = super::plan::meaning_of(&Yaml::List(vec![item]));
            plan.set(listing.tree, node, text, meaning);
            return Ok(());
        }
        listing.insert_item(plan, node, place, &item)
    })
}

pub(super) fn reorder(work: &mut Work, stage: &str, before: Option<&str>) -> Result<(), Refusal> {
    let names = written(work)?;
    let from = place_of(&names, stage)?;
    let to = place_before(&names, before)?;
    if to == from || to == from + 1 {
        return Ok(());
    }
    list(work, |listing, plan, node| {
        listing.move_item(plan, node, from, to)
    })
}

pub(super) fn rename(work: &mut Work, stage: &str, to: &str) -> Result<(), Refusal> {
    let names = written(work)?;
    place_of(&names, stage)?;
    if stage == to {
        return Ok(());
    }
    check_name(&names, to)?;
    list(work, |listing, plan, node| {
        let tree = listing.tree;
        for item in tree.items(node) {
            if text_of(tree, *item).as_deref() == Some(stage) {
                put_name(tree, plan, *item, to)?;
            }
        }
        Ok(())
    })?;
    move_jobs(work, stage, to)
}

pub(super) fn remove(work: &mut Work, stage: &str, jobs_to: Option<&str>) -> Result<(), Refusal> {
    let names = written(work)?;
    let place = place_of(&names, stage)?;
    if names.len() == 1 {
        return Err(Refusal::WrongValue {
            field: "stages".to_owned(),
            wanted: Text::new("a list of at least one stage", "至少包含一个阶段的列表"),
        });
    }
    match jobs_to {
        Some(to) => {
            if to != ".pre" && to != ".post" {
                place_of(&names, to)?;
            }
            if to == stage {
                return Err(Refusal::UnknownStage { stage: to.to_owned() });
            }
            move_jobs(work, stage, to)?;
        }
        None => refuse_if_used(work, stage)?,
    }
    list(work, |listing, plan, node| listing.remove_item(plan, node, place))
}

fn refuse_if_used(work: &Work, stage: &str) -> Result<(), Refusal> {
    let tree = super::tree::parse(&work.text)?;
    let Some(config) = config(&tree) else {
        return Ok(());
    };
    let silent = unstaged(&tree, &config);
    let in_it = |name: &str| {
        let job = config.get(name);
        match job.and_then(|job| job.get("stage")) {
            Some(value) => value.text() == Some(stage),
            None => stage == "test" && silent.iter().any(|one| one == name),
        }
    };
    let by: Vec<String> = config
        .jobs()
        .map(|(name, ..)| name.to_owned())
        .filter(|name| in_it(name))
        .collect();
    let Some(first) = by.first() else { return Ok(()) };
    let line = config.key(first).map_or(1, |key| tree.node(key).line);
    Err(Refusal::InUse {
        name: stage.to_owned(),
        by,
        line,
    })
}

/// Puts all jobs of a stage into another, hidden ones too.
fn move_jobs(work: &mut Work, stage: &str, to: &str) -> Result<(), Refusal> {
    let mut touched = Vec::new();
    let mut silent = Vec::new();
    work.one("stage", |tree| {
        let mut plan = Plan::default();
        let Some(config) = config(tree) else {
            return Ok(plan);
        };
        for node in staged(tree, &config, stage) {
            put_name(tree, &mut plan, node, to)?;
            touched.push(holder(tree, node));
        }
        if stage == "test" {
            silent = unstaged(tree, &config);
        }
        Ok(plan)
    })?;
    for job in &touched {
        work.touch(job);
    }
    for job in silent {
        say(work, &job, to)?;
    }
    Ok(())
}

/// Says the stage of a job that says none. It may be disabled.
fn say(work: &mut Work, job: &str, stage: &str) -> Result<(), Refusal> {
    if !job.starts_with('.') {
        return set(work, job, stage).map(drop);
    }
    work.touch(job);
    let field = format!("{job}.stage");
    work.one(&field, |tree| {
        let top = super::top::find(tree, job)?;
        let listing = Listing {
            tree,
            field: field.clone(),
        };
        let mut plan = Plan::default();
        let place = super::edges::place_in(tree, top.value, "stage");
        listing.insert_entry(&mut plan, top.value, place, "stage", &Yaml::text(stage))?;
        Ok(plan)
    })
}

/// Puts one job into a stage. Gives the jobs that follow it.
pub(super) fn set(work: &mut Work, job: &str, stage: &str) -> Result<Vec<String>, Refusal> {
    work.touch(job);
    let assignment = Assignment {
        job: job.to_owned(),
        path: vec!["stage".to_owned()],
        value: NewValue::Text(stage.to_owned()),
    };
    let done = edit(&work.text, &assignment)?;
    work.text = done.text;
    Ok(done.also)
}

fn put_name(tree: &Tree<'_>, plan: &mut Plan, node: NodeId, to: &str) -> Result<(), Refusal> {
    match &tree.node(node).kind {
        Kind::Scalar { style, .. } if !matches!(style, Style::Literal | Style::Folded | Style::Absent) => {
            let place = Place {
                flow: tree.in_flow(node),
                indent: 0,
                newline: "\n",
                style: *style,
            };
            plan.set(tree, node, scalar_text(to, place), Meaning::text(to));
            Ok(())
        }
        _ => {
            let field = format!("{}.stage", holder(tree, node));
            Err(Refusal::kept(
                tree,
                node,
                &field,
                "is written in an unusual way",
                "写法特殊",
            ))
        }
    }
}

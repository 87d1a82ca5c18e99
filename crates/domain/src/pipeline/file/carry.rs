//! A job copied from one file into another, with what it takes from its own.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::change::Edit;
use super::cut::{Cut, cuts};
use super::draft::apply;
use super::effective::effective;
use super::job::{needs, stages};
use super::lint::GLOBAL_KEYS;
use super::named::{config, holder};
use super::place::newline;
use super::refusal::Refusal;
use super::scalar::NewValue;
use super::tree::{Kind, NodeId, Tree, parse};
use super::value::meaning;
use super::work::Work;

/// A file with a job of another file at its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// The whole file.
    pub text: String,
    /// What the job is called in it: its name, or with a number behind it where that was taken.
    pub job: String,
    /// Hidden jobs that came along because the job takes from them, in the order of their file.
    pub along: Vec<String>,
    /// Jobs it waited for that are not in this file: it waits for them no longer.
    pub left: Vec<String>,
    /// The stage that was added for it.
    pub stage: Option<String>,
}

/// Copies the job `name` of the file `from` to the end of the file `to`, comments and all, together with the entries
/// that it extends, references or takes anchors from. Everything that stands in `to` stays byte for byte, but for the
/// list of stages where the job's is new.
///
/// # Errors
/// One of the two is not YAML; there is no such job; what it takes from `from` is a keyword of the whole file, or is
/// called like something else in `to`; GitLab would refuse the result, though it takes `to`.
pub fn carry(from: &str, name: &str, to: &str) -> Result<Carried, Refusal> {
    let source = parse(from)?;
    let unknown = || Refusal::UnknownJob {
        name: name.to_owned(),
    };
    let all = cuts(&source);
    let own = find(&all, name).ok_or_else(unknown)?;
    if GLOBAL_KEYS.contains(&name) {
        return Err(unknown());
    }
    let taken = taken_from(&source, &all, name)?;
    let target = Target::of(to)?;
    let along = target.missing(from, &all, &taken)?;
    let (left, stays) = left_behind(&source, name, &target);
    let job = target.free(name);

    // Prepared in its own file, where every place that must change is known.
    let mut edits = Vec::new();
    if stays {
        edits.extend(left.iter().map(|need| Edit::RemoveNeed {
            job: name.to_owned(),
            need: need.clone(),
        }));
    } else {
        // Without any it would start at once; now it waits for the stages before.
        edits.push(Edit::Set {
            job: name.to_owned(),
            path: vec!["needs".to_owned()],
            value: NewValue::Absent,
        });
    }
    if job != name {
        let (name, to) = (name.to_owned(), job.clone());
        edits.push(Edit::RenameJob { job: name, to });
    }
    let own_marker = own.marker.clone();
    let prepared = apply(from, &edits).map_err(|refused| refused.refusal)?.text;
    let mut blocks = blocks(&prepared, &job, &along)?;
    if let Some(marker) = own_marker.filter(|marker| target.marks.contains(&marker.id)) {
        for (key, block) in &mut blocks {
            if *key == job {
                *block = without_marker(block, &marker.id);
            }
        }
    }
    let (text, stage) = with_stage(&source, name, to)?;
    let text = appended(&text, &blocks);
    verify(to, &text, &prepared, &blocks)?;
    Ok(Carried {
        text,
        job,
        along,
        left,
        stage,
    })
}

fn find<'c>(cuts: &'c [Cut], key: &str) -> Option<&'c Cut> {
    cuts.iter().find(|cut| cut.key.as_deref() == Some(key))
}

/// The entries of its own file that a job takes from, at any distance.
fn taken_from(tree: &Tree<'_>, cuts: &[Cut], name: &str) -> Result<BTreeSet<String>, Refusal> {
    let mut found = BTreeSet::new();
    let mut open = vec![name.to_owned()];
    while let Some(key) = open.pop() {
        let Some(value) = tree.content().and_then(|document| tree.get(document.root, &key)) else {
            continue;
        };
        let mut names = Vec::new();
        walk(tree, value, &mut names);
        if let Some(extends) = tree.get(value, "extends") {
            let one = std::iter::once(extends).chain(tree.items(extends).iter().copied());
            names.extend(one.filter_map(|id| Some((tree.scalar(id)?.to_owned(), id))));
        }
        for (taken, node) in names {
            if taken == name || taken == key || find(cuts, &taken).is_none() {
                continue;
            }
            if GLOBAL_KEYS.contains(&taken.as_str()) {
                return Err(Refusal::kept(
                    tree,
                    node,
                    &key,
                    &format!("takes from “{taken}”, which belongs to its whole file"),
                    &format!("引用了属于整个文件的“{taken}”"),
                ));
            }
            if found.insert(taken.clone()) {
                open.push(taken);
            }
        }
    }
    Ok(found)
}

/// The entries whose anchors and texts a value takes by `*alias` and `!reference`.
fn walk(tree: &Tree<'_>, id: NodeId, names: &mut Vec<(String, NodeId)>) {
    let node = tree.node(id);
    match &node.kind {
        Kind::Alias(_) => names.push((holder(tree, tree.target(id)), id)),
        Kind::Scalar { .. } => {}
        Kind::List { items, .. } => {
            if node.tag.as_deref() == Some("!reference")
                && let Some(first) = items.first()
                && let Some(name) = tree.scalar(*first)
            {
                names.push((name.to_owned(), id));
            }
            for item in items {
                walk(tree, *item, names);
            }
        }
        Kind::Map { entries, .. } => {
            for (key, value) in entries {
                walk(tree, *key, names);
                walk(tree, *value, names);
            }
        }
    }
}

/// What the file has that the job comes to.
struct Target<'t> {
    text: &'t str,
    cuts: Vec<Cut>,
    marks: BTreeSet<String>,
}

impl<'t> Target<'t> {
    fn of(text: &'t str) -> Result<Self, Refusal> {
        let cuts = if text.trim().is_empty() {
            Vec::new()
        } else {
            cuts(&parse(text)?)
        };
        let marks = cuts
            .iter()
            .filter_map(|cut| Some(cut.marker.as_ref()?.id.clone()))
            .collect();
        Ok(Self { text, cuts, marks })
    }

    fn has(&self, name: &str) -> bool {
        find(&self.cuts, name).is_some()
    }

    /// The name, or with the first number behind it that is free.
    fn free(&self, name: &str) -> String {
        if !self.has(name) {
            return name.to_owned();
        }
        (2..=self.cuts.len() + 2)
            .map(|number| format!("{name}-{number}"))
            .find(|name| !self.has(name))
            .unwrap_or_default()
    }

    /// Of the entries that the job takes from, those that have to come along, in the order of their file.
    fn missing(&self, from: &str, all: &[Cut], taken: &BTreeSet<String>) -> Result<Vec<String>, Refusal> {
        let mut along = Vec::new();
        for cut in all {
            let Some(key) = cut.key.as_ref().filter(|key| taken.contains(*key)) else {
                continue;
            };
            match find(&self.cuts, key) {
                None => along.push(key.clone()),
                Some(there) if body(self.text, there) == body(from, cut) => {}
                Some(_) => return Err(Refusal::Taken { name: key.clone() }),
            }
        }
        Ok(along)
    }
}

/// An entry without the comments before it and blanks after it, line breaks as `\n`.
fn body(text: &str, cut: &Cut) -> String {
    let lines = text[cut.start..cut.end].lines();
    let is_before = |line: &&str| line.trim().is_empty() || line.trim_start().starts_with('#');
    let lines: Vec<&str> = lines.skip_while(is_before).map(str::trim_end).collect();
    lines.join("\n").trim_end().to_owned()
}

/// The jobs it waits for that the other file does not have, and whether it has no needs or some that stay.
fn left_behind(tree: &Tree<'_>, name: &str, target: &Target<'_>) -> (Vec<String>, bool) {
    let Some(config) = config(tree) else {
        return (Vec::new(), true);
    };
    let all = config.root.get(name).map(needs).unwrap_or_default();
    let (there, gone): (Vec<_>, Vec<_>) = all.into_iter().partition(|need| target.has(&need.job));
    let mut left = Vec::new();
    for need in gone {
        if !left.contains(&need.job) {
            left.push(need.job);
        }
    }
    let stays = !there.is_empty() || left.is_empty();
    (left, stays)
}

/// The entries as they stand in the prepared file, in its order.
fn blocks(text: &str, job: &str, along: &[String]) -> Result<Vec<(String, String)>, Refusal> {
    let tree = parse(text)?;
    let wanted = |key: &String| key == job || along.contains(key);
    Ok(cuts(&tree)
        .into_iter()
        .filter_map(|cut| {
            let key = cut.key.filter(wanted)?;
            Some((
                key,
                text[cut.start..cut.end].trim_matches(['\r', '\n']).to_owned(),
            ))
        })
        .collect())
}

fn without_marker(block: &str, id: &str) -> String {
    let is_marker = |line: &str| {
        let comment = line.trim_start().strip_prefix('#').map(str::trim_start);
        comment
            .is_some_and(|comment| comment.starts_with("slipway:") && comment.contains(&format!("job={id}")))
    };
    block
        .split_inclusive('\n')
        .filter(|line| !is_marker(line))
        .collect()
}

/// The other file with the job's stage, and the stage if it is new there.
fn with_stage(source: &Tree<'_>, name: &str, to: &str) -> Result<(String, Option<String>), Refusal> {
    let same = || Ok((to.to_owned(), None));
    let Some(config_of) = effective(source, false, &mut Vec::new()) else {
        return same();
    };
    let stage = config_of
        .root
        .get(name)
        .and_then(|job| job.get("stage"))
        .and_then(|stage| stage.text().map(str::to_owned));
    // Where another file names the stages of one of the two, nobody can tell here.
    let (Some(stage), Some(order)) = (stage, stages(&config_of)) else {
        return same();
    };
    let text = if to.trim().is_empty() { "{}\n" } else { to };
    let tree = parse(text)?;
    let Some(there) = effective(&tree, false, &mut Vec::new()).and_then(|config| stages(&config)) else {
        return same();
    };
    if there.contains(&stage) {
        return same();
    }
    let after = order.iter().skip_while(|one| **one != stage).skip(1);
    let before = after
        .filter(|one| *one != ".post")
        .find(|one| there.contains(one))
        .cloned();
    if to.trim().is_empty() {
        let line = newline(to);
        return Ok((format!("stages:{line}  - {}{line}", quoted(&stage)), Some(stage)));
    }
    let edit = Edit::AddStage {
        stage: stage.clone(),
        before,
    };
    let written = apply(to, std::slice::from_ref(&edit)).map_err(|refused| refused.refusal)?;
    Ok((written.text, Some(stage)))
}

/// A stage's name as an item of a list.
fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if begins
        && name.chars().all(plain)
        && !matches!(name, "true" | "false" | "null" | "yes" | "no" | "on" | "off")
    {
        return name.to_owned();
    }
    format!("'{}'", name.replace('\'', "''"))
}

fn appended(text: &str, blocks: &[(String, String)]) -> String {
    let line = newline(text);
    let mut all = text.to_owned();
    for (_, block) in blocks {
        if !all.trim().is_empty() {
            if !all.ends_with('\n') {
                all.push_str(line);
            }
            if !all.ends_with(&format!("{line}{line}")) {
                all.push_str(line);
            }
        }
        for row in block.lines() {
            all.push_str(row);
            all.push_str(line);
        }
    }
    all
}

/// What was there has the bytes it had, what came says what it said where it came from, and GitLab takes it as before.
fn verify(before: &str, after: &str, from: &str, blocks: &[(String, String)]) -> Result<(), Refusal> {
    let wrong = || Refusal::NotWhatWasMeant {
        field: blocks.last().map(|(key, _)| key.clone()).unwrap_or_default(),
    };
    let tree = parse(after).map_err(|_| wrong())?;
    let source = parse(from)?;
    let root = tree.content().ok_or_else(wrong)?.root;
    let source_root = source.content().ok_or_else(wrong)?.root;
    for (key, _) in blocks {
        let now = tree.get(root, key).ok_or_else(wrong)?;
        let was = source.get(source_root, key).ok_or_else(wrong)?;
        if meaning(&tree, now) != meaning(&source, was) {
            return Err(wrong());
        }
    }
    let mut work = Work::new(after);
    work.touch("stages");
    work.touch("types");
    let before = if before.trim().is_empty() { "{}\n" } else { before };
    work.check(before).map(drop)
}

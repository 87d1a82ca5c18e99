//! A file of Slipway's own beside one that is mostly not understood: the root gets one `include`.

use super::classify::shared;
use super::cut::{Reason, cuts, line_end, line_start};
use super::place::{column_of, dash, in_lines_of, indent_of, newline};
use super::refusal::Refusal;
use super::tree::{Kind, NodeId, Tree, parse};
use super::value::{Meaning, What, meaning, meanings};
use crate::text::Text;

/// The path of Slipway's own file.
pub const SIDE_FILE: &str = ".gitlab/slipway.yml";

/// The path of GitLab's own file.
pub const ROOT_FILE: &str = ".gitlab-ci.yml";

/// The first line of Slipway's own file: by it a text is known as a part of [`ROOT_FILE`], whose stages, defaults and jobs
/// it may name.
pub const MARK: &str = "# slipway: part of .gitlab-ci.yml";

/// Slipway's own file before it has jobs.
pub fn begin() -> String {
    format!(
        "{MARK}\n# Jobs made with Slipway. Their stages are those of {ROOT_FILE}, which includes this file.\n\n\
         # GitLab takes no file that says nothing.\n.slipway: {{}}\n"
    )
}

/// Whether a text is Slipway's own file.
pub fn is_side(text: &str) -> bool {
    let first = text.trim_start_matches('\u{feff}').lines().next();
    first.is_some_and(|line| line.trim_end() == MARK)
}

/// Where a text belongs.
pub fn path_of(text: &str) -> &'static str {
    if is_side(text) { SIDE_FILE } else { ROOT_FILE }
}

/// Whether a root file includes Slipway's own.
pub fn is_included(root: &str) -> bool {
    let Ok(tree) = parse(root) else { return false };
    tree.content()
        .and_then(|document| tree.get(document.root, "include"))
        .is_some_and(|include| names_side_file(&tree, include))
}

/// Both files as one, for a lint that cannot see the second; none where both say something of one name.
pub fn together(root: &str, side: &str) -> Option<String> {
    let line = newline(root);
    let keys = |text: &str| -> Option<Vec<String>> {
        let tree = parse(text).ok()?;
        Some(cuts(&tree).into_iter().filter_map(|cut| cut.key).collect())
    };
    let own = keys(side)?;
    if root.trim().is_empty() {
        return Some(side.to_owned());
    }
    if keys(root)?.iter().any(|key| own.contains(key)) {
        return None;
    }
    let text = format!("{}{line}{line}{}", root.trim_end(), in_lines_of(root, side));
    let tree = parse(&text).ok()?;
    let has = |key: &String| {
        tree.content()
            .is_some_and(|document| tree.get(document.root, key).is_some())
    };
    own.iter().all(has).then_some(text)
}

/// The root file with an `include` of [`SIDE_FILE`]; unchanged where it has one.
///
/// # Errors
/// Where the `include` is written in a way that cannot be added to, with the reason.
pub fn with_include(text: &str) -> Result<String, Refusal> {
    if text.trim().is_empty() {
        return Ok(format!("include:\n  - local: {SIDE_FILE}\n"));
    }
    let tree = parse(text).map_err(Refusal::from)?;
    let Some(document) = tree.content() else {
        return Err(Refusal::NoSuchField {
            field: "include".to_owned(),
        });
    };
    let Some((key, include)) = tree.entry(document.root, "include") else {
        return verified(&tree, at_the_top(&tree)?);
    };
    if names_side_file(&tree, include) {
        return Ok(text.to_owned());
    }
    if let Some(code) = shared(&tree, include) {
        return Err(kept(&tree, include, Reason::of(code).text));
    }
    let node = tree.node(include);
    let result = match &node.kind {
        Kind::List { items, flow: false } => after_last(&tree, include, items)?,
        Kind::List { items, flow: true } => {
            let comma = if items.is_empty() { "" } else { ", " };
            let last = items.last().map_or(node.start + 1, |last| tree.node(*last).end);
            format!("{}{comma}{SIDE_FILE}{}", &text[..last], &text[last..])
        }
        Kind::Scalar { .. } if tree.is_null(include) => {
            let colon = tree.node(key).end + 1;
            let end = node.end.max(colon);
            format!("{} [{SIDE_FILE}]{}", &text[..colon], &text[end..])
        }
        Kind::Scalar { .. } | Kind::Map { flow: true, .. } => {
            let old = &text[node.start..node.end];
            format!("{}[{old}, {SIDE_FILE}]{}", &text[..node.start], &text[node.end..])
        }
        Kind::Map { entries, flow: false } => as_item(&tree, include, entries)?,
        Kind::Alias(_) => {
            return Err(Refusal::NoSuchField {
                field: "include".to_owned(),
            });
        }
    };
    verified(&tree, result)
}

fn kept(tree: &Tree<'_>, node: NodeId, reason: Text) -> Refusal {
    Refusal::Kept {
        field: "include".to_owned(),
        line: tree.node(node).line,
        reason,
    }
}

fn unusual(tree: &Tree<'_>, node: NodeId) -> Refusal {
    kept(tree, node, Text::new("is written in an unusual way", "写法特殊"))
}

/// Whether one of the includes is the side file.
fn names_side_file(tree: &Tree<'_>, include: NodeId) -> bool {
    let is_it = |id: NodeId| {
        let path = tree.scalar(id).or_else(|| tree.scalar(tree.get(id, "local")?));
        path.is_some_and(|path| path.trim_start_matches('/') == SIDE_FILE)
    };
    is_it(include) || tree.items(include).iter().any(|item| is_it(*item))
}

fn at_the_top(tree: &Tree<'_>) -> Result<String, Refusal> {
    let text = tree.text;
    let line = newline(text);
    let first = cuts(tree).into_iter().find(|cut| cut.key.is_some());
    let Some(first) = first else {
        let root = tree.content().map_or(0, |document| document.root);
        return Err(unusual(tree, root));
    };
    let block = format!("include:{line}  - local: {SIDE_FILE}{line}{line}");
    Ok(format!("{}{block}{}", &text[..first.start], &text[first.start..]))
}

fn after_last(tree: &Tree<'_>, include: NodeId, items: &[NodeId]) -> Result<String, Refusal> {
    let text = tree.text;
    let line = newline(text);
    let Some(last) = items.last() else {
        return Err(unusual(tree, include));
    };
    let dash = dash(tree, *last).filter(|dash| indent_of(text, *dash).is_some());
    let Some(dash) = dash else {
        return Err(unusual(tree, include));
    };
    let at = line_end(text, tree.node(*last).end);
    let item = format!("{}- local: {SIDE_FILE}", " ".repeat(column_of(text, dash)));
    if text[..at].ends_with('\n') {
        Ok(format!("{}{item}{line}{}", &text[..at], &text[at..]))
    } else {
        Ok(format!("{}{line}{item}{}", &text[..at], &text[at..]))
    }
}

/// A mapping becomes the first item of a list.
fn as_item(tree: &Tree<'_>, include: NodeId, entries: &[(NodeId, NodeId)]) -> Result<String, Refusal> {
    let text = tree.text;
    let Some((first, _)) = entries.first() else {
        return Err(unusual(tree, include));
    };
    let start = tree.node(*first).start;
    let Some(indent) = indent_of(text, start) else {
        return Err(unusual(tree, include));
    };
    let from = line_start(text, start);
    let to = line_end(text, tree.node(include).end);
    let mut moved = String::new();
    for (index, line) in text[from..to].split_inclusive('\n').enumerate() {
        if index == 0 {
            moved.push_str(&line[..indent]);
            moved.push_str("- ");
            moved.push_str(&line[indent..]);
        } else {
            if !line.trim().is_empty() {
                moved.push_str("  ");
            }
            moved.push_str(line);
        }
    }
    let line = newline(text);
    if !moved.ends_with('\n') {
        moved.push_str(line);
    }
    let item = format!("{}- local: {SIDE_FILE}{line}", " ".repeat(indent));
    Ok(format!("{}{moved}{item}{}", &text[..from], &text[to..]))
}

/// The result says what the file said, and includes one file more.
fn verified(tree: &Tree<'_>, result: String) -> Result<String, Refusal> {
    let other = || Refusal::NotWhatWasMeant {
        field: "include".to_owned(),
    };
    let new = parse(&result).map_err(|_| other())?;
    let (Some(old_document), Some(document)) = (tree.content(), new.content()) else {
        return Err(other());
    };
    let include = new.get(document.root, "include").ok_or_else(other)?;
    if !names_side_file(&new, include) || new.documents.len() != tree.documents.len() {
        return Err(other());
    }
    let without = |tree: &Tree<'_>, root: NodeId| -> Vec<(Meaning, Meaning)> {
        let entries = tree
            .entries(root)
            .iter()
            .filter(|(key, _)| tree.scalar(*key) != Some("include"));
        entries
            .map(|(key, value)| (meaning(tree, *key), meaning(tree, *value)))
            .collect()
    };
    let same = without(tree, old_document.root) == without(&new, document.root);
    let before = tree
        .get(old_document.root, "include")
        .map(|old| items(meaning(tree, old)));
    let mut after = items(meaning(&new, include));
    after.pop();
    if same && before.unwrap_or_default() == after && meanings(&new).len() == meanings(tree).len() {
        Ok(result)
    } else {
        Err(other())
    }
}

/// One include, or a list of them.
fn items(mut include: Meaning) -> Vec<Meaning> {
    match include.what_mut() {
        What::List(items) => std::mem::take(items),
        What::Scalar(super::effective::Value::Null, _) => Vec::new(),
        _ => vec![include],
    }
}

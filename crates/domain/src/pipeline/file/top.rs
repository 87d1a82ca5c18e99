//! Whole entries of the file that come, go, get another key, or stand twice.

use std::ops::Range;

use super::super::yaml::Yaml;
use super::classify::shared;
use super::cut::{Cut, Reason, ReasonCode, cuts, line_end, line_start};
use super::edit::last_entry;
use super::place::newline;
use super::plan::Plan;
use super::refusal::Refusal;
use super::scalar::{Place, text as scalar_text};
use super::tree::{Kind, NodeId, Style, Tree};
use super::value::{Meaning, meaning};
use super::written;

/// A top-level entry.
pub(super) struct Top {
    pub(super) root: NodeId,
    /// Its place among the entries.
    pub(super) place: usize,
    pub(super) key: NodeId,
    pub(super) value: NodeId,
    /// Its piece of the file.
    cut: Cut,
}

/// Finds an entry that is there once and stands on lines of its own.
pub(super) fn find(tree: &Tree<'_>, name: &str) -> Result<Top, Refusal> {
    let unknown = || Refusal::UnknownJob {
        name: name.to_owned(),
    };
    let refuse = |code: ReasonCode| Refusal::NotAJob {
        name: name.to_owned(),
        reason: Reason::of(code).text,
    };
    let root = tree.content().ok_or_else(unknown)?.root;
    let place = last_entry(tree, root, name).ok_or_else(unknown)?;
    let (key, value) = tree.entries(root)[place];
    let twice = tree
        .duplicates
        .iter()
        .any(|twice| twice.map == root && tree.scalar(twice.key) == Some(name));
    if twice {
        return Err(refuse(ReasonCode::Duplicate));
    }
    let at = tree.node(key).start;
    let cut = cuts(tree).into_iter().find(|cut| cut.start <= at && at < cut.end);
    match cut.filter(|cut| cut.key.as_deref() == Some(name)) {
        Some(cut) => Ok(Top {
            root,
            place,
            key,
            value,
            cut,
        }),
        None => Err(refuse(ReasonCode::FlowStyle)),
    }
}

impl Top {
    /// From the comments directly above the entry to the end of its piece.
    fn own(&self, tree: &Tree<'_>) -> Range<usize> {
        let line = line_start(tree.text, tree.node(self.key).start);
        let mut start = line;
        for candidate in tree.text[self.cut.start.min(line)..line]
            .split_inclusive('\n')
            .rev()
        {
            if !candidate.starts_with('#') {
                break;
            }
            start -= candidate.len();
        }
        start..self.cut.end
    }
}

impl Top {
    /// The splice that puts a marker above the entry, in the place of one that is there.
    pub(super) fn marker(&self, tree: &Tree<'_>, marker: &str) -> (Range<usize>, String) {
        let line = line_start(tree.text, tree.node(self.key).start);
        let own = self.own(tree).start;
        let body = marker.replace('\n', newline(tree.text));
        let mut end = line;
        for candidate in tree.text[own..line].split_inclusive('\n').rev() {
            let start = end - candidate.len();
            if candidate.starts_with("# slipway: ") {
                return (start..end, body);
            }
            end = start;
        }
        (line..line, body)
    }
}

/// Gives an entry another key.
pub(super) fn rename(tree: &Tree<'_>, plan: &mut Plan, top: &Top, to: &str) -> Result<(), Refusal> {
    let node = tree.node(top.key);
    let used = node.anchor.is_some_and(|anchor| tree.is_used(anchor));
    let code = shared(tree, top.key).filter(|code| used || !matches!(code, ReasonCode::Anchor { .. }));
    if let Some(code) = code {
        return Err(Refusal::Kept {
            field: tree.scalar(tree.target(top.key)).unwrap_or_default().to_owned(),
            line: node.line,
            reason: Reason::of(code).text,
        });
    }
    let style = match &node.kind {
        Kind::Scalar { style, .. } => *style,
        _ => Style::Plain,
    };
    plan.set(tree, top.key, key_text(to, style), Meaning::text(to));
    Ok(())
}

fn key_text(name: &str, style: Style) -> String {
    let place = Place {
        flow: false,
        indent: 0,
        newline: "\n",
        style,
    };
    scalar_text(name, place)
}

/// Takes an entry out, with the comments directly above it.
pub(super) fn remove(tree: &Tree<'_>, top: &Top, name: &str) -> Result<Vec<Plan>, Refusal> {
    if let Some((anchor, line)) = used_outside(tree, top) {
        return Err(Refusal::Kept {
            field: name.to_owned(),
            line,
            reason: Reason::of(ReasonCode::Anchor { name: anchor }).text,
        });
    }
    let range = top.own(tree);
    let without = |range: Range<usize>| {
        let mut plan = Plan::default();
        plan.splice((range, String::new()));
        plan.loses(top.root, top.place);
        plan
    };
    let mut plans = Vec::new();
    if range.end == tree.text.len() && !tree.text.ends_with('\n') {
        // The file has no final line break, and gets none.
        let start = tree.text[..range.start].trim_end_matches(['\n', '\r']).len();
        plans.push(without(start..range.end));
    }
    // The last line break may be a part of a text that ends there.
    plans.push(without(range));
    Ok(plans)
}

/// An anchor in an entry that another takes its value from.
fn used_outside(tree: &Tree<'_>, top: &Top) -> Option<(String, usize)> {
    let range = tree.node(top.key).start..tree.node(top.value).end.max(tree.node(top.key).end);
    let aliases = tree.nodes.iter().filter_map(|node| match node.kind {
        Kind::Alias(anchor) if !range.contains(&node.start) => Some(anchor),
        _ => None,
    });
    aliases
        .filter(|anchor| {
            let definition = tree
                .anchors
                .get(anchor)
                .map(|anchor| tree.node(anchor.node).start);
            definition.is_some_and(|start| range.contains(&start))
        })
        .map(|anchor| (tree.anchor_name(anchor).to_owned(), tree.anchor_line(anchor)))
        .next()
}

/// Where a new entry goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    /// Before the entry of this place and its comments.
    Before(usize),
    /// After the entry of this place.
    After(usize),
}

/// A new entry as text with `\n`, its comments before it.
pub(super) struct New {
    pub(super) text: String,
    pub(super) key: Meaning,
    pub(super) value: Meaning,
}

impl New {
    /// `key: value`.
    pub(super) fn of(key: &str, value: &Yaml) -> Self {
        Self {
            text: written::entry(key, value, 0, "\n"),
            key: Meaning::text(key),
            value: super::plan::meaning_of(value),
        }
    }
}

/// Ways to write an entry at a place, the best first.
pub(super) fn insert(tree: &Tree<'_>, new: &New, at: At) -> Result<Vec<Plan>, Refusal> {
    let refused = || Refusal::NotAJob {
        name: String::new(),
        reason: Reason::of(ReasonCode::FlowStyle).text,
    };
    let root = tree.content().ok_or_else(refused)?.root;
    let cuts: Vec<Cut> = cuts(tree).into_iter().filter(|cut| cut.key.is_some()).collect();
    if cuts.len() != tree.entries(root).len() || cuts.is_empty() {
        return Err(refused());
    }
    let (text, line) = (tree.text, newline(tree.text));
    let body = new.text.replace('\n', line);
    let one = |place: usize, byte: usize, (above, below): (bool, bool)| {
        let before = &text[..byte];
        let mut out = String::new();
        let fresh = before.trim_start_matches('\u{feff}').is_empty();
        if !fresh && !before.ends_with('\n') {
            out.push_str(line);
        }
        let is_blank = before
            .strip_suffix('\n')
            .is_some_and(|rest| rest.trim_end_matches(['\r', ' ', '\t']).ends_with('\n') || rest.is_empty());
        if above && place > 0 && !is_blank {
            out.push_str(line);
        }
        out.push_str(&body);
        let rest = &text[byte..];
        if rest.is_empty() {
            if !text.ends_with('\n') {
                out.truncate(out.len() - line.len());
            }
        } else if below && !rest.starts_with(['\n', '\r']) {
            out.push_str(line);
        }
        let mut plan = Plan::default();
        plan.splice((byte..byte, out));
        plan.entry(root, place, new.key.clone(), new.value.clone());
        plan
    };
    let places = match at {
        At::Before(place) => vec![(place, cuts[place].start)],
        At::After(place) => vec![(place + 1, cuts[place].end), (place, cuts[place].start)],
    };
    // A blank line would belong to a text above it that keeps its own.
    let blanks = [(true, true), (false, true), (true, false), (false, false)];
    let plans = places
        .into_iter()
        .flat_map(|(place, byte)| blanks.map(|blanks| one(place, byte, blanks)))
        .collect();
    Ok(plans)
}

/// An entry a second time, under another name and without its anchors.
pub(super) fn copy(tree: &Tree<'_>, top: &Top, name: &str, to: &str) -> Result<New, Refusal> {
    let text = tree.text;
    let own = top.own(tree).start;
    let end = line_end(text, tree.node(top.value).end.max(tree.node(top.key).end));
    let (key, value) = (tree.node(top.key), tree.node(top.value));
    let style = match &key.kind {
        Kind::Scalar { style, .. } => *style,
        _ => Style::Plain,
    };
    let mut splices = vec![(key.start..key.end, key_text(to, style))];
    for node in tree
        .nodes
        .iter()
        .filter(|node| key.start <= node.start && node.start <= value.end)
    {
        let Some(anchor) = node.anchor else { continue };
        let mark = format!("&{}", tree.anchor_name(anchor));
        let Some(at) = text[own..node.start].rfind(&mark).map(|at| own + at) else {
            return Err(Refusal::Kept {
                field: name.to_owned(),
                line: node.line,
                reason: Reason::of(ReasonCode::Anchor {
                    name: tree.anchor_name(anchor).to_owned(),
                })
                .text,
            });
        };
        let after = at + mark.len();
        // One of the blanks beside it goes with it.
        let range = match text[after..].chars().next() {
            Some(' ') => at..after + 1,
            _ if text[..at].ends_with(' ') => at - 1..after,
            _ => at..after,
        };
        splices.push((range, String::new()));
    }
    splices.sort_by_key(|(range, _)| range.start);
    splices.dedup();
    if splices.windows(2).any(|pair| pair[0].0.end > pair[1].0.start) {
        return Err(Refusal::NotWhatWasMeant {
            field: name.to_owned(),
        });
    }
    let mut out = String::new();
    let mut place = own;
    for (range, new) in splices {
        out.push_str(&text[place..range.start]);
        out.push_str(&new);
        place = range.end;
    }
    out.push_str(&text[place..end]);
    let mut lines = String::new();
    let mut above = true;
    for line in out.replace("\r\n", "\n").split_terminator('\n') {
        above &= line.starts_with('#');
        lines.push_str(&if above { marked(line, to) } else { line.to_owned() });
        lines.push('\n');
    }
    Ok(New {
        text: lines,
        key: Meaning::text(to),
        value: meaning(tree, top.value).without_anchors(),
    })
}

/// The marker of a copy has an id of its own.
fn marked(line: &str, to: &str) -> String {
    match line.strip_prefix("# slipway: job=") {
        Some(rest) => {
            let template = rest.rfind(" template=").map_or("", |at| &rest[at..]);
            format!("# slipway: job={to}{template}")
        }
        None => line.to_owned(),
    }
}

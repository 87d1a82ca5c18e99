//! Three versions of one file, put together entry by entry: what Slipway last saw, what stands in the
//! repository now, and the draft. Nothing that was changed in git is overwritten without being chosen.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::super::source::SourceError;
use super::cut::{Cut, cuts};
use super::place::newline;
use super::tree::parse;

/// One top-level entry in its three versions, with the comments above it; none where it is absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The job's name, or the keyword.
    pub key: String,
    /// Who changed it.
    pub state: State,
    /// As Slipway last saw it.
    pub base: Option<String>,
    /// In the repository.
    pub repository: Option<String>,
    /// In the draft.
    pub draft: Option<String>,
}

/// Who changed an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody, or both in the same way.
    Same,
    /// Only the repository.
    Repository,
    /// Only the draft.
    Draft,
    /// Both, differently: somebody has to choose.
    Conflict,
}

/// Which version of an entry is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// That of the repository.
    Repository,
    /// That of the draft.
    Draft,
}

/// A merged file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merged {
    /// The text: the repository's, with the draft's entries.
    pub text: String,
    /// Conflicts that nobody chose in; the repository's version stands there.
    pub open: Vec<String>,
}

/// Compares three versions, in the order of the repository's, then of the draft's.
///
/// # Errors
/// Where one of them is not YAML.
pub fn compare(base: &str, repository: &str, draft: &str) -> Result<Vec<Difference>, SourceError> {
    let [base, repository, draft] = [pieces(base)?, pieces(repository)?, pieces(draft)?];
    let mut seen = BTreeSet::new();
    let mut keys = Vec::new();
    for piece in repository.iter().chain(&draft).chain(&base) {
        if seen.insert(piece.key.clone()) {
            keys.push(piece.key.clone());
        }
    }
    Ok(keys
        .into_iter()
        .map(|key| difference(key, &base, &repository, &draft))
        .collect())
}

fn difference(key: String, base: &[Piece], repository: &[Piece], draft: &[Piece]) -> Difference {
    let find = |pieces: &[Piece]| {
        pieces
            .iter()
            .rfind(|piece| piece.key == key)
            .map(|piece| piece.text.clone())
    };
    let (base, repository, draft) = (find(base), find(repository), find(draft));
    let state = if repository == draft {
        State::Same
    } else if base == draft {
        State::Repository
    } else if base == repository {
        State::Draft
    } else {
        State::Conflict
    };
    Difference {
        key,
        state,
        base,
        repository,
        draft,
    }
}

/// Merges: what only one side changed is taken from it, conflicts as chosen.
///
/// # Errors
/// Where a version is not YAML, or the merged text is not.
pub fn merge(
    base: &str,
    repository: &str,
    draft: &str,
    choices: &BTreeMap<String, Choice>,
) -> Result<Merged, SourceError> {
    let differences = compare(base, repository, draft)?;
    let order: Vec<String> = pieces(draft)?.into_iter().map(|piece| piece.key).collect();
    let takes_draft = |difference: &Difference| match choices.get(&difference.key) {
        Some(choice) => difference.state != State::Same && *choice == Choice::Draft,
        None => difference.state == State::Draft,
    };
    let line = newline(repository);
    let fitting = |text: &str| text.replace("\r\n", "\n").replace('\n', line);
    let mut parts = parts(repository)?;
    // What goes stands until what comes has its place.
    let (gone, here): (Vec<&Difference>, Vec<&Difference>) = differences
        .iter()
        .filter(|difference| takes_draft(difference))
        .partition(|difference| difference.draft.is_none());
    for difference in here.into_iter().chain(gone) {
        let key = Some(difference.key.as_str());
        let place = parts.iter().position(|part| part.key.as_deref() == key);
        match (place, &difference.draft) {
            (Some(place), Some(new)) => parts[place].body = fitting(new),
            (Some(place), None) => {
                parts.remove(place);
            }
            (None, Some(new)) => {
                let place = place_for(&order, &difference.key, &parts);
                if let Some(before) = place.checked_sub(1).and_then(|before| parts.get_mut(before)) {
                    end_with_blank_line(before, line);
                }
                let last = place == parts.len();
                let blank = if last {
                    line.to_owned()
                } else {
                    format!("{line}{line}")
                };
                parts.insert(
                    place,
                    Part {
                        key: Some(difference.key.clone()),
                        body: fitting(new),
                        blank,
                    },
                );
            }
            (None, None) => {}
        }
    }
    let text: String = parts
        .iter()
        .flat_map(|part| [part.body.as_str(), part.blank.as_str()])
        .collect();
    parse(&text)?;
    let open = differences
        .iter()
        .filter(|one| one.state == State::Conflict && !choices.contains_key(&one.key));
    Ok(Merged {
        open: open.map(|one| one.key.clone()).collect(),
        text,
    })
}

fn end_with_blank_line(part: &mut Part, line: &str) {
    let breaks = part.blank.matches('\n').count();
    for _ in breaks..2 {
        part.blank.push_str(line);
    }
}

/// After the entry that stands before it in the draft and is in the repository, else before the one
/// that stands after it, else after the last.
fn place_for(order: &[String], key: &str, parts: &[Part]) -> usize {
    let own = order.iter().position(|one| one == key).unwrap_or_default();
    let place = |key: &String| parts.iter().position(|part| part.key.as_ref() == Some(key));
    let before = order[..own].iter().rev().find_map(place);
    before
        .map(|before| before + 1)
        .or_else(|| order[own..].iter().find_map(place))
        .or_else(|| {
            parts
                .iter()
                .rposition(|part| part.key.is_some())
                .map(|last| last + 1)
        })
        .unwrap_or(parts.len())
}

/// A top-level entry without the blank lines after it, its line breaks as `\n`.
struct Piece {
    key: String,
    text: String,
}

fn pieces(text: &str) -> Result<Vec<Piece>, SourceError> {
    let piece = |part: Part| {
        let text = part.body.replace("\r\n", "\n");
        part.key.map(|key| Piece { key, text })
    };
    Ok(parts(text)?.into_iter().filter_map(piece).collect())
}

/// A cut of the repository's text, and the blank lines after it.
struct Part {
    key: Option<String>,
    body: String,
    blank: String,
}

fn parts(text: &str) -> Result<Vec<Part>, SourceError> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let tree = parse(text)?;
    let part = |cut: Cut| {
        let whole = &text[cut.start..cut.end];
        let body = whole.trim_end_matches([' ', '\t', '\r', '\n']);
        Part {
            key: cut.key,
            blank: whole[body.len()..].to_owned(),
            body: body.to_owned(),
        }
    };
    Ok(cuts(&tree).into_iter().map(part).collect())
}

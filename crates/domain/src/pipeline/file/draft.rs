//! A draft: a file and what was changed in it. Nothing is stored but the changes; the text comes from
//! the file and them, so undoing is leaving the last one out.

use serde::{Deserialize, Serialize};

use super::assignment::Assignment;
use super::change::Edit;
use super::edit::{Found, descend, edit, last_entry};
use super::editor::Editor;
use super::listing::Listing;
use super::plan::Plan;
use super::refusal::Refusal;
use super::scalar::NewValue;
use super::stages::{self, first_after};
use super::top::{self, New, insert};
use super::work::Work;
use super::{edges, jobs};
use crate::diff::{DiffView, diff_lines};
use crate::pipeline::Yaml;
use crate::text::Text;

/// The largest number of changes of one draft: each is done again when the draft is read.
pub const MOST_EDITS: usize = 1000;

/// How deep changes may stand in each other.
const DEEPEST: usize = 4;

/// A changed file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Written {
    /// The whole text.
    pub text: String,
    /// Top-level entries that the changes were about, by their names before and after.
    pub touched: Vec<String>,
    /// Other jobs that run differently now, because they take from those.
    pub also: Vec<String>,
}

/// A change that is not made. Nothing of the others is written either.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Its place among the changes, from 0.
    pub at: usize,
    /// Why.
    pub refusal: Refusal,
    /// What it would have done to the file, where that is why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<DiffView>,
}

/// Makes changes, one after the other. What none of them is about stays byte for byte.
///
/// # Errors
/// The first that cannot be made, with the reason, the place, and the patch it would have been.
pub fn apply(text: &str, edits: &[Edit]) -> Result<Written, Refused> {
    if edits.iter().map(Edit::count).sum::<usize>() > MOST_EDITS {
        let wanted = Text::new(
            format!("proposed first: it has more than {MOST_EDITS} changes"),
            format!("先提交的草稿：它已有超过 {MOST_EDITS} 处修改"),
        );
        let field = "draft".to_owned();
        return Err(Refused {
            at: MOST_EDITS,
            refusal: Refusal::WrongValue { field, wanted },
            patch: None,
        });
    }
    let mut written = Written {
        text: text.to_owned(),
        ..Written::default()
    };
    for (at, edit) in edits.iter().enumerate() {
        one(&mut written, edit).map_err(|(refusal, attempt)| Refused {
            at,
            refusal,
            patch: attempt.map(|attempt| diff_lines(&written.text, &attempt)),
        })?;
    }
    Ok(written)
}

fn one(written: &mut Written, edit: &Edit) -> Result<(), (Refusal, Option<String>)> {
    let mut work = Work::new(&written.text);
    let mut also = Vec::new();
    // A single field was compared with everything else already.
    let compared = matches!(edit, Edit::Set { .. } | Edit::MoveJob { .. });
    let done = make(&mut work, edit, 0, &mut also).and_then(|()| {
        if compared {
            Ok(Vec::new())
        } else {
            work.check(&written.text)
        }
    });
    let more = match done {
        Ok(more) => more,
        Err(refusal) => {
            let shown = match &refusal {
                Refusal::NotWhatWasMeant { .. } | Refusal::WouldBreak { .. } => {
                    work.attempt.take().or(Some(work.text))
                }
                _ => None,
            };
            return Err((refusal, shown));
        }
    };
    for job in also.into_iter().chain(more) {
        if !written.also.contains(&job) {
            written.also.push(job);
        }
    }
    for name in work.touched() {
        if !written.touched.contains(name) {
            written.touched.push(name.clone());
        }
    }
    written.text = work.text;
    Ok(())
}

fn make(work: &mut Work, change: &Edit, depth: usize, also: &mut Vec<String>) -> Result<(), Refusal> {
    match change {
        Edit::Set { job, path, value } => {
            work.touch(job);
            let assignment = Assignment {
                job: job.clone(),
                path: path.clone(),
                value: value.clone(),
            };
            let done = edit(&work.text, &assignment)?;
            work.text = done.text;
            also.extend(done.also);
            Ok(())
        }
        Edit::SetVariable { name, value } => variable(work, name, value.as_deref()),
        Edit::AddJob { job, template, place } => jobs::add(work, job, template.as_ref(), place),
        Edit::ReplaceJob { job, new, template } => jobs::replace(work, job, new, template.as_ref()),
        Edit::RenameJob { job, to } => jobs::rename(work, job, to),
        Edit::RemoveJob { job, dependents } => jobs::remove(work, job, *dependents),
        Edit::DuplicateJob { job, to } => jobs::duplicate(work, job, to),
        Edit::DisableJob { job, dependents } => jobs::disable(work, job, *dependents),
        Edit::EnableJob { job } => jobs::enable(work, job),
        Edit::MoveJob { job, stage } => {
            also.extend(stages::set(work, job, stage)?);
            Ok(())
        }
        Edit::AddStage { stage, before } => stages::add(work, stage, before.as_deref()),
        Edit::RemoveStage { stage, jobs_to } => stages::remove(work, stage, jobs_to.as_deref()),
        Edit::RenameStage { stage, to } => stages::rename(work, stage, to),
        Edit::MoveStage { stage, before } => stages::reorder(work, stage, before.as_deref()),
        Edit::AddNeed { job, need } => edges::add(work, job, need),
        Edit::RemoveNeed { job, need } => edges::remove(work, job, need),
        Edit::All { edits } if depth < DEEPEST => edits
            .iter()
            .try_for_each(|edit| make(work, edit, depth + 1, also)),
        Edit::All { .. } => Err(Refusal::WrongValue {
            field: "all".to_owned(),
            wanted: Text::new("a flat list of changes", "不嵌套的修改列表"),
        }),
    }
}

/// Entries before which the variables of the file do not go.
const BEFORE_VARIABLES: [&str; 6] = ["spec", "include", "workflow", "stages", "types", "default"];

/// Sets a variable of the whole file, or takes it away.
fn variable(work: &mut Work, name: &str, value: Option<&str>) -> Result<(), Refusal> {
    work.touch("variables");
    let field = format!("variables.{name}");
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(Refusal::BadName {
            name: name.to_owned(),
            wanted: Text::new("letters, digits and _", "字母、数字和下划线"),
        });
    }
    work.step(&field, |tree| {
        let missing = || Refusal::NoSuchField { field: field.clone() };
        let root = tree.content().ok_or_else(missing)?.root;
        let found = Found {
            node: root,
            places: Vec::new(),
            missing: Vec::new(),
        };
        let found = descend(tree, found, &["variables".to_owned(), name.to_owned()])?;
        let place = last_entry(tree, root, "variables");
        let map = place.map(|place| (place, tree.entries(root)[place].1));
        let listing = Listing {
            tree,
            field: field.clone(),
        };
        match (value, map) {
            (None, _) if !found.missing.is_empty() => Err(missing()),
            (None, Some((_, map))) if tree.entries(map).len() == 1 => {
                let top = top::find(tree, "variables")?;
                top::remove(tree, &top, "variables")
            }
            (None, _) => {
                let mut plan = Plan::default();
                let (place, map) = found
                    .places
                    .last()
                    .zip(map.map(|(_, map)| map))
                    .ok_or_else(missing)?;
                listing.remove_entry(&mut plan, map, *place)?;
                Ok(vec![plan])
            }
            (Some(value), None) => {
                let map = Yaml::Map(vec![(name.to_owned(), Yaml::text(value))]);
                insert(
                    tree,
                    &New::of("variables", &map),
                    first_after(tree, &BEFORE_VARIABLES),
                )
            }
            (Some(value), Some(_)) => {
                let assignment = Assignment {
                    job: String::new(),
                    path: vec!["variables".to_owned(), name.to_owned()],
                    value: NewValue::Text(value.to_owned()),
                };
                let editor = Editor::new(tree, field.clone());
                let (splices, meant) = editor.change(&found, &assignment)?;
                Ok(vec![Plan::of_field(tree, splices, meant).ok_or_else(missing)?])
            }
        }
    })
}

/// A draft of a file: its changes, and those that were undone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Draft {
    /// What was changed, in order.
    #[serde(default)]
    edits: Vec<Edit>,
    /// What was undone, the last undone last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    undone: Vec<Edit>,
}

impl Draft {
    /// What was changed, in order.
    pub fn edits(&self) -> &[Edit] {
        &self.edits
    }

    /// Whether nothing was changed.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// Makes one more change and remembers it; what was undone is forgotten. A field that is set again
    /// is one change still, so that what was typed into it is one step to undo.
    ///
    /// # Errors
    /// Where it cannot be made; the draft is as it was.
    pub fn make(&mut self, base: &str, edit: Edit) -> Result<Written, Refused> {
        let again = self.edits.last().is_some_and(|last| last.same_place(&edit));
        if again {
            let mut edits = self.edits.clone();
            edits.pop();
            edits.push(edit.clone());
            if let Ok(written) = apply(base, &edits) {
                (self.edits, self.undone) = (edits, Vec::new());
                return Ok(written);
            }
        }
        self.edits.push(edit);
        match apply(base, &self.edits) {
            Ok(written) => {
                self.undone.clear();
                Ok(written)
            }
            Err(refused) => {
                self.edits.pop();
                Err(refused)
            }
        }
    }

    /// Remembers a change that [`apply`] has made in the text of now already.
    pub fn push(&mut self, edit: Edit) {
        self.undone.clear();
        self.edits.push(edit);
    }

    /// The file with all changes.
    ///
    /// # Errors
    /// Where the file is not the one the changes were made in, and one cannot be made in it.
    pub fn text(&self, base: &str) -> Result<Written, Refused> {
        apply(base, &self.edits)
    }

    /// Leaves the last change out; none where there is none.
    pub fn undo(&mut self) -> Option<&Edit> {
        self.undone.push(self.edits.pop()?);
        self.undone.last()
    }

    /// Makes the change again that was undone last; none where there is none.
    pub fn redo(&mut self) -> Option<&Edit> {
        self.edits.push(self.undone.pop()?);
        self.edits.last()
    }

    /// Whether there is something to undo.
    pub fn can_undo(&self) -> bool {
        !self.edits.is_empty()
    }

    /// Whether there is something to redo.
    pub fn can_redo(&self) -> bool {
        !self.undone.is_empty()
    }
}

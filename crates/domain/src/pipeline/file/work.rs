//! A file that is being changed, step by step. Each step is read again and compared with what it was
//! meant to say.

use std::collections::{BTreeMap, BTreeSet};

use super::super::problem::Severity;
use super::edit::changed_jobs;
use super::job::is_job;
use super::lint::{GLOBAL_KEYS, lint};
use super::named::config;
use super::plan::{Plan, write};
use super::refusal::Refusal;
use super::side::is_side;
use super::tree::{Tree, parse};
use crate::text::Text;

/// The state of one change.
pub(super) struct Work {
    /// The file as far as it is written.
    pub(super) text: String,
    /// Top-level entries that the change is about, as they are called before and after it.
    touched: BTreeSet<String>,
    /// What would have been written where it was refused, to be shown.
    pub(super) attempt: Option<String>,
}

impl Work {
    pub(super) fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            touched: BTreeSet::new(),
            attempt: None,
        }
    }

    /// Says that an entry may differ after the change.
    pub(super) fn touch(&mut self, name: &str) {
        self.touched.insert(name.to_owned());
    }

    /// What is touched so far.
    pub(super) fn touched(&self) -> impl Iterator<Item = &String> {
        self.touched.iter()
    }

    /// Writes the first of several plans that comes out as meant.
    pub(super) fn step(
        &mut self,
        what: &str,
        plans: impl FnOnce(&Tree<'_>) -> Result<Vec<Plan>, Refusal>,
    ) -> Result<(), Refusal> {
        let tree = parse(&self.text)?;
        let plans = plans(&tree)?;
        match write(&tree, what, plans) {
            Ok(text) => {
                self.text = text;
                Ok(())
            }
            Err((refusal, attempt)) => {
                self.attempt = Some(attempt);
                Err(refusal)
            }
        }
    }

    /// One plan.
    pub(super) fn one(
        &mut self,
        what: &str,
        plan: impl FnOnce(&Tree<'_>) -> Result<Plan, Refusal>,
    ) -> Result<(), Refusal> {
        self.step(what, |tree| Ok(vec![plan(tree)?]))
    }

    /// Compares the file before all changes with the file after them: what was not touched is the same,
    /// byte for byte, and GitLab does not refuse it for a reason that it did not have before. Gives the
    /// jobs that changed with those that were touched, because they take from them.
    pub(super) fn check(&mut self, before: &str) -> Result<Vec<String>, Refusal> {
        let (old, new) = (parse(before)?, parse(&self.text)?);
        let (kept, found) = (entries(&old), entries(&new));
        for (key, texts) in &kept {
            if !self.touched.contains(*key) && found.get(key) != Some(texts) {
                return Err(Refusal::NotWhatWasMeant {
                    field: (*key).to_owned(),
                });
            }
        }
        let mut known = errors(&old);
        for finding in lint(&new, is_side(&self.text)) {
            if finding.severity != Severity::Error {
                continue;
            }
            // Names may have changed: what counts is how often GitLab would complain of a thing.
            let kind = std::mem::discriminant(&finding.code);
            match known.iter().position(|one| *one == kind) {
                Some(place) => drop(known.swap_remove(place)),
                None => {
                    return Err(Refusal::WouldBreak {
                        finding: Box::new(finding),
                    });
                }
            }
        }
        let (Some(old), Some(new)) = (config(&old), config(&new)) else {
            return Ok(Vec::new());
        };
        let also = changed_jobs(&old, &new, "").into_iter();
        Ok(also.filter(|job| !self.touched.contains(job)).collect())
    }
}

fn errors(tree: &Tree<'_>) -> Vec<std::mem::Discriminant<super::FindingCode>> {
    let all = lint(tree, is_side(tree.text)).into_iter();
    all.filter(|finding| finding.severity == Severity::Error)
        .map(|finding| std::mem::discriminant(&finding.code))
        .collect()
}

/// The bytes of each top-level entry, from its key to its value's end.
fn entries<'t>(tree: &'t Tree<'_>) -> BTreeMap<&'t str, Vec<&'t str>> {
    let mut all: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let root = tree.content().map(|document| document.root);
    for (key, value) in root.map_or(&[][..], |root| tree.entries(root)) {
        let name = tree.scalar(tree.target(*key)).unwrap_or_default();
        let (start, end) = (tree.node(*key).start, tree.node(*value).end);
        let text = tree.text.get(start..end.max(start)).unwrap_or_default();
        all.entry(name).or_default().push(text.trim_end());
    }
    all
}

/// Refuses what cannot name a job: `hidden` names begin with a dot.
pub(super) fn check_job_name(tree: &Tree<'_>, name: &str, hidden: bool) -> Result<(), Refusal> {
    let bad = |en: &str, zh: &str| {
        Err(Refusal::BadName {
            name: name.chars().take(60).collect(),
            wanted: Text::new(en, zh),
        })
    };
    if name.trim().is_empty() || name.trim() != name {
        return bad(
            "a text that neither begins nor ends with a blank",
            "首尾没有空格的文本",
        );
    }
    if name
        .chars()
        .any(|c| c.is_control() || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}'))
    {
        return bad("one line", "单行文本");
    }
    if name.chars().count() > 255 {
        return bad("no longer than 255 characters", "不超过 255 个字符的文本");
    }
    if !hidden && (name.starts_with('.') || !is_job(name)) || name == "<<" {
        return bad(
            "no keyword of GitLab and must not begin with a dot",
            "非 GitLab 关键字且不以点开头的文本",
        );
    }
    if hidden && GLOBAL_KEYS.contains(&name) || matches!(name, "true" | "false" | "nil" | "null") {
        return bad("no keyword of GitLab", "非 GitLab 关键字的文本");
    }
    let root = tree.content().map(|document| document.root);
    if root.is_some_and(|root| tree.get(root, name).is_some()) {
        return Err(Refusal::Taken {
            name: name.to_owned(),
        });
    }
    Ok(())
}

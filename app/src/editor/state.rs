//! The draft in the reader's hands: the file as it is now, what can be undone, and how it stands with the server.
//!
//! A change is made at once, in the browser, by the same code as on the server; saving follows by itself. Without
//! JavaScript this is only what the page is drawn from.

use super::change::{self, Change, Step};
use super::sheet::{Sheet, sheet_with};
use super::{document, editor_href};
use crate::AppError;
use crate::browser::timed;
use crate::pipeline::preview::Checked;
use leptos::prelude::*;
use slipway_domain::pipeline::Severity;
use slipway_domain::pipeline::authored::Lock;
use slipway_domain::pipeline::file::advice::job_of;
use slipway_domain::project::Place;
use slipway_domain::proposal::LintFinding;
use slipway_domain::template::{DraftView, TemplateView};
use slipway_domain::working_copy::EditorView;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many steps can be undone.
const UNDO: usize = 200;

/// How the draft stands with the server.
#[cfg_attr(
    not(feature = "hydrate"),
    expect(dead_code, reason = "only a browser saves by itself")
)]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Saving {
    /// The server has it as it is here.
    #[default]
    Saved,
    /// It has been changed here, and is on its way or will be.
    Pending,
    /// It could not be saved; it is tried again.
    Failed(AppError),
    /// Somebody else saved something that cannot be brought together with it by itself.
    Conflict(Arc<Conflict>),
}

/// Two drafts that changed the same jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// What both were made from.
    pub base: String,
    /// What somebody else saved.
    pub theirs: String,
    /// The version they saved.
    pub version: i64,
    /// Their name.
    pub who: String,
    /// The jobs and keywords that both changed.
    pub keys: Vec<String>,
}

/// What was saved last, as far as this page knows.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Its version; 0: nothing was saved.
    pub version: i64,
    /// The file then.
    #[cfg_attr(
        not(feature = "hydrate"),
        expect(dead_code, reason = "only a browser saves by itself")
    )]
    pub text: Arc<str>,
}

/// A state that undo leads back to.
#[derive(Clone)]
struct Past {
    text: Arc<str>,
    /// What was changed from there, to tell typing in one field from several acts.
    change: Option<Change>,
}

/// What is edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The pipeline of an app.
    Pipeline,
    /// The document of a template, by the template's key.
    Template(String),
}

impl Subject {
    /// What is drawn of a text; nothing where it cannot be read.
    fn sheet(&self, text: &str, locks: &[Lock], protected: &[String]) -> Option<Sheet> {
        match self {
            Self::Pipeline => sheet_with(text, protected).ok().map(|sheet| sheet.locked(locks)),
            Self::Template(key) => document::sheet::sheet(text, key),
        }
    }
}

/// What an editor starts with.
struct Begin<'a> {
    subject: Subject,
    place: Place,
    source: (String, Vec<String>),
    may_edit: bool,
    locks: Vec<Lock>,
    protected: Vec<String>,
    text: &'a str,
    base: &'a str,
    base_commit: Option<String>,
    version: i64,
    /// What the server has.
    stored: &'a str,
    here: Vec<String>,
}

/// The editor's state. Lives as long as the page.
#[derive(Clone, Copy)]
pub struct Studio {
    /// What is edited.
    subject: StoredValue<Subject>,
    /// Where it is.
    pub place: StoredValue<Place>,
    /// The branch it was taken from; and where Slipway's own file is edited, the stages of the file that includes it.
    pub source: StoredValue<(String, Vec<String>)>,
    /// Whether the reader may change it.
    pub may_edit: bool,
    /// What its templates lock.
    locks: StoredValue<Vec<Lock>>,
    /// The file as it is now.
    pub text: RwSignal<Arc<str>>,
    /// The file as it stands on the branch.
    pub base: RwSignal<Arc<str>>,
    /// The last commit that changed it there.
    pub base_commit: RwSignal<Option<String>>,
    /// What the server has.
    pub known: RwSignal<Known>,
    /// How saving goes.
    pub saving: RwSignal<Saving>,
    /// The file as it is drawn; the last one that could be read.
    pub sheet: Memo<Arc<Sheet>>,
    /// What GitLab's lint says of it.
    pub checked: RwSignal<Checked>,
    /// Why the last change was refused.
    pub refused: RwSignal<Option<AppError>>,
    /// The names of others who edit it now.
    pub here: RwSignal<Vec<String>>,
    /// Grows when forms have to be drawn anew: something else than themselves changed what they show.
    pub drawn: RwSignal<u32>,
    /// Whether a save is on its way.
    #[cfg_attr(
        not(feature = "hydrate"),
        expect(dead_code, reason = "only a browser saves by itself")
    )]
    pub sending: StoredValue<bool>,
    past: StoredValue<Vec<Past>>,
    future: StoredValue<Vec<Arc<str>>>,
    /// How many steps there are back, and forward again.
    pub steps: RwSignal<(usize, usize)>,
}

impl Studio {
    /// The editor of what the server sent.
    pub fn new(view: &EditorView) -> Self {
        let copy = &view.copy;
        Self::make(Begin {
            subject: Subject::Pipeline,
            place: view.place.clone(),
            source: (copy.branch.clone(), view.stages.clone()),
            may_edit: view.may_edit,
            locks: view.locks.clone(),
            protected: view.protected.clone(),
            text: &copy.text,
            base: &copy.base,
            base_commit: copy.base_commit.clone(),
            version: copy.version,
            stored: if copy.version == 0 { &copy.base } else { &copy.text },
            here: view.editors.iter().map(|editor| editor.name.clone()).collect(),
        })
    }

    /// The editor of a template's document; its base is the document of the newest version, as it was published.
    pub fn of_template(view: &TemplateView, draft: &DraftView) -> Self {
        Self::make(Begin {
            subject: Subject::Template(view.key.clone()),
            place: view.place.clone(),
            source: (String::new(), Vec::new()),
            may_edit: view.may_publish,
            locks: Vec::new(),
            protected: Vec::new(),
            text: &draft.text,
            base: &draft.text,
            base_commit: None,
            version: draft.version,
            stored: &draft.text,
            here: draft.editors.iter().map(|editor| editor.name.clone()).collect(),
        })
    }

    fn make(begin: Begin<'_>) -> Self {
        let text = RwSignal::new(Arc::<str>::from(begin.text));
        let locks = StoredValue::new(begin.locks);
        let protected = begin.protected;
        let subject = StoredValue::new(begin.subject);
        let sheet = Memo::new(move |before: Option<&Arc<Sheet>>| {
            let read = |text: &str| {
                subject.with_value(|subject| locks.with_value(|locks| subject.sheet(text, locks, &protected)))
            };
            timed("sheet", || text.with(|text| read(text)))
                .map_or_else(|| before.cloned().unwrap_or_else(Arc::default), Arc::new)
        });
        Self {
            subject,
            place: StoredValue::new(begin.place),
            source: StoredValue::new(begin.source),
            may_edit: begin.may_edit,
            locks,
            text,
            base: RwSignal::new(Arc::from(begin.base)),
            base_commit: RwSignal::new(begin.base_commit),
            known: RwSignal::new(Known {
                version: begin.version,
                text: Arc::from(begin.stored),
            }),
            saving: RwSignal::new(Saving::Saved),
            sheet,
            checked: RwSignal::new(Checked::default()),
            refused: RwSignal::new(None),
            here: RwSignal::new(begin.here),
            drawn: RwSignal::new(0),
            sending: StoredValue::new(false),
            past: StoredValue::new(Vec::new()),
            future: StoredValue::new(Vec::new()),
            steps: RwSignal::new((0, 0)),
        }
    }

    /// The key of the template whose document is edited; none: an app's pipeline is.
    pub fn template(self) -> Option<String> {
        self.subject.with_value(|subject| match subject {
            Subject::Template(key) => Some(key.clone()),
            Subject::Pipeline => None,
        })
    }

    /// What GitLab's lint says of the job of that name.
    pub fn linted(self, job: &str) -> Vec<LintFinding> {
        self.lint_by(|about| about == Some(job))
    }

    /// The worst that GitLab's lint says of each job that it names.
    pub fn linted_worst(self) -> BTreeMap<String, Severity> {
        self.checked.with(|checked| {
            let mut worst = BTreeMap::new();
            let findings = checked.findings();
            if findings.is_empty() {
                return worst;
            }
            self.sheet.with(|sheet| {
                let jobs = || sheet.canvas.jobs.iter().map(|job| job.name.as_str());
                for finding in findings {
                    if let Some(job) = job_of(&finding.text.en, jobs()) {
                        let one = worst.entry(job.to_owned()).or_insert(Severity::Warning);
                        if !finding.warning {
                            *one = Severity::Error;
                        }
                    }
                }
            });
            worst
        })
    }

    /// What GitLab's lint says of no job that is drawn.
    pub fn linted_at_large(self) -> Vec<LintFinding> {
        self.lint_by(|about| about.is_none())
    }

    fn lint_by(self, wanted: impl Fn(Option<&str>) -> bool) -> Vec<LintFinding> {
        self.checked.with(|checked| {
            let findings = checked.findings();
            if findings.is_empty() {
                return Vec::new();
            }
            self.sheet.with(|sheet| {
                let jobs = || sheet.canvas.jobs.iter().map(|job| job.name.as_str());
                let about = |finding: &&LintFinding| wanted(job_of(&finding.text.en, jobs()));
                findings.iter().filter(about).cloned().collect()
            })
        })
    }

    /// The editor's address; `then`: what is chosen in it, as a query.
    pub fn href(self, then: Option<&str>) -> String {
        self.place.with_value(|place| {
            self.subject.with_value(|subject| match subject {
                Subject::Template(key) => document::href(place, key, then),
                Subject::Pipeline => editor_href(place, then),
            })
        })
    }

    /// Makes a change here. `drawn`: whether forms are drawn anew afterwards; a form that sent it by itself is not.
    pub fn change(self, change: &Change, drawn: bool) -> Result<Step, AppError> {
        let now = self.text.get_untracked();
        let made = self.subject.with_value(|subject| match subject {
            Subject::Pipeline => self.locks.with_value(|locks| {
                let sheet = self.sheet.get_untracked();
                // What is drawn is the last text that could be read.
                if *sheet.text == *now {
                    change::apply_on(&sheet, &now, change, locks)
                } else {
                    change::apply(&now, change, locks)
                }
            }),
            Subject::Template(key) => document::change::apply(&now, key, change),
        });
        match &made {
            Ok(step) => {
                self.refused.set(None);
                if step.text != *now {
                    self.remember(now, Some(change));
                    self.set(Arc::from(step.text.as_str()), drawn);
                }
            }
            Err(error) => {
                if drawn {
                    self.refused.set(Some(error.clone()));
                }
            }
        }
        made
    }

    fn remember(self, text: Arc<str>, change: Option<&Change>) {
        self.past.update_value(|past| {
            let goes_on = change.is_some_and(|change| {
                past.last()
                    .and_then(|last| last.change.as_ref())
                    .is_some_and(|last| change::goes_on(last, change))
            });
            if !goes_on {
                past.push(Past {
                    text,
                    change: change.cloned(),
                });
            }
            if past.len() > UNDO {
                past.remove(0);
            }
        });
        self.future.update_value(Vec::clear);
        self.count();
    }

    fn count(self) {
        let back = self.past.with_value(Vec::len);
        let forward = self.future.with_value(Vec::len);
        self.steps.set((back, forward));
    }

    fn set(self, text: Arc<str>, drawn: bool) {
        self.text.set(text);
        if !matches!(self.saving.get_untracked(), Saving::Conflict(_)) {
            self.saving.set(Saving::Pending);
        }
        if drawn {
            self.drawn.update(|drawn| *drawn = drawn.wrapping_add(1));
        }
    }

    /// Takes the last step back.
    pub fn undo(self) {
        let mut before = None;
        self.past.update_value(|past| before = past.pop());
        if let Some(before) = before {
            let now = self.text.get_untracked();
            self.future.update_value(|future| future.push(now));
            self.set(before.text, true);
            self.count();
        }
    }

    /// Takes the last undone step again.
    pub fn redo(self) {
        let mut after = None;
        self.future.update_value(|future| after = future.pop());
        if let Some(after) = after {
            let now = self.text.get_untracked();
            self.past.update_value(|past| {
                past.push(Past {
                    text: now,
                    change: None,
                });
            });
            self.set(after, true);
            self.count();
        }
    }

    /// Takes a text that came from elsewhere as the draft; it can be undone.
    pub fn take(self, text: Arc<str>) {
        let now = self.text.get_untracked();
        if now != text {
            self.remember(now, None);
            self.set(text, true);
        }
    }

    /// The page was read again: what the server has is taken over, beside what was changed here since.
    #[cfg_attr(
        not(feature = "hydrate"),
        expect(clippy::unused_self, reason = "a server reads once")
    )]
    pub fn read_again(self, view: &EditorView) {
        #[cfg(feature = "hydrate")]
        {
            let known = self.known.get_untracked();
            let copy = &view.copy;
            let base = self.base.with_untracked(|base| **base == copy.base);
            if copy.version != known.version || !base {
                // Not while the page is being drawn: what it drew before still listens.
                let copy = copy.clone();
                request_animation_frame(move || {
                    if self.text.try_get_untracked().is_some() {
                        super::sync::meet(self, &copy);
                    }
                });
            }
        }
        #[cfg(not(feature = "hydrate"))]
        let _ = view;
    }

    /// Whether anything differs from the branch.
    pub fn is_changed(self) -> bool {
        self.text.with(|text| self.base.with(|base| text != base))
    }
}

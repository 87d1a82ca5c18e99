//! The file as the editor draws it, and the texts that its forms show.

use crate::i18n::locale;
use crate::tr;
use slipway_domain::pipeline::authored::{Lock, apply_locks};
use slipway_domain::pipeline::file::advice::advice;
use slipway_domain::pipeline::file::canvas::{Canvas, CanvasJob, Field, FieldKind, canvas_of};
use slipway_domain::pipeline::file::import::import_tree;
use slipway_domain::pipeline::file::side;
use slipway_domain::pipeline::file::tree::parse;
use slipway_domain::pipeline::file::{CutKind, Finding, FindingCode, NewValue};
use slipway_domain::pipeline::source::SourceError;
use slipway_domain::pipeline::{Job, Severity, Template, Trigger};
use slipway_domain::text::Text;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The path of the field that says when a job runs; it stands for `rules`, as far as they are one of the presets.
pub const RUNS: &str = "rules";

/// What is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    /// Stages, jobs, edges, fields.
    pub canvas: Canvas,
    /// The jobs as the presets of the forms read them, by name.
    pub(super) own: BTreeMap<String, Job>,
    /// Why the rules of a job are kept as they are, by name.
    pub(super) rules: BTreeMap<String, Text>,
    /// The file that is drawn; of a template's document nothing.
    pub text: Arc<str>,
    /// What is wrong, in the order of the text.
    pub notes: Vec<Note>,
    /// Of a template's document: the rows of its jobs, by name; the fields of a pipeline's jobs come from its canvas.
    pub(super) written: BTreeMap<String, Vec<Row>>,
    /// The template of a document.
    pub template: Option<Template>,
}

/// Something that is wrong, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The line, from 1.
    pub line: usize,
    /// How bad it is.
    pub severity: Severity,
    /// The sentence, in the reader's language.
    pub words: String,
    /// What mends it by one click, where that is safe.
    pub fix: Option<Fix>,
}

/// A change that mends what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What is done.
    pub op: &'static str,
    /// With what.
    pub about: Vec<(&'static str, String)>,
    /// The words of its button.
    pub word: String,
}

impl Fix {
    fn of(finding: &Finding) -> Option<Self> {
        match &finding.code {
            FindingCode::UnknownNeed { job, field, need } | FindingCode::LaterNeed { job, field, need }
                if field == "needs" =>
            {
                Some(Self {
                    op: "unneed",
                    about: vec![("job", job.clone()), ("need", need.clone())],
                    word: tr!(editor.fix_need, name = need),
                })
            }
            FindingCode::UnknownStage { stage, .. } => Some(Self {
                op: "stage-add",
                about: vec![("stage", stage.clone())],
                word: tr!(editor.fix_stage, stage = stage),
            }),
            _ => None,
        }
    }
}

impl Default for Sheet {
    fn default() -> Self {
        let canvas = Canvas {
            stages: Vec::new(),
            stages_locked: None,
            jobs: Vec::new(),
            edges: Vec::new(),
            variables: Vec::new(),
            others: Vec::new(),
            findings: Vec::new(),
            opaque_percent: 0,
            side_file: false,
        };
        Self {
            canvas,
            own: BTreeMap::new(),
            rules: BTreeMap::new(),
            text: Arc::default(),
            notes: Vec::new(),
            written: BTreeMap::new(),
            template: None,
        }
    }
}

/// Reads a file.
///
/// # Errors
/// It is not YAML.
pub fn sheet(text: &str) -> Result<Sheet, SourceError> {
    sheet_with(text, &[])
}

/// As [`sheet`], of a repository with these variables for protected branches alone.
///
/// # Errors
/// It is not YAML.
pub fn sheet_with(text: &str, protected: &[String]) -> Result<Sheet, SourceError> {
    let whole = text;
    // A file of nothing is a file without jobs.
    let text = if text.trim().is_empty() { "{}\n" } else { text };
    let tree = parse(text)?;
    let imported = import_tree(&tree, side::is_side(text));
    let canvas = canvas_of(&tree, &imported);
    let rules = imported
        .segments
        .iter()
        .filter_map(|cut| {
            let is_rule = |field: &str| matches!(field, "rules" | "only" | "except" | "when");
            let locked = cut.locked.iter().find(|locked| is_rule(&locked.field))?;
            Some((cut.job.clone()?, locked.reason.text.clone()))
        })
        .collect();
    let advice = advice(&tree, &imported, protected);
    let own = imported.jobs.into_iter().map(|job| (job.name, job.own)).collect();
    let note = |finding: &Finding| Note {
        line: finding.line,
        severity: finding.severity,
        words: finding.message(locale()),
        fix: Fix::of(finding),
    };
    let mut notes: Vec<Note> = canvas.findings.iter().chain(&advice).map(note).collect();
    notes.sort_by_key(|note| note.line);
    Ok(Sheet {
        canvas,
        own,
        rules,
        text: Arc::from(whole),
        notes,
        ..Sheet::default()
    })
}

impl Sheet {
    /// With what its templates lock: who did stands at each field.
    pub fn locked(mut self, locks: &[Lock]) -> Self {
        apply_locks(&mut self.canvas, locks);
        for job in &self.canvas.jobs {
            let lock = locks.iter().find(|lock| lock.locks(job, RUNS));
            if let Some(lock) = lock {
                self.rules.insert(job.name.clone(), lock.text());
            }
        }
        self
    }

    /// The job of that name.
    pub fn job(&self, name: &str) -> Option<&CanvasJob> {
        self.canvas.job(name)
    }

    /// The job as the presets of the forms read it.
    pub fn own(&self, name: &str) -> Option<&Job> {
        self.own.get(name)
    }

    /// The names of the stages, in order.
    pub fn stages(&self) -> Vec<&str> {
        let named = self.canvas.stages.iter().map(|stage| stage.name.as_str());
        named.filter(|name| !name.is_empty()).collect()
    }

    /// What is wrong with a job.
    pub fn notes(&self, job: &CanvasJob) -> Vec<&Note> {
        let lines = job.first_line..=job.last_line;
        self.notes
            .iter()
            .filter(|note| lines.contains(&note.line))
            .collect()
    }

    /// The worst that is wrong with a job.
    pub fn worst(&self, job: &CanvasJob) -> Option<Severity> {
        let found = self.notes(job);
        let has = |severity| found.iter().any(|finding| finding.severity == severity);
        [Severity::Error, Severity::Warning]
            .into_iter()
            .find(|severity| has(*severity))
    }

    /// A name that is free: `name`, or with a number behind it.
    pub fn free_name(&self, name: &str) -> String {
        let taken = |name: &str| {
            self.job(name).is_some() || self.canvas.others.iter().any(|other| other.name == name)
        };
        if !taken(name) {
            return name.to_owned();
        }
        let taken_at_most = self.canvas.jobs.len() + self.canvas.others.len();
        (2..=taken_at_most + 2)
            .map(|number| format!("{name}-{number}"))
            .find(|name| !taken(name))
            .unwrap_or_default()
    }

    /// The rows of a job's form: first what most people look for.
    pub fn rows(&self, job: &CanvasJob) -> Vec<Row> {
        const FIRST: [&str; 4] = ["stage", "image", "before_script", "script"];
        if let Some(written) = self.written.get(&job.name) {
            return written.clone();
        }
        let mut rows: Vec<Row> = job
            .fields
            .iter()
            .filter(|field| !matches!(field.path.as_str(), "needs" | "dependencies"))
            .map(row)
            .collect();
        if let Some(own) = self.own(&job.name).filter(|_| job.kind != CutKind::Opaque) {
            rows.push(Row {
                kind: RowKind::Runs,
                text: runs_key(own),
                locked: self.rules.get(&job.name).cloned(),
                ..Row::of(RUNS)
            });
        }
        rows.sort_by_key(|row| {
            let place = FIRST.iter().position(|first| *first == row.path);
            match place {
                Some(place) => place,
                None if row.path == RUNS => FIRST.len(),
                None if row.path.starts_with("variables.") => FIRST.len() + 1,
                None => FIRST.len() + 2,
            }
        });
        rows
    }
}

/// What a job shows of its image, also one that it takes from elsewhere.
pub fn image(job: &CanvasJob) -> Option<String> {
    let field = job.field("image")?;
    field
        .value
        .as_ref()
        .or(field.inherited.as_ref())
        .map(shown)
        .filter(|image| !image.is_empty())
}

/// A field of a form.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its keys in the file, with dots between.
    pub path: String,
    /// What kind of control it has.
    pub kind: RowKind,
    /// What it holds; empty where nothing stands in the file.
    pub text: String,
    /// What counts where nothing stands in the job itself.
    pub inherited: Option<String>,
    /// Why it is kept as it is.
    pub locked: Option<Text>,
    /// What it is called, where its path does not say it.
    pub label: Option<String>,
    /// What to write, where its path does not say it.
    pub help: Option<String>,
    /// Whether few need it.
    pub more: bool,
}

impl Row {
    /// One line that holds nothing.
    pub(super) fn of(path: &str) -> Self {
        let first = matches!(path, "stage" | "image" | "script" | RUNS) || path.starts_with("variables.");
        Self {
            path: path.to_owned(),
            kind: RowKind::Line,
            text: String::new(),
            inherited: None,
            locked: None,
            label: None,
            help: None,
            more: !first,
        }
    }
}

/// What kind of control a field has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// One line.
    Line,
    /// A text of several lines.
    Area,
    /// A list, one item a line.
    Lines,
    /// Commands; a line that is indented by two blanks belongs to the one above.
    Script,
    /// A whole number.
    Number,
    /// On or off.
    Switch,
    /// One of these; a stage cannot be nothing.
    Choice(Vec<String>),
    /// One of the presets of when a job runs.
    Runs,
}

fn row(field: &Field) -> Row {
    let is_script = matches!(field.path.as_str(), "script" | "before_script" | "after_script");
    let kind = match &field.kind {
        FieldKind::Text => RowKind::Line,
        FieldKind::Number => RowKind::Number,
        FieldKind::Switch => RowKind::Switch,
        FieldKind::List if is_script => RowKind::Script,
        FieldKind::List => RowKind::Lines,
        FieldKind::Choice { options } => RowKind::Choice(options.clone()),
    };
    let text = field.value.as_ref().map(shown).unwrap_or_default();
    let mut locked = field.locked.clone();
    // What the form could not give back as it is, it does not take.
    let whole = match (&kind, &field.value) {
        (RowKind::Script, Some(NewValue::List(items))) => commands(&text) == *items,
        (RowKind::Lines, Some(NewValue::List(items))) => lines(&text) == *items,
        (RowKind::Line, Some(NewValue::Text(value))) => !value.contains('\n'),
        _ => true,
    };
    if !whole && locked.is_none() {
        locked = Some(Text::new("has several lines in one item", "的某一项包含多行文本"));
    }
    Row {
        kind,
        text,
        inherited: field
            .inherited
            .as_ref()
            .map(shown)
            .filter(|text| !text.is_empty()),
        locked,
        ..Row::of(&field.path)
    }
}

/// A value as a form shows it.
pub fn shown(value: &NewValue) -> String {
    match value {
        NewValue::Text(text) => text.clone(),
        NewValue::Switch(on) => on.to_string(),
        NewValue::Number(number) => number.to_string(),
        NewValue::List(items) => items
            .iter()
            .map(|item| item.replace('\n', "\n  "))
            .collect::<Vec<_>>()
            .join("\n"),
        NewValue::Absent => String::new(),
    }
}

/// One command a line; a line that is indented, or follows an open `\`, belongs to the one above.
pub fn commands(text: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    for line in text.lines() {
        let inner = line.strip_prefix("  ").or_else(|| line.strip_prefix('\t'));
        let open = commands.last().is_some_and(|last| last.ends_with('\\'));
        match (commands.last_mut(), inner) {
            (Some(last), Some(inner)) => {
                last.push('\n');
                last.push_str(inner);
            }
            (Some(last), None) if open => {
                last.push('\n');
                last.push_str(line);
            }
            _ if line.trim().is_empty() => {}
            _ => commands.push(line.to_owned()),
        }
    }
    commands
}

/// One item a line.
pub fn lines(text: &str) -> Vec<String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

/// When a job runs, as a key for the form: the trigger, and `+manual`.
pub fn runs_key(job: &Job) -> String {
    let on = match &job.when.on {
        Trigger::EveryPush => "every_push",
        Trigger::DefaultBranch => "default_branch",
        Trigger::Tags => "tags",
        Trigger::DefaultBranchAndTags => "default_branch_and_tags",
        Trigger::MergeRequests => "merge_requests",
        Trigger::Branches(_) => "branches",
    };
    if job.when.manual {
        format!("{on}+manual")
    } else {
        on.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_several_lines_come_back_as_they_were() {
        let items = [
            "make",
            "if true; then\n  echo yes\nfi",
            "docker run \\\n  --rm x",
            "cat <<E\n\na\nE",
        ]
        .map(str::to_owned);
        let text = shown(&NewValue::List(items.to_vec()));
        assert_eq!(commands(&text), items);
        assert_eq!(
            commands("make\n\n  all\nmake test\\\nmore\n"),
            ["make\nall", "make test\\\nmore"]
        );
    }
}

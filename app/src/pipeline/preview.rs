//! The file as it would be: made in the browser at every key, then checked by the server when the reader
//! pauses.

use super::TemplatePage;
use super::api;
use super::draft::Draft;
use super::made::{Made, Remark};
use crate::AppError;
use crate::design::copy::copy;
use crate::design::diff::diff;
use crate::design::status::{Status, pill};
use crate::i18n::say;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::pipeline::Severity;
use slipway_domain::proposal::{LintFinding, LintView};

/// What the server said of the form as it stands.
#[derive(Clone, Debug, Default)]
pub(crate) enum Checked {
    /// It was not asked, or the form has changed since.
    #[default]
    Not,
    /// It is being asked.
    #[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "only a browser asks"))]
    Asking,
    /// It answered.
    #[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "only a browser asks"))]
    Answered(Box<api::Checked>),
    /// It could not.
    #[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "only a browser asks"))]
    Failed(AppError),
}

impl Checked {
    /// What GitLab's lint found.
    pub(crate) fn findings(&self) -> &[LintFinding] {
        match self {
            Self::Answered(view) => match &view.lint {
                LintView::Answered { findings, .. } => findings,
                LintView::NotAsked | LintView::Unavailable(_) => &[],
            },
            Self::Not | Self::Asking | Self::Failed(_) => &[],
        }
    }
}

/// The file of a form that is being filled.
#[derive(Clone, Copy)]
pub struct File {
    /// It, as it was made last.
    made: RwSignal<Made>,
    /// Whether it is of texts that were there before: what makes it could not be fetched.
    stale: RwSignal<bool>,
}

impl File {
    /// The file as the server made it; from then on as the form stands.
    pub fn new(page: &TemplatePage, draft: Draft) -> Self {
        let file = Self {
            made: RwSignal::new(page.made.clone()),
            stale: RwSignal::new(false),
        };
        follow(page, draft, file);
        file
    }
}

#[cfg(not(feature = "hydrate"))]
const fn follow(_page: &TemplatePage, _draft: Draft, _file: File) {}

/// Makes the file anew whenever the values change.
#[cfg(feature = "hydrate")]
fn follow(page: &TemplatePage, draft: Draft, file: File) {
    use std::sync::Arc;
    let (template, steps) = (Arc::new(page.template.clone()), Arc::new(page.steps.clone()));
    let values = Memo::new(move |_| draft.outcome.with(|outcome| outcome.parsed.values.clone()));
    let round = StoredValue::new(0_u32);
    Effect::new(move |before: Option<()>| {
        let values = values.get();
        // The first file is the server's.
        if before.is_none() {
            return;
        }
        let this = round.get_value().wrapping_add(1);
        round.set_value(this);
        let compiling = crate::part::made_here(Arc::clone(&template), Arc::clone(&steps), values);
        leptos::task::spawn_local(async move {
            let made = compiling.await;
            if round.try_get_value() != Some(this) {
                return;
            }
            file.stale.set(made.is_err());
            if let Ok(made) = made {
                file.made.set(made);
            }
        });
    });
}

/// The right side of the page.
pub fn pane(page: &TemplatePage, draft: Draft, file: File) -> AnyView {
    let checked = RwSignal::new(Checked::default());
    if page.may_edit {
        check_when_quiet(page, draft, checked);
    }
    let wrong = Memo::new(move |_| draft.outcome.with(|outcome| outcome.parsed.errors.len()));
    let remarks = move || file.made.with(|made| remarks(&made.remarks, wrong.get()));
    let stale = move || {
        let words = || view! { <p class="note warn" role="status">{tr!(pipeline.stale)}</p> };
        file.stale.get().then(words)
    };
    let yaml = move || file.made.with(|made| lines(&made.yaml));
    let toasts = use_context();
    let copy_it = move |_| file.made.with_untracked(|made| copy(&made.yaml, toasts));
    view! {
        <div class="stack wide preview">
            <section class="box">
                <header>
                    <h2 class="mono">".gitlab-ci.yml"</h2>
                    <button type="button" class="btn small needs-js" on:click=copy_it>{tr!(common.copy)}</button>
                </header>
                {remarks}
                {stale}
                <div class="yaml" tabindex="0" role="group" aria-label=tr!(pipeline.preview)>{yaml}</div>
            </section>
            <section class="box needs-js" aria-live="polite">
                <header><h2>{tr!(pipeline.checks)}</h2></header>
                {move || checked.with(verdict)}
            </section>
        </div>
    }
    .into_any()
}

/// What Slipway's rules say, at once.
fn remarks(remarks: &[Remark], wrong_fields: usize) -> AnyView {
    let fields = (wrong_fields > 0).then(|| {
        view! { <li>{pill(Status::Failed, tr!(pipeline.error))}<span>{tr!(pipeline.fields_wrong, n = wrong_fields)}</span></li> }
    });
    let items = remarks.iter().map(remark).collect::<Vec<_>>();
    if items.is_empty() && fields.is_none() {
        return ().into_any();
    }
    view! { <ul class="checks box-body problems">{fields}{items}</ul> }.into_any()
}

fn remark(remark: &Remark) -> AnyView {
    let mark = match remark.severity {
        Severity::Error => pill(Status::Failed, tr!(pipeline.error)),
        Severity::Warning => pill(Status::Degraded, tr!(pipeline.warning)),
    };
    let job = remark.job.clone().map(|job| view! { <code>{job}</code> });
    view! { <li>{mark}{job}<span>{say(&remark.text)}</span></li> }.into_any()
}

/// The file, with numbers; comments and keys a little apart.
fn lines(yaml: &str) -> Vec<AnyView> {
    yaml.lines()
        .enumerate()
        .map(|(index, line)| {
            view! { <div class="l"><span class="n" aria-hidden="true">{index + 1}</span><span class="t">{tinted(line)}</span></div> }
                .into_any()
        })
        .collect()
}

pub(crate) fn tinted(line: &str) -> AnyView {
    if line.trim_start().starts_with('#') {
        return view! { <span class="muted">{line.to_owned()}</span> }.into_any();
    }
    match key_end(line) {
        Some(end) => {
            let (key, rest) = line.split_at(end);
            view! { <span class="key">{key.to_owned()}</span>{rest.to_owned()} }.into_any()
        }
        None => line.to_owned().into_any(),
    }
}

/// Where the key of a line ends, as in `  script:`.
fn key_end(line: &str) -> Option<usize> {
    let start = line.find(|c: char| c != ' ' && c != '-')?;
    let end = line.find(':')?;
    let rest = &line[end + 1..];
    let is_key = line[start..end]
        .chars()
        .all(|c| c.is_alphanumeric() || "_.-/ ".contains(c));
    (start < end && is_key && (rest.is_empty() || rest.starts_with(' '))).then_some(end)
}

pub(crate) fn verdict(checked: &Checked) -> AnyView {
    match checked {
        Checked::Not => view! { <p class="box-body muted small">{tr!(pipeline.not_checked)}</p> }.into_any(),
        Checked::Asking => view! { <p class="box-body small">{pill(Status::Running, tr!(pipeline.checking))}</p> }.into_any(),
        Checked::Failed(error) => {
            view! { <p class="box-body row wrap small">{pill(Status::Degraded, tr!(pipeline.check_failed))}<span>{error.message.clone()}</span></p> }
                .into_any()
        }
        Checked::Answered(view) => answered(view),
    }
}

fn answered(view: &api::Checked) -> AnyView {
    let lint = match &view.lint {
        LintView::NotAsked => view! { <li>{pill(Status::Queued, tr!(pipeline.not_asked))}</li> }.into_any(),
        LintView::Unavailable(why) => {
            view! { <li>{pill(Status::Degraded, tr!(pipeline.lint_unavailable))}<span>{say(why)}</span></li> }
                .into_any()
        }
        LintView::Answered { valid, findings } => {
            let mark = if *valid {
                pill(Status::Success, tr!(pipeline.lint_valid))
            } else {
                pill(Status::Failed, tr!(pipeline.lint_invalid))
            };
            let findings = findings
                .iter()
                .map(|finding| {
                    let look = if finding.warning {
                        Status::Degraded
                    } else {
                        Status::Failed
                    };
                    let word = if finding.warning {
                        tr!(pipeline.warning)
                    } else {
                        tr!(pipeline.error)
                    };
                    let job = finding.job.clone().map(|job| view! { <code>{job}</code> });
                    view! { <li>{pill(look, word)}{job}<span>{say(&finding.text)}</span></li> }
                })
                .collect::<Vec<_>>();
            view! { <li>{mark}</li>{findings} }.into_any()
        }
    };
    let change = view.diff.as_ref().map(|difference| {
        if difference.is_empty() {
            view! { <p class="box-body small muted">{tr!(pipeline.no_change)}</p> }.into_any()
        } else {
            let words = tr!(
                pipeline.change,
                added = difference.added,
                removed = difference.removed
            );
            view! {
                <details class="difference">
                    <summary class="small">{words}</summary>
                    {diff(difference)}
                </details>
            }
            .into_any()
        }
    });
    view! { <ul class="checks box-body">{lint}</ul>{change} }.into_any()
}

#[cfg(not(feature = "hydrate"))]
const fn check_when_quiet(_page: &TemplatePage, _draft: Draft, _checked: RwSignal<Checked>) {}

/// Asks the server once the reader has paused for 600 ms.
#[cfg(feature = "hydrate")]
fn check_when_quiet(page: &TemplatePage, draft: Draft, checked: RwSignal<Checked>) {
    use std::time::Duration;
    const PAUSE: Duration = Duration::from_millis(600);
    let place = page.place.clone();
    let template = page.template.key.clone();
    let round = StoredValue::new(0_u32);
    Effect::new(move || {
        draft.inputs.track();
        let this = round.get_value().wrapping_add(1);
        round.set_value(this);
        checked.set(Checked::Not);
        let (place, template) = (place.clone(), template.clone());
        set_timeout(
            move || {
                if round.try_get_value() != Some(this) {
                    return;
                }
                checked.set(Checked::Asking);
                leptos::task::spawn_local(async move {
                    let answer = ask(&place, &template, draft).await;
                    if round.try_get_value() == Some(this) {
                        checked.set(answer);
                    }
                });
            },
            PAUSE,
        );
    });
}

#[cfg(feature = "hydrate")]
async fn ask(place: &slipway_domain::project::Place, template: &str, draft: Draft) -> Checked {
    use super::api::CheckPipeline;
    use super::draft::name_of;
    use server_fn::ServerFn;
    let Ok(fields) = web_sys::UrlSearchParams::new() else {
        return Checked::Not;
    };
    fields.append("org", &place.org.slug);
    fields.append(
        "project",
        place.project.as_ref().map_or("", |project| &project.slug),
    );
    fields.append("app", place.app.as_ref().map_or("", |app| &app.slug));
    fields.append("template", template);
    draft.inputs.with_untracked(|inputs| {
        for (id, text) in inputs {
            fields.append(&name_of(id), text);
        }
    });
    match crate::browser::post(CheckPipeline::PATH, &fields).await {
        Ok(posted) => crate::json::parse(&posted.body).map_or_else(
            |_| Checked::Failed(AppError::offline()),
            |view| Checked::Answered(Box::new(view)),
        ),
        Err(error) => Checked::Failed(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_ends_before_its_colon_and_a_command_has_none() {
        assert_eq!(key_end("  script:"), Some(8));
        assert_eq!(key_end("image: node:24"), Some(5));
        assert_eq!(key_end("    - npm run build:prod"), None);
        assert_eq!(key_end("plain text"), None);
    }
}

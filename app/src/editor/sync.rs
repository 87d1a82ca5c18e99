//! How the draft keeps up with the server: saved when the reader pauses, brought together with what other editors save,
//! checked by GitLab's lint. Only a browser does any of it.

use super::Kept;
use super::api::ReadPresence;
use super::state::Studio;
use crate::i18n::say;
use crate::live::Topics;
use crate::load::{Load, load};
use crate::pipeline::preview::{Checked, verdict};
use crate::template::api::ReadOwnTemplate;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::template::{DraftView, TemplateView};
use slipway_domain::working_copy::{EditorView, Presence};

/// Hears who else edits the app's pipeline, and what they save; draws nothing.
pub(super) fn presence(call: impl Fn() -> ReadPresence + Send + Sync + 'static, studio: Kept) -> AnyView {
    load(call).watching(topics).view_or(
        move |presence| {
            if let Some(studio) = studio.try_get_value().flatten() {
                let names = presence.editors.iter().map(|editor| editor.name.clone());
                studio.here.set(names.collect());
                real::heard(studio, &presence);
            }
            ().into_any()
        },
        |_| ().into_any(),
    )
}

fn topics(presence: &Presence) -> Topics {
    Topics::of("working_copy", presence.app)
}

/// Hears who else writes the template, and what they save; draws nothing.
pub(in crate::editor) fn authors(
    call: impl Fn() -> ReadOwnTemplate + Send + Sync + 'static,
    studio: Kept,
) -> AnyView {
    load(call).watching(templates_of).view_or(
        move |view| {
            if let (Some(studio), Some(draft)) = (studio.try_get_value().flatten(), &view.draft) {
                read_draft(studio, draft);
            }
            ().into_any()
        },
        |_| ().into_any(),
    )
}

fn templates_of(view: &TemplateView) -> Topics {
    let place = &view.place;
    let id = place.project.as_ref().map(|project| project.id.to_string());
    Topics::of("templates", id.unwrap_or_else(|| place.org.id.to_string()))
}

/// Who else is here, in words.
pub(super) fn others(studio: Studio) -> AnyView {
    let words = move || {
        studio.here.with(|names| {
            if names.is_empty() {
                String::new()
            } else {
                format!(" · {}", tr!(editor.also_here, names = names.join(", ")))
            }
        })
    };
    view! { <span role="status">{words}</span> }.into_any()
}

/// What GitLab's lint says of the draft, asked when the reader pauses.
pub(super) fn lint(studio: Studio) -> AnyView {
    view! { <div class="needs-js" aria-live="polite">{move || studio.checked.with(verdict)}</div> }.into_any()
}

/// What the lint says of no job, for the head of the page.
pub(super) fn at_large(studio: Studio) -> AnyView {
    let rows = move || {
        let found = studio.linted_at_large();
        let errors = found.iter().filter(|finding| !finding.warning);
        let rows = errors.map(|finding| view! { <li>{say(&finding.text)}</li> });
        let rows: Vec<_> = rows.collect();
        (!rows.is_empty()).then(|| view! { <ul class="note bad gap-below" role="status">{rows}</ul> })
    };
    view! { {rows} }.into_any()
}

/// Saves the draft by itself from now on, has GitLab check it, and says that the reader edits.
pub(super) fn keep_saved(studio: Studio, page: Option<Load<EditorView>>) {
    if studio.may_edit {
        real::keep_saved(studio, page);
        // GitLab is asked about files, not about templates.
        if studio.template().is_none() {
            real::check_when_quiet(studio, studio.checked);
        }
    }
}

/// A template's page was read again: what the server has is taken over, beside what was changed here since.
pub(in crate::editor) fn read_draft(studio: Studio, draft: &DraftView) {
    studio
        .here
        .set(draft.editors.iter().map(|editor| editor.name.clone()).collect());
    #[cfg(feature = "hydrate")]
    if draft.version > studio.known.with_untracked(|known| known.version) && !studio.sending.get_value() {
        // Not while the page is being drawn: what it drew before still listens.
        let draft = draft.clone();
        request_animation_frame(move || {
            if studio.text.try_get_untracked().is_some() {
                real::meet_document(studio, &draft);
            }
        });
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = (studio, draft);
}

#[cfg(feature = "hydrate")]
pub(in crate::editor) use real::{meet, save_now};

#[cfg(not(feature = "hydrate"))]
mod real {
    use super::{Checked, EditorView, Load, Presence, RwSignal, Studio};

    pub(super) const fn heard(_studio: Studio, _presence: &Presence) {}
    pub(super) const fn check_when_quiet(_studio: Studio, _checked: RwSignal<Checked>) {}
    pub(super) const fn keep_saved(_studio: Studio, _page: Option<Load<EditorView>>) {}
}

#[cfg(feature = "hydrate")]
mod real {
    use super::super::api::{Arrive, CheckWorkingCopy, ReadSaved, SaveWorkingCopy};
    use super::super::document::api::{ArriveTemplate, KeepTemplate};
    use super::super::state::{Conflict, Known, Saving};
    use super::{Checked, DraftView, EditorView, Load, Presence, Studio};
    use crate::AppError;
    use crate::template::api::ReadOwnTemplate;
    use leptos::prelude::*;
    use server_fn::ServerFn;
    use slipway_domain::pipeline::file::side::path_of;
    use slipway_domain::template::TemplateView;
    use slipway_domain::working_copy::{WorkingCopy, rebase};
    use std::sync::Arc;
    use std::time::Duration;

    /// How long the reader pauses before the draft is saved, and before GitLab is asked.
    const QUIET: Duration = Duration::from_millis(600);
    /// The pause after a save that failed.
    const RETRY: Duration = Duration::from_secs(5);
    /// How often the page says that it is open.
    const ARRIVE: Duration = Duration::from_secs(25);

    fn fields(studio: Studio) -> Option<web_sys::UrlSearchParams> {
        let fields = web_sys::UrlSearchParams::new().ok()?;
        studio.place.with_value(|place| {
            fields.append("org", &place.org.slug);
            if let Some(project) = &place.project {
                fields.append("project", &project.slug);
            }
            if let Some(app) = &place.app {
                fields.append("app", &app.slug);
            }
        });
        if let Some(key) = studio.template() {
            fields.append("template", &key);
        }
        Some(fields)
    }

    pub(super) fn keep_saved(studio: Studio, page: Option<Load<EditorView>>) {
        let round = StoredValue::new(0_u32);
        Effect::new(move || {
            studio.text.track();
            if studio.saving.with(|saving| *saving != Saving::Pending) {
                return;
            }
            let this = round.get_value().wrapping_add(1);
            round.set_value(this);
            set_timeout(
                move || {
                    if round.try_get_value() == Some(this) {
                        save(studio, page);
                    }
                },
                QUIET,
            );
        });
        let arrive = move || {
            if studio.text.try_get_untracked().is_none() {
                return;
            }
            let Some(fields) = fields(studio) else { return };
            let path = match studio.template() {
                Some(_) => ArriveTemplate::PATH,
                None => Arrive::PATH,
            };
            leptos::task::spawn_local(async move {
                // Nobody waits for it: whoever is not heard of is not shown.
                let _ = crate::browser::post(path, &fields).await;
            });
        };
        Effect::new(move || {
            arrive();
            if let Ok(handle) = set_interval_with_handle(arrive, ARRIVE) {
                on_cleanup(move || handle.clear());
            }
        });
    }

    /// Saves at once.
    pub(in crate::editor) fn save_now(studio: Studio) {
        save(studio, None);
    }

    fn save(studio: Studio, page: Option<Load<EditorView>>) {
        if studio.sending.get_value() {
            return;
        }
        let text = studio.text.get_untracked();
        let known = studio.known.get_untracked();
        if known.version > 0 && known.text == text {
            studio.saving.set(Saving::Saved);
            return;
        }
        let Some(fields) = fields(studio) else { return };
        fields.append("version", &known.version.to_string());
        if let Some(commit) = studio.base_commit.get_untracked() {
            fields.append("base_commit", &commit);
        }
        if known.version == 0 {
            // GitLab may not answer now; what was typed is saved all the same.
            studio
                .source
                .with_value(|(branch, _)| fields.append("branch", branch));
            studio.base.with_untracked(|base| fields.append("base", base));
        }
        fields.append("text", &text);
        let path = if studio.template().is_some() {
            KeepTemplate::PATH
        } else {
            SaveWorkingCopy::PATH
        };
        studio.sending.set_value(true);
        leptos::task::spawn_local(async move {
            let posted = crate::browser::post(path, &fields).await;
            if studio.sending.try_set_value(false).is_some() {
                // The page is gone.
                return;
            }
            match posted.map(|posted| posted.body.trim().parse::<i64>()) {
                Ok(Ok(version)) => {
                    studio.known.set(Known {
                        version,
                        text: Arc::clone(&text),
                    });
                    let same = studio.text.with_untracked(|now| *now == text);
                    studio
                        .saving
                        .set(if same { Saving::Saved } else { Saving::Pending });
                }
                Ok(Err(_)) => studio.saving.set(Saving::Failed(AppError::offline())),
                Err(error) if error.code == "working_copy_changed" => pull(studio).await,
                Err(error) if error.code == "template_changed" => pull_document(studio).await,
                Err(error) => {
                    let moved = error.code == "file_changed";
                    studio.saving.set(Saving::Failed(error));
                    if moved && let Some(page) = page {
                        page.refresh();
                    }
                    set_timeout(
                        move || {
                            let failed = studio
                                .saving
                                .try_with_untracked(|saving| matches!(saving, Saving::Failed(_)));
                            if failed == Some(true) {
                                studio.saving.set(Saving::Pending);
                            }
                        },
                        RETRY,
                    );
                }
            }
        });
    }

    /// Somebody saved a version: if it is not this page's own, it is fetched.
    pub(super) fn heard(studio: Studio, presence: &Presence) {
        let known = studio.known.with_untracked(|known| known.version);
        if presence.version > known && !studio.sending.get_value() {
            leptos::task::spawn_local(pull(studio));
        }
    }

    /// Brings the draft together with what was saved last.
    async fn pull(studio: Studio) {
        if studio.text.try_get_untracked().is_none() {
            return;
        }
        let Some(fields) = fields(studio) else { return };
        let query = String::from(fields.to_string());
        let answer = crate::browser::get(&format!("{}?{query}", ReadSaved::PATH)).await;
        let saved = answer.and_then(|json| {
            crate::json::parse::<Option<WorkingCopy>>(&json).map_err(|_| AppError::offline())
        });
        match saved {
            // Somebody went over to the other file: it is another page.
            Ok(Some(copy)) if path_of(&copy.text) != studio.text.with_untracked(|text| path_of(text)) => {
                let _ = window().location().reload();
            }
            Ok(Some(copy)) => {
                if studio
                    .known
                    .try_with_untracked(|known| known.version != copy.version)
                    == Some(true)
                {
                    meet(studio, &copy);
                }
            }
            // It was discarded, or proposed and merged: what is here is saved as a new one.
            Ok(None) => {
                let base = studio.base.get_untracked();
                studio.known.set(Known {
                    version: 0,
                    text: base,
                });
                studio.saving.set(Saving::Pending);
            }
            Err(error) => studio.saving.set(Saving::Failed(error)),
        }
    }

    /// Fetches the document that somebody else saved.
    async fn pull_document(studio: Studio) {
        let Some(fields) = fields(studio) else { return };
        let query = String::from(fields.to_string());
        let answer = crate::browser::get(&format!("{}?{query}", ReadOwnTemplate::PATH)).await;
        let read = answer
            .and_then(|json| crate::json::parse::<TemplateView>(&json).map_err(|_| AppError::offline()));
        if studio.text.try_get_untracked().is_none() {
            return;
        }
        match read.map(|view| view.draft) {
            Ok(Some(draft)) => meet_document(studio, &draft),
            Ok(None) => studio.saving.set(Saving::Failed(AppError::offline())),
            Err(error) => studio.saving.set(Saving::Failed(error)),
        }
    }

    /// Takes the document that somebody else saved; where there are changes here as well, the reader chooses.
    pub(super) fn meet_document(studio: Studio, draft: &DraftView) {
        let known = studio.known.get_untracked();
        let mine = studio.text.get_untracked();
        let theirs: Arc<str> = Arc::from(draft.text.as_str());
        if known.text == mine || theirs == mine {
            studio.known.set(Known {
                version: draft.version,
                text: Arc::clone(&theirs),
            });
            studio.take(theirs);
            studio.saving.set(Saving::Saved);
            return;
        }
        let who = draft.updated_by.as_ref().map(|by| by.name.clone());
        studio.saving.set(Saving::Conflict(Arc::new(Conflict {
            base: known.text.to_string(),
            theirs: draft.text.clone(),
            version: draft.version,
            who: who.unwrap_or_default(),
            keys: Vec::new(),
        })));
    }

    /// Takes what somebody else saved, beside what was changed here since.
    pub(in crate::editor) fn meet(studio: Studio, copy: &WorkingCopy) {
        let known = studio.known.get_untracked();
        let mine = studio.text.get_untracked();
        let theirs: Arc<str> = Arc::from(copy.text.as_str());
        studio.base.set(Arc::from(copy.base.as_str()));
        studio.base_commit.set(copy.base_commit.clone());
        match rebase(&known.text, &copy.text, &mine) {
            Ok(Ok(text)) => {
                let same = text == copy.text;
                studio.known.set(Known {
                    version: copy.version,
                    text: theirs,
                });
                studio.take(Arc::from(text));
                studio
                    .saving
                    .set(if same { Saving::Saved } else { Saving::Pending });
            }
            Ok(Err(keys)) => {
                let who = copy
                    .updated_by
                    .as_ref()
                    .map(|by| by.name.clone())
                    .unwrap_or_default();
                studio.saving.set(Saving::Conflict(Arc::new(Conflict {
                    base: known.text.to_string(),
                    theirs: copy.text.clone(),
                    version: copy.version,
                    who,
                    keys,
                })));
            }
            Err(_) => studio.saving.set(Saving::Failed(AppError::offline())),
        }
    }

    pub(super) fn check_when_quiet(studio: Studio, checked: RwSignal<Checked>) {
        let round = StoredValue::new(0_u32);
        Effect::new(move || {
            let text = studio.text.get();
            let this = round.get_value().wrapping_add(1);
            round.set_value(this);
            checked.set(Checked::Not);
            set_timeout(
                move || {
                    if round.try_get_value() != Some(this) {
                        return;
                    }
                    checked.set(Checked::Asking);
                    leptos::task::spawn_local(async move {
                        let answer = ask(studio, &text).await;
                        if round.try_get_value() == Some(this) {
                            checked.set(answer);
                        }
                    });
                },
                QUIET,
            );
        });
    }

    async fn ask(studio: Studio, text: &str) -> Checked {
        let Some(fields) = fields(studio) else {
            return Checked::Not;
        };
        fields.append("text", text);
        match crate::browser::post(CheckWorkingCopy::PATH, &fields).await {
            Ok(posted) => crate::json::parse(&posted.body).map_or_else(
                |_| Checked::Failed(AppError::offline()),
                |view| Checked::Answered(Box::new(view)),
            ),
            Err(error) => Checked::Failed(error),
        }
    }
}

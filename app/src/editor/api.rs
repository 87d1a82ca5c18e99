//! Server functions about editing the pipeline that is there.

use crate::AppError;
use crate::pipeline::api::Checked;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::working_copy::{EditorView, Merged, Presence, WorkingCopy};
use std::collections::BTreeMap;

/// The editor of an app's pipeline.
#[server(name = ReadEditor, prefix = "/api/fn", endpoint = "working-copy/open", input = GetUrl)]
pub async fn read_editor(org: String, project: String, app: String) -> Result<EditorView, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::working_copy::open(&ctx, &org, &project, &app).await?)
}

/// Who edits, and the newest version.
#[server(name = ReadPresence, prefix = "/api/fn", endpoint = "working-copy/presence", input = GetUrl)]
pub async fn read_presence(org: String, project: String, app: String) -> Result<Presence, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::working_copy::presence(&ctx, &org, &project, &app).await?)
}

/// The draft as it was saved last.
#[server(name = ReadSaved, prefix = "/api/fn", endpoint = "working-copy/saved", input = GetUrl)]
pub async fn read_saved(org: String, project: String, app: String) -> Result<Option<WorkingCopy>, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::working_copy::saved(&ctx, &org, &project, &app).await?)
}

/// The draft as GitLab reads it.
#[server(name = ReadMerged, prefix = "/api/fn", endpoint = "working-copy/merged", input = GetUrl)]
pub async fn read_merged(org: String, project: String, app: String) -> Result<Merged, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::working_copy::merged(&ctx, &org, &project, &app).await?)
}

/// Says that the reader's editor is open.
#[server(name = Arrive, prefix = "/api/fn", endpoint = "working-copy/arrive")]
pub async fn arrive(org: String, project: String, app: String) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::working_copy::arrive(&ctx, &org, &project, &app).await?)
}

/// Saves the draft; the new version.
#[server(name = SaveWorkingCopy, prefix = "/api/fn", endpoint = "working-copy/save")]
pub async fn save_working_copy(
    org: String,
    project: String,
    app: String,
    version: i64,
    base_commit: Option<String>,
    branch: Option<String>,
    #[server(default)] base: String,
    #[server(default)] text: String,
) -> Result<i64, AppError> {
    let ctx = crate::ctx()?;
    let save = slipway_portal::working_copy::Save {
        version,
        base_commit: base_commit.filter(|commit| !commit.is_empty()),
        base: branch.map(|branch| slipway_portal::working_copy::Base { branch, text: base }),
        text,
    };
    Ok(slipway_portal::working_copy::save(&ctx, &org, &project, &app, &save).await?)
}

/// Makes one change in the draft and leads back to the editor: what a form of the editor does without JavaScript.
#[server(name = ChangeWorkingCopy, prefix = "/api/fn", endpoint = "working-copy/change")]
pub async fn change_working_copy(
    org: String,
    project: String,
    app: String,
    version: i64,
    base_commit: Option<String>,
    #[server(default)] change: BTreeMap<String, String>,
) -> Result<(), AppError> {
    use slipway_portal::working_copy::{Save, arrive, open, save};
    let ctx = crate::ctx()?;
    // Whoever may not edit is told that, and nothing about the file.
    arrive(&ctx, &org, &project, &app).await?;
    let view = open(&ctx, &org, &project, &app).await?;
    let base_commit = base_commit.filter(|commit| !commit.is_empty());
    let step =
        super::change::apply(&view.copy.text, &change, &view.locks).inspect_err(AppError::tell_status)?;
    let input = Save {
        version,
        base_commit,
        base: None,
        text: step.text,
    };
    save(&ctx, &org, &project, &app, &input).await?;
    let then = super::afterwards(step.then, &change);
    leptos_axum::redirect(&super::editor_href(&view.place, then.as_deref()));
    Ok(())
}

/// Asks GitLab's lint about a draft.
#[server(name = CheckWorkingCopy, prefix = "/api/fn", endpoint = "working-copy/check")]
pub async fn check_working_copy(
    org: String,
    project: String,
    app: String,
    #[server(default)] text: String,
) -> Result<Checked, AppError> {
    let ctx = crate::ctx()?;
    let checked = slipway_portal::working_copy::check(&ctx, &org, &project, &app, &text).await?;
    Ok(Checked {
        lint: checked.lint,
        diff: checked.diff,
    })
}

/// Brings the draft together with the repository's file.
#[server(name = TakeOver, prefix = "/api/fn", endpoint = "working-copy/take-over")]
pub async fn take_over(
    org: String,
    project: String,
    app: String,
    version: i64,
    #[server(default)] choices: BTreeMap<String, String>,
) -> Result<(), AppError> {
    use slipway_domain::pipeline::file::merge::Choice;
    let ctx = crate::ctx()?;
    let choices = choices
        .into_iter()
        .map(|(key, side)| {
            let choice = if side == "repository" {
                Choice::Repository
            } else {
                Choice::Draft
            };
            (key, choice)
        })
        .collect();
    slipway_portal::working_copy::take_over(&ctx, &org, &project, &app, version, &choices).await?;
    leptos_axum::redirect(&format!(
        "{}/pipelines/edit",
        crate::places::app(&org, &project, &app)
    ));
    Ok(())
}

/// Forgets the draft.
#[server(name = DiscardWorkingCopy, prefix = "/api/fn", endpoint = "working-copy/discard")]
pub async fn discard_working_copy(
    org: String,
    project: String,
    app: String,
    version: i64,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    slipway_portal::working_copy::discard(&ctx, &org, &project, &app, version).await?;
    leptos_axum::redirect(&format!(
        "{}/pipelines/edit",
        crate::places::app(&org, &project, &app)
    ));
    Ok(())
}

/// Goes over to GitLab's own file (`root`) or to Slipway's beside it (`side`), and leads back to the editor.
#[server(name = SwitchFile, prefix = "/api/fn", endpoint = "working-copy/switch")]
pub async fn switch_file(org: String, project: String, app: String, file: String) -> Result<(), AppError> {
    use slipway_portal::working_copy::File;
    let ctx = crate::ctx()?;
    let to = if file == "side" { File::Side } else { File::Root };
    slipway_portal::working_copy::switch(&ctx, &org, &project, &app, to).await?;
    leptos_axum::redirect(&format!(
        "{}/pipelines/edit",
        crate::places::app(&org, &project, &app)
    ));
    Ok(())
}

/// Proposes the draft as a merge request, and leads to the app's page.
#[server(name = ProposeWorkingCopy, prefix = "/api/fn", endpoint = "working-copy/propose")]
pub async fn propose_working_copy(
    org: String,
    project: String,
    app: String,
    version: i64,
    #[server(default)] title: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    slipway_portal::working_copy::propose(&ctx, &org, &project, &app, version, &title).await?;
    leptos_axum::redirect(&crate::places::app(&org, &project, &app));
    Ok(())
}

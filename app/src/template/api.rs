//! Server functions about templates that organizations and projects write.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::id::{AppId, UpgradeId};
use slipway_domain::template::{AppUpgrade, TemplateList, TemplateView, UpgradeView, Usage};
#[cfg(feature = "ssr")]
use slipway_portal::access::At;
#[cfg(feature = "ssr")]
use slipway_portal::template::{author, bulk, farewell, upgrade, usage};
use std::collections::BTreeMap;

/// The page of a place's templates, or of one of them.
#[cfg(feature = "ssr")]
fn page_of(org: &str, project: Option<&str>, rest: &str) -> String {
    let base = match project {
        Some(project) => crate::places::project(org, project),
        None => crate::places::org(org),
    };
    format!("{base}/templates{rest}")
}

/// The templates that can be used in an organization or a project.
#[server(name = ReadTemplates, prefix = "/api/fn", endpoint = "template/list", input = GetUrl)]
pub async fn read_templates(org: String, project: Option<String>) -> Result<TemplateList, AppError> {
    let ctx = crate::ctx()?;
    Ok(author::list(&ctx, At::new(&org, project.as_deref(), None)).await?)
}

/// One of them.
#[server(name = ReadOwnTemplate, prefix = "/api/fn", endpoint = "template/view", input = GetUrl)]
pub async fn read_own_template(
    org: String,
    project: Option<String>,
    template: String,
) -> Result<TemplateView, AppError> {
    let ctx = crate::ctx()?;
    Ok(author::view(&ctx, At::new(&org, project.as_deref(), None), &template).await?)
}

/// Begins a template and leads to its page. `begin`: `scratch`, `app`, or the key of a template.
#[server(name = CreateTemplate, prefix = "/api/fn", endpoint = "template/create")]
pub async fn create_template(
    org: String,
    project: Option<String>,
    slug: String,
    name: String,
    begin: String,
    #[server(default)] app: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let begin = match (begin.as_str(), app.split_once('/')) {
        ("scratch" | "", _) => author::Begin::Scratch,
        ("app", Some((project, app))) => author::Begin::App(project.to_owned(), app.to_owned()),
        ("app", None) => author::Begin::App(project.clone().unwrap_or_default(), app),
        (key, _) => author::Begin::Template(key.to_owned()),
    };
    let at = At::new(&org, project.as_deref(), None);
    let made = author::create(&ctx, at, &author::New { slug, name, begin }).await?;
    let left = if made.left.is_empty() {
        String::new()
    } else {
        format!("?left={}", crate::places::encode(&made.left.join(", ")))
    };
    leptos_axum::redirect(&page_of(
        &org,
        project.as_deref(),
        &format!("/{}{left}", made.key),
    ));
    Ok(())
}

/// Saves the document of a template.
#[server(name = SaveTemplate, prefix = "/api/fn", endpoint = "template/save")]
pub async fn save_template(
    org: String,
    project: Option<String>,
    template: String,
    version: i64,
    text: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    // A browser posts line breaks as CRLF; a document has LF.
    let text = text.replace("\r\n", "\n");
    let at = At::new(&org, project.as_deref(), None);
    author::save(&ctx, at, &template, version, &text).await?;
    leptos_axum::redirect(&page_of(&org, project.as_deref(), &format!("/{template}")));
    Ok(())
}

/// Publishes the document of a template as a version.
#[server(name = PublishTemplate, prefix = "/api/fn", endpoint = "template/publish")]
pub async fn publish_template(
    org: String,
    project: Option<String>,
    template: String,
    draft: i64,
    version: String,
    changelog_zh: String,
    changelog_en: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let new = author::Publication {
        draft,
        version,
        changelog_zh,
        changelog_en,
    };
    author::publish(&ctx, At::new(&org, project.as_deref(), None), &template, &new).await?;
    leptos_axum::redirect(&page_of(&org, project.as_deref(), &format!("/{template}")));
    Ok(())
}

/// Deprecates, withdraws, restores or (a draft) deletes a template, as the pressed button says.
#[server(name = SettleTemplate, prefix = "/api/fn", endpoint = "template/settle")]
pub async fn settle_template(
    org: String,
    project: Option<String>,
    template: String,
    version: i64,
    act: String,
    #[server(default)] why: String,
    #[server(default)] successor: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let at = At::new(&org, project.as_deref(), None);
    let farewell = farewell::Farewell { why, successor };
    let page = page_of(&org, project.as_deref(), &format!("/{template}"));
    let mut to = page;
    match act.as_str() {
        "deprecate" => farewell::deprecate(&ctx, at, &template, &farewell).await?,
        "withdraw" => farewell::withdraw(&ctx, at, &template, &farewell).await?,
        "restore" => farewell::restore(&ctx, at, &template).await?,
        "delete" => {
            author::delete(&ctx, at, &template, version).await?;
            to = page_of(&org, project.as_deref(), "");
        }
        _ => return Err(slipway_portal::Error::NotFound.into()),
    }
    leptos_axum::redirect(&to);
    Ok(())
}

/// The apps that use a template.
#[server(name = ReadTemplateUsage, prefix = "/api/fn", endpoint = "template/usage", input = GetUrl)]
pub async fn read_template_usage(
    org: String,
    project: Option<String>,
    template: String,
) -> Result<Usage, AppError> {
    let ctx = crate::ctx()?;
    Ok(usage::usage(&ctx, At::new(&org, project.as_deref(), None), &template).await?)
}

/// Starts a bulk upgrade and leads to its page.
#[server(name = StartUpgrade, prefix = "/api/fn", endpoint = "template/upgrade")]
pub async fn start_upgrade(
    org: String,
    project: Option<String>,
    template: String,
    to: String,
    #[server(default)] apps: Vec<AppId>,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    if apps.is_empty() {
        return Err(slipway_portal::Error::field(
            "apps",
            slipway_domain::text::Text::new("choose at least one app", "请至少选择一个应用"),
        )
        .into());
    }
    let at = At::new(&org, project.as_deref(), None);
    let id = bulk::start(&ctx, at, &template, &to, &apps).await?;
    leptos_axum::redirect(&page_of(&org, project.as_deref(), &format!("/upgrades/{id}")));
    Ok(())
}

/// A bulk upgrade. An id that is none reads as not found.
#[server(name = ReadUpgrade, prefix = "/api/fn", endpoint = "template/progress", input = GetUrl)]
pub async fn read_upgrade(org: String, project: Option<String>, id: String) -> Result<UpgradeView, AppError> {
    let ctx = crate::ctx()?;
    let id = id.parse().map_err(|_| slipway_portal::Error::NotFound)?;
    Ok(bulk::view(&ctx, At::new(&org, project.as_deref(), None), id).await?)
}

/// Stops a bulk upgrade.
#[server(name = StopUpgrade, prefix = "/api/fn", endpoint = "template/stop")]
pub async fn stop_upgrade(org: String, project: Option<String>, id: UpgradeId) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(bulk::stop(&ctx, At::new(&org, project.as_deref(), None), id).await?)
}

/// Goes on with a bulk upgrade that ended, and tries what was refused again.
#[server(name = RetryUpgrade, prefix = "/api/fn", endpoint = "template/retry")]
pub async fn retry_upgrade(org: String, project: Option<String>, id: UpgradeId) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(bulk::retry(&ctx, At::new(&org, project.as_deref(), None), id).await?)
}

/// What an upgrade of an app changes, with what is typed so far.
#[server(name = ReadAppUpgrade, prefix = "/api/fn", endpoint = "template/app", input = GetUrl)]
pub async fn read_app_upgrade(
    org: String,
    project: String,
    app: String,
    to: Option<String>,
    #[server(default)] inputs: BTreeMap<String, String>,
) -> Result<AppUpgrade, AppError> {
    let ctx = crate::ctx()?;
    let input = upgrade::Input {
        to: to.unwrap_or_default(),
        inputs,
        ..upgrade::Input::default()
    };
    Ok(upgrade::view(&ctx, &org, &project, &app, &input).await?)
}

/// Proposes an upgrade of an app, and leads to the app's page. `choices`: `template` or `repository`, by job.
#[server(name = ProposeAppUpgrade, prefix = "/api/fn", endpoint = "template/propose")]
pub async fn propose_app_upgrade(
    org: String,
    project: String,
    app: String,
    to: String,
    #[server(default)] inputs: BTreeMap<String, String>,
    #[server(default)] switches: Vec<String>,
    #[server(default)] choices: BTreeMap<String, String>,
    replace: Option<bool>,
) -> Result<(), AppError> {
    use slipway_domain::pipeline::file::merge::Choice;
    let ctx = crate::ctx()?;
    let choice = |word: &str| match word {
        "template" => Some(Choice::Draft),
        "repository" => Some(Choice::Repository),
        _ => None,
    };
    let input = upgrade::Input {
        to,
        inputs: crate::pipeline::with_switches(inputs, switches),
        choices: choices
            .into_iter()
            .filter_map(|(key, word)| Some((key, choice(&word)?)))
            .collect(),
        replace: replace.unwrap_or_default(),
    };
    upgrade::propose(&ctx, &org, &project, &app, &input).await?;
    leptos_axum::redirect(&crate::places::app(&org, &project, &app));
    Ok(())
}

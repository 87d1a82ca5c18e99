//! The repository of an app: choosing and connecting it, and looking at it again and again.

use crate::access::{self, App, Authorized, may};
use crate::change::{Change, Entry};
use crate::connection::{self, Link};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::jobs::{Job, Next};
use crate::ports::{
    ConnectionRecord, ForgeError, ForgePipeline, ForgeProject, Hook, RepositoryLink, RepositoryState,
};
use crate::{mirror, proposal, run, template, trail, webhook};
use slipway_domain::app::{Repository, RepositoryChoice};
use slipway_domain::connection::Connection;
use slipway_domain::id::{AppId, ConnectionId};
use slipway_domain::text::Text;
use slipway_domain::time::{DAY, SECOND, Timestamp};

/// How many repositories are offered at a time.
const CHOICES: usize = 50;
/// How often a repository is looked at without a webhook, in µs.
const LOOK_EVERY: i64 = 60 * SECOND;
/// How many of the newest pipelines a look compares.
const PIPELINES: usize = 30;
/// How long deliveries are kept once they were worked on, in µs.
const KEEP_DELIVERIES: i64 = 7 * DAY;

/// The connections the app could use.
///
/// # Errors
/// As [`access::app`].
pub async fn connections(ctx: &OpCtx, org: &str, project: &str, app: &str) -> Result<Vec<Connection>> {
    let app = access::app::<may::AppManage>(ctx, org, project, app).await?;
    let records = ctx.read().await?.connections(app.org_id()).await?;
    Ok(records.into_iter().map(|record| record.connection).collect())
}

/// The repositories one could connect through `via` (the first connection by name, without one), those active last
/// first; with `search`, those whose path or name has it.
///
/// # Errors
/// As [`access::app`]; there is no connection; GitLab does not answer.
pub async fn choices(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    app: &str,
    via: Option<ConnectionId>,
    search: Option<&str>,
) -> Result<Vec<RepositoryChoice>> {
    let app = access::app::<may::AppManage>(ctx, org, project, app).await?;
    let record = chosen(ctx, &app, via).await?;
    let search = search
        .map(str::trim)
        .filter(|s| !s.is_empty())
        .map(|s| s.chars().take(100).collect::<String>());
    let forge = connection::open(ctx, &record).map_err(|error| connection::refused(&error))?;
    let projects = forge
        .projects(search.as_deref(), CHOICES)
        .await
        .map_err(|error| connection::refused(&error))?;
    let mut choices = Vec::new();
    for found in projects {
        let used_by = user_of(ctx, record.connection.id, found.id)
            .await?
            .map(|(_, name)| name);
        choices.push(RepositoryChoice {
            project_id: found.id,
            path: found.path,
            description: found.description,
            default_branch: found.default_branch,
            used_by,
        });
    }
    Ok(choices)
}

async fn chosen(
    ctx: &OpCtx,
    app: &Authorized<App, may::AppManage>,
    via: Option<ConnectionId>,
) -> Result<ConnectionRecord> {
    let mut tx = ctx.read().await?;
    let found = match via {
        Some(id) => tx.connection(app.org_id(), id).await?,
        None => tx.connections(app.org_id()).await?.into_iter().next(),
    };
    found.ok_or_else(|| {
        Error::refused(
            "no_connection",
            "The organization has no connection to GitLab. An organization admin can add one in the settings.",
            "组织尚未连接 GitLab，请组织管理员在设置中添加。",
        )
    })
}

/// The app that uses a repository, by name as far as the reader may know it.
pub(crate) async fn user_of(
    ctx: &OpCtx,
    connection: ConnectionId,
    repository: i64,
) -> Result<Option<(AppId, String)>> {
    let users = ctx
        .read()
        .await?
        .apps_of_repository(connection, repository)
        .await?;
    let Some(id) = users.first().copied() else {
        return Ok(None);
    };
    match access::app_by_id::<may::See>(ctx, id).await {
        Ok(app) => Ok(Some((id, app.app.name.clone()))),
        Err(Error::NotFound) => Ok(Some((id, String::from("…")))),
        Err(error) => Err(error),
    }
}

/// Connects the app to a repository and asks GitLab for webhooks.
///
/// # Errors
/// As [`access::app`]; GitLab has no such project, or another app uses it; GitLab does not answer.
pub async fn connect(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    app: &str,
    via: Option<ConnectionId>,
    repository: i64,
) -> Result<()> {
    let app = access::app::<may::AppManage>(ctx, org, project, app).await?;
    let record = chosen(ctx, &app, via).await?;
    let forge = connection::open(ctx, &record).map_err(|error| connection::refused(&error))?;
    let found = forge.project(repository).await.map_err(|error| match error {
        ForgeError::NotFound(_) => Error::field(
            "repository",
            Text::new(
                "GitLab has no such project, or the connection's token may not see it",
                "GitLab 中没有该项目，或连接所用的令牌无权查看",
            ),
        ),
        other => connection::refused(&other),
    })?;
    if let Some((user, name)) = user_of(ctx, record.connection.id, repository).await?
        && user != app.id()
    {
        return Err(Error::conflict(
            "repository_taken",
            format!("The app “{name}” uses this repository. Choose another one."),
            format!("应用“{name}”正在使用该仓库，请另选一个。"),
        ));
    }
    let mut change = ctx.change().await?;
    attach(&mut change, &app, &record, &found).await?;
    change.commit().await?;
    // Now, so that the page tells at once; the job would do it too.
    ask_for_hook(ctx, &app).await.map(drop)
}

/// Connects the app to a repository in an open change, with its audit row, and has it looked at.
///
/// # Errors
/// The database does not answer.
pub(crate) async fn attach(
    change: &mut Change<'_>,
    app: &Authorized<App, may::AppManage>,
    record: &ConnectionRecord,
    found: &ForgeProject,
) -> Result<()> {
    let now = change.ctx().now();
    let secret = hex::encode(rand::random::<[u8; 32]>());
    let link = RepositoryLink {
        connection: record.connection.id,
        repository: described(&record.connection.name, found),
        hook_id: None,
        hook_secret: Some(
            change
                .ctx()
                .portal()
                .sealer
                .seal(&webhook::secret_context(app.id()), &secret),
        ),
    };
    let place = app.place();
    change.tx().set_repository(&app.modify(), &link).await?;
    change.tx().forget_snapshots(&app.modify()).await?;
    let summary = serde_json::json!({ "connection": record.connection.name, "repository": found.path });
    change
        .audit(Entry::done(
            "app.connect",
            "app",
            app.id(),
            app.app.name.clone(),
            &place,
            summary,
        ))
        .await?;
    enqueue_look(change, app.id(), now).await?;
    change.touch("app", app.id(), &place);
    Ok(())
}

/// Asks GitLab for the webhook of an app that was just connected; why it took none, if so.
///
/// # Errors
/// The connection's token does not open, or the database does not answer.
pub(crate) async fn ask_for_hook(ctx: &OpCtx, app: &Authorized<App, may::AppManage>) -> Result<Option<Text>> {
    let link = connection::link(ctx, app).await?;
    let mut state = ctx.read().await?.repository_state(&app.see()).await?;
    ensure_hook(ctx, app, &link, &mut state).await?;
    save(ctx, app, &state).await?;
    Ok(state.hook_trouble)
}

fn described(connection: &str, found: &ForgeProject) -> Repository {
    Repository {
        connection: connection.to_owned(),
        project_id: found.id,
        path: found.path.clone(),
        default_branch: found.default_branch.clone(),
        web_url: found.web_url.clone(),
    }
}

/// Asks for a look at an app's repository at `at`.
pub(crate) async fn enqueue_look(change: &mut Change<'_>, app: AppId, at: Timestamp) -> Result<()> {
    change
        .enqueue(&Job::LookAtRepository { app }, at, Some(&format!("look:{app}")))
        .await
}

/// Makes sure that GitLab has Slipway's webhook, as far as it lets us.
async fn ensure_hook(
    ctx: &OpCtx,
    app: &Authorized<App, may::AppManage>,
    link: &Link,
    state: &mut RepositoryState,
) -> Result<()> {
    if link.repository.hook_id.is_some() {
        return Ok(());
    }
    let Some(sealed) = &link.repository.hook_secret else {
        return Ok(());
    };
    let token = ctx
        .portal()
        .sealer
        .open(&webhook::secret_context(app.id()), sealed)
        .map_err(Error::internal)?;
    let mirrored = ctx.read().await?.mirror(&app.see()).await?;
    let hook = Hook {
        issues: mirrored.is_some_and(|mirror| mirror.since.is_some()),
        url: format!("{}/hooks/gitlab/{}", ctx.portal().public_url, app.id()),
        token,
    };
    let made = match link.forge.find_hook(link.project(), &hook.url).await {
        Ok(Some(id)) => link
            .forge
            .update_hook(link.project(), id, &hook)
            .await
            .map(|()| id),
        Ok(None) => link.forge.create_hook(link.project(), &hook).await,
        Err(error) => Err(error),
    };
    match link.heard(ctx, made).await {
        Ok(id) => {
            state.hook_trouble = None;
            let mut change = ctx.change().await?;
            change.bookkeeping();
            let (_, current, _) = change.tx().app_detail(&app.see()).await?;
            // Another repository may have been connected meanwhile.
            if current.as_ref() == Some(&link.repository) {
                let linked = RepositoryLink {
                    hook_id: Some(id),
                    ..link.repository.clone()
                };
                change.tx().set_repository(&app.modify(), &linked).await?;
            }
            change.commit().await
        }
        Err(error) => {
            let said = error.text();
            state.hook_trouble = Some(Text::new(
                format!(
                    "GitLab takes no webhook, so changes show up to a minute late. {}",
                    said.en
                ),
                format!("GitLab 未接受 Webhook，变化最多会晚一分钟显示。{}", said.zh),
            ));
            Ok(())
        }
    }
}

async fn save(ctx: &OpCtx, app: &Authorized<App, may::AppManage>, state: &RepositoryState) -> Result<()> {
    let mut change = ctx.change().await?;
    change.bookkeeping();
    let before = change.tx().repository_state(&app.see()).await?;
    change.tx().set_repository_state(&app.modify(), state).await?;
    if before.trouble != state.trouble || before.hook_trouble != state.hook_trouble {
        change.touch("app", app.id(), &app.place());
    }
    change.commit().await
}

/// Looks at a repository: what it is called, whether its webhook is there, which pipelines changed, where the
/// proposals stand. What a lost webhook did not tell is found here.
pub(crate) async fn look(ctx: &OpCtx, app: AppId) -> Result<Next> {
    let app = match access::app_by_id::<may::AppManage>(ctx, app).await {
        Ok(app) => app,
        Err(Error::NotFound) => return Ok(Next::Done),
        Err(error) => return Err(error),
    };
    // Restoring it looks again.
    if app.place().archived().is_some() {
        return Ok(Next::Done);
    }
    let link = match connection::link(ctx, &app).await {
        Ok(link) => link,
        Err(Error::Refused {
            code: "no_repository",
            ..
        }) => return Ok(Next::Done),
        Err(Error::Unavailable { text, .. }) => {
            let mut state = ctx.read().await?.repository_state(&app.see()).await?;
            state.trouble = Some(text);
            save(ctx, &app, &state).await?;
            return Ok(Next::At(ctx.now().plus(jittered(LOOK_EVERY))));
        }
        Err(error) => return Err(error),
    };
    let mut state = ctx.read().await?.repository_state(&app.see()).await?;
    let mut wait = jittered(LOOK_EVERY);
    match compare(ctx, &app, &link).await? {
        Ok(()) => {
            ensure_hook(ctx, &app, &link, &mut state).await?;
            proposal::refresh_open(ctx, &app, &link).await?;
            trail::enqueue(ctx, &app).await?;
            mirror::work::look(ctx, &app).await?;
            state.trouble = None;
            state.synced_at = Some(ctx.now());
        }
        Err(error) => {
            if let ForgeError::Limited { retry_after } = error {
                wait = wait.max(i64::try_from(retry_after).unwrap_or(60).saturating_mul(SECOND));
            }
            state.trouble = Some(match &error {
                ForgeError::NotFound(_) => Text::new(
                    "GitLab no longer has this repository, or the connection's token may not see it. Connect another one, or give the token access.",
                    "GitLab 中已没有该仓库，或连接所用的令牌无权查看。请连接其他仓库，或为令牌授权。",
                ),
                other => other.text(),
            });
        }
    }
    save(ctx, &app, &state).await?;
    Ok(Next::At(ctx.now().plus(wait)))
}

/// Between three quarters and five quarters of `span`.
pub(crate) fn jittered(span: i64) -> i64 {
    span - span / 4 + rand::random_range(0..=span / 2)
}

/// Reads what the file on the default branch was made of, once for each commit that has a pipeline.
async fn note_template(
    ctx: &OpCtx,
    app: &Authorized<App, may::AppManage>,
    link: &Link,
    branch: &str,
    pipelines: &[ForgePipeline],
) -> Result<()> {
    let of_branch = pipelines.iter().filter(|one| one.git_ref == branch && !one.tag);
    let Some(newest) = of_branch.max_by_key(|one| one.id) else {
        return Ok(());
    };
    let known = ctx.read().await?.template_use(&app.see()).await?;
    if known.is_some_and(|known| known.commit == newest.sha) {
        return Ok(());
    }
    // Where GitLab does not answer, the next look asks again.
    if let Ok(found) = proposal::look_up(link, proposal::FILE, branch.to_owned()).await {
        template::note_file(ctx, app, &newest.sha, found.file.as_ref()).await?;
    }
    Ok(())
}

async fn compare(
    ctx: &OpCtx,
    app: &Authorized<App, may::AppManage>,
    link: &Link,
) -> Result<Result<(), ForgeError>> {
    let found = match link.heard(ctx, link.forge.project(link.project()).await).await {
        Ok(found) => found,
        Err(error) => return Ok(Err(error)),
    };
    let pipelines = match link
        .heard(ctx, link.forge.pipelines(link.project(), PIPELINES).await)
        .await
    {
        Ok(pipelines) => pipelines,
        // A project whose CI/CD is switched off has no pipelines.
        Err(ForgeError::Forbidden(_)) => Vec::new(),
        Err(error) => return Ok(Err(error)),
    };
    if let Some(branch) = &found.default_branch {
        note_template(ctx, app, link, branch, &pipelines).await?;
    }
    let repository = described(&link.connection.connection.name, &found);
    let see = app.see();
    let now = ctx.now();
    let mut change = ctx.change().await?;
    change.bookkeeping();
    let (_, current, _) = change.tx().app_detail(&see).await?;
    let Some(current) = current.filter(|c| c.repository.project_id == link.project()) else {
        return Ok(Ok(()));
    };
    if current.repository != repository {
        change
            .tx()
            .set_repository(
                &app.modify(),
                &RepositoryLink {
                    repository,
                    ..current
                },
            )
            .await?;
        change.touch("app", app.id(), &app.place());
    }
    let mut changed: Vec<i64> = change.tx().unsettled_runs(&see).await?;
    for pipeline in pipelines {
        let known = change.tx().run_of_pipeline(&see, pipeline.id).await?;
        let same = known.is_some_and(|run| pipeline.status.is_none_or(|status| status == run.row.status));
        if !same && !changed.contains(&pipeline.id) {
            changed.push(pipeline.id);
        }
    }
    for pipeline in changed {
        run::enqueue_sync(&mut change, app.id(), pipeline, now).await?;
    }
    change
        .tx()
        .delete_deliveries(&app.modify(), now.plus(-KEEP_DELIVERIES))
        .await?;
    change.commit().await?;
    Ok(Ok(()))
}

//! Which issues and items are to meet: what a webhook names, what changed here, and what GitLab says changed.

use super::meet;
use super::sides::People;
use crate::access::{self, App, Authorized, Project, may};
use crate::change::Change;
use crate::connection::{self, Link};
use crate::context::{Actor, OpCtx, Via};
use crate::error::{Error, Result};
use crate::fault;
use crate::jobs::{Job, Next};
use crate::ports::{ForgeError, LinkRecord, MirrorRecord, StoreError};
use slipway_domain::feature::Feature;
use slipway_domain::id::{AppId, ItemId};
use slipway_domain::mirror::{CLOSED, LinkState};
use slipway_domain::person::PersonRef;
use slipway_domain::text::{Locale, Text};
use slipway_domain::time::{MINUTE, SECOND, Timestamp};

/// How many changed issues one look works on.
const CHANGES: usize = 100;
/// How many items that changed here are told to GitLab again by one look.
const LAGGING: i64 = 50;
/// The pause after GitLab could not be reached, in µs.
const PAUSE: i64 = 20 * SECOND;
/// The pause after GitLab refused, in µs.
const REFUSED: i64 = 5 * MINUTE;

/// Why a meeting did not come to its end.
#[derive(Debug)]
pub(super) enum Halt {
    /// GitLab did not do it.
    Forge(ForgeError),
    /// Something here did not.
    Here(Error),
    /// Somebody else writes, or wrote meanwhile: again at that time.
    Again(Timestamp),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Here(error)
    }
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        match error {
            // Somebody else linked the same at the same time.
            StoreError::Constraint(_) => Self::Here(Error::version_mismatch()),
            other => Self::Here(other.into()),
        }
    }
}

/// What a meeting works with.
pub(super) struct Desk {
    /// In the name of the app's account for GitLab.
    pub ctx: OpCtx,
    /// The account.
    pub bot: PersonRef,
    /// The app.
    pub app: Authorized<App, may::AppManage>,
    /// Its project.
    pub project: Authorized<Project, may::ItemEdit>,
    /// GitLab.
    pub link: Link,
    /// The settings.
    pub mirror: MirrorRecord,
}

impl Desk {
    /// GitLab's answer, noted at the connection.
    pub(super) async fn heard<T: Send>(&self, answer: Result<T, ForgeError>) -> Result<T, Halt> {
        self.link.heard(&self.ctx, answer).await.map_err(Halt::Forge)
    }

    /// Who is who.
    pub(super) async fn people(&self) -> Result<People<'_>> {
        let see = self.project.see();
        let mut tx = self.ctx.read().await?;
        let members = tx.members(see.org_id(), Some(see.id())).await?;
        Ok(People {
            base_url: &self.link.connection.connection.base_url,
            members: members.into_iter().map(|member| member.person).collect(),
        })
    }
}

/// Asks for a look at an app's issues.
pub(super) async fn enqueue(change: &mut Change<'_>, app: AppId) -> Result<()> {
    let now = change.ctx().now();
    let job = Job::MirrorIssues { app };
    change.enqueue(&job, now, Some(&format!("mirror:{app}"))).await
}

/// Asks for a look at an app's issues, where they are mirrored.
pub(crate) async fn look(ctx: &OpCtx, app: &Authorized<App, may::AppManage>) -> Result<()> {
    let mut change = ctx.change().await?;
    let on = change.tx().mirror(&app.see()).await?;
    if on.is_none_or(|mirror| mirror.since.is_none()) {
        return Ok(());
    }
    change.bookkeeping();
    enqueue(&mut change, app.id()).await?;
    change.commit().await
}

/// Asks for a look at one issue that a webhook told of.
pub(crate) async fn hinted(change: &mut Change<'_>, app: AppId, iid: i64) -> Result<()> {
    let now = change.ctx().now();
    let job = Job::MirrorIssue { app, iid };
    change
        .enqueue(&job, now, Some(&format!("mirror:{app}:{iid}")))
        .await
}

/// What is needed to work on an app's issues; `None`: they are not mirrored, or not now.
async fn open(ctx: &OpCtx, app: AppId) -> Result<Option<Desk>> {
    let app = match access::app_by_id::<may::AppManage>(ctx, app).await {
        Ok(app) => app,
        Err(Error::NotFound) => return Ok(None),
        Err(error) => return Err(error),
    };
    if app.place().archived().is_some() || !app.place().has(Feature::Boards) {
        return Ok(None);
    }
    let mut tx = ctx.read().await?;
    let Some(mirror) = tx
        .mirror(&app.see())
        .await?
        .filter(|mirror| mirror.since.is_some())
    else {
        return Ok(None);
    };
    let Some(bot) = tx.person(mirror.bot).await? else {
        return Ok(None);
    };
    drop(tx);
    let link = match connection::link(ctx, &app).await {
        Ok(link) => link,
        // The next look at the repository asks again, and tells people.
        Err(Error::Refused { .. } | Error::NotFound | Error::Unavailable { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let project = access::project_by_id::<may::ItemEdit>(ctx, app.project_id()).await?;
    let bot = PersonRef {
        id: bot.id,
        username: bot.username,
        name: bot.name,
    };
    let desk = Desk {
        ctx: ctx
            .portal()
            .ctx(Actor::User(bot.clone()), Via::System, "mirror", Locale::En),
        bot,
        app,
        project,
        link,
        mirror,
    };
    let same = desk.mirror.connection == desk.link.connection.connection.id
        && desk.mirror.repository == desk.link.project();
    if same {
        return Ok(Some(desk));
    }
    let other = Text::new(
        "The app is connected to another repository than the one whose issues were mirrored. Save the settings to mirror this one’s.",
        "应用已连接到其他仓库。请保存设置，以同步新仓库的议题。",
    );
    note(&desk, |mirror| mirror.trouble = Some(other.clone())).await?;
    Ok(None)
}

/// Notes how far the app's issues were read, or why not.
async fn note(desk: &Desk, what: impl Fn(&mut MirrorRecord) + Send) -> Result<()> {
    let mut change = desk.ctx.change().await?;
    change.bookkeeping();
    let Some(before) = change.tx().mirror(&desk.app.see()).await? else {
        return Ok(());
    };
    let mut after = before.clone();
    what(&mut after);
    change.tx().note_mirror(&desk.app.modify(), &after).await?;
    if after.trouble != before.trouble || after.taking != before.taking {
        change.touch("app", desk.app.id(), &desk.app.place());
    }
    change.commit().await
}

/// What a job does after a meeting that did not come to its end.
async fn halted(desk: &Desk, halt: Halt) -> Result<Next> {
    let now = desk.ctx.now();
    match halt {
        Halt::Again(at) => Ok(Next::At(at)),
        // Somebody else wrote meanwhile.
        Halt::Here(Error::Conflict { .. } | Error::Stale(_)) => Ok(Next::At(now.plus(SECOND))),
        Halt::Here(error) => Err(error),
        Halt::Forge(error) => {
            let text = told(&error);
            note(desk, |mirror| mirror.trouble = Some(text.clone())).await?;
            Ok(match error {
                ForgeError::Limited { retry_after } => {
                    let wait = i64::try_from(retry_after).unwrap_or(60).saturating_mul(SECOND);
                    Next::At(now.plus(wait))
                }
                error if error.is_passing() => Next::At(now.plus(PAUSE)),
                // Somebody has to do something about it first.
                _ => Next::At(now.plus(REFUSED)),
            })
        }
    }
}

/// What GitLab said, where it is about issues.
pub(super) fn told(error: &ForgeError) -> Text {
    match error {
        ForgeError::Forbidden(_) => Text::new(
            "GitLab does not let the connection’s token read or change issues here: it needs the scope “api” and the role Reporter or more, and issues must be switched on in the project.",
            "连接所用的令牌无权读取或修改该项目的议题：令牌需要“api”权限范围和报告者以上的角色，且项目须开启议题功能。",
        ),
        other => other.text(),
    }
}

/// One issue that a webhook told of.
pub(crate) async fn issue(ctx: &OpCtx, app: AppId, iid: i64) -> Result<Next> {
    let Some(desk) = open(ctx, app).await? else {
        return Ok(Next::Done);
    };
    match Box::pin(meet::issue(&desk, iid)).await {
        Ok(_) => Ok(Next::Done),
        Err(halt) => halted(&desk, halt).await,
    }
}

/// An item that changed here.
pub(crate) async fn item(ctx: &OpCtx, app: AppId, item: ItemId) -> Result<Next> {
    let Some(desk) = open(ctx, app).await? else {
        return Ok(Next::Done);
    };
    let known = ctx.read().await?.link_of_item(&desk.project.see(), item).await?;
    let elsewhere = |known: &LinkRecord| {
        known.connection != desk.mirror.connection || known.repository != desk.mirror.repository
    };
    if known.as_ref().is_some_and(elsewhere) {
        // It mirrors an issue of the repository that the app had before.
        return Ok(Next::Done);
    }
    let met = match known.as_ref().and_then(|known| known.link.iid) {
        Some(iid) => Box::pin(meet::issue(&desk, iid)).await,
        None => Box::pin(meet::make(&desk, item, known)).await,
    };
    match met {
        Ok(_) => Ok(Next::Done),
        Err(halt) => halted(&desk, halt).await,
    }
}

/// Reads what changed in GitLab since the last look, and the next page of what was there before.
pub(crate) async fn reconcile(ctx: &OpCtx, app: AppId) -> Result<Next> {
    let Some(desk) = open(ctx, app).await? else {
        return Ok(Next::Done);
    };
    match Box::pin(looked(&desk)).await {
        Ok(next) => Ok(next),
        Err(halt) => halted(&desk, halt).await,
    }
}

async fn looked(desk: &Desk) -> Result<Next, Halt> {
    let mut more = take_over(desk).await?;
    let project = desk.link.project();
    let since = desk.mirror.cursor.unwrap_or_default();
    let issues = desk
        .heard(desk.link.forge.issues_since(project, since, CHANGES).await)
        .await?;
    let full = issues.len() >= CHANGES;
    let mut until = since;
    for issue in &issues {
        let repository = (desk.mirror.connection, project);
        let known = desk
            .ctx
            .read()
            .await
            .map_err(Halt::from)?
            .link_of_issue(&desk.app.see(), repository, issue.iid)
            .await?;
        let seen = known.is_some_and(|known| {
            known.seen_at == Some(issue.updated_at) && known.link.state == LinkState::Linked
        });
        if !seen {
            one_of_many(desk, issue.iid, Box::pin(meet::meet(desk, issue)).await).await?;
        }
        until = until.max(issue.updated_at);
    }
    if full && until == since {
        // More issues than one look reads changed at the very same instant.
        until = until.plus(1000);
    }
    more |= full;
    let now = desk.ctx.now();
    let read = (!issues.is_empty()).then_some(until);
    note(desk, |mirror| {
        mirror.cursor = read.or(mirror.cursor);
        mirror.reconciled_at = Some(now);
        mirror.trouble = None;
    })
    .await?;
    lagging(desk).await?;
    fault::point("mirror.read");
    Ok(if more { Next::At(now) } else { Next::Done })
}

/// One issue that GitLab refuses keeps none of the others waiting.
async fn one_of_many(desk: &Desk, iid: i64, met: Result<meet::Met, Halt>) -> Result<bool, Halt> {
    match met {
        Ok(met) => Ok(met == meet::Met::Made),
        Err(Halt::Forge(error)) if !error.is_passing() && !connection::is_trouble(&error) => Ok(false),
        Err(Halt::Again(_) | Halt::Here(Error::Conflict { .. } | Error::Stale(_))) => {
            // Somebody writes at the same time: it is looked at again by itself.
            let mut change = desk.ctx.change().await?;
            change.bookkeeping();
            hinted(&mut change, desk.app.id(), iid).await?;
            change.commit().await?;
            Ok(false)
        }
        Err(halt) => Err(halt),
    }
}

/// Makes items of the next page of the issues that were there when the mirror was switched on; whether there are more.
async fn take_over(desk: &Desk) -> Result<bool, Halt> {
    let Some(mut taking) = desk.mirror.taking.filter(|taking| !taking.done) else {
        return Ok(false);
    };
    let page = u32::try_from(taking.pages + 1).unwrap_or(u32::MAX);
    let project = desk.link.project();
    let found = desk
        .heard(desk.link.forge.issues(project, false, page).await)
        .await?;
    for issue in found.items.iter().filter(|issue| issue.state != CLOSED) {
        let made = one_of_many(desk, issue.iid, Box::pin(meet::meet(desk, issue)).await).await?;
        taking.made += i64::from(made);
    }
    taking.pages += 1;
    taking.done = !found.more;
    note(desk, |mirror| mirror.taking = Some(taking)).await?;
    fault::point("mirror.page");
    Ok(!taking.done)
}

/// Asks again for the items that changed here, and that GitLab has not heard of.
async fn lagging(desk: &Desk) -> Result<(), Halt> {
    let mut change = desk.ctx.change().await?;
    let behind = change.tx().lagging_links(&desk.app.see(), LAGGING).await?;
    if behind.is_empty() {
        return Ok(());
    }
    change.bookkeeping();
    for item in behind {
        super::enqueue_item(&mut change, desk.app.id(), item).await?;
    }
    Ok(change.commit().await?)
}

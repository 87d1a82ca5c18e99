//! The trail of work items: what in the repositories names them, which releases brought that, and where it runs.
//!
//! GitLab is asked for what changed since the last look, after a webhook and every minute: what a lost webhook did not
//! tell is found then. What is stored is written together with what it moves, so that both happen once.

use crate::access::may::{Modify, See};
use crate::access::{self, App, Authorized, Project, may};
use crate::change::Change;
use crate::connection::{self, Link};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::fault;
use crate::jobs::{Job, Next};
use crate::ports::{
    ForgeBranch, ForgeChange, ForgeError, ForgeMessage, MarkRecord, ReleaseRecord, TrailRelease, TrailState,
    Tx,
};
use slipway_domain::feature::Feature;
use slipway_domain::id::{AppId, ItemId};
use slipway_domain::time::{SECOND, Timestamp};
use slipway_domain::trail::{
    AppTrail, Brought, Cause, Mark, MarkKind, MarkState, TrailStop, Trigger, numbers_in, presence,
};
use std::collections::{BTreeMap, BTreeSet};

pub mod automation;

/// How many merge requests one look reads.
const REQUESTS: usize = 500;
/// How many merge requests the first look reads, the ones that changed last.
const FIRST_REQUESTS: usize = 100;
/// How many branches that moved one look reads the commits of.
const BRANCHES: usize = 25;
/// How many commits of a branch are read, at most.
const COMMITS: usize = 500;
/// The longest text of GitLab that is kept, in characters.
const TEXT_MOST: usize = 300;
/// How many releases with one commit are looked at.
const RELEASES: i64 = 20;

/// Asks for a look at what names the items of an app's project.
pub(crate) async fn enqueue(ctx: &OpCtx, app: &Authorized<App, may::AppManage>) -> Result<()> {
    if !app.place().has(Feature::Boards) {
        return Ok(());
    }
    let mut change = ctx.change().await?;
    // Without items nothing can name one, and GitLab is not asked.
    if !change.tx().has_items(&access::project_of(&app.see())).await? {
        return Ok(());
    }
    change.bookkeeping();
    let key = format!("follow:{}", app.id());
    let job = Job::FollowItems { app: app.id() };
    change.enqueue(&job, ctx.now(), Some(&key)).await?;
    change.commit().await
}

/// Reads what changed in an app's repository.
pub(crate) async fn follow(ctx: &OpCtx, app: AppId) -> Result<Next> {
    let app = match access::app_by_id::<may::PipelineRun>(ctx, app).await {
        Ok(app) => app,
        Err(Error::NotFound) => return Ok(Next::Done),
        Err(error) => return Err(error),
    };
    if app.place().archived().is_some() || !app.place().has(Feature::Boards) {
        return Ok(Next::Done);
    }
    let link = match connection::link(ctx, &app).await {
        Ok(link) => link,
        // The next look at the repository asks again.
        Err(Error::Refused { .. } | Error::NotFound | Error::Unavailable { .. }) => return Ok(Next::Done),
        Err(error) => return Err(error),
    };
    let state = ctx.read().await?.trail_state(&app.see()).await?;
    let read = read(&link, state.clone(), &app.within.project.key).await;
    match link.heard(ctx, read).await {
        Ok(read) => {
            let more = read.more;
            write(ctx, &app, &link, read).await?;
            fault::point("trail.written");
            Ok(if more { Next::At(ctx.now()) } else { Next::Done })
        }
        Err(ForgeError::Limited { retry_after }) => {
            let wait = i64::try_from(retry_after).unwrap_or(60).saturating_mul(SECOND);
            Ok(Next::At(ctx.now().plus(wait)))
        }
        // The next look at the repository asks again, and tells people.
        Err(_) => Ok(Next::Done),
    }
}

/// What GitLab answered.
struct Read {
    first: bool,
    requests: Vec<ForgeChange>,
    /// Branches whose names name items, and are new.
    branches: Vec<(ForgeBranch, Timestamp)>,
    gone: Vec<String>,
    messages: Vec<ForgeMessage>,
    next: TrailState,
    more: bool,
}

async fn read(link: &Link, state: Option<TrailState>, key: &str) -> Result<Read, ForgeError> {
    let (forge, project) = (&link.forge, link.project());
    let first = state.is_none();
    let state = state.unwrap_or_default();
    let limit = if state.requests_until.is_some() {
        REQUESTS
    } else {
        FIRST_REQUESTS
    };
    let requests = match forge.changes_since(project, state.requests_until, limit).await {
        Ok(requests) => requests,
        // A project whose merge requests are switched off has none.
        Err(ForgeError::Forbidden(_)) => Vec::new(),
        Err(error) => return Err(error),
    };
    let until = requests.iter().map(|request| request.updated_at).max();
    let mut read = Read {
        first,
        more: state.requests_until.is_some() && requests.len() >= REQUESTS && until > state.requests_until,
        requests,
        branches: Vec::new(),
        gone: Vec::new(),
        messages: Vec::new(),
        next: TrailState {
            requests_until: until.or(state.requests_until),
            heads: BTreeMap::new(),
        },
    };
    let branches = match forge.branches(project).await {
        Ok(branches) => branches,
        Err(ForgeError::Forbidden(_) | ForgeError::NotFound(_)) => return Ok(read),
        Err(error) => return Err(error),
    };
    let default = link.repository.repository.default_branch.clone();
    let base = default.as_ref().and_then(|name| {
        let known = state.heads.get(name).cloned();
        known.or_else(|| {
            branches
                .iter()
                .find(|one| one.name == *name)
                .map(|one| one.sha.clone())
        })
    });
    let mut looked = 0;
    for branch in branches {
        let known = state.heads.get(&branch.name);
        if known == Some(&branch.sha) {
            read.next.heads.insert(branch.name, branch.sha);
            continue;
        }
        if looked >= BRANCHES {
            // It is new again at the next look.
            read.more = true;
            if let Some(known) = known {
                read.next.heads.insert(branch.name, known.clone());
            }
            continue;
        }
        let names = known.is_none() && !numbers_in(&branch.name, key).is_empty();
        let from = if first { None } else { known.or(base.as_ref()) };
        let mut at = None;
        if let Some(from) = from.filter(|from| **from != branch.sha) {
            looked += 1;
            match forge.messages(project, from, &branch.sha).await {
                Ok(mut messages) => {
                    messages.truncate(COMMITS);
                    at = messages.iter().map(|message| message.at).max();
                    read.messages.extend(messages);
                }
                // The commit it stood at before is gone: a forced push.
                Err(ForgeError::NotFound(_) | ForgeError::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        read.next.heads.insert(branch.name.clone(), branch.sha.clone());
        if names {
            // GitLab does not say when a branch was made: its newest commit is, or it is as old as the look.
            read.branches.push((branch, at.unwrap_or_default()));
        }
    }
    read.gone = state
        .heads
        .into_keys()
        .filter(|name| !read.next.heads.contains_key(name))
        .collect();
    Ok(read)
}

/// Everything a look writes, in one transaction.
async fn write(ctx: &OpCtx, app: &Authorized<App, may::PipelineRun>, link: &Link, read: Read) -> Result<()> {
    let project = access::project_by_id::<may::ItemEdit>(ctx, app.project_id()).await?;
    let mut change = ctx.change().await?;
    change.bookkeeping();
    let mut look = Look {
        app: app.modify(),
        project: project.modify(),
        see: project.see(),
        web: link.repository.repository.web_url.clone(),
        known: BTreeMap::new(),
        touched: BTreeSet::new(),
    };
    for request in &read.requests {
        look.request(&mut change, request).await?;
    }
    for (branch, at) in &read.branches {
        let at = if *at == Timestamp::default() && !read.first {
            ctx.now()
        } else {
            *at
        };
        look.branch(&mut change, branch, at).await?;
    }
    for name in &read.gone {
        let items = change.tx().lose_branch(&look.app, name).await?;
        look.touched.extend(items);
    }
    for message in &read.messages {
        look.message(&mut change, message).await?;
    }
    change.tx().put_trail_state(&look.app, &read.next).await?;
    let place = look.see.place();
    for item in &look.touched {
        change.touch("item", item, &place);
    }
    change.commit().await
}

struct Look {
    app: Authorized<App, Modify>,
    project: Authorized<Project, Modify>,
    see: Authorized<Project, See>,
    web: String,
    /// Items by number; `None`: nobody has it.
    known: BTreeMap<i64, Option<(ItemId, Timestamp)>>,
    touched: BTreeSet<ItemId>,
}

fn short(text: &str) -> String {
    text.chars().take(TEXT_MOST).collect()
}

impl Look {
    /// The items that a text names, with when they were made.
    async fn named(&mut self, change: &mut Change<'_>, text: &str) -> Result<Vec<(i64, ItemId, Timestamp)>> {
        let mut found = Vec::new();
        for number in numbers_in(text, &self.see.project.key) {
            let known = if let Some(known) = self.known.get(&number) {
                *known
            } else {
                let item = change.tx().item(&self.see, number).await?;
                let item = item.map(|item| (item.card.id, item.created_at));
                self.known.insert(number, item);
                item
            };
            found.extend(known.map(|(id, at)| (number, id, at)));
        }
        Ok(found)
    }

    async fn request(&mut self, change: &mut Change<'_>, request: &ForgeChange) -> Result<()> {
        let text = format!(
            "{}\n{}\n{}",
            request.title, request.source_branch, request.description
        );
        let named = self.named(change, &text).await?;
        let reference = request.iid.to_string();
        let before = change
            .tx()
            .marked_items(&self.app.see(), MarkKind::MergeRequest, &reference)
            .await?;
        for gone in before
            .iter()
            .filter(|id| named.iter().all(|(_, item, _)| item != *id))
        {
            change
                .tx()
                .delete_mark(&self.app, *gone, MarkKind::MergeRequest, &reference)
                .await?;
            self.touched.insert(*gone);
        }
        let mark = Mark {
            kind: MarkKind::MergeRequest,
            reference,
            title: short(&request.title),
            state: match request.state.as_str() {
                "merged" => MarkState::Merged,
                "closed" => MarkState::Gone,
                _ => MarkState::Open,
            },
            web_url: request.web_url.clone(),
            author: short(&request.author),
            sha: request.commits.first().cloned().unwrap_or_default(),
            at: request.created_at,
            merged_at: request.merged_at,
            run: None,
        };
        for (number, item, made) in named {
            self.put(change, item, &mark).await?;
            // A merge request that was closed without being merged says nothing about the item.
            if mark.state != MarkState::Gone {
                self.moves(
                    change,
                    (number, item, made),
                    Trigger::Linked,
                    &mark,
                    request.created_at,
                )
                .await?;
            }
            if mark.state == MarkState::Merged {
                for sha in &request.commits {
                    self.commit(change, item, sha).await?;
                }
                let at = request.merged_at.unwrap_or(request.updated_at);
                self.moves(change, (number, item, made), Trigger::Merged, &mark, at)
                    .await?;
            }
        }
        Ok(())
    }

    async fn branch(&mut self, change: &mut Change<'_>, branch: &ForgeBranch, at: Timestamp) -> Result<()> {
        let mark = Mark {
            kind: MarkKind::Branch,
            reference: branch.name.clone(),
            title: short(&branch.name),
            state: MarkState::Open,
            web_url: format!("{}/-/tree/{}", self.web, branch.name),
            author: String::new(),
            sha: branch.sha.clone(),
            at,
            merged_at: None,
            run: None,
        };
        for (number, item, made) in self.named(change, &branch.name).await? {
            self.put(change, item, &mark).await?;
            self.moves(change, (number, item, made), Trigger::Linked, &mark, at)
                .await?;
        }
        Ok(())
    }

    async fn message(&mut self, change: &mut Change<'_>, message: &ForgeMessage) -> Result<()> {
        let mark = Mark {
            kind: MarkKind::Commit,
            reference: message.sha.clone(),
            title: short(&message.title),
            state: MarkState::Open,
            web_url: message.web_url.clone(),
            author: short(&message.author),
            sha: message.sha.clone(),
            at: message.at,
            merged_at: None,
            run: None,
        };
        for (number, item, made) in self.named(change, &message.message).await? {
            self.put(change, item, &mark).await?;
            self.commit(change, item, &message.sha).await?;
            self.moves(change, (number, item, made), Trigger::Linked, &mark, message.at)
                .await?;
        }
        Ok(())
    }

    async fn put(&mut self, change: &mut Change<'_>, item: ItemId, mark: &Mark) -> Result<()> {
        if change.tx().put_mark(&self.app, item, mark).await? {
            self.touched.insert(item);
        }
        Ok(())
    }

    /// A commit belongs to an item: whichever release brought it, brought something of the item.
    async fn commit(&mut self, change: &mut Change<'_>, item: ItemId, sha: &str) -> Result<()> {
        if !change.tx().put_item_commit(&self.app, item, sha).await? {
            return Ok(());
        }
        let found = change
            .tx()
            .releases_with_commit(&self.app.see(), sha, RELEASES)
            .await?;
        // The newest stands first.
        if let Some(first) = found.last() {
            change.tx().put_item_release(&self.app, item, first.id).await?;
            self.touched.insert(item);
        }
        Ok(())
    }

    async fn moves(
        &mut self,
        change: &mut Change<'_>,
        (number, item, made): (i64, ItemId, Timestamp),
        trigger: Trigger,
        mark: &Mark,
        at: Timestamp,
    ) -> Result<()> {
        let app = &self.app.scope().app;
        // Branches and merge requests link once, however many commits follow.
        let what = match mark.kind {
            MarkKind::MergeRequest => format!("{}!{}", app.id, mark.reference),
            MarkKind::Branch | MarkKind::Commit => {
                format!("{} {} {}", app.id, mark.kind.key(), mark.reference)
            }
        };
        if !change
            .tx()
            .note_trigger(&self.project, item, trigger, &what, at)
            .await?
            || at < made
        {
            return Ok(());
        }
        let cause = Cause {
            trigger,
            said: format!("{} {}", app.slug, mark.short()),
            url: mark.web_url.clone(),
        };
        automation::move_on(change, &self.project, &self.see, (number, at), &cause).await
    }
}

/// A release was made: what it brought of which items.
pub(crate) async fn on_release(
    change: &mut Change<'_>,
    app: &Authorized<App, may::PipelineRun>,
    release: &ReleaseRecord,
) -> Result<()> {
    let (see, modify) = (app.see(), app.modify());
    let project = access::project_of(&see);
    if !change.tx().has_items(&project).await? {
        return Ok(());
    }
    let mut items = BTreeSet::new();
    for commit in &release.commits {
        items.extend(change.tx().items_of_commit(&see, &commit.sha).await?);
        for number in numbers_in(&commit.title, &project.project.key) {
            let item = change.tx().item(&project, number).await?;
            if let Some(item) = item {
                change
                    .tx()
                    .put_item_commit(&modify, item.card.id, &commit.sha)
                    .await?;
                items.insert(item.card.id);
            }
        }
    }
    items.extend(change.tx().items_of_commit(&see, &release.sha).await?);
    let place = project.place();
    for item in items {
        change.tx().put_item_release(&modify, item, release.id).await?;
        change.touch("item", item, &place);
    }
    Ok(())
}

/// The trail of an item, app by app.
///
/// # Errors
/// The database does not answer.
pub(crate) async fn of_item(
    tx: &mut dyn Tx,
    project: &Authorized<Project, See>,
    item: ItemId,
) -> Result<Vec<AppTrail>> {
    let marks = tx.marks(project, item).await?;
    let releases = if project.place().has(Feature::Releases) {
        tx.releases_of_item(project, item).await?
    } else {
        Vec::new()
    };
    if marks.is_empty() && releases.is_empty() {
        return Ok(Vec::new());
    }
    let chain = tx.environments(project).await?;
    let mut apps: Vec<(AppId, AppTrail)> = Vec::new();
    for MarkRecord {
        app,
        slug,
        name,
        mark,
    } in marks
    {
        at(&mut apps, app, slug, name).marks.push(mark);
    }
    for TrailRelease {
        app,
        slug,
        name,
        version,
        at: made,
    } in releases
    {
        at(&mut apps, app, slug, name)
            .releases
            .push(Brought { version, at: made });
    }
    for (app, trail) in &mut apps {
        let brought: Vec<Timestamp> = trail.releases.iter().map(|release| release.at).collect();
        let open = trail.is_open();
        let running = if brought.is_empty() {
            Vec::new()
        } else {
            tx.running_of(project, *app).await?
        };
        for one in chain.iter().filter(|_| !brought.is_empty()) {
            let here = running.iter().find(|(id, ..)| *id == one.environment.id);
            trail.stops.push(TrailStop {
                environment: one.environment.clone(),
                running: here.map(|(_, version, ..)| version.clone()),
                presence: presence(here.map(|(_, _, made, _)| *made), &brought, open),
                since: here.map(|(.., since)| *since),
            });
        }
    }
    Ok(apps.into_iter().map(|(_, trail)| trail).collect())
}

fn at(apps: &mut Vec<(AppId, AppTrail)>, app: AppId, slug: String, name: String) -> &mut AppTrail {
    let index = apps.iter().position(|(id, _)| *id == app).unwrap_or_else(|| {
        let trail = AppTrail {
            slug,
            name,
            marks: Vec::new(),
            releases: Vec::new(),
            stops: Vec::new(),
        };
        apps.push((app, trail));
        apps.len() - 1
    });
    &mut apps[index].1
}

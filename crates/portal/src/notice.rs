//! Notices: reading them, marking them, and choosing what one wants to be told. What is told when stands in [`tell`].

use crate::access::{self, AnyScope, may};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::org;
use crate::ports::{NoticeRecord, Which};
use crate::version;
use slipway_domain::access::Action;
use slipway_domain::digest::DigestSettings;
use slipway_domain::id::{ProjectId, UserId};
use slipway_domain::notice::{
    KEPT, NoticeKind, NoticePage, NoticeSettings, ProjectChoice, Quiet, Thread, threads,
};
use slipway_domain::text::Text;
use slipway_domain::time::Timestamp;

pub(crate) mod tell;

/// How many notices a page has.
const PAGE: i64 = 50;
/// How many pages are looked through for notices that the reader still sees.
const PAGES: usize = 10;

/// The actor's notices before an instant; with `unread`, only those. What is of a place that they no longer see is
/// left out.
///
/// # Errors
/// [`Error::Unauthenticated`], or the database does not answer.
pub async fn list(ctx: &OpCtx, unread: bool, before: Option<Timestamp>) -> Result<NoticePage> {
    let person = ctx.oneself()?.id;
    let rights = ctx.rights().await?;
    let (mut seen, mut from, mut older_than) = (Vec::new(), before, None);
    for _ in 0..PAGES {
        let rows = ctx.read().await?.notices(person, unread, from, PAGE).await?;
        let whole = i64::try_from(rows.len()).is_ok_and(|count| count == PAGE);
        older_than = rows.last().map(|row| row.notice.at).filter(|_| whole);
        from = older_than;
        seen.extend(
            rows.into_iter()
                .filter(|row| rights.at(&row.scope).has(Action::See)),
        );
        if !seen.is_empty() || !whole {
            break;
        }
    }
    Ok(NoticePage {
        person,
        threads: threads(seen.into_iter().map(of_thread).collect()),
        unread: unread_count(ctx).await?,
        older_than,
    })
}

fn of_thread(record: NoticeRecord) -> (Thread, slipway_domain::notice::Notice) {
    let thread = Thread {
        key: record.thread,
        subject: record.subject,
        within: within(&record.scope),
        path: record.path,
        notices: Vec::new(),
    };
    (thread, record.notice)
}

fn within(scope: &AnyScope) -> String {
    match &scope.project {
        Some(project) => format!("{} / {}", scope.org.name, project.name),
        None => scope.org.name.clone(),
    }
}

/// How many unread notices the actor has, of places that they see.
///
/// # Errors
/// As [`list`].
pub async fn unread_count(ctx: &OpCtx) -> Result<i64> {
    let rights = ctx.rights().await?;
    let places = ctx.read().await?.unread_notices(ctx.user()?.id).await?;
    let seen = places
        .iter()
        .filter(|(scope, _)| rights.at(scope).has(Action::See));
    Ok(seen.map(|(_, count)| count).sum())
}

/// Marks notices of the actor as read, or as unread. An id that is not theirs changes nothing and says nothing.
///
/// # Errors
/// As [`list`].
pub async fn mark(ctx: &OpCtx, which: &Which, read: bool) -> Result<()> {
    let person = ctx.changing_oneself()?.id;
    let read_at = read.then(|| ctx.now());
    let mut change = ctx.change().await?;
    // One's own marks are no fact that an auditor would ask for.
    change.bookkeeping();
    if change.tx().mark_notices(person, which, read_at).await? > 0 {
        change.touch_person("person", person, None);
    }
    change.commit().await
}

/// What the actor wants to be told.
///
/// # Errors
/// As [`list`].
pub async fn settings(ctx: &OpCtx) -> Result<NoticeSettings> {
    let person = ctx.oneself()?.id;
    let quiet = ctx.read().await?.quiet_of(person).await?;
    let mut projects = Vec::new();
    for found in org::list(ctx).await? {
        let overview = org::overview(ctx, &found.slug).await?;
        projects.extend(overview.projects.into_iter().map(|card| ProjectChoice {
            muted: quiet.projects.contains(&card.project.id),
            project: card.project,
            org: found.name.clone(),
        }));
    }
    Ok(told(
        person,
        &quiet,
        projects,
        crate::digest::settings(ctx).await?,
    ))
}

/// What the person wants to be told: all but what is `quiet`.
fn told(
    person: UserId,
    quiet: &Quiet,
    mut projects: Vec<ProjectChoice>,
    digest: DigestSettings,
) -> NoticeSettings {
    let kinds = NoticeKind::ALL
        .iter()
        .map(|kind| (*kind, !quiet.kinds.contains(kind)));
    for choice in &mut projects {
        choice.muted = quiet.projects.contains(&choice.project.id);
    }
    NoticeSettings {
        person,
        kinds: kinds.collect(),
        projects,
        digest,
    }
}

/// Switches a kind of notice on or off for the actor.
///
/// # Errors
/// As [`list`].
pub async fn set_kind(ctx: &OpCtx, kind: NoticeKind, on: bool) -> Result<()> {
    let person = ctx.changing_oneself()?.id;
    let mut change = ctx.change().await?;
    change.bookkeeping();
    change.tx().set_notice_kind(person, kind, on).await?;
    change.touch_person("person", person, None);
    change.commit().await
}

/// Mutes a project that the actor sees, or no longer.
///
/// # Errors
/// As [`access::project`].
pub async fn mute(ctx: &OpCtx, project: ProjectId, muted: bool) -> Result<()> {
    let project = access::project_by_id::<may::See>(ctx, project).await?;
    let person = ctx.changing_oneself()?.id;
    let mut change = ctx.change().await?;
    change.bookkeeping();
    change.tx().set_muted(person, project.id(), muted).await?;
    change.touch_person("person", person, None);
    change.commit().await
}

/// Sets all that the actor wants to be told at once: every kind but those in `off`, from every project that they see but
/// those in `muted`. What of a project that they do not see was muted stays so.
///
/// # Errors
/// As [`list`]; a project that the actor does not see.
pub async fn choose(ctx: &OpCtx, off: &[NoticeKind], muted: &[ProjectId]) -> Result<()> {
    let person = ctx.changing_oneself()?.id;
    let known = settings(ctx).await?;
    let seen = known.projects;
    let is_seen = |id: &ProjectId| seen.iter().any(|choice| choice.project.id == *id);
    if !muted.iter().all(is_seen) {
        return Err(Error::field(
            "muted",
            Text::new(
                "one of these is no project that you see",
                "其中有你无权查看或不存在的项目",
            ),
        ));
    }
    let mut change = ctx.change().await?;
    change.bookkeeping();
    change.tx().lock_person(person).await?;
    let quiet = change.tx().quiet_of(person).await?;
    change.only_on(version::notices(&told(
        person,
        &quiet,
        seen.clone(),
        known.digest,
    )))?;
    for kind in NoticeKind::ALL {
        let on = !off.contains(kind);
        change.tx().set_notice_kind(person, *kind, on).await?;
    }
    for choice in &seen {
        let id = choice.project.id;
        change.tx().set_muted(person, id, muted.contains(&id)).await?;
    }
    change.touch_person("person", person, None);
    change.commit().await
}

/// Forgets what was read long ago.
///
/// # Errors
/// The database does not answer; [`Error::NotFound`] for people.
pub async fn prune(ctx: &OpCtx) -> Result<u64> {
    if !ctx.is_system() {
        return Err(Error::NotFound);
    }
    let mut change = ctx.change().await?;
    change.bookkeeping();
    let gone = change.tx().prune_notices(ctx.now().plus(-KEPT)).await?;
    change.commit().await?;
    Ok(gone)
}

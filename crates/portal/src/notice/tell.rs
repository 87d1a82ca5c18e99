//! What is told to whom: written in the transaction of what happened.

use crate::access::may::{Modify, See};
use crate::access::{AnyScope, App, AppScope, Authorized, Project, ProjectScope, Rights};
use crate::change::Change;
use crate::error::Result;
use crate::ports::{DueItem, NewNotice, PromotionRecord};
use slipway_domain::access::Action;
use slipway_domain::drift::{Drift, managers, said};
use slipway_domain::environment::EnvironmentRef;
use slipway_domain::id::{ItemId, PromotionId, UserId};
use slipway_domain::item::{Card, ItemState};
use slipway_domain::notice::{Notice, NoticeKind};
use slipway_domain::promotion::PromotionKind;
use slipway_domain::role::HeldRole;
use slipway_domain::run::RunRow;
use slipway_domain::text::Text;

/// Something that happened.
pub(crate) struct News {
    /// What it is about.
    pub kind: NoticeKind,
    /// Where.
    pub scope: AnyScope,
    /// The thing, as in `promotion:…`.
    pub thread: String,
    /// What that is called.
    pub subject: String,
    /// Its page.
    pub path: String,
    /// What happened, in a sentence.
    pub words: Text,
}

/// Tells each of `people` once: whoever did it knows, whoever may not see it must not, and whoever wants none of it
/// need not.
pub(crate) async fn tell(change: &mut Change<'_>, people: &[UserId], news: &News) -> Result<()> {
    let actor = change.ctx().user().ok().map(|person| person.id);
    let (org, project) = (news.scope.org.id, news.scope.project.as_ref().map(|p| p.id));
    let mut told = Vec::new();
    for user in people {
        if Some(*user) == actor || told.contains(user) {
            continue;
        }
        told.push(*user);
        let rights = Rights::of(change.tx().role_bindings_of(*user).await?);
        if !rights.at(&news.scope).has(Action::See)
            || !change.tx().quiet_of(*user).await?.wants(news.kind, project)
        {
            continue;
        }
        let notice = Notice {
            id: change.ctx().id(),
            kind: news.kind,
            words: news.words.clone(),
            at: change.ctx().now(),
            read_at: None,
        };
        let new = NewNotice {
            user: *user,
            org,
            project,
            app: news.scope.app.as_ref().map(|a| a.id),
            thread: news.thread.clone(),
            subject: news.subject.clone(),
            path: news.path.clone(),
            notice,
        };
        change.tx().insert_notice(&new).await?;
        change.touch_person("person", *user, org);
    }
    Ok(())
}

/// The name of whoever does it.
fn actor(change: &Change<'_>) -> String {
    let user = change.ctx().user();
    user.map_or_else(|_| String::from("Slipway"), |person| person.name.clone())
}

/// What a promotion is called: `Order API 2.4.1 → live`; `title` is the part after the app.
fn promotion_news(app: &AppScope, id: PromotionId, title: &str, kind: NoticeKind, words: Text) -> News {
    News {
        kind,
        path: format!("{}/promotions/{id}", app.place().path()),
        scope: app.clone().into(),
        thread: format!("promotion:{id}"),
        subject: format!("{} {title}", app.app.name),
        words,
    }
}

/// It is newly these people's turn to decide.
pub(crate) async fn approval_asked<P>(
    change: &mut Change<'_>,
    app: &Authorized<App, P>,
    promotion: &PromotionRecord,
    title: &str,
    people: &[UserId],
) -> Result<()> {
    let requester = match promotion.requested_by {
        Some(user) => change.tx().person(user).await?,
        None => None,
    };
    let name = requester.map_or_else(|| String::from("Slipway"), |person| person.name);
    let words = Text::new(
        format!("{name} asks for your approval"),
        format!("{name} 请你审批"),
    );
    let news = News {
        path: format!("/approvals/{}", promotion.id),
        ..promotion_news(app, promotion.id, title, NoticeKind::ApprovalAsked, words)
    };
    let asked: Vec<_> = people
        .iter()
        .copied()
        .filter(|user| promotion.requested_by != Some(*user))
        .collect();
    tell(change, &asked, &news).await
}

/// Somebody decided, or withdrew it.
pub(crate) async fn promotion_decided<P>(
    change: &mut Change<'_>,
    app: &Authorized<App, P>,
    promotion: &PromotionRecord,
    title: &str,
    how: Decided<'_>,
) -> Result<()> {
    let Some(requester) = promotion.told() else {
        return Ok(());
    };
    let name = actor(change);
    let words = match how {
        Decided::Approved => Text::new(format!("{name} approved it"), format!("{name} 已批准")),
        Decided::Rejected(why) => Text::new(
            format!("{name} rejected it: {why}"),
            format!("{name} 已拒绝：{why}"),
        ),
        Decided::Withdrawn => Text::new(format!("{name} withdrew it"), format!("{name} 已撤回")),
    };
    let news = promotion_news(app, promotion.id, title, NoticeKind::PromotionDecided, words);
    tell(change, &[requester], &news).await
}

/// A newer one took its place: for who asked for it, and whom it had asked.
pub(crate) async fn superseded<P>(
    change: &mut Change<'_>,
    app: &Authorized<App, P>,
    promotion: &PromotionRecord,
    title: &str,
    by: &str,
    people: &[UserId],
) -> Result<()> {
    let words = Text::new(
        format!("{by} was asked for after it and takes its place: nobody needs to decide any more"),
        format!("已被更新的请求 {by} 取代，无需再审批"),
    );
    let news = promotion_news(app, promotion.id, title, NoticeKind::PromotionEnded, words);
    let people: Vec<UserId> = people.iter().copied().chain(promotion.told()).collect();
    tell(change, &people, &news).await
}

/// Approvals no longer count: for who gave them, who asked, and who is asked now.
pub(crate) async fn approval_lost<P>(
    change: &mut Change<'_>,
    app: &Authorized<App, P>,
    promotion: &PromotionRecord,
    title: &str,
    who: &str,
    people: &[UserId],
) -> Result<()> {
    let words = Text::new(
        format!("What {who} approved no longer counts: the rules, the members or what is asked for changed"),
        format!("{who} 的审批不再有效：规则、成员或审批内容已变更"),
    );
    let news = promotion_news(app, promotion.id, title, NoticeKind::PromotionDecided, words);
    tell(change, people, &news).await
}

/// Nobody can satisfy its rules any more: for the owners, and who asked.
pub(crate) async fn unsatisfiable<P>(
    change: &mut Change<'_>,
    app: &Authorized<App, P>,
    promotion: &PromotionRecord,
    title: &str,
    words: Text,
    people: &[UserId],
) -> Result<()> {
    let news = promotion_news(app, promotion.id, title, NoticeKind::OwnerNeeded, words);
    tell(change, people, &news).await
}

/// The glass was broken, or somebody seconded it, or it is to be looked at: for all owners, whatever they want to hear.
pub(crate) async fn glass_broken(
    change: &mut Change<'_>,
    app: &Authorized<App, Modify>,
    promotion: &PromotionRecord,
    title: &str,
    words: Text,
) -> Result<()> {
    let people = change.tx().owners_of(&app.see()).await?;
    let news = promotion_news(app, promotion.id, title, NoticeKind::GlassBroken, words);
    tell(change, &people, &news).await
}

/// What somebody decided.
pub(crate) enum Decided<'a> {
    /// Yes.
    Approved,
    /// No, and why.
    Rejected(&'a str),
    /// It was taken back.
    Withdrawn,
}

/// It ended: deployed, failed, expired, or whatever `words` say.
pub(crate) async fn promotion_ended<P>(
    change: &mut Change<'_>,
    app: &Authorized<App, P>,
    promotion: &PromotionRecord,
    title: &str,
    words: Text,
) -> Result<()> {
    let Some(requester) = promotion.told() else {
        return Ok(());
    };
    let news = promotion_news(app, promotion.id, title, NoticeKind::PromotionEnded, words);
    tell(change, &[requester], &news).await
}

/// A deployment ended well or not. A rollback that went well is told to whoever asked for what it took away, too.
pub(crate) async fn deployed<P>(
    change: &mut Change<'_>,
    app: &Authorized<App, P>,
    promotion: &PromotionRecord,
    title: &str,
    failed: Option<&Text>,
    before: Option<UserId>,
) -> Result<()> {
    let words = match failed {
        None => Text::new("It is deployed", "部署已完成"),
        Some(why) => Text::new(format!("It failed: {}", why.en), format!("部署失败：{}", why.zh)),
    };
    promotion_ended(change, app, promotion, title, words).await?;
    let taken_away = before
        .filter(|user| promotion.kind == PromotionKind::Rollback && Some(*user) != promotion.requested_by);
    if let (Some(user), None) = (taken_away, failed) {
        let words = Text::new(
            "What you had deployed there was rolled back",
            "你在此环境部署的版本已被回滚",
        );
        let news = promotion_news(app, promotion.id, title, NoticeKind::PromotionEnded, words);
        tell(change, &[user], &news).await?;
    }
    Ok(())
}

/// The environment goes back by itself, for who asked for what failed, and the owners.
pub(crate) async fn rolled_back<P>(
    change: &mut Change<'_>,
    app: &Authorized<App, P>,
    rollback: &PromotionRecord,
    title: &str,
    to: &str,
    people: &[UserId],
) -> Result<()> {
    let words = Text::new(
        format!("Its rollout failed, and the environment goes back to {to} by itself"),
        format!("发布失败，环境将自动回滚到 {to}"),
    );
    let news = promotion_news(app, rollback.id, title, NoticeKind::PromotionEnded, words);
    tell(change, people, &news).await
}

/// What runs somewhere is not what was deployed, for who deployed it and the owners.
pub(crate) async fn drifted<P>(
    change: &mut Change<'_>,
    app: &Authorized<App, P>,
    environment: &EnvironmentRef,
    drift: &Drift,
    people: &[UserId],
) -> Result<()> {
    let words = said(drift.changes.len(), &managers(&drift.changes));
    let news = News {
        kind: NoticeKind::DriftFound,
        path: format!("{}/environments/{}/drift", app.place().path(), environment.key),
        scope: (**app).clone().into(),
        thread: format!("drift:{}:{}", app.id(), environment.id),
        subject: format!("{} {}", app.app.name, environment.name),
        words,
    };
    tell(change, people, &news).await
}

/// A run failed, for whoever started it here.
pub(crate) async fn run_failed(
    change: &mut Change<'_>,
    app: &AppScope,
    run: &RunRow,
    people: &[UserId],
) -> Result<()> {
    let words = match &run.failed_job {
        Some(job) => Text::new(format!("It failed in {job}"), format!("在 {job} 失败")),
        None => Text::new("It failed", "运行失败"),
    };
    let news = News {
        kind: NoticeKind::RunFailed,
        path: format!("{}/runs/{}", app.place().path(), run.number),
        scope: app.clone().into(),
        thread: format!("run:{}", run.id),
        subject: format!("{} #{}", app.app.name, run.number),
        words,
    };
    tell(change, people, &news).await
}

fn item_news(
    project: &ProjectScope,
    id: ItemId,
    key: &str,
    title: &str,
    kind: NoticeKind,
    words: Text,
) -> News {
    News {
        kind,
        path: format!("{}/items/{key}", project.place().path()),
        scope: project.clone().into(),
        thread: format!("item:{id}"),
        subject: format!("{key} {title}"),
        words,
    }
}

/// A work item was given to somebody.
pub(crate) async fn item_assigned(
    change: &mut Change<'_>,
    project: &ProjectScope,
    id: ItemId,
    (key, title): (&str, &str),
    to: UserId,
) -> Result<()> {
    let name = actor(change);
    let words = Text::new(
        format!("{name} assigned it to you"),
        format!("{name} 将其分配给你"),
    );
    let news = item_news(project, id, key, title, NoticeKind::ItemAssigned, words);
    tell(change, &[to], &news).await
}

/// A work item is due tomorrow, or was due, for who does it.
pub(crate) async fn item_due(
    change: &mut Change<'_>,
    project: &ProjectScope,
    item: &DueItem,
    late: bool,
) -> Result<()> {
    let day = &item.due_on;
    let words = if late {
        Text::new(format!("It was due on {day}"), format!("已于 {day} 到期"))
    } else {
        Text::new(
            format!("It is due tomorrow, {day}"),
            format!("将于明天（{day}）到期"),
        )
    };
    let news = item_news(
        project,
        item.id,
        &item.key,
        &item.title,
        NoticeKind::ItemDue,
        words,
    );
    tell(change, &[item.assignee], &news).await
}

/// A work item moved, for who wrote it, who does it and who watches it.
pub(crate) async fn item_moved(
    change: &mut Change<'_>,
    project: &Authorized<Project, See>,
    card: &Card,
    reporter: UserId,
    state: &ItemState,
) -> Result<()> {
    let (name, state) = (actor(change), state.text());
    let words = Text::new(
        format!("{name} moved it to “{}”", state.en),
        format!("{name} 将其移至“{}”", state.zh),
    );
    let news = item_news(
        project,
        card.id,
        &card.key,
        &card.title,
        NoticeKind::ItemMoved,
        words,
    );
    let people = concerned(change, project, card, reporter).await?;
    tell(change, &people, &news).await
}

/// Somebody said something about a work item, for whoever has to do with it.
pub(crate) async fn item_commented(
    change: &mut Change<'_>,
    project: &Authorized<Project, See>,
    card: &Card,
    reporter: UserId,
) -> Result<()> {
    let name = actor(change);
    let words = Text::new(format!("{name} commented on it"), format!("{name} 发表了评论"));
    let news = item_news(
        project,
        card.id,
        &card.key,
        &card.title,
        NoticeKind::ItemCommented,
        words,
    );
    let people = concerned(change, project, card, reporter).await?;
    tell(change, &people, &news).await
}

/// Somebody named people in a work item or in a comment on it.
pub(crate) async fn item_mentioned(
    change: &mut Change<'_>,
    project: &ProjectScope,
    card: &Card,
    people: &[UserId],
) -> Result<()> {
    let name = actor(change);
    let words = Text::new(format!("{name} mentioned you"), format!("{name} 提到了你"));
    let news = item_news(
        project,
        card.id,
        &card.key,
        &card.title,
        NoticeKind::ItemMentioned,
        words,
    );
    tell(change, people, &news).await
}

/// Who does it, who wrote it, and who watches it.
async fn concerned(
    change: &mut Change<'_>,
    project: &Authorized<Project, See>,
    card: &Card,
    reporter: UserId,
) -> Result<Vec<UserId>> {
    let watchers = change.tx().watchers(project, card.id).await?;
    let assignee = card.assignee.iter().map(|person| person.id);
    Ok(assignee
        .chain([reporter])
        .chain(watchers.into_iter().map(|person| person.id))
        .collect())
}

fn member_news(scope: &AnyScope, kind: NoticeKind, words: Text) -> News {
    let place = scope.place();
    let name = match (&place.project, &place.app) {
        (_, Some(app)) => app.name.clone(),
        (Some(project), None) => project.name.clone(),
        (None, None) => place.org.name.clone(),
    };
    News {
        kind,
        path: format!("{}/members", place.path()),
        scope: scope.clone(),
        thread: format!("members:{}", place.path()),
        subject: name,
        words,
    }
}

/// Somebody was given a role, or another one than before.
pub(crate) async fn role_granted(
    change: &mut Change<'_>,
    scope: &AnyScope,
    user: UserId,
    role: &HeldRole,
) -> Result<()> {
    let (name, role) = (actor(change), role.text());
    let words = Text::new(
        format!("{name} gave you the role “{}”", role.en),
        format!("{name} 授予你“{}”角色", role.zh),
    );
    tell(
        change,
        &[user],
        &member_news(scope, NoticeKind::RoleGranted, words),
    )
    .await
}

/// Somebody asks for a role, for whoever may give it.
pub(crate) async fn role_asked(
    change: &mut Change<'_>,
    scope: &AnyScope,
    role: &HeldRole,
    deciders: &[UserId],
) -> Result<()> {
    let (name, role) = (actor(change), role.text());
    let words = Text::new(
        format!("{name} asks for the role “{}”", role.en),
        format!("{name} 申请“{}”角色", role.zh),
    );
    tell(
        change,
        deciders,
        &member_news(scope, NoticeKind::RoleRequest, words),
    )
    .await
}

/// A request for a role was decided, for whoever made it.
pub(crate) async fn request_decided(
    change: &mut Change<'_>,
    scope: &AnyScope,
    user: UserId,
    role: &HeldRole,
    granted: bool,
) -> Result<()> {
    let (name, role) = (actor(change), role.text());
    let words = if granted {
        Text::new(
            format!("{name} granted your request for “{}”", role.en),
            format!("{name} 同意了你对“{}”角色的申请", role.zh),
        )
    } else {
        Text::new(
            format!("{name} refused your request for “{}”", role.en),
            format!("{name} 拒绝了你对“{}”角色的申请", role.zh),
        )
    };
    tell(
        change,
        &[user],
        &member_news(scope, NoticeKind::RoleRequest, words),
    )
    .await
}

/// Somebody came by an invitation, for whoever sent it. A person who just made their account acts as nobody yet.
pub(crate) async fn invitation_accepted(
    change: &mut Change<'_>,
    scope: &AnyScope,
    by: UserId,
    newcomer: &str,
) -> Result<()> {
    let words = Text::new(
        format!("{newcomer} accepted your invitation"),
        format!("{newcomer} 接受了你的邀请"),
    );
    tell(
        change,
        &[by],
        &member_news(scope, NoticeKind::InvitationAccepted, words),
    )
    .await
}

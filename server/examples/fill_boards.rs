//! Fills an empty database with projects of many work items, for `cargo xtask bench`: a board of 500 cards in a project of
//! 5,000 items, one of 1,000 cards, a backlog of 20,000 items, and two years of history with 20,000 items and 5,000
//! deployments. Prints one line of JSON: what the load needs.
//!
//! `fill_boards DATABASE_URL KEY`

use anyhow::{Context as _, bail};
use slipway_domain::environment::{EnvironmentRef, Health};
use slipway_domain::id::{ClusterId, ItemId, IterationId, UserId};
use slipway_domain::item::{
    Content, ItemKind, ItemState, Named, Priority, Severity, StateKey, Value, rank_between,
};
use slipway_domain::iteration::IterationState;
use slipway_domain::promotion::{DeploymentState, PromotionKind, PromotionState};
use slipway_domain::release::{Commit, Evidence, Image, Workload};
use slipway_domain::text::Locale;
use slipway_domain::time::{DAY, HOUR, MINUTE, Timestamp};
use slipway_portal::access::{self, App, Authorized, Project, may};
use slipway_portal::person::{self, NewAccount};
use slipway_portal::ports::{
    DeploymentRecord, NewItemEvent, NewItemRow, NewIteration, PromotionRecord, ReleaseRecord, Tx,
};
use slipway_portal::seal::Sealer;
use slipway_portal::{Actor, OpCtx, Portal, Via, app, cluster, environment, org, project};
use slipway_server::{config::Database, outside};

const USERNAME: &str = "bench";
const PASSWORD: &str = "slipway-bench";
/// Items that are written in one transaction.
const BATCH: i64 = 500;
/// How long the history is.
const YEARS: i64 = 2 * 365 * DAY;
/// Nobody answers there: what is measured is Slipway.
const NOBODY: &str = "apiVersion: v1\nkind: Config\ncurrent-context: one\n\
     contexts: [{name: one, context: {cluster: one, user: one}}]\n\
     clusters: [{name: one, cluster: {server: 'http://127.0.0.1:9'}}]\nusers: [{name: one, user: {}}]\n";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, key] = arguments.as_slice() else {
        bail!("usage: fill_boards DATABASE_URL KEY");
    };
    let store = outside::database(&Database { url: url.clone() }).await?;
    let portal = outside::portal(
        store,
        Sealer::new(key, &[]),
        slipway_portal::outgoing::Outgoing::with_loopback(),
        outside::Told::default(),
        String::from("http://127.0.0.1:3000"),
    )
    .await?;
    let (owner, me) = owner(&portal).await?;
    let board = Heap::new(&portal, &owner, "board", "BRD").await?;
    let cards = board.planned(me, 500, 5_000).await?;
    let large = Heap::new(&portal, &owner, "large", "LRG").await?;
    large.planned(me, 1_000, 1_000).await?;
    let backlog = Heap::new(&portal, &owner, "backlog", "HEA").await?;
    backlog.unplanned(me, 20_000).await?;
    let history = Heap::new(&portal, &owner, "history", "HIS").await?;
    history.lived(me, 20_000).await?;
    deployments(&portal, &owner, me, 5_000).await?;
    let said = serde_json::json!({
        "username": USERNAME, "password": PASSWORD,
        "board": "/orgs/acme/projects/board", "large": "/orgs/acme/projects/large",
        "backlog": "/orgs/acme/projects/backlog", "history": "/orgs/acme/projects/history",
        "cards": cards,
    });
    println!("{said}");
    Ok(())
}

async fn owner(portal: &Portal) -> anyhow::Result<(OpCtx, UserId)> {
    let account = NewAccount {
        username: USERNAME.to_owned(),
        name: String::from("Bench"),
        email: None,
        password: PASSWORD.to_owned(),
    };
    let person = person::create(&portal.system("bench"), account).await?;
    org::create(&portal.system("bench"), "acme", "Acme", person.id).await?;
    let id = person.id;
    Ok((portal.ctx(Actor::User(person), Via::Cli, "bench", Locale::En), id))
}

/// A project that items are written into.
struct Heap {
    portal: Portal,
    ctx: OpCtx,
    project: Authorized<Project, may::Modify>,
    now: Timestamp,
}

/// An item as it came to be.
struct Story {
    content: Content,
    kind: ItemKind,
    rank: String,
    at: Timestamp,
    /// The states that it went through, and when.
    steps: Vec<(StateKey, Timestamp)>,
}

impl Heap {
    async fn new(portal: &Portal, owner: &OpCtx, slug: &str, key: &str) -> anyhow::Result<Self> {
        let input = project::Input {
            slug: slug.to_owned(),
            name: slug.to_owned(),
            description: String::new(),
            key: key.to_owned(),
            internal: false,
        };
        project::create(owner, "acme", input).await?;
        let ctx = owner.anew();
        let project = access::project::<may::ItemCreate>(&portal.system("bench"), "acme", slug)
            .await?
            .modify();
        Ok(Self {
            portal: portal.clone(),
            now: ctx.now(),
            ctx,
            project,
        })
    }

    /// An iteration that runs, with so many cards, of so many items in all; the numbers and ids of its cards.
    async fn planned(&self, me: UserId, cards: i64, items: i64) -> anyhow::Result<Vec<(i64, ItemId)>> {
        let iteration = self.iteration("Sprint 1", self.now.plus(-7 * DAY), None).await?;
        let mut made = Vec::new();
        let mut rank = None;
        for first in (0..items).step_by(usize::try_from(BATCH)?) {
            let mut tx = self.portal.store.write().await?;
            for n in first..(first + BATCH).min(items) {
                let next = rank_between(rank.as_deref(), None);
                let mut story = self.story(n, self.now.plus(-10 * DAY + n * MINUTE), next.clone());
                rank = Some(next);
                story.content.assignee = (n % 3 == 0).then(|| Named {
                    id: me,
                    name: String::from("Bench"),
                });
                if n < cards {
                    story.content.iteration = Some(iteration.clone());
                    let way = way(story.kind);
                    let far = usize::try_from(n % 4)?;
                    story.steps = way[..far]
                        .iter()
                        .map(|key| (key.clone(), story.at.plus(HOUR)))
                        .collect();
                } else if n % 2 == 0 {
                    story.steps = way(story.kind)
                        .iter()
                        .map(|key| (key.clone(), story.at.plus(HOUR)))
                        .collect();
                }
                let one = self.write(tx.as_mut(), me, story).await?;
                if n < cards {
                    made.push(one);
                }
            }
            tx.commit().await?;
        }
        Ok(made)
    }

    /// So many items that are planned for nothing.
    async fn unplanned(&self, me: UserId, items: i64) -> anyhow::Result<()> {
        let mut rank = None;
        for first in (0..items).step_by(usize::try_from(BATCH)?) {
            let mut tx = self.portal.store.write().await?;
            for n in first..(first + BATCH).min(items) {
                let next = rank_between(rank.as_deref(), None);
                let story = self.story(n, self.now.plus(-30 * DAY + n * MINUTE), next.clone());
                rank = Some(next);
                self.write(tx.as_mut(), me, story).await?;
            }
            tx.commit().await?;
        }
        Ok(())
    }

    /// Two years in which so many items were made, planned and mostly done, two weeks an iteration.
    async fn lived(&self, me: UserId, items: i64) -> anyhow::Result<()> {
        let fortnight = 14 * DAY;
        let count = YEARS / fortnight;
        let begin = self.now.plus(-YEARS);
        let mut iterations = Vec::new();
        for n in 0..count {
            let from = begin.plus(n * fortnight);
            let to = from.plus(fortnight);
            let over = (to < self.now.plus(-DAY)).then_some(to);
            iterations.push(self.iteration(&format!("Sprint {}", n + 1), from, over).await?);
        }
        let mut rank = None;
        for first in (0..items).step_by(usize::try_from(BATCH)?) {
            let mut tx = self.portal.store.write().await?;
            for n in first..(first + BATCH).min(items) {
                let next = rank_between(rank.as_deref(), None);
                let at = begin.plus(YEARS / items * n);
                let mut story = self.story(n, at, next.clone());
                rank = Some(next);
                let sprint = usize::try_from((at.since(begin) / fortnight).min(count - 1))?;
                if n % 10 < 7 {
                    story.content.iteration = Some(iterations[sprint].clone());
                }
                let mut when = at;
                for (i, key) in way(story.kind).iter().enumerate() {
                    when = when.plus(HOUR * (5 + (n * 7 + i64::try_from(i)? * 13) % 90));
                    if when < self.now && n % 9 != 0 {
                        story.steps.push((key.clone(), when));
                    }
                }
                if story.kind == ItemKind::Bug && n % 40 == 2 && story.steps.len() == 3 {
                    for key in [StateKey::REOPENED, StateKey::IN_PROGRESS, StateKey::CLOSED] {
                        when = when.plus(9 * HOUR);
                        if when < self.now {
                            story.steps.push((key, when));
                        }
                    }
                }
                self.write(tx.as_mut(), me, story).await?;
            }
            tx.commit().await?;
        }
        Ok(())
    }

    /// An iteration that was started, and perhaps closed.
    async fn iteration(
        &self,
        name: &str,
        from: Timestamp,
        over: Option<Timestamp>,
    ) -> anyhow::Result<Named<IterationId>> {
        let day = |at: Timestamp| at.rfc3339()[..10].to_owned();
        let new = NewIteration {
            id: self.ctx.id(),
            name: name.to_owned(),
            goal: String::from("Sell more"),
            starts_on: day(from),
            ends_on: day(over.unwrap_or(from.plus(13 * DAY))),
            at: from,
        };
        let mut tx = self.portal.store.write().await?;
        tx.plan_iteration(&self.project, &new).await?;
        let (planned, runs, closed) = (
            IterationState::Planned,
            IterationState::Running,
            IterationState::Closed,
        );
        tx.step_iteration(&self.project, new.id, planned, runs, from)
            .await?;
        if let Some(over) = over {
            tx.step_iteration(&self.project, new.id, runs, closed, over)
                .await?;
        }
        tx.commit().await?;
        Ok(Named {
            id: new.id,
            name: new.name,
        })
    }

    fn story(&self, n: i64, at: Timestamp, rank: String) -> Story {
        let kind = match n % 5 {
            0 => ItemKind::Requirement,
            1 | 2 => ItemKind::Bug,
            _ => ItemKind::Task,
        };
        let mut content = Content::titled(format!("Checkout keeps what is in the cart, part {n} of many"));
        content.description =
            String::from("The cart is emptied when the page is read again. **It must not be.**");
        content.points = Some(n % 8 + 1);
        content.priority = if n % 6 == 0 {
            Priority::High
        } else {
            Priority::Normal
        };
        content.severity = (kind == ItemKind::Bug).then_some(Severity::Normal);
        Story {
            content,
            kind,
            rank,
            at: at.min(self.now),
            steps: Vec::new(),
        }
    }

    async fn write(&self, tx: &mut dyn Tx, me: UserId, story: Story) -> anyhow::Result<(i64, ItemId)> {
        let first = ItemState::known(StateKey::PENDING);
        let last = story.steps.last().map(|(key, _)| ItemState::known(key.clone()));
        let row = NewItemRow {
            id: self.ctx.id(),
            kind: story.kind,
            state: last.unwrap_or_else(|| first.clone()),
            content: story.content,
            reporter: me,
            rank: story.rank,
            at: story.at,
        };
        let number = tx.insert_item(&self.project, &row).await?;
        let event = |field: &str, at: Timestamp, version: i64| NewItemEvent {
            id: self.ctx.id(),
            at,
            by: Some(me),
            field: field.to_owned(),
            before: Value::default(),
            after: Value::default(),
            category: None,
            version,
            cause: None,
        };
        let mut events = vec![NewItemEvent {
            after: Value::plain(row.content.title.clone()),
            category: Some(first.category()),
            ..event("created", story.at, 1)
        }];
        let bare = Content::titled(row.content.title.clone());
        for change in bare.changes(&row.content) {
            events.push(NewItemEvent {
                before: change.before,
                after: change.after,
                ..event(change.field.key(), story.at, 1)
            });
        }
        let mut before = first;
        for (version, (key, at)) in (2..).zip(story.steps) {
            let after = ItemState::known(key);
            let named = |state: &ItemState| Value {
                key: state.key().to_owned(),
                said: state.said_in_history(),
            };
            events.push(NewItemEvent {
                before: named(&before),
                after: named(&after),
                category: Some(after.category()),
                ..event("state", at, version)
            });
            before = after;
        }
        tx.append_item_events(&self.project, row.id, &events).await?;
        Ok((number, row.id))
    }
}

/// The states on the way of an item, from the second on.
fn way(kind: ItemKind) -> [StateKey; 3] {
    match kind {
        ItemKind::Bug => [StateKey::IN_PROGRESS, StateKey::RESOLVED, StateKey::CLOSED],
        _ => [StateKey::IN_PROGRESS, StateKey::IN_TEST, StateKey::DONE],
    }
}

/// So many deployments of ten apps of the project `history`, over the years.
async fn deployments(portal: &Portal, owner: &OpCtx, me: UserId, count: i64) -> anyhow::Result<()> {
    let ctx = owner.anew();
    let input = cluster::Input {
        name: String::from("one"),
        kubeconfig: NOBODY.to_owned(),
        context: None,
    };
    let cluster = cluster::create(&ctx, "acme", input).await?;
    environment::create_default_chain(&ctx, "acme", "history", |key| {
        Some((cluster, format!("history-{key}")))
    })
    .await?;
    let see = access::project::<may::See>(&ctx, "acme", "history").await?;
    let chain = ctx.read().await?.environments(&see).await?;
    let mut apps = Vec::new();
    for n in 1..=10 {
        let slug = format!("app-{n}");
        let input = app::Input {
            slug: slug.clone(),
            name: slug.clone(),
            description: String::new(),
        };
        app::create(&ctx, "acme", "history", input).await?;
        let app = access::app::<may::AppManage>(&portal.system("bench"), "acme", "history", &slug).await?;
        apps.push(app.modify());
    }
    let stops = i64::try_from(chain.len()).context("a chain")?;
    let releases = count / stops;
    for first in (0..releases).step_by(100) {
        let mut tx = portal.store.write().await?;
        for n in first..(first + 100).min(releases) {
            let app = &apps[usize::try_from(n % 10)?];
            let at = ctx.now().plus(-YEARS + (YEARS - DAY) / releases * n);
            let release = release(&ctx, app, n, at);
            tx.insert_release(app, &release).await?;
            for (i, stop) in (1..).zip(&chain) {
                let made = at.plus(i * 2 * HOUR);
                let to = (&stop.environment, cluster, made);
                deploy(tx.as_mut(), (&ctx, me), app, &release, to, n % 25 == 0).await?;
            }
        }
        tx.commit().await?;
    }
    Ok(())
}

fn release(ctx: &OpCtx, app: &Authorized<App, may::Modify>, n: i64, at: Timestamp) -> ReleaseRecord {
    let commit = |i: i64| Commit {
        sha: format!("{n:036x}{i:04x}"),
        title: format!("HIS-{}: keep the cart", n * 3 + i),
        author: String::from("Dora"),
        author_email: String::from("dora@example.com"),
        at: at.plus(-i * 7 * HOUR),
    };
    ReleaseRecord {
        id: ctx.id(),
        app: app.id(),
        version: format!("1.{n}.0"),
        sha: format!("{n:036x}0001"),
        git_ref: String::from("main"),
        run: None,
        images: vec![Image {
            repository: String::from("registry.example.com/acme/history"),
            digest: format!("sha256:{n:064x}"),
        }],
        workload: Workload::default(),
        template: None,
        commits: (1..=3).map(commit).collect(),
        previous: None,
        evidence: Evidence::default(),
        created_at: at,
        created_by: None,
        defective: None,
    }
}

async fn deploy(
    tx: &mut dyn Tx,
    (ctx, me): (&OpCtx, UserId),
    app: &Authorized<App, may::Modify>,
    release: &ReleaseRecord,
    (environment, cluster, at): (&EnvironmentRef, ClusterId, Timestamp),
    back: bool,
) -> anyhow::Result<()> {
    let promotion = PromotionRecord {
        id: ctx.id(),
        release: release.id,
        environment: environment.id,
        kind: if back {
            PromotionKind::Rollback
        } else {
            PromotionKind::Promotion
        },
        state: PromotionState::Succeeded,
        version: 1,
        reason: None,
        subjects: Vec::new(),
        gates: Vec::new(),
        evaluation: None,
        waiver: None,
        requested_by: Some(me),
        requested_at: at,
        expires_at: at.plus(HOUR),
        tries: 0,
        base: None,
        ended_at: Some(at),
        idempotency_key: None,
        pauses: Vec::new(),
        on_behalf_of: None,
    };
    tx.insert_promotion(app, &promotion).await?;
    let deployment = DeploymentRecord {
        id: ctx.id(),
        promotion: promotion.id,
        release: release.id,
        environment: environment.id,
        attempt: 1,
        state: DeploymentState::Succeeded,
        fence: 1,
        cluster,
        namespace: format!("history-{}", environment.key),
        manifests: Vec::new(),
        reason: None,
        ready: 1,
        desired: 1,
        health: Health::Healthy,
        trouble: Vec::new(),
        started_at: at,
        applied_at: Some(at),
        finished_at: Some(at.plus(MINUTE)),
        observed_at: Some(at),
        trouble_since: None,
        lost_at: None,
        takes: Vec::new(),
        warnings: Vec::new(),
    };
    tx.insert_deployment(app, &deployment).await?;
    Ok(())
}

//! Random stories: requests, decisions, edits of rules, members that come and go, freezes, holds, rollbacks, retries,
//! workers that die in the middle, all interleaved; on SQLite, and on PostgreSQL with two replicas. Whatever the story, no
//! promotion is lost, none is deployed twice, and none starts while a gate is shut.
//!
//! What happened is judged by the story's own books, not by the engine's gates: who said what when, which rules and windows
//! held then.
//!
//! `SLIPWAY_TEST_STORIES` says how many (default 6 a database), `SLIPWAY_TEST_STORY` which one alone; the seed of a story is
//! its number.

mod books;

use super::stage::{APP, ORG, image, kubernetes};
use books::{Books, Stretch};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use slipway_cluster::KubeConnector;
use slipway_domain::access::Role;
use slipway_domain::approval::{ApprovalPolicy, ApprovalRule, Eligible, Verdict};
use slipway_domain::environment::Tier;
use slipway_domain::freeze::Effect;
use slipway_domain::hold::Held;
use slipway_domain::id::{ClusterId, PromotionId};
use slipway_domain::person::PersonRef;
use slipway_domain::release::{Evidence, Workload};
use slipway_domain::text::{Locale, Text};
use slipway_domain::time::{HOUR, MINUTE, SECOND, Timestamp};
use slipway_portal::access::{self, App, At, Authorized, may};
use slipway_portal::ports::{Clock as _, ReleaseRecord, Store};
use slipway_portal::promotion::{self, Ask};
use slipway_portal::{Actor, OpCtx, Portal, Via, app, environment, freeze, hold, jobs, member, org, project};
use slipway_sandbox::kubernetes::{KubernetesHandle, kubeconfig};
use slipway_store::SqlStore;
use slipway_testkit::{MockClock, Unconnected, portal};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// How many things happen in a story.
const STEPS: usize = 45;
/// The environments of a story, the first stops of a chain.
const CHAIN: [&str; 2] = ["dev", "qa"];

/// Polls a future so often, then lets it die where it is.
struct Dies<F> {
    inner: Pin<Box<F>>,
    polls: u32,
}

impl<F: Future> Future for Dies<F> {
    type Output = Option<F::Output>;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.polls == 0 {
            return Poll::Ready(None);
        }
        self.polls -= 1;
        self.inner.as_mut().poll(cx).map(Some)
    }
}

/// Where stories take place.
struct Theatre {
    replicas: Vec<Portal>,
    clock: MockClock,
    kubernetes: KubernetesHandle,
    cluster: ClusterId,
    olga: PersonRef,
    lea: PersonRef,
    devs: Vec<PersonRef>,
    _folder: tempfile::TempDir,
}

impl Theatre {
    async fn on(stores: Vec<SqlStore>, folder: tempfile::TempDir) -> Self {
        stores[0].migrate().await.expect("it migrates");
        let clock = MockClock::default();
        let kubernetes = kubernetes(folder.path()).await;
        let replicas: Vec<Portal> = stores
            .into_iter()
            .map(|store| {
                let outgoing = slipway_portal::outgoing::Outgoing::with_loopback();
                let kube = Arc::new(KubeConnector::new(outgoing));
                portal(
                    Arc::new(store) as Arc<dyn Store>,
                    Arc::new(clock.clone()),
                    Arc::new(Unconnected),
                    kube,
                )
            })
            .collect();
        let (people, cluster) = super::stage::furnish(&replicas[0], &kubeconfig(&[&kubernetes])).await;
        Self {
            clock,
            kubernetes,
            cluster,
            olga: people.olga,
            lea: people.lea,
            devs: vec![people.dev, people.dana, people.tess],
            replicas,
            _folder: folder,
        }
    }

    fn act(&self, replica: usize, who: &PersonRef) -> OpCtx {
        let portal = &self.replicas[replica % self.replicas.len()];
        portal.ctx(Actor::User(who.clone()), Via::Web, "story", Locale::En)
    }
}

/// One story.
struct Story<'a> {
    on: &'a Theatre,
    rng: StdRng,
    project: String,
    releases: Vec<ReleaseRecord>,
    promotions: Vec<PromotionId>,
    books: Books,
    told: Vec<String>,
}

fn developers(required: u32) -> ApprovalPolicy {
    let rule = ApprovalRule {
        id: String::from("a"),
        name: Text::verbatim("developers"),
        eligible: vec![Eligible::Role(Role::ProjectDeveloper)],
        required,
    };
    ApprovalPolicy {
        rules: if required == 0 { Vec::new() } else { vec![rule] },
        ..ApprovalPolicy::default()
    }
}

impl<'a> Story<'a> {
    async fn begin(on: &'a Theatre, number: u64) -> Self {
        let name = format!("story-{number}");
        let olga = on.act(0, &on.olga);
        let input = project::Input {
            slug: name.clone(),
            name: name.clone(),
            description: String::new(),
            key: key(number),
            internal: false,
        };
        project::create(&olga, ORG, input).await.expect("a project");
        for (who, role) in on
            .devs
            .iter()
            .map(|dev| (dev, Role::ProjectDeveloper))
            .chain([(&on.lea, Role::ProjectLead)])
        {
            org::grant(&on.act(0, &on.olga), ORG, Some(&name), who.id, role)
                .await
                .expect("a role");
        }
        let input = app::Input {
            slug: APP.to_owned(),
            name: APP.to_owned(),
            description: String::new(),
        };
        app::create(&on.act(0, &on.olga), ORG, &name, input)
            .await
            .expect("an app");
        let lea = on.act(0, &on.lea);
        for key in CHAIN {
            let input = environment::Input {
                key: key.to_owned(),
                name: key.to_owned(),
                tier: Tier::Testing,
                binding: Some((on.cluster, format!("{name}-{key}"))),
                branches: Vec::new(),
                policy: developers(0),
                gating: slipway_domain::environment::Gating::default(),
            };
            let chain = environment::list(&lea, ORG, &name).await.expect("the chain");
            match chain.environments.iter().find(|e| e.environment.key == key) {
                Some(known) => environment::edit(&lea, ORG, &name, key, known.version, input)
                    .await
                    .expect("bound"),
                None => drop(
                    environment::create(&lea, ORG, &name, input)
                        .await
                        .expect("an environment"),
                ),
            }
        }
        let now = on.clock.now();
        let books = Books {
            rules: CHAIN
                .iter()
                .map(|key| {
                    (
                        *key,
                        vec![Stretch {
                            what: 0,
                            from: now,
                            to: None,
                        }],
                    )
                })
                .collect(),
            members: on
                .devs
                .iter()
                .map(|dev| Stretch {
                    what: dev.id,
                    from: now,
                    to: None,
                })
                .collect(),
            ..Books::default()
        };
        let mut story = Self {
            on,
            rng: StdRng::seed_from_u64(number),
            project: name,
            releases: Vec::new(),
            promotions: Vec::new(),
            books,
            told: Vec::new(),
        };
        for version in 1..=3 {
            let release = story.release(version).await;
            story.releases.push(release);
        }
        story
    }

    async fn app(&self, ctx: &OpCtx) -> Authorized<App, may::ReleaseCreate> {
        access::app::<may::ReleaseCreate>(ctx, ORG, &self.project, APP)
            .await
            .expect("the app")
    }

    async fn release(&self, version: u64) -> ReleaseRecord {
        let system = self.on.replicas[0].system("story");
        let app = self.app(&system).await;
        let release = ReleaseRecord {
            id: system.id(),
            app: app.id(),
            version: format!("1.{version}.0"),
            sha: format!("{version:040x}"),
            git_ref: String::from("main"),
            run: None,
            images: vec![image(version)],
            workload: Workload {
                replicas: 1,
                ..Workload::default()
            },
            template: None,
            commits: Vec::new(),
            previous: None,
            evidence: Evidence::default(),
            created_at: system.now(),
            created_by: None,
            defective: None,
        };
        let mut tx = self.on.replicas[0].store.write().await.expect("a transaction");
        tx.insert_release(&app.modify(), &release)
            .await
            .expect("a release");
        tx.commit().await.expect("it commits");
        release
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        (!from.is_empty()).then(|| from[self.rng.random_range(0..from.len())].clone())
    }

    fn replica(&mut self) -> usize {
        self.rng.random_range(0..self.on.replicas.len())
    }

    /// One thing happens.
    async fn step(&mut self) {
        let what = self.rng.random_range(0..100);
        let word = match what {
            0..=16 => self.request().await,
            17..=36 => Box::pin(self.decide()).await,
            37..=42 => self.edit_rules().await,
            43..=47 => self.membership().await,
            48..=54 => self.freeze().await,
            55..=59 => self.hold().await,
            60..=63 => self.roll_back().await,
            64..=65 => self.mark_defective().await,
            66..=68 => self.retry().await,
            69..=71 => self.withdraw().await,
            72..=79 => self.crash().await,
            80..=91 => self.work().await,
            _ => {
                let pause = [SECOND, 20 * SECOND, 2 * MINUTE, HOUR][self.rng.random_range(0..4)];
                self.on.clock.advance(pause);
                format!("{} s pass", pause / SECOND)
            }
        };
        self.told.push(word);
    }

    async fn request(&mut self) -> String {
        let (Some(release), Some(env)) = (self.pick(&self.releases.clone()), self.pick(&CHAIN)) else {
            unreachable!()
        };
        let who = if self.rng.random_bool(0.7) {
            self.on.lea.clone()
        } else {
            self.on.devs[0].clone()
        };
        let ask = Ask {
            waiver: self.rng.random_bool(0.3).then(|| String::from("hotfix")),
            idempotency: Some(format!("{}", self.rng.random_range(0..10_000))),
        };
        // The same click twice, on whichever replicas.
        let (a, b) = (self.replica(), self.replica());
        let (one, other) = (self.on.act(a, &who), self.on.act(b, &who));
        let ask_for =
            |ctx| promotion::request_named(ctx, ORG, &self.project, APP, &release.version, env, ask.clone());
        let (first, second) = tokio::join!(ask_for(&one), ask_for(&other));
        if let (Ok(a), Ok(b)) = (&first, &second) {
            assert_eq!(a, b, "asking twice asks once");
        }
        for id in [first.as_ref(), second.as_ref()].into_iter().flatten() {
            if !self.promotions.contains(id) {
                self.promotions.push(*id);
            }
        }
        format!("{} asks for {} in {env}: {first:?}", who.name, release.version)
    }

    async fn decide(&mut self) -> String {
        let Some(id) = self.pick(&self.promotions.clone()) else {
            return String::from("nothing to decide");
        };
        let replica = self.replica();
        let lea = self.on.act(replica, &self.on.lea);
        let subject = promotion::view(&lea, id).await.expect("it is seen").subject;
        let verdict = if self.rng.random_bool(0.9) {
            Verdict::Approve
        } else {
            Verdict::Reject
        };
        let stale = self.rng.random_bool(0.1);
        let subject = if stale {
            String::from("something else")
        } else {
            subject
        };
        let mut said = Vec::new();
        // Two at the same moment.
        let (a, b) = (
            self.pick(&self.on.devs.clone()).expect("people"),
            self.pick(&self.on.devs.clone()).expect("people"),
        );
        let (one, other) = (self.on.act(replica, &a), self.on.act(replica + 1, &b));
        let (x, y) = tokio::join!(
            promotion::decide(&one, id, &subject, verdict, "because"),
            promotion::decide(&other, id, &subject, verdict, "because"),
        );
        let now = self.on.clock.now();
        for (who, result) in [(&a, x), (&b, y)] {
            if result.is_ok() && verdict == Verdict::Approve {
                assert!(!stale, "a stale page decides nothing");
                self.books.yes.push((id, who.id, now));
            }
            said.push(format!(
                "{} {verdict:?}: {:?}",
                who.name,
                result.map_err(|e| e.code())
            ));
        }
        said.join(" while ")
    }

    async fn edit_rules(&mut self) -> String {
        let (env, required) = (self.pick(&CHAIN).expect("one"), self.rng.random_range(0..3));
        let lea = self.on.act(0, &self.on.lea);
        let list = environment::list(&lea, ORG, &self.project)
            .await
            .expect("the chain");
        let version = list
            .environments
            .iter()
            .find(|e| e.environment.key == env)
            .expect("it")
            .version;
        let from = self.on.clock.now();
        let set =
            environment::settings::set_policy(&lea, ORG, &self.project, env, version, developers(required))
                .await;
        if set.is_ok() {
            let to = self.on.clock.now();
            let rules = self.books.rules.get_mut(env).expect("known");
            // The same rules once more are no change.
            if rules.last().is_some_and(|last| last.what == required) {
                return format!("{env} asks {required} as before");
            }
            rules.last_mut().expect("one").to = Some(from);
            rules.push(Stretch {
                what: required,
                from: to,
                to: None,
            });
        }
        format!("{env} asks {required}: {:?}", set.map_err(|e| e.code()))
    }

    async fn membership(&mut self) -> String {
        let who = self.pick(&self.on.devs.clone()).expect("people");
        let olga = self.on.act(0, &self.on.olga);
        let from = self.on.clock.now();
        let there = self
            .books
            .members
            .iter_mut()
            .find(|m| m.what == who.id && m.to.is_none());
        if let Some(there) = there {
            member::remove(&olga, At::new(ORG, Some(&self.project), None), who.id)
                .await
                .expect("removed");
            there.to = Some(from);
            return format!("{} goes", who.name);
        }
        org::grant(&olga, ORG, Some(&self.project), who.id, Role::ProjectDeveloper)
            .await
            .expect("a role");
        let from = self.on.clock.now();
        self.books.members.push(Stretch {
            what: who.id,
            from,
            to: None,
        });
        format!("{} comes", who.name)
    }

    async fn freeze(&mut self) -> String {
        let lea = self.on.act(0, &self.on.lea);
        let from = self.on.clock.now();
        if let Some(open) = self.books.freezes.iter_mut().find(|f| f.to.is_none()) {
            let removed = freeze::remove(&lea, At::new(ORG, Some(&self.project), None), open.what).await;
            removed.expect("removed");
            open.to = Some(from);
            return String::from("the freeze ends");
        }
        let local = |at: Timestamp| at.rfc3339().trim_end_matches('Z').to_owned();
        let input = freeze::Input {
            name: String::from("freeze"),
            reason: String::new(),
            effect: Effect::Deny,
            zone: String::from("Asia/Shanghai"),
            start: local(from.plus(7 * HOUR)),
            end: local(from.plus(24 * 400 * HOUR)),
            repeats: String::new(),
            tiers: Vec::new(),
        };
        let id = freeze::create(&lea, At::new(ORG, Some(&self.project), None), input)
            .await
            .expect("a freeze");
        let from = self.on.clock.now();
        self.books.freezes.push(Stretch {
            what: id,
            from,
            to: None,
        });
        String::from("a freeze begins")
    }

    async fn hold(&mut self) -> String {
        let lea = self.on.act(0, &self.on.lea);
        let from = self.on.clock.now();
        if let Some(open) = self.books.holds.iter_mut().find(|h| h.to.is_none()) {
            hold::lift(&lea, ORG, &self.project, APP, open.what.0)
                .await
                .expect("lifted");
            open.to = Some(from);
            return String::from("the hold is lifted");
        }
        let env = self.pick(&CHAIN).expect("one");
        let id = hold::put(&lea, ORG, &self.project, APP, env, Held::All, "wait")
            .await
            .expect("on hold");
        let from = self.on.clock.now();
        self.books.holds.push(Stretch {
            what: (id, env, Held::All),
            from,
            to: None,
        });
        format!("{env} is on hold")
    }

    async fn roll_back(&mut self) -> String {
        let env = self.pick(&CHAIN).expect("one");
        let lea = self.on.act(0, &self.on.lea);
        let back = promotion::roll_back_in(&lea, ORG, &self.project, APP, env, None, "slow").await;
        if let Ok((id, _)) = &back
            && !self.promotions.contains(id)
        {
            self.promotions.push(*id);
        }
        format!("{env} goes back: {:?}", back.map_err(|e| e.code()).map(|b| b.0))
    }

    async fn mark_defective(&mut self) -> String {
        let release = self.pick(&self.releases.clone()).expect("one");
        if self.books.defective.iter().any(|(id, _)| *id == release.id) || self.books.defective.len() > 1 {
            return String::from("nothing is defective");
        }
        let lea = self.on.act(0, &self.on.lea);
        slipway_portal::release::mark_defective(
            &lea,
            ORG,
            &self.project,
            APP,
            &release.version,
            "it eats orders",
        )
        .await
        .expect("marked");
        self.books.defective.push((release.id, self.on.clock.now()));
        format!("{} is defective", release.version)
    }

    async fn retry(&mut self) -> String {
        let Some(id) = self.pick(&self.promotions.clone()) else {
            return String::new();
        };
        let done = promotion::retry(&self.on.act(1, &self.on.lea), id).await;
        format!("{id} is tried again: {:?}", done.map_err(|e| e.code()))
    }

    async fn withdraw(&mut self) -> String {
        let Some(id) = self.pick(&self.promotions.clone()) else {
            return String::new();
        };
        let done = promotion::cancel(&self.on.act(1, &self.on.lea), id).await;
        format!("{id} is withdrawn: {:?}", done.map_err(|e| e.code()))
    }

    /// A worker dies wherever it is; its lease ends.
    async fn crash(&mut self) -> String {
        let polls = self.rng.random_range(1..60);
        let replica = self.replica();
        let work = jobs::step(&self.on.replicas[replica], "dies");
        let died = Dies {
            inner: Box::pin(work),
            polls,
        }
        .await
        .is_none();
        self.on.clock.advance(61 * SECOND);
        format!("a worker died after {polls} polls: {died}")
    }

    async fn work(&mut self) -> String {
        let (a, b) = (self.replica(), self.replica());
        let one = jobs::step(&self.on.replicas[a], "worker-a");
        let other = jobs::step(&self.on.replicas[b], "worker-b");
        let (x, y) = tokio::join!(Box::pin(one), Box::pin(other));
        x.and(y).expect("both work");
        self.on.clock.advance(SECOND);
        tokio::time::sleep(Duration::from_millis(4)).await;
        String::from("workers work")
    }

    /// Everything that stands in the way goes, and time passes until all of it has ended.
    async fn drain(&mut self) {
        let lea = self.on.act(0, &self.on.lea);
        let now = self.on.clock.now();
        for open in self.books.freezes.iter_mut().filter(|f| f.to.is_none()) {
            freeze::remove(&lea, At::new(ORG, Some(&self.project), None), open.what)
                .await
                .expect("removed");
            open.to = Some(now);
        }
        let (_, holds) = hold::list(&lea, ORG, &self.project, APP).await.expect("holds");
        for held in holds {
            hold::lift(&lea, ORG, &self.project, APP, held.hold.id)
                .await
                .expect("lifted");
        }
        for open in self.books.holds.iter_mut().filter(|h| h.to.is_none()) {
            open.to = Some(now);
        }
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let open: Vec<_> = self
                .records()
                .await
                .into_iter()
                .filter(|(p, ..)| !p.state.is_final())
                .collect();
            // What waits for the environment before, or for people, waits for ever: it is withdrawn, and must go.
            for (record, ..) in &open {
                if record.state.is_pending() {
                    drop(promotion::cancel(&self.on.act(0, &self.on.lea), record.id).await);
                }
            }
            if open.is_empty() {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "these do not end: {open:#?}\n{}",
                self.told.join("\n")
            );
            self.work().await;
            self.on.clock.advance(20 * SECOND);
        }
    }

    /// Nobody looks at it any more.
    async fn end(&self) {
        for key in CHAIN {
            let lea = self.on.act(0, &self.on.lea);
            let list = environment::list(&lea, ORG, &self.project)
                .await
                .expect("the chain");
            let version = list
                .environments
                .iter()
                .find(|e| e.environment.key == key)
                .expect("it")
                .version;
            environment::settings::remove(&lea, ORG, &self.project, key, version)
                .await
                .expect("removed");
        }
    }
}

/// A project's key of its own: `S`, and its number in letters.
fn key(number: u64) -> String {
    let mut text = String::from("S");
    let mut rest = number;
    for _ in 0..4 {
        text.push(char::from(b'A' + u8::try_from(rest % 26).unwrap_or(0)));
        rest /= 26;
    }
    text
}

fn numbers() -> Vec<u64> {
    let read = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match read("SLIPWAY_TEST_STORY") {
        Some(one) => vec![one],
        None => (0..read("SLIPWAY_TEST_STORIES").unwrap_or(6)).collect(),
    }
}

async fn play(theatre: &Theatre) {
    let mut started = 0;
    for number in numbers() {
        let mut story = Story::begin(theatre, number).await;
        for _ in 0..STEPS {
            story.step().await;
        }
        story.drain().await;
        story.judge().await;
        started += story
            .records()
            .await
            .iter()
            .map(|(_, deployments, _)| deployments.len())
            .sum::<usize>();
        story.end().await;
    }
    assert!(started > 0, "a story in which nothing is deployed tells nothing");
    assert!(!theatre.kubernetes.url().is_empty());
}

#[tokio::test]
async fn stories_on_sqlite_keep_their_promises() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}", folder.path().join("slipway.db").display());
    let store = SqlStore::connect(&url).await.expect("SQLite opens");
    play(&Theatre::on(vec![store], folder).await).await;
}

#[tokio::test]
async fn stories_on_two_replicas_keep_their_promises() {
    let Ok(server) = std::env::var("SLIPWAY_TEST_POSTGRES_URL") else {
        eprintln!("skipped on PostgreSQL: SLIPWAY_TEST_POSTGRES_URL is not set");
        return;
    };
    let url = SqlStore::new_database_for_tests(&server)
        .await
        .expect("a database is made");
    let mut stores = Vec::new();
    for _ in 0..2 {
        stores.push(SqlStore::connect(&url).await.expect("it opens"));
    }
    play(&Theatre::on(stores, tempfile::tempdir().expect("a folder")).await).await;
}

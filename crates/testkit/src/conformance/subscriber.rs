//! Webhooks that are sent: who is told, who may change what, and that no try is made twice.

use super::World;
use slipway_domain::access::Role;
use slipway_domain::id::SubscriberId;
use slipway_domain::item::{Category, ItemKind, Priority};
use slipway_domain::member::Holder;
use slipway_domain::message::{KEPT, Message, MessageState};
use slipway_domain::subscriber::{EventKind, GIVE_UP};
use slipway_domain::time::{DAY, HOUR, MINUTE, SECOND};
use slipway_portal::access::At;
use slipway_portal::item::{MoveInput, NewItem};
use slipway_portal::ports::Tried;
use slipway_portal::secret::SecretKind;
use slipway_portal::subscriber::{self, Input};
use slipway_portal::{Error, OpCtx, audit, group, item, jobs, member, org, place, project, secret};

const ACME: At<'static> = At {
    org: "acme",
    project: None,
    app: None,
};
const CHECKOUT: At<'static> = At {
    org: "acme",
    project: Some("checkout"),
    app: None,
};

/// `acme/checkout`, whose owner is `ada`.
async fn checkout(world: &World) -> OpCtx {
    let ada = world.person("ada").await;
    world.org("acme", ada.id).await;
    let owner = world.as_person(&ada);
    make_project(&owner, "checkout", "CHK").await;
    world.as_person(&ada)
}

async fn make_project(owner: &OpCtx, slug: &str, key: &str) {
    let input = project::Input {
        slug: slug.to_owned(),
        name: slug.to_uppercase(),
        description: String::new(),
        key: key.to_owned(),
        internal: false,
    };
    project::create(owner, "acme", input).await.unwrap();
    let user = owner.user().unwrap().id;
    org::grant(owner, "acme", Some(slug), user, Role::ProjectOwner)
        .await
        .unwrap();
}

fn input(kinds: &[EventKind]) -> Input {
    Input {
        url: String::from("https://hooks.example.com/in?key=hidden"),
        description: String::from("to the chat"),
        kinds: kinds.iter().map(|kind| kind.key().to_owned()).collect(),
        enabled: true,
    }
}

async fn subscribe(ctx: &OpCtx, at: At<'_>, kinds: &[EventKind]) -> SubscriberId {
    subscriber::create(ctx, at, input(kinds)).await.unwrap().id
}

async fn add_item(ctx: &OpCtx, project: &str) -> i64 {
    let new = NewItem {
        kind: ItemKind::Task,
        title: String::from("A title that stays at home"),
        description: String::new(),
        priority: Priority::Normal,
        severity: None,
        assignee: None,
        points: None,
        into_iteration: false,
        column: None,
        more: item::Edit::default(),
    };
    item::create(&ctx.anew(), "acme", project, new).await.unwrap()
}

async fn log(ctx: &OpCtx, at: At<'_>, id: SubscriberId) -> Vec<Message> {
    subscriber::view(ctx, at, id, None).await.unwrap().messages
}

async fn kinds(ctx: &OpCtx, at: At<'_>, id: SubscriberId) -> Vec<EventKind> {
    log(ctx, at, id)
        .await
        .iter()
        .map(|message| message.kind)
        .collect()
}

async fn actions(ctx: &OpCtx) -> Vec<String> {
    let query = audit::Query {
        org: String::from("acme"),
        action: Some(String::from("webhook.")),
        ..audit::Query::default()
    };
    let (_, rows) = audit::read(ctx, &query).await.unwrap();
    assert!(!format!("{rows:?}").contains("hidden"), "addresses stay at home");
    assert!(!format!("{rows:?}").contains("whsec_"), "no secret in the log");
    rows.into_iter().map(|row| row.action).collect()
}

/// What happens is told to whoever hears of the place and wants that kind: one message each, with ids and addresses.
pub async fn whoever_wants_to_know_is_told_once(world: World) {
    let ada = checkout(&world).await;
    make_project(&ada, "billing", "BIL").await;
    let both = [EventKind::ItemCreated, EventKind::ItemChanged];
    let everywhere = subscribe(&ada, ACME, &both).await;
    let here = subscribe(&ada, CHECKOUT, &both).await;
    let members = subscribe(&ada, CHECKOUT, &[EventKind::MemberChanged]).await;
    let off = subscriber::create(
        &ada,
        CHECKOUT,
        Input {
            enabled: false,
            ..input(&both)
        },
    );
    let off = off.await.unwrap().id;

    let number = add_item(&ada, "checkout").await;
    world.clock.advance(SECOND);
    let moved = MoveInput {
        number,
        column: Some(Category::InProgress.into()),
        after: None,
        before: None,
        expected: None,
    };
    item::move_to(&ada, "acme", "checkout", moved).await.unwrap();
    world.clock.advance(SECOND);
    let refused = item::move_to(
        &ada,
        "acme",
        "checkout",
        MoveInput {
            number: 99,
            column: Some(Category::Done.into()),
            after: None,
            before: None,
            expected: None,
        },
    );
    assert!(refused.await.is_err(), "what did not happen is not told");
    add_item(&ada, "billing").await;

    let told = [EventKind::ItemChanged, EventKind::ItemCreated];
    assert_eq!(kinds(&ada, CHECKOUT, here).await, told);
    assert_eq!(
        kinds(&ada, ACME, everywhere).await,
        [EventKind::ItemCreated, told[0], told[1]],
        "the organization's own hears of every project"
    );
    assert!(log(&ada, CHECKOUT, members).await.is_empty());
    assert!(log(&ada, CHECKOUT, off).await.is_empty());

    let newest = log(&ada, CHECKOUT, here).await.remove(0);
    let shown = subscriber::message(&ada, CHECKOUT, here, newest.id)
        .await
        .unwrap();
    let body: serde_json::Value = serde_json::from_str(&shown.body).unwrap();
    assert!(
        shown
            .body
            .starts_with("{\"type\":\"item.changed\",\"timestamp\":\"2026-01-01T"),
        "{}",
        shown.body
    );
    let data = &body["data"];
    assert_eq!(
        data["url"],
        "http://127.0.0.1:3000/orgs/acme/projects/checkout/items/CHK-1"
    );
    assert_eq!(
        (
            &data["item"]["key"],
            &data["item"]["before"],
            &data["item"]["state"]
        ),
        (&"CHK-1".into(), &"pending".into(), &"in_progress".into())
    );
    assert_eq!(data["project"]["slug"], "checkout");
    assert_eq!(data["actor"]["username"], "ada");
    assert!(!shown.body.contains("stays at home"), "no free text");

    let bob = world.person("bob").await;
    org::grant(&world.system(), "acme", None, bob.id, Role::OrgMember)
        .await
        .unwrap();
    let who = Holder::Person(bob.id).key();
    member::grant(&ada, CHECKOUT, &who, "project.viewer")
        .await
        .unwrap();
    assert_eq!(kinds(&ada, CHECKOUT, members).await, [EventKind::MemberChanged]);
}

/// Who joins or leaves a group that holds a role at a place gets or loses it, and the place's webhooks hear of it.
pub async fn joining_a_group_is_told_where_it_holds_a_role(world: World) {
    let ada = checkout(&world).await;
    let members = subscribe(&ada, CHECKOUT, &[EventKind::MemberChanged]).await;
    let bob = world.person("bob").await;
    org::grant(&world.system(), "acme", None, bob.id, Role::OrgMember)
        .await
        .unwrap();
    let crew = group::create(&ada, "acme", "Crew").await.unwrap();
    group::add(&ada, "acme", crew, bob.id).await.unwrap();
    group::take_out(&ada, "acme", crew, bob.id).await.unwrap();
    assert_eq!(kinds(&ada, CHECKOUT, members).await, [], "it holds nothing");
    let holder = Holder::Group(crew).key();
    member::grant(&ada, CHECKOUT, &holder, "project.tester")
        .await
        .unwrap();
    group::add(&ada, "acme", crew, bob.id).await.unwrap();
    group::take_out(&ada, "acme", crew, bob.id).await.unwrap();
    group::delete(&ada, "acme", crew).await.unwrap();
    let messages = kinds(&ada, CHECKOUT, members).await;
    assert_eq!(
        messages,
        [EventKind::MemberChanged; 4],
        "its role, joining, leaving, its end"
    );
}

/// Webhooks are seen and changed by whoever manages their very place; nobody else learns that they are there.
pub async fn webhooks_are_their_managers_own(world: World) {
    let ada = checkout(&world).await;
    let (lea, vic, olga) = (
        world.person("lea").await,
        world.person("vic").await,
        world.person("olga").await,
    );
    world.org("other", olga.id).await;
    for (person, role) in [(&lea, Role::ProjectLead), (&vic, Role::ProjectViewer)] {
        org::grant(&ada, "acme", Some("checkout"), person.id, role)
            .await
            .unwrap();
    }
    let (lea, vic, olga) = (
        world.as_person(&lea),
        world.as_person(&vic),
        world.as_person(&olga),
    );
    let of_org = subscribe(&ada, ACME, &[EventKind::ItemCreated]).await;
    let of_project = subscribe(&lea, CHECKOUT, &[EventKind::ItemCreated]).await;
    let message = subscriber::test(&lea, CHECKOUT, of_project).await.unwrap();

    let other = At { org: "other", ..ACME };
    let new = || input(&[EventKind::RunFinished]);
    for (who, ctx, at, id, code) in [
        ("a viewer", &vic, CHECKOUT, of_project, "forbidden"),
        ("a stranger", &olga, CHECKOUT, of_project, "not_found"),
        ("a lead at the organization", &lea, ACME, of_org, "forbidden"),
        ("a lead at the other's id", &lea, CHECKOUT, of_org, "not_found"),
        (
            "the owner at the wrong place",
            &ada,
            ACME,
            of_project,
            "not_found",
        ),
        (
            "an owner of another organization",
            &olga,
            other,
            of_org,
            "not_found",
        ),
    ] {
        let answers = [
            subscriber::show(ctx, at, id).await.err(),
            subscriber::view(ctx, at, id, None).await.err(),
            subscriber::messages(ctx, at, id, None, 9).await.err(),
            subscriber::message(ctx, at, id, message).await.err(),
            subscriber::update(ctx, at, id, None, new()).await.err(),
            subscriber::rotate(ctx, at, id).await.err(),
            subscriber::test(ctx, at, id).await.err(),
            subscriber::resend(ctx, at, id, message).await.err(),
            subscriber::delete(ctx, at, id).await.err(),
        ];
        for (nth, answer) in answers.into_iter().enumerate() {
            assert_eq!(answer.map(|error| error.code()), Some(code), "{who}, {nth}");
        }
    }
    let crossed = subscriber::message(&ada, ACME, of_org, message)
        .await
        .unwrap_err();
    assert!(
        matches!(crossed, Error::NotFound),
        "a delivery of another webhook"
    );
    assert_eq!(subscriber::list(&ada, ACME).await.unwrap().subscribers.len(), 1);
    assert_eq!(
        subscriber::list(&lea, CHECKOUT).await.unwrap().subscribers.len(),
        1
    );
    assert!(subscriber::list(&vic, CHECKOUT).await.is_err());

    place::archive(&ada, "acme", Some("checkout"), None)
        .await
        .unwrap();
    assert!(subscriber::view(&lea, CHECKOUT, of_project, None).await.is_ok());
    let refused = subscriber::rotate(&lea, CHECKOUT, of_project).await.err();
    assert_eq!(refused.map(|error| error.code()), Some("archived"));
    place::delete(&ada, "acme", Some("checkout"), None, "CHECKOUT")
        .await
        .unwrap();
    assert!(subscriber::show(&ada, ACME, of_org).await.is_ok());
}

/// What is changed is checked, guarded by its version, and written down.
pub async fn a_webhook_is_changed_by_whoever_saw_it_last(world: World) {
    let ada = checkout(&world).await;
    let fields = |error: Error| match error {
        Error::Invalid(fields) => fields.into_iter().map(|wrong| wrong.field).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let wrong = Input {
        url: String::from("ftp://example.com"),
        description: "x".repeat(201),
        kinds: vec![String::from("everything")],
        enabled: true,
    };
    let refused = subscriber::create(&ada, ACME, wrong).await.err().unwrap();
    assert_eq!(fields(refused), ["url", "description", "kinds"]);
    let refused = subscriber::create(&ada, ACME, input(&[])).await.err().unwrap();
    assert_eq!(fields(refused), ["kinds"]);

    let made = subscriber::create(&ada, ACME, input(&[EventKind::ItemCreated]))
        .await
        .unwrap();
    assert!(made.secret.starts_with("whsec_"));
    add_item(&ada, "checkout").await;
    let id = made.id;
    let off = || Input {
        enabled: false,
        ..input(&[EventKind::RunFinished])
    };
    subscriber::update(&ada, ACME, id, Some(1), off()).await.unwrap();
    let stale = subscriber::update(&ada, ACME, id, Some(1), off()).await;
    assert_eq!(stale.unwrap_err().code(), "version_mismatch");
    assert_eq!(
        log(&ada, ACME, id).await[0].state,
        MessageState::Cancelled,
        "what waits for one that is off is not sent"
    );
    for refused in [
        subscriber::test(&ada, ACME, id).await.map(drop),
        subscriber::resend(&ada, ACME, id, log(&ada, ACME, id).await[0].id).await,
    ] {
        assert_eq!(refused.unwrap_err().code(), "webhook_off");
    }
    let again = subscriber::rotate(&ada, ACME, id).await.unwrap();
    assert_ne!(again.secret, made.secret);
    let shown = subscriber::show(&ada, ACME, id).await.unwrap();
    assert_eq!(shown.version, 3);
    assert!(shown.old_secret_until.is_some());
    subscriber::delete(&ada, ACME, id).await.unwrap();
    let written = [
        "webhook.delete",
        "webhook.rotate",
        "webhook.edit",
        "webhook.create",
    ];
    assert_eq!(actions(&ada).await, written);
}

/// One worker begins a try, and only the newest try of a message says how it went.
pub async fn a_try_is_begun_once_and_fenced(world: World) {
    let ada = checkout(&world).await;
    let id = subscribe(&ada, CHECKOUT, &[EventKind::ItemCreated]).await;
    add_item(&ada, "checkout").await;
    let now = world.system().now();
    let mut tx = world.portal.store.write().await.unwrap();
    let due = tx.due_messages(id, now, 9).await.unwrap();
    let message = due[0].message.id;
    let lease = now.plus(MINUTE);
    assert!(tx.begin_try(message, 0, now, lease).await.unwrap());
    assert!(!tx.begin_try(message, 0, now, lease).await.unwrap());
    assert!(
        !tx.begin_try(message, 1, now, lease).await.unwrap(),
        "it is leased"
    );
    assert!(tx.due_messages(id, now, 9).await.unwrap().is_empty());
    assert_eq!(tx.next_message_at(id).await.unwrap(), Some(lease));
    tx.commit().await.unwrap();
    let busy = subscriber::resend(&ada, CHECKOUT, id, message).await;
    assert_eq!(busy.unwrap_err().code(), "being_sent");

    world.clock.advance(2 * MINUTE);
    let later = world.system().now();
    let mut tx = world.portal.store.write().await.unwrap();
    assert_eq!(
        tx.due_messages(id, later, 9).await.unwrap().len(),
        1,
        "its worker died"
    );
    assert!(tx.begin_try(message, 1, later, later.plus(MINUTE)).await.unwrap());
    let tried = |tries, state| Tried {
        id: message,
        tries,
        state,
        failures: 0,
        next_try_at: None,
        status: Some(200),
        took_ms: 5,
        headers: vec![(String::from("webhook-id"), message.to_string())],
        answer: String::from("ok"),
        trouble: None,
    };
    assert!(
        !tx.end_try(&tried(1, MessageState::Failed)).await.unwrap(),
        "too late"
    );
    assert!(tx.end_try(&tried(2, MessageState::Delivered)).await.unwrap());
    assert_eq!(tx.next_message_at(id).await.unwrap(), None);
    tx.commit().await.unwrap();
    let shown = subscriber::message(&ada, CHECKOUT, id, message).await.unwrap();
    assert_eq!(
        (shown.message.tries, shown.message.state),
        (2, MessageState::Delivered)
    );
    assert_eq!((shown.answer.as_str(), shown.headers.len()), ("ok", 1));

    // Switched off while it is tried, and it does not arrive.
    subscriber::resend(&ada, CHECKOUT, id, message).await.unwrap();
    let now = world.system().now();
    let mut tx = world.portal.store.write().await.unwrap();
    assert!(tx.begin_try(message, 2, now, now.plus(MINUTE)).await.unwrap());
    tx.cancel_messages(id).await.unwrap();
    assert!(tx.end_try(&tried(3, MessageState::Waiting)).await.unwrap());
    tx.commit().await.unwrap();
    let shown = subscriber::message(&ada, CHECKOUT, id, message).await.unwrap();
    assert_eq!(shown.message.state, MessageState::Cancelled);
}

/// Runs what is due.
async fn work(world: &World) {
    while jobs::step(&world.portal, "test").await.unwrap() {}
}

/// A receiver that is away is tried ten times in three days, and given up after five in which nothing arrived.
pub async fn a_receiver_that_stays_away_is_given_up(world: World) {
    let ada = checkout(&world).await;
    let id = subscribe(&ada, CHECKOUT, &[EventKind::ItemCreated]).await;
    let began = world.system().now();
    add_item(&ada, "checkout").await;
    work(&world).await;
    let first = log(&ada, CHECKOUT, id).await.remove(0);
    assert_eq!((first.tries, first.state), (1, MessageState::Waiting));
    assert!(first.trouble.is_some() && first.status.is_none());
    let next = first.next_try_at.unwrap().since(world.system().now());
    assert!((4 * SECOND..=6 * SECOND).contains(&next), "{next}");
    for _ in 0..96 {
        world.clock.advance(HOUR);
        work(&world).await;
    }
    let failed = log(&ada, CHECKOUT, id).await.remove(0);
    assert_eq!(
        (failed.tries, failed.state, failed.next_try_at),
        (10, MessageState::Failed, None)
    );
    let shown = subscriber::show(&ada, CHECKOUT, id).await.unwrap();
    assert!(shown.enabled, "five days are not over");
    assert!(
        shown
            .failing_since
            .is_some_and(|since| since.since(began) < MINUTE)
    );

    world.clock.advance(GIVE_UP);
    add_item(&ada, "checkout").await;
    add_item(&ada, "checkout").await;
    work(&world).await;
    let shown = subscriber::show(&ada, CHECKOUT, id).await.unwrap();
    assert!(!shown.enabled && shown.off_reason.is_some());
    assert_eq!(actions(&ada).await, ["webhook.disable", "webhook.create"], "once");
    let waiting = log(&ada, CHECKOUT, id).await;
    assert!(waiting.iter().all(|m| m.state != MessageState::Waiting));
    add_item(&ada, "checkout").await;
    assert_eq!(
        log(&ada, CHECKOUT, id).await.len(),
        waiting.len(),
        "nothing is kept for it"
    );

    let on = input(&[EventKind::ItemCreated]);
    subscriber::update(&ada, CHECKOUT, id, None, on).await.unwrap();
    let shown = subscriber::show(&ada, CHECKOUT, id).await.unwrap();
    assert!(shown.enabled && shown.off_reason.is_none() && shown.failing_since.is_none());
    subscriber::resend(&ada, CHECKOUT, id, failed.id).await.unwrap();
    work(&world).await;
    let again = log(&ada, CHECKOUT, id).await;
    let again = again.iter().find(|m| m.id == failed.id).unwrap();
    assert_eq!(
        (again.tries, again.state),
        (11, MessageState::Waiting),
        "it has all its tries again"
    );
}

/// Deliveries are kept for thirty days, and a secret that signs no more goes; both secrets are sealed anew.
pub async fn old_deliveries_and_old_secrets_go(world: World) {
    let ada = checkout(&world).await;
    let id = subscribe(&ada, CHECKOUT, &[EventKind::ItemCreated]).await;
    add_item(&ada, "checkout").await;
    subscriber::rotate(&ada, CHECKOUT, id).await.unwrap();
    let system = world.system();
    let sealed = async |kind| system.read().await.unwrap().sealed(kind).await.unwrap();
    let (new, old) = (
        sealed(SecretKind::Subscriber).await,
        sealed(SecretKind::SubscriberBefore).await,
    );
    assert_eq!((new.len(), old.len()), (1, 1));
    assert!(!new[0].text.contains("whsec_"));
    let done = secret::rotate(&system).await.unwrap();
    assert_eq!((done.current, done.broken.len()), (2, 0), "both open");

    let sweep = async || {
        let now = system.now();
        let mut tx = world.portal.store.write().await.unwrap();
        let gone = tx.sweep_messages(now.plus(-KEPT), now).await.unwrap();
        tx.commit().await.unwrap();
        gone
    };
    assert_eq!(sweep().await, 0);
    assert_eq!(sealed(SecretKind::SubscriberBefore).await.len(), 1);
    let off = Input {
        enabled: false,
        ..input(&[EventKind::ItemCreated])
    };
    subscriber::update(&ada, CHECKOUT, id, None, off).await.unwrap();
    world.clock.advance(KEPT + DAY);
    assert_eq!(sweep().await, 1);
    assert!(sealed(SecretKind::SubscriberBefore).await.is_empty());
    assert!(log(&ada, CHECKOUT, id).await.is_empty());
}

//! What people write into work items and say about them.

use super::World;
use super::item::{checkout, member, task};
use slipway_domain::access::Role;
use slipway_domain::item::{Content, FieldChange, ItemEvent, ItemKind, Labels, Priority, Relation, Severity};
use slipway_domain::notice::NoticeKind;
use slipway_portal::item::{self, Base, Edit, IterationInput, NewItem, Set};
use slipway_portal::{Error, OpCtx, app, environment, notice};

async fn content(ctx: &OpCtx, number: i64) -> Content {
    item::view(ctx, "acme", "checkout", number).await.unwrap().content
}

/// What the item held when it was made, by its history alone.
async fn from_history(ctx: &OpCtx, number: i64) -> (Content, Vec<FieldChange>) {
    let view = item::view(ctx, "acme", "checkout", number).await.unwrap();
    let mut changes: Vec<FieldChange> = view.events.iter().filter_map(ItemEvent::change).collect();
    changes.reverse();
    let title = view.events.last().unwrap().after.key.clone();
    (Content::titled(title), changes)
}

fn titled(title: &str) -> Edit {
    Edit {
        title: Some(title.to_owned()),
        ..Edit::default()
    }
}

/// Every field is stored, and the history alone tells what an item holds.
#[expect(clippy::too_many_lines, reason = "one story from its start to its end")]
pub async fn the_history_tells_what_an_item_holds(world: World) {
    let owner = checkout(&world).await;
    let (dora, developer) = member(&world, &owner, "dora", Role::ProjectDeveloper).await;
    let (_, lead) = member(&world, &owner, "lea", Role::ProjectLead).await;
    let days = IterationInput {
        name: String::from("Iteration 1"),
        goal: String::new(),
        starts_on: String::from("2026-01-05"),
        ends_on: String::from("2026-01-16"),
    };
    item::start_iteration(&lead, "acme", "checkout", days)
        .await
        .unwrap();
    let input = app::Input {
        slug: String::from("order-api"),
        name: String::from("Order API"),
        description: String::new(),
    };
    app::create(&owner, "acme", "checkout", input).await.unwrap();
    environment::create_default_chain(&owner, "acme", "checkout", |_| None)
        .await
        .unwrap();
    let whole = NewItem::titled(ItemKind::Requirement, "Refunds");
    let whole = item::create(&lead, "acme", "checkout", whole).await.unwrap();
    let bug = NewItem {
        severity: Some(Severity::Serious),
        into_iteration: false,
        column: None,
        ..NewItem::titled(ItemKind::Bug, "It crashes")
    };
    let number = item::create(&lead, "acme", "checkout", bug).await.unwrap();
    let choices = item::edit(&developer, "acme", "checkout", number)
        .await
        .unwrap()
        .choices;
    assert_eq!(
        (choices.iterations.len(), choices.apps.len(), choices.people.len()),
        (1, 1, 3)
    );
    let environment = choices.environments.last().unwrap().id;
    let edit = Edit {
        title: Some(String::from(" It crashes twice ")),
        description: Some(String::from("# Steps\r\n\r\n1. pay")),
        priority: Some(Priority::Urgent),
        severity: Some(Severity::Fatal),
        assignee: Set::To(dora.id),
        iteration: Set::To(choices.iterations[0].id),
        app: Set::To(choices.apps[0].id),
        parent: Some(format!("chk-{whole}")),
        labels: Some(String::from("payments, ui ,payments")),
        points: Set::To(5),
        due_on: Some(String::from("2026-02-01")),
        found_environment: Set::To(environment),
        ..Edit::default()
    };
    item::update(&developer, "acme", "checkout", number, edit, Base::Exactly(1))
        .await
        .unwrap();
    let view = item::view(&developer, "acme", "checkout", number).await.unwrap();
    let held = &view.content;
    assert_eq!(held.title, "It crashes twice");
    assert_eq!(held.description, "# Steps\n\n1. pay");
    assert_eq!(held.labels, Labels::parse("payments, ui").unwrap());
    assert_eq!(held.parent.as_ref().unwrap().name, format!("CHK-{whole}"));
    assert_eq!(held.app.as_ref().unwrap().name, "Order API");
    assert_eq!((held.points, held.severity), (Some(5), Some(Severity::Fatal)));
    assert_eq!(held.found_environment.as_ref().unwrap().id, environment);
    assert!(view.html.contains("<h1>Steps</h1>"), "{}", view.html);
    assert_eq!(view.card.version, 2);
    let parts = item::view(&lead, "acme", "checkout", whole).await.unwrap().parts;
    assert_eq!(parts.len(), 1);
    let cleared = Edit {
        assignee: Set::Clear,
        iteration: Set::Clear,
        parent: Some(String::new()),
        due_on: Some(String::new()),
        found_environment: Set::Clear,
        ..Edit::default()
    };
    item::update(&developer, "acme", "checkout", number, cleared, Base::Any)
        .await
        .unwrap();
    let (first, changes) = from_history(&lead, number).await;
    assert_eq!(first.clone().replay(&changes), content(&lead, number).await);
    assert_eq!(content(&lead, number).await.rewind(&changes), first);
    let untouched = item::view(&lead, "acme", "checkout", number)
        .await
        .unwrap()
        .card
        .version;
    item::update(
        &lead,
        "acme",
        "checkout",
        number,
        titled("It crashes twice"),
        Base::Any,
    )
    .await
    .unwrap();
    let after = item::view(&lead, "acme", "checkout", number)
        .await
        .unwrap()
        .card
        .version;
    assert_eq!(after, untouched, "what changes nothing is no change");
}

/// What is wrong is told field by field, and nothing is written then.
pub async fn what_does_not_fit_is_refused_by_field(world: World) {
    let owner = checkout(&world).await;
    let (_, lead) = member(&world, &owner, "lea", Role::ProjectLead).await;
    let stranger = world.person("sid").await;
    let number = item::create(&lead, "acme", "checkout", task("a")).await.unwrap();
    let edit = Edit {
        title: Some(String::from("  ")),
        assignee: Set::To(stranger.id),
        parent: Some(format!("CHK-{number}")),
        labels: Some("x".repeat(41)),
        points: Set::To(101),
        due_on: Some(String::from("tomorrow")),
        found_release: Some(String::from("order-api 9.9.9")),
        ..Edit::default()
    };
    let Err(Error::Invalid(wrong)) = item::update(&lead, "acme", "checkout", number, edit, Base::Any).await
    else {
        panic!("it was taken");
    };
    let mut fields: Vec<&str> = wrong.iter().map(|w| w.field.as_str()).collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "assignee",
            "due_on",
            "found_release",
            "labels",
            "parent",
            "points",
            "title"
        ]
    );
    assert_eq!(content(&lead, number).await.title, "a");
}

/// Two people edit one item: what only one of them changed goes through, what both changed is refused with both values.
pub async fn a_stale_edit_loses_nothing(world: World) {
    let owner = checkout(&world).await;
    let (_, dora) = member(&world, &owner, "dora", Role::ProjectDeveloper).await;
    let (_, quinn) = member(&world, &owner, "quinn", Role::ProjectTester).await;
    let number = item::create(&dora, "acme", "checkout", task("a")).await.unwrap();
    let at = ("acme", "checkout", number);
    let update = async |ctx: &OpCtx, edit: Edit, base| item::update(ctx, at.0, at.1, at.2, edit, base).await;
    update(&dora, titled("by dora"), Base::Since(1)).await.unwrap();
    // Quinn's form still holds the old title, and only the estimate is theirs.
    let apart = Edit {
        points: Set::To(8),
        ..titled("a")
    };
    update(&quinn, apart, Base::Since(1)).await.unwrap();
    let held = content(&dora, number).await;
    assert_eq!((held.title.as_str(), held.points), ("by dora", Some(8)));
    let refused = update(&quinn, titled("by quinn"), Base::Since(1))
        .await
        .unwrap_err();
    let Error::Stale(clashes) = &refused else {
        panic!("{refused:?}");
    };
    assert_eq!(
        clashes.len(),
        2,
        "the estimate is told as well: it is not as the edit knew it"
    );
    let told = &clashes[0].text.en;
    assert!(
        told.contains("by dora") && told.contains("by quinn") && told.contains("DORA changed it"),
        "{told}"
    );
    // `If-Match` is strict: any change since is one too many.
    let strict = Edit {
        due_on: Some(String::from("2026-02-01")),
        ..Edit::default()
    };
    let refused = update(&quinn, strict.clone(), Base::Exactly(2))
        .await
        .unwrap_err();
    assert!(
        matches!(&refused, Error::Stale(c) if c[0].field == "points"),
        "{refused:?}"
    );
    update(&quinn, strict, Base::Exactly(3)).await.unwrap();
    update(&quinn, titled("by quinn"), Base::Since(4)).await.unwrap();
    assert_eq!(content(&dora, number).await.title, "by quinn");
}

/// Comments are their authors', and whoever has to do with an item hears of them.
pub async fn comments_reach_whom_they_concern(world: World) {
    let owner = checkout(&world).await;
    let (_, dora) = member(&world, &owner, "dora", Role::ProjectDeveloper).await;
    let (_, quinn) = member(&world, &owner, "quinn", Role::ProjectTester).await;
    let (_, lea) = member(&world, &owner, "lea", Role::ProjectLead).await;
    let (_, vic) = member(&world, &owner, "vic", Role::ProjectViewer).await;
    let number = item::create(&dora, "acme", "checkout", task("a")).await.unwrap();
    let say = async |ctx: &OpCtx, body: &str| item::add_comment(ctx, "acme", "checkout", number, body).await;
    item::watch(&vic, "acme", "checkout", number, true).await.unwrap();
    let refused = say(&vic, "me too").await.unwrap_err();
    assert!(matches!(refused, Error::Forbidden(_)), "{refused:?}");
    let empty = say(&quinn, " \n ").await.unwrap_err();
    assert!(
        matches!(&empty, Error::Invalid(f) if f[0].field == "body"),
        "{empty:?}"
    );
    let id = say(&quinn, "@lea <script>alert(1)</script>").await.unwrap();
    let kinds = async |ctx: &OpCtx| {
        let page = notice::list(ctx, false, None).await.unwrap();
        let all = page.threads.into_iter().flat_map(|thread| thread.notices);
        let kinds = all.map(|notice| notice.kind);
        kinds
            .filter(|kind| *kind != NoticeKind::RoleGranted)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        kinds(&dora).await,
        [NoticeKind::ItemCommented],
        "she wrote the item"
    );
    assert_eq!(kinds(&vic).await, [NoticeKind::ItemCommented], "he watches it");
    assert!(kinds(&lea).await.contains(&NoticeKind::ItemMentioned));
    assert_eq!(kinds(&quinn).await, [], "whoever did it knows");
    let view = item::view(&quinn, "acme", "checkout", number).await.unwrap();
    assert!(
        !view.comments[0].html.contains("<script"),
        "{}",
        view.comments[0].html
    );
    assert!(view.comments[0].may_edit && view.watching);
    let edit = async |ctx: &OpCtx, body: &str, version| {
        item::edit_comment(ctx, "acme", "checkout", (number, id), body, version).await
    };
    assert_eq!(edit(&dora, "mine", None).await.unwrap_err().code(), "not_yours");
    edit(&quinn, "better", Some(1)).await.unwrap();
    assert_eq!(
        edit(&quinn, "late", Some(1)).await.unwrap_err().code(),
        "version_mismatch"
    );
    let refused = item::delete_comment(&dora, "acme", "checkout", number, id)
        .await
        .unwrap_err();
    assert!(matches!(refused, Error::Forbidden(_)), "{refused:?}");
    item::delete_comment(&lea, "acme", "checkout", number, id)
        .await
        .unwrap();
    let view = item::view(&dora, "acme", "checkout", number).await.unwrap();
    assert!(view.comments.is_empty());
    let told: Vec<&str> = view
        .events
        .iter()
        .filter(|event| event.field == "comment")
        .map(|event| event.before.key.as_str())
        .collect();
    assert_eq!(told.len(), 2, "the history keeps what was said");
    assert!(told.contains(&"better"), "{told:?}");
    item::watch(&vic, "acme", "checkout", number, false)
        .await
        .unwrap();
    let watching = item::view(&vic, "acme", "checkout", number)
        .await
        .unwrap()
        .watching;
    assert!(!watching);
}

/// A link shows at both ends, and only once.
pub async fn a_link_shows_at_both_ends(world: World) {
    let owner = checkout(&world).await;
    let (_, dora) = member(&world, &owner, "dora", Role::ProjectDeveloper).await;
    for title in ["a", "b"] {
        item::create(&dora, "acme", "checkout", task(title))
            .await
            .unwrap();
    }
    let link = async |number, relation, other: &str, linked| {
        item::link(&dora, "acme", "checkout", number, (relation, other, linked)).await
    };
    link(1, Relation::Blocks, "CHK-2", true).await.unwrap();
    link(2, Relation::BlockedBy, "1", true).await.unwrap();
    link(1, Relation::Relates, "CHK-2", true).await.unwrap();
    let links = async |number| {
        let view = item::view(&dora, "acme", "checkout", number).await.unwrap();
        let links = view.links.into_iter();
        links
            .map(|link| (link.relation, link.item.key))
            .collect::<Vec<_>>()
    };
    let key = |number: i64| format!("CHK-{number}");
    assert_eq!(
        links(1).await,
        [(Relation::Blocks, key(2)), (Relation::Relates, key(2))]
    );
    assert_eq!(
        links(2).await,
        [(Relation::BlockedBy, key(1)), (Relation::Relates, key(1))]
    );
    for wrong in ["CHK-1", "CHK-99", "OPS-2", "x"] {
        let refused = link(1, Relation::Blocks, wrong, true).await.unwrap_err();
        assert!(
            matches!(&refused, Error::Invalid(f) if f[0].field == "other"),
            "{wrong}: {refused:?}"
        );
    }
    link(2, Relation::BlockedBy, "CHK-1", false).await.unwrap();
    assert_eq!(links(1).await, [(Relation::Relates, key(2))]);
    let gone = link(1, Relation::Blocks, "CHK-2", false).await.unwrap_err();
    assert!(matches!(gone, Error::NotFound), "{gone:?}");
}

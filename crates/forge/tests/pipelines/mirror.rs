//! Work items that mirror GitLab issues, against the sandbox's GitLab: both ways, conflicts, comments, and bad days.

use crate::world::{ORG, PROJECT, World};
use serde_json::{Value, json};
use slipway_domain::id::AppId;
use slipway_domain::item::{Category, ItemKind, ItemView, StateKey};
use slipway_domain::mirror::{LinkState, MirrorField, MirrorView};
use slipway_domain::time::{MINUTE, SECOND};
use slipway_portal::Error;
use slipway_portal::item::{self, Base, Edit, NewItem};
use slipway_portal::mirror::{self, Input};
use slipway_portal::ports::IdentityRow;
use slipway_portal::webhook::{self, Headers};
use slipway_sandbox::faults::{Fault, FaultMatch};

on_both! {
    issues_become_items_and_both_follow_each_other,
    both_sides_that_changed_are_a_conflict_until_somebody_settles_it,
    issues_from_before_are_taken_over_once,
    items_become_issues_where_that_is_wanted,
    comments_go_both_ways_each_once,
    bad_days_are_told_and_nothing_is_lost,
    a_webhook_is_a_hint,
}

const APP: &str = "storefront";

pub fn input() -> Input {
    Input {
        on: true,
        kind: ItemKind::Task,
        labels: String::from("bug = bug"),
        creates: false,
        take: false,
        expected: None,
    }
}

async fn switched_on(world: &World, input: Input) -> AppId {
    let app = world.connected(APP).await;
    mirror::set(&world.ctx(), ORG, PROJECT, APP, input)
        .await
        .expect("it is on");
    app
}

async fn shown(world: &World) -> MirrorView {
    mirror::view(&world.ctx(), ORG, PROJECT, APP)
        .await
        .expect("the settings")
}

fn issues(world: &World) -> String {
    format!("projects/{}/issues", world.sample(APP))
}

async fn issue(world: &World, body: Value) -> i64 {
    let made = world.call("POST", &issues(world), body).await;
    made["iid"].as_i64().expect("a number")
}

async fn change(world: &World, iid: i64, body: Value) {
    world.call("PUT", &format!("{}/{iid}", issues(world)), body).await;
}

async fn read(world: &World, iid: i64) -> Value {
    world
        .call("GET", &format!("{}/{iid}", issues(world)), Value::Null)
        .await
}

async fn notes(world: &World, iid: i64) -> Vec<String> {
    let path = format!("{}/{iid}/notes?sort=asc", issues(world));
    let all = world.call("GET", &path, Value::Null).await;
    let own = all
        .as_array()
        .expect("a list")
        .iter()
        .filter(|note| note["system"] == false);
    own.map(|note| note["body"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// Looks until nothing is left to do.
async fn look(world: &World) {
    for _ in 0..4 {
        world.clock.advance(2 * MINUTE);
        world.turn().await;
    }
}

async fn item(world: &World, number: i64) -> ItemView {
    item::view(&world.ctx(), ORG, PROJECT, number)
        .await
        .expect("the item")
}

/// The item of an issue.
async fn of(world: &World, iid: i64) -> Option<ItemView> {
    for card in item::list(&world.ctx(), ORG, PROJECT, 0, 100)
        .await
        .expect("items")
    {
        let number = card.key.rsplit('-').next().and_then(|number| number.parse().ok());
        let view = item(world, number.expect("a number")).await;
        if view.mirror.as_ref().is_some_and(|link| link.iid == Some(iid)) {
            return Some(view);
        }
    }
    None
}

fn number(view: &ItemView) -> i64 {
    view.card
        .key
        .rsplit('-')
        .next()
        .and_then(|number| number.parse().ok())
        .expect("a number")
}

async fn edit(world: &World, number: i64, edit: Edit) {
    item::update(&world.ctx(), ORG, PROJECT, number, edit, Base::Any)
        .await
        .expect("it is changed");
}

fn titled(title: &str) -> Edit {
    Edit {
        title: Some(title.to_owned()),
        ..Edit::default()
    }
}

async fn issues_become_items_and_both_follow_each_other(world: World) {
    let old = {
        // Connected and switched on afterwards: this one is from before.
        issue(&world, json!({ "title": "From before" })).await
    };
    switched_on(&world, input()).await;
    let body = json!({
        "title": "Totals are wrong", "description": "See **orders**.\n\\/close is no command", "labels": "bug,money",
        "due_date": "2026-12-24",
    });
    let iid = issue(&world, body).await;
    look(&world).await;
    assert!(
        of(&world, old).await.is_none(),
        "issues from before stay where they are"
    );
    let view = of(&world, iid).await.expect("an item");
    let number = number(&view);
    assert_eq!(
        (view.card.kind, view.card.title.as_str()),
        (ItemKind::Bug, "Totals are wrong")
    );
    assert_eq!(view.content.description, "See **orders**.\n/close is no command");
    assert_eq!(view.content.labels.typed(), "bug, money");
    assert_eq!(view.content.due_on.as_deref(), Some("2026-12-24"));
    assert_eq!(view.content.app.as_ref().map(|app| app.name.as_str()), Some(APP));
    assert_eq!(view.reporter.name, "GitLab");
    assert_eq!(shown(&world).await.linked, 1);

    // From there to here.
    change(
        &world,
        iid,
        json!({ "title": "Sums are wrong", "add_labels": "urgent", "due_date": "" }),
    )
    .await;
    look(&world).await;
    let view = item(&world, number).await;
    assert_eq!(view.card.title, "Sums are wrong");
    assert_eq!(
        (view.content.labels.typed().as_str(), &view.content.due_on),
        ("bug, money, urgent", &None)
    );
    // And closed: along the workflow.
    change(&world, iid, json!({ "state_event": "close" })).await;
    look(&world).await;
    assert_eq!(item(&world, number).await.card.state.category(), Category::Done);
    change(&world, iid, json!({ "state_event": "reopen" })).await;
    look(&world).await;
    assert_eq!(item(&world, number).await.card.state.category(), Category::Todo);

    // From here to there, with what GitLab would do by itself as words.
    let written = Edit {
        title: Some(String::from("Totals")),
        description: Some(String::from("New words\n/close\n")),
        labels: Some(String::from("bug, ours")),
        due_on: Some(String::from("2027-01-02")),
        ..Edit::default()
    };
    edit(&world, number, written).await;
    look(&world).await;
    let there = read(&world, iid).await;
    assert_eq!(there["title"], "Totals");
    assert_eq!(there["description"], "New words\n\\/close");
    assert_eq!(there["labels"], json!(["bug", "ours"]));
    assert_eq!(
        (&there["due_date"], &there["state"]),
        (&json!("2027-01-02"), &json!("opened"))
    );
    item::set_state(&world.ctx(), ORG, PROJECT, number, &StateKey::WONT_FIX, None)
        .await
        .expect("it goes");
    look(&world).await;
    assert_eq!(
        read(&world, iid).await["state"],
        "closed",
        "won't do is closed there"
    );

    // Nothing goes round in circles: nobody edits, nothing is written on either side.
    let (before, at) = (
        item(&world, number).await,
        read(&world, iid).await["updated_at"].clone(),
    );
    for _ in 0..3 {
        look(&world).await;
    }
    let after = item(&world, number).await;
    assert_eq!(
        (after.card.version, after.events.len()),
        (before.card.version, before.events.len())
    );
    assert_eq!(read(&world, iid).await["updated_at"], at);
    let view = shown(&world).await;
    assert!(view.reconciled_at.is_some() && view.trouble.is_none() && view.conflicts.is_empty());
}

async fn both_sides_that_changed_are_a_conflict_until_somebody_settles_it(world: World) {
    switched_on(&world, input()).await;
    let iid = issue(&world, json!({ "title": "One", "description": "Words" })).await;
    look(&world).await;
    let number = number(&of(&world, iid).await.expect("an item"));
    let both = async |ours: &str, theirs: &str| {
        edit(&world, number, titled(ours)).await;
        change(
            &world,
            iid,
            json!({ "title": theirs, "description": format!("Words of {theirs}") }),
        )
        .await;
        look(&world).await;
        let link = item(&world, number).await.mirror.expect("a link");
        let [conflict] = &link.conflicts[..] else {
            panic!("one conflict: {link:?}")
        };
        assert_eq!((conflict.ours.as_str(), conflict.theirs.as_str()), (ours, theirs));
        link.version
    };
    let version = both("Ours", "Theirs").await;
    let view = item(&world, number).await;
    assert_eq!(view.card.title, "Ours");
    assert_eq!(
        view.content.description, "Words of Theirs",
        "the other fields go on"
    );
    assert_eq!(read(&world, iid).await["title"], "Theirs");
    assert_eq!(shown(&world).await.conflicts.len(), 1);
    // An old form settles nothing.
    let at = (number, MirrorField::Title);
    let old = mirror::settle(&world.ctx(), ORG, PROJECT, at, true, Some(version - 1)).await;
    assert!(matches!(old, Err(Error::Conflict { .. })), "{old:?}");
    mirror::settle(&world.ctx(), ORG, PROJECT, at, true, Some(version))
        .await
        .expect("it is settled");
    look(&world).await;
    assert_eq!(read(&world, iid).await["title"], "Ours");
    let link = item(&world, number).await.mirror.expect("a link");
    assert_eq!((link.state, link.conflicts.len()), (LinkState::Linked, 0));

    let version = both("Ours again", "Theirs again").await;
    mirror::settle(&world.ctx(), ORG, PROJECT, at, false, Some(version))
        .await
        .expect("it is settled");
    look(&world).await;
    assert_eq!(item(&world, number).await.card.title, "Theirs again");
    assert_eq!(read(&world, iid).await["title"], "Theirs again");
    assert!(shown(&world).await.conflicts.is_empty());
    let gone = mirror::settle(&world.ctx(), ORG, PROJECT, at, false, None).await;
    assert!(matches!(gone, Err(Error::NotFound)), "{gone:?}");
}

async fn issues_from_before_are_taken_over_once(world: World) {
    let mut open = Vec::new();
    for at in 0..105 {
        open.push(issue(&world, json!({ "title": format!("Before {at}") })).await);
    }
    change(&world, open[0], json!({ "state_event": "close" })).await;
    let secret = issue(&world, json!({ "title": "Secret", "confidential": true })).await;
    switched_on(
        &world,
        Input {
            take: true,
            ..input()
        },
    )
    .await;
    look(&world).await;
    let view = shown(&world).await;
    let taking = view.taking.expect("it takes over");
    assert_eq!((view.linked, taking.done), (104, true), "{taking:?}");
    assert!(taking.pages >= 2);
    assert!(of(&world, secret).await.is_none(), "confidential issues stay out");
    // Again: nothing is made twice.
    mirror::set(&world.ctx(), ORG, PROJECT, APP, Input { on: false, ..input() })
        .await
        .expect("it is off");
    mirror::set(
        &world.ctx(),
        ORG,
        PROJECT,
        APP,
        Input {
            take: true,
            ..input()
        },
    )
    .await
    .expect("it is on");
    look(&world).await;
    assert_eq!(shown(&world).await.linked, 104);
}

async fn items_become_issues_where_that_is_wanted(world: World) {
    let app = switched_on(
        &world,
        Input {
            creates: true,
            ..input()
        },
    )
    .await;
    let person = IdentityRow {
        issuer: world.gitlab.url(),
        subject: String::from("1"),
        provider: String::from("gitlab"),
        label: String::from("root"),
        created_at: world.portal.clock.now(),
        used_at: None,
    };
    let system = world.portal.system("test");
    let mut linking = system.change().await.expect("a change");
    linking.bookkeeping();
    linking
        .tx()
        .insert_identity(world.owner.id, &person)
        .await
        .expect("linked");
    linking.commit().await.expect("it commits");
    let new = NewItem {
        description: String::from("In words"),
        assignee: Some(world.owner.id),
        more: Edit {
            app: Some(app).into(),
            labels: Some(String::from("api")),
            ..Edit::default()
        },
        ..NewItem::titled(ItemKind::Task, "Made here")
    };
    let number = item::create(&world.ctx(), ORG, PROJECT, new)
        .await
        .expect("an item");
    let other = item::create(
        &world.ctx(),
        ORG,
        PROJECT,
        NewItem::titled(ItemKind::Task, "Of no app"),
    )
    .await
    .expect("an item");
    look(&world).await;
    let link = item(&world, number).await.mirror.expect("a link");
    let iid = link.iid.expect("an issue");
    assert_eq!(link.state, LinkState::Linked);
    assert!(link.web_url.ends_with(&format!("/issues/{iid}")));
    assert!(item(&world, other).await.mirror.is_none());
    let there = read(&world, iid).await;
    assert_eq!(
        (&there["title"], &there["labels"]),
        (&json!("Made here"), &json!(["api"]))
    );
    assert_eq!(there["assignees"][0]["id"], 1);
    let all = world.call("GET", &issues(&world), Value::Null).await;
    assert_eq!(all.as_array().map(Vec::len), Some(1));
    // Its mark stays, and is not shown.
    change(&world, iid, json!({ "assignee_ids": [0] })).await;
    edit(
        &world,
        number,
        Edit {
            description: Some(String::from("Other words")),
            ..Edit::default()
        },
    )
    .await;
    look(&world).await;
    let view = item(&world, number).await;
    assert_eq!(
        (view.content.description.as_str(), &view.content.assignee),
        ("Other words", &None)
    );
    let text = read(&world, iid).await["description"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert!(text.starts_with("Other words\n\n<!-- slipway:item "), "{text}");
    // Somebody whom GitLab does not know is left alone, and it is said.
    let guest = world
        .member("gus", slipway_domain::access::Role::ProjectDeveloper)
        .await;
    edit(
        &world,
        number,
        Edit {
            assignee: Some(guest.id).into(),
            ..Edit::default()
        },
    )
    .await;
    look(&world).await;
    let link = item(&world, number).await.mirror.expect("a link");
    assert!(link.remark.is_some_and(|remark| remark.en.contains("gus")));
    assert_eq!(read(&world, iid).await["assignees"], json!([]));
}

async fn comments_go_both_ways_each_once(world: World) {
    switched_on(&world, input()).await;
    let iid = issue(&world, json!({ "title": "Talk" })).await;
    let path = format!("{}/{iid}/notes", issues(&world));
    let first = world.call("POST", &path, json!({ "body": "From GitLab" })).await;
    world
        .call("POST", &path, json!({ "body": "hush", "internal": true }))
        .await;
    look(&world).await;
    let number = number(&of(&world, iid).await.expect("an item"));
    let said = async || {
        let comments = item(&world, number).await.comments;
        comments
            .into_iter()
            .map(|one| (one.author.name, one.body))
            .collect::<Vec<_>>()
    };
    let [(author, body)] = &said().await[..] else {
        panic!("one comment")
    };
    assert_eq!(body, "From GitLab");
    assert!(author.ends_with("(GitLab)"), "{author}");
    let id = item::add_comment(&world.ctx(), ORG, PROJECT, number, "From here\n/close")
        .await
        .expect("a comment");
    // A new title leaves a note of GitLab's own, which is nobody's comment.
    change(&world, iid, json!({ "title": "Talk more" })).await;
    look(&world).await;
    look(&world).await;
    let there = notes(&world, iid).await;
    assert_eq!(there.len(), 3, "{there:?}");
    assert!(
        there[2].starts_with("**Dana** (Slipway):\n\nFrom here\n\\/close\n\n<!-- slipway:comment "),
        "{}",
        there[2]
    );
    assert_eq!(read(&world, iid).await["state"], "opened");
    assert_eq!(said().await.len(), 2);
    // Edits follow.
    let note = first["id"].as_i64().expect("an id");
    world
        .call(
            "PUT",
            &format!("{path}/{note}"),
            json!({ "body": "From GitLab, again" }),
        )
        .await;
    item::edit_comment(&world.ctx(), ORG, PROJECT, (number, id), "From here, again", None)
        .await
        .expect("it is changed");
    look(&world).await;
    let bodies: Vec<String> = said().await.into_iter().map(|(_, body)| body).collect();
    assert!(
        bodies.contains(&String::from("From GitLab, again")) && bodies.len() == 2,
        "{bodies:?}"
    );
    let there = notes(&world, iid).await;
    assert!(
        there[2].contains("From here, again") && there.len() == 3,
        "{there:?}"
    );
    // What was deleted here does not come back, and its note stays.
    item::delete_comment(&world.ctx(), ORG, PROJECT, number, id)
        .await
        .expect("gone");
    change(&world, iid, json!({ "title": "Talk even more" })).await;
    look(&world).await;
    assert_eq!((said().await.len(), notes(&world, iid).await.len()), (1, 3));
}

async fn bad_days_are_told_and_nothing_is_lost(world: World) {
    switched_on(
        &world,
        Input {
            creates: true,
            ..input()
        },
    )
    .await;
    let iid = issue(&world, json!({ "title": "Steady" })).await;
    look(&world).await;
    let number = number(&of(&world, iid).await.expect("an item"));
    let faults = world.gitlab.faults();
    let on = |path: &str| FaultMatch {
        path_regex: Some(path.to_owned()),
        ..FaultMatch::default()
    };
    // Limited, broken, cut, and cut after it was done: it arrives, once.
    for (at, fault) in [
        Fault::RateLimited { retry_after: 40 },
        Fault::Status { code: 502 },
        Fault::Drop,
        Fault::Truncate,
    ]
    .into_iter()
    .enumerate()
    {
        faults.add(on(r"/issues/\d+$"), fault, Some(1)).expect("a fault");
        faults.add(on(r"/notes"), fault, Some(1)).expect("a fault");
        let title = format!("Steady {at}");
        edit(&world, number, titled(&title)).await;
        item::add_comment(&world.ctx(), ORG, PROJECT, number, &title)
            .await
            .expect("a comment");
        look(&world).await;
        look(&world).await;
        faults.clear();
        look(&world).await;
        assert_eq!(read(&world, iid).await["title"], title, "{fault:?}");
        assert_eq!(notes(&world, iid).await.len(), at + 1, "{fault:?}");
        assert_eq!(item(&world, number).await.card.title, title);
    }
    // A token that may not: said at the settings, and it goes on once it may.
    faults
        .add(on(r"/issues"), Fault::Status { code: 403 }, None)
        .expect("a fault");
    edit(&world, number, titled("Refused")).await;
    look(&world).await;
    let trouble = shown(&world).await.trouble.expect("trouble");
    assert!(trouble.en.contains("Reporter"), "{}", trouble.en);
    faults.clear();
    look(&world).await;
    assert_eq!(read(&world, iid).await["title"], "Refused");
    assert_eq!(shown(&world).await.trouble, None);
    // Confidential from now on, then deleted.
    change(&world, iid, json!({ "confidential": true, "title": "Secret" })).await;
    look(&world).await;
    let view = item(&world, number).await;
    assert_eq!(view.card.title, "Refused");
    assert_eq!(view.mirror.expect("a link").state, LinkState::Confidential);
    let gone = issue(&world, json!({ "title": "Soon gone" })).await;
    look(&world).await;
    let view = of(&world, gone).await.expect("an item");
    world
        .call("DELETE", &format!("{}/{gone}", issues(&world)), Value::Null)
        .await;
    let number = self::number(&view);
    edit(&world, number, titled("Still here")).await;
    look(&world).await;
    let view = item(&world, number).await;
    assert_eq!(
        (view.card.title.as_str(), view.mirror.expect("a link").state),
        ("Still here", LinkState::Gone)
    );
    // An issue that was moved goes on elsewhere.
    let moved = issue(&world, json!({ "title": "Moved" })).await;
    look(&world).await;
    let number = self::number(&of(&world, moved).await.expect("an item"));
    let to = json!({ "to_project_id": world.sample("order-api") });
    world
        .call("POST", &format!("{}/{moved}/move", issues(&world)), to)
        .await;
    look(&world).await;
    let view = item(&world, number).await;
    assert_eq!(view.mirror.expect("a link").state, LinkState::Moved);
    assert_eq!(
        view.card.state.category(),
        Category::Todo,
        "moving closes it there, not here"
    );
}

async fn a_webhook_is_a_hint(world: World) {
    let app = switched_on(&world, input()).await;
    let hooks = world
        .call(
            "GET",
            &format!("projects/{}/hooks", world.sample(APP)),
            Value::Null,
        )
        .await;
    assert_eq!(
        (&hooks[0]["issues_events"], &hooks[0]["note_events"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(
        hooks.as_array().map(Vec::len),
        Some(1),
        "the one that was there was changed"
    );
    let iid = issue(&world, json!({ "title": "Told" })).await;
    let (_, sealed) = world
        .portal
        .store
        .read()
        .await
        .expect("a reader")
        .hook_secret(app)
        .await
        .expect("it answers")
        .expect("a secret");
    let token = world
        .portal
        .sealer
        .open(&format!("webhook of {app}"), &sealed)
        .expect("it opens");
    // What it says of the issue is not believed; that there is something to be asked is.
    let told = json!({
        "object_kind": "issue", "project": { "id": world.sample(APP) },
        "object_attributes": { "iid": iid, "title": "A lie", "action": "open" },
    });
    for (at, key) in ["1", "2", "2", "3"].into_iter().enumerate() {
        let headers = Headers {
            token: Some(token.clone()),
            event: Some(String::from("Issue Hook")),
            idempotency_key: Some(key.to_owned()),
            event_uuid: None,
        };
        let body = serde_json::to_vec(&told).expect("a body");
        webhook::accept(&world.portal, app, &headers, &body)
            .await
            .expect("taken");
        world.clock.advance(SECOND);
        world.turn().await;
        if at == 0 {
            let found = of(&world, iid).await.expect("an item");
            assert_eq!(found.card.title, "Told");
        }
    }
    assert_eq!(shown(&world).await.linked, 1);
}

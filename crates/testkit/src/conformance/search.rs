//! Search: what is found, in which order, and by whom.

use super::World;
use slipway_domain::access::Role;
use slipway_domain::item::{ItemKind, Priority};
use slipway_domain::person::PersonRef;
use slipway_domain::release::{Evidence, Workload};
use slipway_domain::run::{RunRow, RunStatus};
use slipway_domain::search::{Found, HitKind};
use slipway_portal::access::{self, At, may};
use slipway_portal::item::NewItem;
use slipway_portal::ports::{ReleaseRecord, RunRecord};
use slipway_portal::{Error, OpCtx, app, item, member, org, project, search};

/// `kind key`, in the order they are shown.
fn keys(found: &Found) -> Vec<String> {
    let hits = found.groups.iter().flat_map(|group| &group.hits);
    hits.map(|hit| format!("{:?} {}", hit.kind, hit.key)).collect()
}

async fn find(ctx: &OpCtx, typed: &str) -> Vec<String> {
    keys(&search::find(ctx, typed, 10).await.unwrap())
}

async fn add(ctx: &OpCtx, org: &str, title: &str) {
    let new = NewItem {
        kind: ItemKind::Task,
        title: title.to_owned(),
        description: String::new(),
        priority: Priority::Normal,
        severity: None,
        assignee: None,
        points: None,
        into_iteration: false,
        column: None,
        more: item::Edit::default(),
    };
    item::create(ctx, org, "checkout", new).await.unwrap();
}

/// An organization of `owner` with a private project `checkout` of two apps and an internal one `tools`.
async fn place(world: &World, slug: &str, owner: &PersonRef) -> OpCtx {
    world.org(slug, owner.id).await;
    let ctx = world.as_person(owner);
    for (project, name, key, internal) in [
        ("checkout", "Checkout", "CHK", false),
        ("tools", "Tools", "TOO", true),
    ] {
        let input = project::Input {
            slug: project.to_owned(),
            name: name.to_owned(),
            description: String::new(),
            key: key.to_owned(),
            internal,
        };
        project::create(&ctx, slug, input).await.unwrap();
    }
    for (project, app) in [
        ("checkout", "order-api"),
        ("checkout", "web"),
        ("tools", "linter"),
    ] {
        let input = app::Input {
            slug: app.to_owned(),
            name: app.to_uppercase(),
            description: String::new(),
        };
        app::create(&ctx, slug, project, input).await.unwrap();
    }
    ctx
}

async fn granted(world: &World, owner: &OpCtx, name: &str, at: At<'_>, role: Role) -> OpCtx {
    let person = world.person(name).await;
    let place = At::new(at.org, None, None);
    // Whoever holds a role somewhere is of the organization; the first one comes from Slipway itself.
    org::grant(&world.system(), place.org, None, person.id, Role::OrgMember)
        .await
        .unwrap();
    if role != Role::OrgMember {
        let who = slipway_domain::member::Holder::Person(person.id).key();
        member::grant(owner, at, &who, role.key()).await.unwrap();
    }
    world.as_person(&person)
}

/// A run and a release of an app.
async fn history(world: &World, app: &str, number: i64, version: &str) {
    let system = world.system();
    let app = access::app::<may::ReleaseCreate>(&system, "acme", "checkout", app)
        .await
        .unwrap();
    let now = system.now();
    let run = RunRecord {
        row: RunRow {
            id: system.id(),
            number,
            status: RunStatus::Success,
            git_ref: String::from("main"),
            sha: "a1".repeat(20),
            title: String::from("Sell more"),
            author: String::from("Dora"),
            source: String::from("push"),
            created_at: now,
            started_at: None,
            finished_at: None,
            failed_job: None,
        },
        forge_id: number + 100,
        tag: false,
        protected: false,
        web_url: String::new(),
        needs: None,
        evidence: None,
        failure: None,
        release_trouble: None,
        seen_at: now,
        settled_at: Some(now),
    };
    let release = ReleaseRecord {
        id: system.id(),
        app: app.id(),
        version: version.to_owned(),
        sha: "a1".repeat(20),
        git_ref: String::from("main"),
        run: Some(run.row.id),
        images: Vec::new(),
        workload: Workload::default(),
        template: None,
        commits: Vec::new(),
        previous: None,
        evidence: Evidence::default(),
        created_at: now,
        created_by: None,
        defective: None,
    };
    let mut tx = world.portal.store.write().await.unwrap();
    tx.put_run(&app.modify(), &run).await.unwrap();
    tx.insert_release(&app.modify(), &release).await.unwrap();
    tx.commit().await.unwrap();
}

/// Keys, titles in both languages and any case, versions and numbers are found; the best fit comes first, and what
/// is typed is taken literally.
pub async fn what_fits_best_is_found_first(world: World) {
    let ada = world.person("ada").await;
    let owner = place(&world, "acme", &ada).await;
    let lead = granted(
        &world,
        &owner,
        "lea",
        At::new("acme", Some("checkout"), None),
        Role::ProjectLead,
    )
    .await;
    for title in [
        "Refund button",
        "The refund is late",
        "退款按钮",
        "100% sure",
        "100 of them",
        "REFUND",
    ] {
        world.clock.advance(slipway_domain::time::SECOND);
        add(&lead, "acme", title).await;
    }
    history(&world, "order-api", 1, "2.4.1").await;
    history(&world, "web", 2, "12.4.0").await;

    assert_eq!(
        find(&lead, "refund").await,
        ["Item CHK-6", "Item CHK-1", "Item CHK-2"],
        "the whole title, its beginning, its middle"
    );
    assert_eq!(find(&lead, "款按").await, ["Item CHK-3"]);
    assert_eq!(find(&lead, "chk-4").await, ["Item CHK-4"]);
    assert_eq!(
        find(&lead, "100%").await,
        ["Item CHK-4"],
        "a wildcard is a sign like any other"
    );
    assert_eq!(find(&lead, "_").await, Vec::<String>::new());
    assert_eq!(find(&lead, "!").await, Vec::<String>::new());
    assert_eq!(find(&lead, "v2.4").await, ["Release 2.4.1", "Release 12.4.0"]);
    assert_eq!(find(&lead, "#2").await, ["Run #2", "Item CHK-2"]);
    assert_eq!(find(&lead, "ORDER-API").await, ["App order-api"]);
    assert_eq!(find(&lead, "checkout").await, ["Project checkout"]);
    assert_eq!(find(&lead, "lea").await, ["Person lea"]);
    assert_eq!(find(&lead, "acme").await, ["Org acme"]);
    assert_eq!(
        find(&lead, "\u{0}").await.len(),
        find(&lead, "").await.len(),
        "nothing was typed"
    );

    let few = search::find(&lead, "refund", 2).await.unwrap();
    assert!(few.groups[0].hits.len() == 2 && few.groups[0].more);
    let recent = search::find(&lead, "  ", 10).await.unwrap();
    assert_eq!(recent.query, "");
    assert_eq!(keys(&recent)[..1], ["Item CHK-6"], "one's own items of late");
}

/// Everybody finds what their pages show them, and nothing else: neither another project's, nor another app's, nor
/// anything of another organization.
pub async fn nobody_finds_what_they_may_not_see(world: World) {
    let (ada, olga) = (world.person("ada").await, world.person("olga").await);
    let owner = place(&world, "acme", &ada).await;
    place(&world, "other", &olga).await;
    let checkout = At::new("acme", Some("checkout"), None);
    let lead = granted(&world, &owner, "lea", checkout, Role::ProjectLead).await;
    let app = At::new("acme", Some("checkout"), Some("order-api"));
    let in_app = granted(&world, &owner, "dev", app, Role::AppViewer).await;
    let member = granted(
        &world,
        &owner,
        "max",
        At::new("acme", None, None),
        Role::OrgMember,
    )
    .await;
    let stranger = world.as_person(&olga);
    add(&lead, "acme", "A secret refund").await;
    history(&world, "order-api", 1, "2.4.1").await;
    history(&world, "web", 1, "2.4.2").await;

    assert_eq!(find(&lead, "refund").await, ["Item CHK-1"]);
    assert_eq!(
        find(&in_app, "refund").await,
        ["Item CHK-1"],
        "the project's board is theirs to read"
    );
    assert_eq!(find(&in_app, "2.4").await, ["Release 2.4.1"]);
    assert_eq!(find(&in_app, "#1").await, ["Run #1", "Item CHK-1"]);
    assert_eq!(find(&in_app, "web").await, Vec::<String>::new());
    assert_eq!(
        find(&member, "linter").await,
        ["App linter"],
        "all members see an internal project"
    );
    for hidden in ["refund", "checkout", "order-api", "2.4", "#1", "CHK-1"] {
        assert_eq!(find(&member, hidden).await, Vec::<String>::new(), "{hidden}");
    }
    for hidden in ["refund", "2.4", "#1", "CHK-1", "lea", "ada", "acme"] {
        let found = search::find(&stranger, hidden, 1).await.unwrap();
        assert!(found.groups.is_empty(), "{hidden}: {found:?}");
    }
    let theirs = search::find(&stranger, "order-api", 10).await.unwrap();
    assert_eq!(
        theirs.groups[0].hits.len(),
        1,
        "their own of that name: {theirs:?}"
    );
    assert!(!theirs.groups[0].more && theirs.groups[0].hits[0].path.starts_with("/orgs/other/"));

    // What is found is what the pages show.
    for ctx in [&owner, &lead, &in_app, &member, &stranger] {
        for typed in ["e", "o", "t", "1"] {
            let found = search::find(ctx, typed, 50).await.unwrap();
            for hit in found.groups.iter().flat_map(|group| &group.hits) {
                let parts: Vec<_> = hit.path.split('/').collect();
                let named = |word: &str| parts.iter().position(|p| *p == word).map(|at| parts[at + 1]);
                let org = named("orgs").expect("an organization");
                let at = At::new(org, named("projects"), named("apps"));
                access::anywhere(ctx, at).await.expect("its page opens");
                if hit.kind == HitKind::Person {
                    member::person(ctx, at, &hit.key).await.expect("their page opens");
                }
            }
        }
    }
    let nobody = search::find(&world.anonymous(), "refund", 10).await;
    assert!(matches!(nobody, Err(Error::Unauthenticated)));

    // A role that is taken away ends it.
    let lea = lead.user().unwrap().id;
    member::remove(&owner, At::new("acme", None, None), lea)
        .await
        .unwrap();
    assert!(
        find(&world.as_person(lead.user().unwrap()), "refund")
            .await
            .is_empty()
    );
}

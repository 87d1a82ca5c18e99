//! Importing a GitLab group: what can be chosen, what each repository becomes, and the days on which GitLab, the roles
//! or somebody else come in between.

use crate::world::{ORG, PROJECT, World};
use serde_json::json;
use slipway_domain::access::Role;
use slipway_domain::id::ImportId;
use slipway_domain::import::{ImportChooser, ImportState, ImportView};
use slipway_domain::person::PersonRef;
use slipway_domain::text::Locale;
use slipway_domain::time::SECOND;
use slipway_portal::access::{self, At, may};
use slipway_portal::import::{self, Asked, Edit, New, NewItem, Ticks};
use slipway_portal::{Actor, Error, OpCtx, Via, app, jobs, member, org, repository};
use slipway_sandbox::faults::{Fault, FaultMatch};
use std::collections::BTreeSet;

impl World {
    pub fn act(&self, person: &PersonRef) -> OpCtx {
        self.portal
            .ctx(Actor::User(person.clone()), Via::Web, "test", Locale::En)
    }

    /// The group `warehouse`, its connection, and its number.
    pub async fn warehouse(&self) -> i64 {
        self.gitlab.seed_group().expect("the group is made");
        self.connection().await;
        self.group_of("warehouse").await
    }

    async fn group_of(&self, path: &str) -> i64 {
        let shown = self.chooser(&Asked::default()).await;
        let groups = shown.groups.expect("groups").items;
        groups
            .iter()
            .find(|group| group.path == path)
            .expect("the group")
            .id
    }

    pub async fn chooser(&self, asked: &Asked) -> ImportChooser {
        import::chooser(&self.ctx(), ORG, PROJECT, asked)
            .await
            .expect("a chooser")
    }

    /// Starts an import of the whole group, subgroups and all.
    pub async fn start(&self, ctx: &OpCtx, group: i64) -> ImportId {
        let new = New {
            group,
            subgroups: true,
            ..New::default()
        };
        import::create(ctx, ORG, PROJECT, &new).await.expect("it starts")
    }

    pub async fn seen(&self, id: ImportId) -> ImportView {
        import::view(&self.ctx(), ORG, PROJECT, id, 0)
            .await
            .expect("the import")
    }

    /// One job's worth of work, other than looks.
    pub async fn work(&self) {
        jobs::step(&self.portal, "test").await.expect("the worker works");
        self.clock.advance(SECOND / 10);
    }

    pub async fn ended(&self, id: ImportId) -> ImportView {
        for _ in 0..3000 {
            let view = self.seen(id).await;
            if view.row.state != ImportState::Running {
                return view;
            }
            self.work().await;
            if let Some(at) = view.retry_at
                && at > self.portal.clock.now()
            {
                self.clock.advance(at.since(self.portal.clock.now()));
            }
        }
        panic!("it does not end: {:?}", self.seen(id).await);
    }

    pub fn fault(&self, path: &str, fault: Fault, times: Option<u32>) -> u64 {
        let on = FaultMatch {
            method: Some(String::from("GET")),
            path_regex: Some(path.to_owned()),
        };
        self.gitlab.faults().add(on, fault, times).expect("a pattern")
    }

    /// The slugs of the project's apps.
    pub async fn slugs(&self) -> Vec<String> {
        let grid = slipway_portal::project::grid(&self.ctx(), ORG, PROJECT).await;
        let rows = grid.expect("the grid").rows;
        rows.into_iter().map(|row| row.app.slug).collect()
    }
}

pub async fn on_both(test: impl AsyncFn(&World)) {
    let world = World::new().await;
    test(&world).await;
    world.gitlab.shutdown().await;
    if let Some(world) = World::on_postgres().await {
        test(&world).await;
        world.gitlab.shutdown().await;
    }
}

pub fn item<'a>(view: &'a ImportView, path: &str) -> &'a slipway_domain::import::ImportItem {
    let found = view.items.items.iter().find(|item| item.path == path);
    found.unwrap_or_else(|| panic!("{path} is not in it"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_becomes_apps_by_the_pages() {
    Box::pin(on_both(by_the_pages)).await;
}

#[expect(clippy::too_many_lines, reason = "one story, told in its order")]
async fn by_the_pages(world: &World) {
    let group = world.warehouse().await;
    world.app("barcode").await;
    let asked = Asked {
        group: Some(group),
        ..Asked::default()
    };
    let alone = world.chooser(&asked).await.repositories.unwrap();
    assert_eq!(alone.items.len(), 4, "without its subgroup");
    let asked = Asked {
        subgroups: true,
        ..asked
    };
    let shown = world.chooser(&asked).await;
    let page = shown.repositories.unwrap();
    assert_eq!((page.items.len(), page.more, shown.draft), (6, false, None));
    let of = |path: &str| page.items.iter().find(|one| one.path == path).unwrap();
    let old = of("warehouse/old-scanner");
    assert!(old.archived && !old.chosen && old.last_activity.is_some());
    assert_eq!(of("warehouse/label-printer").name, "标签打印");
    let printers = Asked {
        search: Some(String::from(" 标签 ")),
        ..asked.clone()
    };
    let found = world.chooser(&printers).await.repositories.unwrap();
    assert_eq!(found.items.len(), 1);

    // Two are ticked under the filter of one word, others on another page; all stay.
    let ticks = |search: Option<&str>, chosen: &[&str]| Ticks {
        group,
        subgroups: true,
        search: search.map(str::to_owned),
        page: 1,
        shown: page.items.iter().map(|one| one.repository).collect(),
        chosen: chosen.iter().map(|path| of(path).repository).collect(),
        ..Ticks::default()
    };
    let ctx = world.ctx();
    let nothing = Ticks {
        review: true,
        ..ticks(None, &[])
    };
    let refused = import::choose(&ctx, ORG, PROJECT, &nothing).await.unwrap_err();
    assert_eq!(refused.code(), "nothing_chosen");
    let label = Ticks {
        shown: BTreeSet::from([of("warehouse/label-printer").repository]),
        ..ticks(Some("label"), &["warehouse/label-printer"])
    };
    let draft = import::choose(&ctx, ORG, PROJECT, &label).await.unwrap();
    let rest = [
        "warehouse/label-printer",
        "warehouse/stock-service",
        "warehouse/tools/stock-service",
        "warehouse/tools/barcode",
        "warehouse/Pick_List.API",
    ];
    assert_eq!(
        import::choose(&ctx, ORG, PROJECT, &ticks(None, &rest))
            .await
            .unwrap(),
        draft
    );
    let without: Vec<&str> = rest[..4].to_vec();
    import::choose(&ctx, ORG, PROJECT, &ticks(None, &without))
        .await
        .unwrap();
    let shown = world.chooser(&asked).await;
    assert_eq!(shown.draft.unwrap().chosen, 4);
    let chosen = shown.repositories.unwrap().items;
    assert_eq!(chosen.iter().filter(|one| one.chosen).count(), 4);

    // Slugs are proposed of the paths, and make room for each other and for what is there.
    let view = world.seen(draft).await;
    assert_eq!((view.row.state, view.wrong), (ImportState::Draft, 0));
    assert_eq!(item(&view, "warehouse/label-printer").slug, "label-printer");
    assert_eq!(item(&view, "warehouse/label-printer").name, "标签打印");
    assert_eq!(item(&view, "warehouse/tools/barcode").slug, "barcode-2");
    let slugs: BTreeSet<&str> = view.items.items.iter().map(|item| item.slug.as_str()).collect();
    assert!(slugs.contains("stock-service") && slugs.contains("stock-service-2"));

    // What is typed wrong is kept and told.
    let edit = |path: &str, slug: &str, name: &str| Edit {
        repository: of(path).repository,
        slug: Some(slug.to_owned()),
        name: Some(name.to_owned()),
    };
    let wrong = [
        edit("warehouse/label-printer", "Not A Slug", "标签打印机"),
        edit("warehouse/tools/barcode", "barcode", " "),
    ];
    import::edit(&ctx, ORG, PROJECT, draft, &wrong).await.unwrap();
    let view = world.seen(draft).await;
    assert_eq!(view.wrong, 2);
    assert_eq!(item(&view, "warehouse/label-printer").slug, "Not A Slug");
    let taken = item(&view, "warehouse/tools/barcode").wrong_slug.clone().unwrap();
    assert!(
        taken.en.contains("“barcode-2” is free") && taken.zh.contains("可用"),
        "{taken:?}"
    );
    let refused = import::start(&ctx, ORG, PROJECT, draft).await.unwrap_err();
    assert!(
        matches!(&refused, Error::Invalid(fields) if fields.len() == 3),
        "{refused:?}"
    );
    let right = [
        edit("warehouse/label-printer", "labels", "标签打印机"),
        edit("warehouse/tools/barcode", "codes", "Codes"),
    ];
    import::edit(&ctx, ORG, PROJECT, draft, &right).await.unwrap();
    import::start(&ctx, ORG, PROJECT, draft).await.unwrap();
    assert_eq!(
        import::start(&ctx, ORG, PROJECT, draft).await.unwrap_err().code(),
        "started"
    );

    // Two workers race for every turn.
    for _ in 0..60 {
        let (a, b) = tokio::join!(jobs::step(&world.portal, "a"), jobs::step(&world.portal, "b"));
        a.and(b).unwrap();
        world.clock.advance(SECOND / 10);
    }
    let view = world.seen(draft).await;
    assert_eq!(view.row.state, ImportState::Done, "{view:?}");
    assert_eq!((view.row.counts.done, view.row.counts.total()), (4, 4));
    assert_eq!(
        item(&view, "warehouse/label-printer").app.as_ref().unwrap().name,
        "标签打印机"
    );
    let mut slugs = world.slugs().await;
    slugs.sort();
    assert_eq!(
        slugs,
        ["barcode", "codes", "labels", "stock-service", "stock-service-2"]
    );
    for one in &view.items.items {
        let hooks = format!("projects/{}/hooks", one.repository);
        let hooks = world.call("GET", &hooks, json!(null)).await;
        assert_eq!(hooks.as_array().unwrap().len(), 1, "{}: {hooks}", one.path);
    }
    let page = app::page(&ctx, ORG, PROJECT, "labels").await.unwrap();
    assert_eq!(page.overview.repository.unwrap().path, "warehouse/label-printer");
    assert_eq!(page.overview.description, "Prints the labels of parcels.");

    // Each app has its audit rows, in the name of whoever started it.
    let made = audited(world, "app.create").await;
    assert_eq!(made.iter().filter(|via| *via == "system").count(), 4, "{made:?}");
    assert_eq!(audited(world, "app.connect").await.len(), 4);
    assert_eq!(audited(world, "import.start").await.len(), 1);

    // What has an app cannot be chosen again.
    let shown = world.chooser(&asked).await;
    let used = shown.repositories.unwrap().items;
    let used = used.iter().filter(|one| one.used_by.is_some() && !one.chosen);
    assert_eq!(used.count(), 4);
    assert_eq!((shown.imports.len(), shown.draft), (1, None));
    let all = Ticks {
        all: true,
        ..ticks(None, &[])
    };
    let more = import::choose(&ctx, ORG, PROJECT, &all).await.unwrap();
    let view = world.seen(more).await;
    let paths: Vec<&str> = view.items.items.iter().map(|item| item.path.as_str()).collect();
    assert_eq!(
        paths,
        ["warehouse/Pick_List.API"],
        "neither archived nor connected"
    );
    assert_eq!(view.items.items[0].slug, "pick-list-api");
}

/// By what the rows of the audit log with that action were done.
pub async fn audited(world: &World, action: &str) -> Vec<String> {
    let system = world.portal.system("judge");
    let org = access::org::<may::AuditRead>(&system, ORG).await.unwrap();
    let filter = slipway_portal::ports::AuditFilter {
        action: Some(action.to_owned()),
        limit: 500,
        ..slipway_portal::ports::AuditFilter::default()
    };
    let rows = system
        .read()
        .await
        .unwrap()
        .audit_rows(&org, &filter)
        .await
        .unwrap();
    rows.into_iter().map(|row| row.via).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_and_fifty_repositories_come_over_pages() {
    let world = World::new().await;
    world.connection().await;
    let made = json!({ "name": "大组", "path": "big", "visibility": "private" });
    let group = world.call("POST", "groups", made).await["id"].as_i64().unwrap();
    for n in 0..250 {
        let made =
            json!({ "name": format!("服务 {n}"), "path": format!("svc-{n:03}"), "namespace_id": group });
        world.call("POST", "projects", made).await;
    }
    let asked = |page| Asked {
        group: Some(group),
        page,
        ..Asked::default()
    };
    let mut seen = BTreeSet::new();
    for (page, size, more) in [(1, 100, true), (2, 100, true), (3, 50, false)] {
        let shown = world.chooser(&asked(page)).await.repositories.unwrap();
        assert_eq!((shown.items.len(), shown.more, shown.page), (size, more, page));
        seen.extend(shown.items.into_iter().map(|one| one.path));
    }
    assert_eq!(seen.len(), 250);
    let all = Ticks {
        group,
        page: 1,
        all: true,
        ..Ticks::default()
    };
    let draft = import::choose(&world.ctx(), ORG, PROJECT, &all).await.unwrap();
    let view = import::view(&world.ctx(), ORG, PROJECT, draft, 3).await.unwrap();
    assert_eq!((view.items.items.len(), view.items.more), (50, false));
    assert_eq!(view.row.counts.waiting, 250);
    import::start(&world.ctx(), ORG, PROJECT, draft).await.unwrap();
    // The first ones become apps; that all of them would is a matter of time.
    while world.seen(draft).await.row.counts.done < 12 {
        world.work().await;
    }
    import::stop(&world.ctx(), ORG, PROJECT, draft).await.unwrap();
    let first = import::view(&world.ctx(), ORG, PROJECT, draft, 1).await.unwrap();
    assert_eq!(item(&first, "big/svc-000").app.as_ref().unwrap().name, "服务 0");
    assert_eq!(first.row.counts.total(), 250);
    world.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_may_make_and_connect_apps_imports_and_strangers_find_nothing() {
    Box::pin(on_both(only_who_may)).await;
}

async fn only_who_may(world: &World) {
    let group = world.warehouse().await;
    let lead = world.member("lea", Role::ProjectLead).await;
    let viewer = world.act(&world.member("vic", Role::ProjectViewer).await);
    let product = world.act(&world.member("pam", Role::ProjectProduct).await);
    let system = world.portal.system("test");
    let stranger = slipway_portal::person::NewAccount {
        username: String::from("olga"),
        name: String::from("Olga"),
        email: None,
        password: String::from("correct horse"),
    };
    let stranger = slipway_portal::person::create(&system, stranger).await.unwrap();
    org::create(&system, "other", "Other", stranger.id).await.unwrap();
    let stranger = world.act(&stranger);
    let asked = Asked {
        group: Some(group),
        ..Asked::default()
    };
    let ticks = Ticks {
        group,
        page: 1,
        all: true,
        ..Ticks::default()
    };
    let leads = world.act(&lead);
    let draft = import::choose(&leads, ORG, PROJECT, &ticks).await.unwrap();
    // A draft is its owner's alone, also before somebody else who may.
    let others = import::view(&world.ctx(), ORG, PROJECT, draft, 1).await;
    assert!(matches!(others, Err(Error::NotFound)));
    import::start(&leads, ORG, PROJECT, draft).await.unwrap();
    for (ctx, code) in [
        (&viewer, "forbidden"),
        (&product, "forbidden"),
        (&stranger, "not_found"),
    ] {
        let answers = [
            import::chooser(ctx, ORG, PROJECT, &asked).await.err(),
            import::choose(ctx, ORG, PROJECT, &ticks).await.err(),
            import::view(ctx, ORG, PROJECT, draft, 1).await.err(),
            import::list(ctx, ORG, PROJECT).await.err(),
            import::edit(ctx, ORG, PROJECT, draft, &[]).await.err(),
            import::start(ctx, ORG, PROJECT, draft).await.err(),
            import::stop(ctx, ORG, PROJECT, draft).await.err(),
            import::retry(ctx, ORG, PROJECT, draft).await.err(),
        ];
        for answer in answers {
            assert_eq!(answer.map(|error| error.code()), Some(code));
        }
    }
    // An owner elsewhere gets at neither the import nor the connection by their ids.
    let made = slipway_portal::project::Input {
        slug: String::from("theirs"),
        name: String::from("Theirs"),
        description: String::new(),
        key: String::from("THE"),
        internal: false,
    };
    slipway_portal::project::create(&stranger, "other", made)
        .await
        .unwrap();
    let connection = world.chooser(&asked).await.connection;
    let through = Asked {
        connection,
        ..asked.clone()
    };
    let empty = import::chooser(&stranger, "other", "theirs", &through)
        .await
        .unwrap();
    assert!(empty.connections.is_empty() && empty.groups.is_none() && empty.repositories.is_none());
    let ticked = Ticks {
        connection,
        ..ticks.clone()
    };
    let refused = import::choose(&stranger, "other", "theirs", &ticked).await;
    assert!(matches!(refused, Err(Error::NotFound)), "{refused:?}");
    let refused = import::view(&stranger, "other", "theirs", draft, 1).await;
    assert!(matches!(refused, Err(Error::NotFound)), "{refused:?}");

    // The lead is taken out of the project after the first app.
    while world.seen(draft).await.row.counts.done == 0 {
        world.work().await;
    }
    let place = At::new(ORG, Some(PROJECT), None);
    member::remove(&world.ctx(), place, lead.id).await.unwrap();
    let view = world.ended(draft).await;
    assert_eq!(view.row.state, ImportState::Stopped);
    let reason = view.reason.clone().unwrap();
    assert!(
        reason.en.contains("lea, in whose name it ran") && !reason.zh.is_empty(),
        "{reason:?}"
    );
    assert_eq!((view.row.counts.done, view.row.counts.waiting), (1, 2));
    // Somebody who may goes on, in their own name.
    import::retry(&world.ctx(), ORG, PROJECT, draft).await.unwrap();
    let view = world.ended(draft).await;
    assert_eq!((view.row.state, view.row.counts.done), (ImportState::Done, 3));
    assert_eq!(view.row.by.username, "dana");
}

/// A group with some repositories, and the number of the first one.
pub async fn fresh_group(world: &World, path: &str, size: usize) -> (i64, i64) {
    let made = world
        .call("POST", "groups", json!({ "name": path, "path": path }))
        .await;
    let group = made["id"].as_i64().unwrap();
    let mut first = 0;
    for n in (0..size).rev() {
        let made = json!({ "name": format!("{path} {n}"), "path": format!("r{n}"), "namespace_id": group });
        first = world.call("POST", "projects", made).await["id"].as_i64().unwrap();
    }
    (group, first)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_stopped_goes_on_and_makes_room_for_what_others_do_meanwhile() {
    Box::pin(on_both(meanwhile)).await;
}

async fn meanwhile(world: &World) {
    let (_, ctx) = (world.connection().await, world.ctx());
    let (group, first) = fresh_group(world, "shop", 4).await;
    let id = world.start(&ctx, group).await;
    while world.seen(id).await.row.counts.done == 0 {
        world.work().await;
    }
    import::stop(&ctx, ORG, PROJECT, id).await.unwrap();
    let refused = import::stop(&ctx, ORG, PROJECT, id).await.unwrap_err();
    assert_eq!(refused.code(), "not_running");
    for _ in 0..20 {
        world.work().await;
    }
    let view = world.seen(id).await;
    assert_eq!((view.row.state, view.row.counts.done), (ImportState::Stopped, 1));
    assert!(view.reason.clone().unwrap().en.contains("Dana stopped it"));
    assert!(item(&view, "shop/r0").app.is_some() && item(&view, "shop/r0").repository == first);

    // Meanwhile somebody connects the next repository to an app of theirs, and takes the slug of the one after.
    let next = item(&world.seen(id).await, "shop/r1").repository;
    world.app("mine").await;
    repository::connect(&ctx, ORG, PROJECT, "mine", None, next)
        .await
        .unwrap();
    world.app("r2").await;
    import::retry(&ctx, ORG, PROJECT, id).await.unwrap();
    let refused = import::retry(&ctx, ORG, PROJECT, id).await.unwrap_err();
    assert_eq!(refused.code(), "running");
    let view = world.ended(id).await;
    let counts = view.row.counts;
    assert_eq!(
        (view.row.state, counts.done, counts.skipped),
        (ImportState::Done, 3, 1)
    );
    let skipped = item(&view, "shop/r1");
    assert!(
        skipped
            .reason
            .as_ref()
            .unwrap()
            .en
            .contains("“mine” uses this repository")
    );
    let renamed = item(&view, "shop/r2");
    assert_eq!(renamed.app.as_ref().unwrap().slug, "r2-2");
    assert!(
        renamed
            .reason
            .as_ref()
            .unwrap()
            .en
            .contains("its address is “r2-2”")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_names_repositories_and_is_told_what_is_wrong_with_each() {
    let world = World::new().await;
    world.connection().await;
    let (group, first) = fresh_group(&world, "api", 3).await;
    world.app("taken").await;
    let named = |repository, slug: Option<&str>| NewItem {
        repository,
        slug: slug.map(str::to_owned),
        name: None,
    };
    let new = |some: Vec<NewItem>| New {
        group,
        repositories: Some(some),
        ..New::default()
    };
    let ctx = world.ctx();
    let wrong = new(vec![
        named(first, Some("taken")),
        named(first, None),
        named(999_999, None),
        named(first - 1, Some("No")),
    ]);
    let refused = import::create(&ctx, ORG, PROJECT, &wrong).await.unwrap_err();
    let Error::Invalid(fields) = refused else {
        panic!("{refused:?}")
    };
    let mut fields: Vec<&str> = fields.iter().map(|field| field.field.as_str()).collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "repositories[0].slug",
            "repositories[1].repository",
            "repositories[2].repository",
            "repositories[3].slug"
        ]
    );
    assert_eq!(
        import::create(&ctx, ORG, PROJECT, &new(Vec::new()))
            .await
            .unwrap_err()
            .code(),
        "nothing_chosen"
    );
    let good = new(vec![named(first, Some("mine")), named(first - 1, None)]);
    let id = import::create(&ctx, ORG, PROJECT, &good).await.unwrap();
    let view = world.ended(id).await;
    assert_eq!(view.row.counts.done, 2);
    let mut slugs = world.slugs().await;
    slugs.sort();
    assert_eq!(slugs, ["mine", "r1", "taken"]);
    world.gitlab.shutdown().await;
}

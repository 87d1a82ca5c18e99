//! Templates that organizations and projects write, which app uses which, and bulk upgrades.

use super::World;
use slipway_domain::id::{AppId, TemplateId};
use slipway_domain::person::PersonRef;
use slipway_domain::pipeline::TemplateRef;
use slipway_domain::template::{Notice, Standing, StepState, UpgradeState};
use slipway_domain::text::Text;
use slipway_domain::time::Timestamp;
use slipway_portal::access::{self, Anywhere, App, At, Authorized, may};
use slipway_portal::ports::{
    StoreError, TemplateRecord, TemplateVersionRecord, Tx, UpgradeRecord, UpgradeStepRecord, UseRecord,
};
use slipway_portal::{OpCtx, app, place, project};

type Place = Authorized<Anywhere, may::Modify>;

struct Scene {
    owner: PersonRef,
    org: Place,
    project: Place,
    other: Place,
    app: Authorized<App, may::PipelineEdit>,
    system: OpCtx,
}

/// An organization with two projects and an app in the first.
async fn scene(world: &World) -> Scene {
    let owner = world.person("owner").await;
    world.org("acme", owner.id).await;
    let system = world.system();
    let mut places = Vec::new();
    for (slug, key) in [("checkout", "CHK"), ("ledger", "LED")] {
        let input = project::Input {
            slug: slug.to_owned(),
            name: slug.to_owned(),
            description: String::new(),
            key: key.to_owned(),
            internal: false,
        };
        project::create(&system, "acme", input).await.unwrap();
        let at = At::new("acme", Some(slug), None);
        places.push(access::publishing(&system, at).await.unwrap());
    }
    let input = app::Input {
        slug: String::from("order-api"),
        name: String::from("Order API"),
        description: String::new(),
    };
    app::create(&system, "acme", "checkout", input).await.unwrap();
    let other = places.pop().unwrap();
    Scene {
        owner,
        org: access::publishing(&system, At::new("acme", None, None))
            .await
            .unwrap(),
        project: places.pop().unwrap(),
        other,
        app: access::app(&system, "acme", "checkout", "order-api")
            .await
            .unwrap(),
        system,
    }
}

async fn write(world: &World) -> Box<dyn Tx> {
    world.portal.store.write().await.expect("a transaction")
}

impl Scene {
    fn record(&self, place: &Place, slug: &str) -> TemplateRecord {
        TemplateRecord {
            id: self.system.id(),
            project: place.project_id(),
            slug: slug.to_owned(),
            text: String::from("{ \"names\": \"商店\" }"),
            version: 1,
            standing: Standing::Draft,
            notice: None,
            created_at: self.system.now(),
            updated_at: self.system.now(),
            updated_by: Some(self.owner.clone()),
        }
    }

    fn version(&self, template: TemplateId, version: &str, at: i64) -> TemplateVersionRecord {
        TemplateVersionRecord {
            template,
            version: version.to_owned(),
            text: format!("{{ \"version\": \"{version}\" }}"),
            changelog: Text::new("new", "新"),
            published_at: Timestamp(at),
            published_by: Some(self.owner.clone()),
        }
    }

    fn upgrade(&self) -> UpgradeRecord {
        UpgradeRecord {
            id: self.system.id(),
            key: String::from("org.shop"),
            to: String::from("1.1.0"),
            state: UpgradeState::Running,
            by: self.owner.clone(),
            reason: None,
            created_at: self.system.now(),
            ended_at: None,
        }
    }
}

fn step(app: AppId) -> UpgradeStepRecord {
    UpgradeStepRecord {
        app,
        from: String::from("1.0.0"),
        state: StepState::Waiting,
        reason: None,
        proposal: None,
        tries: 0,
        ended_at: None,
    }
}

/// A slug is taken once a place; a document is changed by whoever saw it last; a version is published once and stays; an
/// app sees the templates of its organization and of its own project alone.
pub async fn a_template_is_one_places_and_its_versions_stay(world: World) {
    let scene = scene(&world).await;
    let (ours, above, foreign) = (
        scene.record(&scene.project, "shop"),
        scene.record(&scene.org, "shop"),
        scene.record(&scene.other, "secret"),
    );
    let mut tx = write(&world).await;
    tx.insert_template(&scene.project, &ours).await.unwrap();
    tx.insert_template(&scene.org, &above).await.unwrap();
    tx.insert_template(&scene.other, &foreign).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = write(&world).await;
    let again = scene.record(&scene.project, "shop");
    let taken = tx.insert_template(&scene.project, &again).await;
    assert!(
        matches!(&taken, Err(StoreError::Constraint(name)) if name.contains("templates_slug_key") || name.contains("slug")),
        "{taken:?}"
    );
    drop(tx);

    let mut tx = write(&world).await;
    let saved = TemplateRecord {
        text: String::from("二"),
        standing: Standing::Withdrawn,
        notice: Some(Notice {
            at: Timestamp(7),
            by: String::from("Dana"),
            why: String::from("慢"),
            successor: Some(String::from("node")),
        }),
        ..ours.clone()
    };
    tx.update_template(&scene.project, &saved).await.unwrap();
    let late = tx.update_template(&scene.project, &saved).await;
    assert!(matches!(late, Err(StoreError::Gone)), "{late:?}");
    let sideways = tx
        .update_template(
            &scene.other,
            &TemplateRecord {
                version: 2,
                ..saved.clone()
            },
        )
        .await;
    assert!(matches!(sideways, Err(StoreError::Gone)), "another project's");
    let expected = TemplateRecord { version: 2, ..saved };
    assert_eq!(
        tx.templates(&scene.project.see()).await.unwrap(),
        std::slice::from_ref(&expected)
    );
    assert_eq!(
        tx.templates_above(&scene.project.see()).await.unwrap(),
        std::slice::from_ref(&above)
    );
    assert_eq!(
        tx.templates_for(&scene.app.see()).await.unwrap(),
        [above.clone(), expected]
    );

    for (version, at) in [("1.0.0", 1), ("1.10.0", 2)] {
        tx.insert_template_version(&scene.org, &scene.version(above.id, version, at))
            .await
            .unwrap();
    }
    let kept = tx.template_versions(&scene.org.see(), &[above.id]).await.unwrap();
    assert_eq!(
        kept,
        [
            scene.version(above.id, "1.10.0", 2),
            scene.version(above.id, "1.0.0", 1)
        ]
    );
    assert_eq!(
        tx.template_versions_for(&scene.app.see(), &[above.id, ours.id])
            .await
            .unwrap()
            .len(),
        2
    );
    let used = tx.delete_template(&scene.org, above.id, 1).await;
    assert!(matches!(used, Err(StoreError::Gone)), "a published one stays");
    tx.delete_template(&scene.other, foreign.id, 1).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = write(&world).await;
    let twice = tx
        .insert_template_version(&scene.org, &scene.version(above.id, "1.0.0", 3))
        .await;
    assert!(matches!(twice, Err(StoreError::Constraint(_))), "{twice:?}");
}

/// Who writes a document is known for as long as they say so, in its place alone; a draft that goes takes it along.
pub async fn a_template_knows_who_writes_it(world: World) {
    let scene = scene(&world).await;
    let draft = scene.record(&scene.project, "shop");
    let other = world.person("other").await;
    let mut tx = write(&world).await;
    tx.insert_template(&scene.project, &draft).await.unwrap();
    let note = |who, at: i64| (who, Timestamp(at), Timestamp(at - 60));
    let mut noted = Vec::new();
    for (who, at, since) in [
        note(scene.owner.id, 100),
        note(other.id, 130),
        note(scene.owner.id, 150),
        note(scene.owner.id, 300),
    ] {
        let one = tx
            .note_template_editor(&scene.project, draft.id, who, at, since)
            .await;
        noted.push(one.unwrap());
    }
    assert_eq!(noted, [true, true, false, true]);
    let foreign = tx
        .note_template_editor(&scene.other, draft.id, other.id, Timestamp(300), Timestamp(0))
        .await;
    assert!(matches!(foreign, Err(StoreError::Gone)), "{foreign:?}");
    let see = scene.project.see();
    let now = tx.template_editors(&see, draft.id, Timestamp(131)).await.unwrap();
    assert_eq!(now, std::slice::from_ref(&scene.owner));
    let both = tx.template_editors(&see, draft.id, Timestamp(130)).await.unwrap();
    assert_eq!(both.len(), 2);
    tx.delete_template(&scene.project, draft.id, 1).await.unwrap();
    assert!(
        tx.template_editors(&see, draft.id, Timestamp(0))
            .await
            .unwrap()
            .is_empty()
    );
    tx.commit().await.unwrap();
}

/// What an app uses is what was seen last; it is counted in its project and its organization, and goes with the app.
pub async fn an_app_uses_what_was_seen_last(world: World) {
    let scene = scene(&world).await;
    let seen = |version: &str| UseRecord {
        used: Some(TemplateRef {
            key: String::from("org.shop"),
            version: version.to_owned(),
        }),
        commit: String::from("abc"),
        seen_at: Timestamp(5),
    };
    let mut tx = write(&world).await;
    assert_eq!(tx.template_use(&scene.app.see()).await.unwrap(), None);
    tx.put_template_use(&scene.app.modify(), &seen("1.0.0"))
        .await
        .unwrap();
    tx.put_template_use(&scene.app.modify(), &seen("1.1.0"))
        .await
        .unwrap();
    assert_eq!(
        tx.template_use(&scene.app.see()).await.unwrap(),
        Some(seen("1.1.0"))
    );
    for place in [&scene.org, &scene.project] {
        let uses = tx.template_uses(&place.see(), "org.shop").await.unwrap();
        assert_eq!(uses.len(), 1);
        assert_eq!((uses[0].0.app.id, &uses[0].1), (scene.app.id(), &seen("1.1.0")));
        assert_eq!(tx.all_template_uses(&place.see()).await.unwrap().len(), 1);
    }
    assert!(
        tx.template_uses(&scene.other.see(), "org.shop")
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        tx.template_uses(&scene.org.see(), "node")
            .await
            .unwrap()
            .is_empty()
    );
    let none = UseRecord {
        used: None,
        ..seen("1.1.0")
    };
    tx.put_template_use(&scene.app.modify(), &none).await.unwrap();
    assert!(tx.all_template_uses(&scene.org.see()).await.unwrap().is_empty());
    tx.commit().await.unwrap();
}

/// An app of a bulk upgrade is settled once, only while that runs, and only where it runs; all of it goes with the place.
pub async fn a_bulk_upgrade_settles_each_app_once(world: World) {
    let scene = scene(&world).await;
    let record = scene.upgrade();
    let mut tx = write(&world).await;
    tx.insert_template_upgrade(&scene.project, &record, &[step(scene.app.id())])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mut tx = write(&world).await;
    assert_eq!(
        tx.template_upgrade(&scene.project.see(), record.id)
            .await
            .unwrap(),
        Some(record.clone())
    );
    assert_eq!(
        tx.template_upgrade(&scene.org.see(), record.id).await.unwrap(),
        None,
        "it is the project's"
    );
    assert_eq!(
        tx.template_upgrades(&scene.project.see(), "org.shop", 5)
            .await
            .unwrap(),
        std::slice::from_ref(&record)
    );
    let found = tx.place_of_template_upgrade(record.id).await.unwrap().unwrap();
    assert_eq!(
        found.project.map(|project| project.id),
        scene.project.project_id()
    );

    let waits = UpgradeStepRecord {
        reason: Some(Text::new("GitLab is away", "GitLab 无应答")),
        tries: 1,
        ..step(scene.app.id())
    };
    tx.settle_template_upgrade_step(&scene.project, record.id, &waits)
        .await
        .unwrap();
    let next = tx
        .next_template_upgrade_step(&scene.project.see(), record.id)
        .await
        .unwrap();
    assert_eq!(next.as_ref(), Some(&waits));
    let refused = UpgradeStepRecord {
        state: StepState::Refused,
        ended_at: Some(Timestamp(9)),
        ..waits
    };
    tx.settle_template_upgrade_step(&scene.project, record.id, &refused)
        .await
        .unwrap();
    let twice = tx
        .settle_template_upgrade_step(&scene.project, record.id, &refused)
        .await;
    assert!(matches!(twice, Err(StoreError::Gone)), "{twice:?}");
    let steps = tx
        .template_upgrade_steps(&scene.project.see(), record.id)
        .await
        .unwrap();
    assert_eq!((steps.len(), &steps[0].1, &steps[0].2), (1, &refused, &None));
    assert_eq!(
        tx.retry_template_upgrade_steps(&scene.project, record.id)
            .await
            .unwrap(),
        1
    );
    let stopped = UpgradeRecord {
        state: UpgradeState::Stopped,
        reason: Some(Text::new("enough", "够了")),
        ended_at: Some(Timestamp(11)),
        ..record.clone()
    };
    tx.update_template_upgrade(&scene.project, &stopped, UpgradeState::Running)
        .await
        .unwrap();
    let late = tx
        .update_template_upgrade(&scene.project, &stopped, UpgradeState::Running)
        .await;
    assert!(matches!(late, Err(StoreError::Gone)), "{late:?}");
    let after = tx
        .settle_template_upgrade_step(&scene.project, record.id, &refused)
        .await;
    assert!(
        matches!(after, Err(StoreError::Gone)),
        "a stopped one settles nothing"
    );
    tx.insert_template(&scene.project, &scene.record(&scene.project, "shop"))
        .await
        .unwrap();
    tx.commit().await.unwrap();

    let ctx = world.system();
    place::delete(&ctx, "acme", Some("checkout"), None, "checkout")
        .await
        .unwrap();
    let mut tx = write(&world).await;
    assert!(tx.place_of_template_upgrade(record.id).await.unwrap().is_none());
    assert!(tx.templates_above(&scene.org.see()).await.unwrap().is_empty());
}

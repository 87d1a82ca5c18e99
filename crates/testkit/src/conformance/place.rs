//! Places: renaming, archiving, deleting, switches, quotas, and the rotation of secrets.

use super::World;
use slipway_domain::access::{Action, Role};
use slipway_domain::environment::Health;
use slipway_domain::feature::Feature;
use slipway_domain::id::AppId;
use slipway_domain::quota::Quota;
use slipway_portal::access::{self, may};
use slipway_portal::place::{self, AppInput, OrgInput, ProjectInput};
use slipway_portal::seal::Sealer;
use slipway_portal::secret::SecretKind;
use slipway_portal::{
    Error, OpCtx, app, audit, connection, environment, feature, item, org, project, quota, version,
};

struct Scene {
    owner: OpCtx,
    lead: OpCtx,
    app: AppId,
}

/// `acme/checkout/pay`, whose owner is `ada` and whose lead is `lea`.
async fn scene(world: &World) -> Scene {
    let ada = world.person("ada").await;
    world.org("acme", ada.id).await;
    let owner = world.as_person(&ada);
    project::create(&owner, "acme", new_project("checkout", "CHK"))
        .await
        .unwrap();
    let lea = world.person("lea").await;
    org::grant(&owner, "acme", Some("checkout"), lea.id, Role::ProjectLead)
        .await
        .unwrap();
    let lead = world.as_person(&lea);
    let app = app::create(&lead, "acme", "checkout", new_app("pay"))
        .await
        .unwrap();
    Scene { owner, lead, app }
}

fn new_project(slug: &str, key: &str) -> project::Input {
    project::Input {
        slug: slug.to_owned(),
        name: slug.to_uppercase(),
        description: String::new(),
        key: key.to_owned(),
        internal: false,
    }
}

fn new_app(slug: &str) -> app::Input {
    app::Input {
        slug: slug.to_owned(),
        name: slug.to_uppercase(),
        description: String::new(),
    }
}

fn app_input(slug: &str) -> AppInput {
    AppInput {
        slug: slug.to_owned(),
        name: slug.to_uppercase(),
        description: String::new(),
    }
}

fn code(error: &Error) -> &'static str {
    error.code()
}

/// Every place is found by the slug it had, at every level at once, until another place gets that slug.
pub async fn a_renamed_place_is_found_by_its_old_slug(world: World) {
    let Scene { owner, lead, app, .. } = scene(&world).await;
    let edit = OrgInput {
        slug: String::from("apex"),
        name: String::from("Apex"),
    };
    let at = place::edit_org(&owner, "acme", edit).await.unwrap();
    assert_eq!(at.path(), "/orgs/apex");
    let edit = ProjectInput {
        slug: String::from("till"),
        name: String::from("Till"),
        description: String::from("Takes money"),
        internal: false,
    };
    // What somebody else changed since it was read is not written over.
    let stale = owner.only_on(Some(version::project("checkout", "Another name", "", false)));
    let late = place::edit_project(&stale, "acme", "checkout", edit.clone()).await;
    assert_eq!(late.unwrap_err().code(), Error::version_mismatch().code());
    let at = place::edit_project(&owner, "acme", "checkout", edit)
        .await
        .unwrap();
    assert_eq!(at.path(), "/orgs/apex/projects/till");
    let at = place::edit_app(&lead, "apex", "checkout", "pay", app_input("purse"))
        .await
        .unwrap();
    assert_eq!(at.path(), "/orgs/apex/projects/till/apps/purse");
    for (org, project, slug) in [
        ("acme", "checkout", "pay"),
        ("apex", "checkout", "purse"),
        ("acme", "till", "pay"),
    ] {
        let found = access::app::<may::See>(&lead, org, project, slug).await.unwrap();
        assert_eq!(
            (found.id(), found.place().path()),
            (app, at.path()),
            "{org} {project} {slug}"
        );
        assert_eq!(
            (found.workload.name.as_str(), found.workload.part_of.as_str()),
            ("pay", "checkout"),
            "what runs keeps its name"
        );
    }
    assert!(matches!(
        access::app::<may::See>(&lead, "acme", "checkout", "purse-2").await,
        Err(Error::NotFound)
    ));
    // A new place with an old slug is what the slug means from now on.
    let new = project::create(&owner, "apex", new_project("checkout", "CHT"))
        .await
        .unwrap();
    let found = access::project::<may::See>(&owner, "apex", "checkout")
        .await
        .unwrap();
    assert_eq!(found.id(), new);
    // And back.
    place::edit_app(&lead, "apex", "till", "purse", app_input("pay"))
        .await
        .unwrap();
    let found = access::app::<may::See>(&lead, "apex", "till", "purse")
        .await
        .unwrap();
    assert_eq!(found.app.slug, "pay");
}

/// Slugs are checked as when a place is made, and no app gets the name that another one's workload has.
pub async fn a_slug_is_checked_when_a_place_is_renamed(world: World) {
    let Scene { lead, .. } = scene(&world).await;
    app::create(&lead, "acme", "checkout", new_app("ship"))
        .await
        .unwrap();
    for wrong in ["ship", "settings", "new", "A", "-a-", ""] {
        let refused = place::edit_app(&lead, "acme", "checkout", "pay", app_input(wrong)).await;
        let Err(Error::Invalid(fields)) = refused else {
            panic!("{wrong} was taken")
        };
        assert!(fields.iter().any(|field| field.field == "slug"), "{fields:?}");
    }
    place::edit_app(&lead, "acme", "checkout", "pay", app_input("purse"))
        .await
        .unwrap();
    let refused = app::create(&lead, "acme", "checkout", new_app("pay"))
        .await
        .unwrap_err();
    assert!(
        matches!(&refused, Error::Invalid(fields) if fields[0].text.en.contains("Kubernetes")),
        "{refused:?}"
    );
    let refused = place::edit_app(&lead, "acme", "checkout", "ship", app_input("pay"))
        .await
        .unwrap_err();
    assert!(matches!(refused, Error::Invalid(_)), "{refused:?}");
}

/// What is archived stays readable and refuses changes, all the way down, until it is restored.
pub async fn an_archived_place_reads_and_does_not_change(world: World) {
    let Scene { owner, lead, .. } = scene(&world).await;
    place::archive(&lead, "acme", Some("checkout"), None)
        .await
        .unwrap();
    place::archive(&lead, "acme", Some("checkout"), None)
        .await
        .unwrap();
    app::overview(&lead, "acme", "checkout", "pay").await.unwrap();
    project::settings(&lead, "acme", "checkout").await.unwrap();
    let refused = [
        app::create(&lead, "acme", "checkout", new_app("ship"))
            .await
            .map(drop)
            .unwrap_err(),
        place::edit_app(&lead, "acme", "checkout", "pay", app_input("purse"))
            .await
            .map(drop)
            .unwrap_err(),
        feature::switch(&lead, "acme", "checkout", &[]).await.unwrap_err(),
    ];
    for error in refused {
        assert_eq!(code(&error), "archived");
        assert!(
            error.text().en.starts_with("The project is archived"),
            "{error:?}"
        );
    }
    let above = place::restore(&lead, "acme", Some("checkout"), Some("pay"))
        .await
        .unwrap_err();
    assert_eq!(code(&above), "archived_above");
    let scope = access::project::<may::See>(&lead, "acme", "checkout")
        .await
        .unwrap();
    let held = lead.rights().await.unwrap().in_project(&scope);
    assert!(held.has(Action::See) && held.has(Action::AuditRead) && !held.has(Action::AppCreate));
    place::restore(&lead, "acme", Some("checkout"), None)
        .await
        .unwrap();
    place::edit_app(&lead, "acme", "checkout", "pay", app_input("purse"))
        .await
        .unwrap();
    // The organization takes all of it along.
    place::archive(&owner, "acme", None, None).await.unwrap();
    let error = place::edit_app(&lead, "acme", "checkout", "pay", app_input("pay"))
        .await
        .unwrap_err();
    assert_eq!(code(&error), "archived");
    place::restore(&owner, "acme", None, None).await.unwrap();
    app::create(&lead, "acme", "checkout", new_app("ship"))
        .await
        .unwrap();
}

/// Deleting asks for the name, is refused while something runs, takes everything along, and leaves the audit log.
pub async fn a_deleted_place_is_gone_and_its_audit_log_stays(world: World) {
    super::promotion::running_app(&world).await;
    let system = world.system();
    let here = (Some("checkout"), Some("order-api"));
    let delete = |name: &'static str| place::delete(&system, "acme", here.0, here.1, name);
    let wrong = delete("Order").await.unwrap_err();
    assert!(
        matches!(&wrong, Error::Invalid(fields) if fields[0].field == "confirm"),
        "{wrong:?}"
    );
    for health in [Health::Healthy, Health::Degraded, Health::Unknown] {
        super::promotion::reported(&world, health).await;
        let refused = delete("order-api").await.unwrap_err();
        assert_eq!(code(&refused), "deployed", "{health:?}");
        assert!(refused.text().en.contains("order-api in "), "{refused:?}");
    }
    let above = place::delete(&system, "acme", None, None, "acme")
        .await
        .unwrap_err();
    assert_eq!(code(&above), "deployed");
    super::promotion::reported(&world, Health::Missing).await;
    delete("order-api").await.unwrap();
    assert!(matches!(
        access::app::<may::See>(&system, "acme", "checkout", "order-api").await,
        Err(Error::NotFound)
    ));
    // The slug is free, for a workload as well.
    app::create(&system, "acme", "checkout", new_app("order-api"))
        .await
        .unwrap();
    place::delete(&system, "acme", Some("checkout"), None, "Checkout")
        .await
        .unwrap();
    place::delete(&system, "acme", None, None, "acme").await.unwrap();
    assert!(matches!(
        org::overview(&system, "acme").await,
        Err(Error::NotFound)
    ));
    assert!(org::list(&system).await.unwrap().is_empty());
    let mut tx = system.read().await.unwrap();
    let orgs = tx.audited_orgs().await.unwrap();
    assert_eq!(orgs.len(), 1, "its log is still verified");
    assert_eq!(tx.verify_audit(orgs[0].0).await.unwrap(), None);
    drop(tx);
    let eve = world.person("eve").await;
    world.org("acme", eve.id).await;
}

/// What is switched off is refused for reading and for changing, by everyone, and comes back with its data.
pub async fn a_feature_that_is_off_is_refused_and_keeps_its_data(world: World) {
    let Scene { lead, .. } = scene(&world).await;
    item::board(&lead, "acme", "checkout").await.unwrap();
    feature::switch(&lead, "acme", "checkout", &[Feature::Releases])
        .await
        .unwrap();
    let refused = [
        item::board(&lead, "acme", "checkout")
            .await
            .map(drop)
            .unwrap_err(),
        item::bugs(&lead, "acme", "checkout").await.map(drop).unwrap_err(),
        slipway_portal::run::list(&lead, "acme", "checkout", "pay", None)
            .await
            .map(drop)
            .unwrap_err(),
    ];
    for error in refused {
        assert_eq!(code(&error), "feature_off");
    }
    slipway_portal::release::list(&lead, "acme", "checkout", "pay", None)
        .await
        .unwrap();
    let overview = app::overview(&lead, "acme", "checkout", "pay").await.unwrap();
    assert!(!overview.rights.run_pipeline && overview.rights.rollback && overview.rights.manage);
    feature::switch(&lead, "acme", "checkout", &Feature::ALL)
        .await
        .unwrap();
    item::board(&lead, "acme", "checkout").await.unwrap();
}

/// A project that is made for people comes with its environments, by one audit row each.
pub async fn a_project_comes_with_its_environments(world: World) {
    let Scene { owner, lead, .. } = scene(&world).await;
    let refused = project::create_with_chain(&owner, "acme", new_project("till", "CHK"))
        .await
        .unwrap_err();
    assert!(
        matches!(&refused, Error::Invalid(fields) if fields[0].field == "key"),
        "{refused:?}"
    );
    assert!(matches!(
        access::project::<may::See>(&owner, "acme", "till").await,
        Err(Error::NotFound)
    ));
    let refused = project::create_with_chain(&lead, "acme", new_project("till", "TIL"))
        .await
        .unwrap_err();
    assert!(matches!(refused, Error::Forbidden(_)), "{refused:?}");
    project::create_with_chain(&owner, "acme", new_project("till", "TIL"))
        .await
        .unwrap();
    let settings = project::settings(&owner, "acme", "till").await.unwrap();
    let keys: Vec<_> = settings
        .quotas
        .iter()
        .map(|row| row.environment.key.as_str())
        .collect();
    assert_eq!(keys, ["dev", "qa", "uat", "live"]);
    let query = audit::Query {
        org: String::from("acme"),
        ..audit::Query::default()
    };
    let (_, rows) = audit::read(&owner, &query).await.unwrap();
    let made = rows.iter().filter(|row| row.action == "environment.create");
    assert_eq!(made.count(), 4);
}

/// A quota is set by those who may create projects, environment by environment, and read back.
pub async fn a_quota_is_kept_by_environment(world: World) {
    let Scene { owner, lead, .. } = scene(&world).await;
    environment::create_default_chain(&lead, "acme", "checkout", |_| None)
        .await
        .unwrap();
    let input = quota::Input {
        cpu: String::from("1.5"),
        memory: String::from("8Gi"),
        pods: String::new(),
    };
    let refused = quota::set(&lead, "acme", "checkout", "dev", &input)
        .await
        .unwrap_err();
    assert!(matches!(refused, Error::Forbidden(_)), "{refused:?}");
    quota::set(&owner, "acme", "checkout", "dev", &input)
        .await
        .unwrap();
    quota::set(&owner, "acme", "checkout", "dev", &input)
        .await
        .unwrap();
    assert!(matches!(
        quota::set(&owner, "acme", "checkout", "moon", &input).await,
        Err(Error::NotFound)
    ));
    let settings = project::settings(&lead, "acme", "checkout").await.unwrap();
    let expected = Quota {
        cpu_millis: Some(1500),
        memory_mib: Some(8192),
        pods: None,
    };
    assert_eq!(settings.quotas[0].quota, expected);
    assert_eq!(settings.quotas[1].quota, Quota::default());
    assert!(!settings.may_set_quotas);
}

/// After a rotation every secret opens with the new key alone.
pub async fn secrets_are_sealed_anew(world: World) {
    let Scene { owner, .. } = scene(&world).await;
    let input = connection::Input {
        name: String::from("GitLab"),
        base_url: String::from("https://gitlab.example.com"),
        token: String::from("glpat-secret"),
    };
    connection::create(&owner, "acme", input).await.unwrap();
    let system = world.system();
    let done = slipway_portal::secret::rotate(&system).await.unwrap();
    assert_eq!((done.renewed, done.current, done.broken.len()), (0, 1, 0));
    let mut tx = system.read().await.unwrap();
    let found = tx.sealed(SecretKind::Connection).await.unwrap().remove(0);
    drop(tx);
    let new = Sealer::new("the new key of sixteen", &[]);
    let context = found.id.to_string();
    let renewed = new.seal(&context, "glpat-secret");
    let mut tx = world.portal.store.write().await.unwrap();
    tx.reseal(&found, &renewed).await.unwrap();
    assert!(
        tx.reseal(&found, "older").await.is_err(),
        "only what was read is replaced"
    );
    tx.commit().await.unwrap();
    let broken = slipway_portal::secret::rotate(&system).await.unwrap();
    assert_eq!(
        (broken.renewed, broken.broken.len()),
        (0, 1),
        "the key is unknown here: nothing is lost"
    );
    assert!(matches!(
        slipway_portal::secret::rotate(&owner).await,
        Err(Error::NotFound)
    ));
    let query = audit::Query {
        org: String::from("acme"),
        ..audit::Query::default()
    };
    let (_, rows) = audit::read(&owner, &query).await.unwrap();
    assert!(!format!("{rows:?}").contains("glpat"), "no secret in the log");
}
